#!/bin/bash
# ops.sh OPS...: runs the command OPS... (ops.c) on each ISA of this machine and on 1, 2, 3, 4 and 7
# threads ($HONE_TEST_THREADS alone if that is set, 3 where it is an emulator and a program) and demands the
# lines pinned in ops.txt.
# `ops.sh --pin OPS...` writes what it prints now to ops.txt: for new ops, and for a change of bits that is meant.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS
export OMP_WAIT_POLICY=passive # more threads than cores: those that wait must not spin
if [ "$1" = --pin ]; then
  shift
  HONE_FORCE_THREADS=1 "$@" >"$here/ops.txt"
  exit
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
failures=0

# check ENVIRONMENT...
check() {
  if ! env "$@" "${ops[@]}" >"$place/got" 2>"$place/errors"; then
    echo "$*: failed: $(head -3 "$place/errors")"
    failures=$((failures + 1))
  elif ! diff "$here/ops.txt" "$place/got" >"$place/diff"; then
    echo "$*: other bits than pinned (<):"
    head -20 "$place/diff"
    failures=$((failures + 1))
  else
    echo "$*: the pinned bits"
  fi
}
ops=("$@")
threads=(1 2 3 4 7)
[ ${#ops[@]} -eq 1 ] || HONE_TEST_THREADS=3 # an emulator takes half an hour for all
[ -z "${HONE_TEST_THREADS:-}" ] || threads=("$HONE_TEST_THREADS")
for n in "${threads[@]}"; do check HONE_FORCE_THREADS=$n; done
# has ISA: this machine surely has it. An emulator's CPU is nobody's business.
has() {
  local flags flag
  [ "$1" = scalar ] && return 0
  [ ${#ops[@]} -eq 1 ] && [ -r /proc/cpuinfo ] || return 1
  case $1 in
  avx2) flags="avx2 fma" ;;
  avx512) flags="avx2 fma avx512f avx512bw avx512dq avx512vl" ;;
  neon) flags=asimd ;;
  esac
  for flag in $flags; do grep -qw "$flag" /proc/cpuinfo || return 1; done
}

for isa in scalar avx2 avx512 neon; do
  if HONE_ISA=$isa "${ops[@]}" probe 2>"$place/errors" >"$place/got"; then
    check HONE_ISA=$isa HONE_FORCE_THREADS=2
  elif has $isa; then
    echo "HONE_ISA=$isa: this CPU has it, but it is refused: $(head -1 "$place/errors")"
    failures=$((failures + 1))
  else
    echo "no $isa here: $(head -1 "$place/errors")"
  fi
done
[ "$failures" -eq 0 ]
