#!/bin/bash
# off.sh WITH WITHOUT: what a profile that doesn't run costs an op: instructions, counted by callgrind, of
# two builds of the same program, the second without the checks. Exit status 77 without valgrind.
set -uo pipefail
command -v valgrind >/dev/null || { echo "skipped: no valgrind"; exit 77; }
export HONE_NUM_THREADS=1
[ "$(uname -m)" = x86_64 ] && export HONE_ISA=avx2 # callgrind knows no AVX-512
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
instructions() { # PROGRAM KIND N
  valgrind --tool=callgrind --callgrind-out-file="$place/out" "$@" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
status=0
for kind in forward training; do
  for i in 0 1; do
    program=$1
    [ $i = 1 ] && program=$2
    few=$(instructions "$program" $kind 4000)
    many=$(instructions "$program" $kind 12000)
    [ -n "$few" ] && [ -n "$many" ] || { echo "skipped: callgrind counts nothing here"; exit 77; }
    each[i]=$((100 * (many - few) / 8000))
  done
  cost=$((each[0] - each[1]))
  echo "$kind: $((each[0] / 100)) instructions an op, of them $((cost / 100)).$(printf %02d $((cost % 100 < 0 ? 0 : cost % 100))) for a profile that doesn't run"
  [ $cost -le 400 ] || { echo "FAILED: more than 4"; status=1; }
done
exit $status
