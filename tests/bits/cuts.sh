#!/bin/bash
# cuts.sh CUTS...: runs the command CUTS... (cuts.c) and CUTS... rows on each ISA of this machine and
# on 1, 2, 3 and 7 threads; where CUTS... is an emulator and a program, which takes fifty times as long,
# on 3 alone.
set -euo pipefail
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS
export OMP_WAIT_POLICY=passive
failures=0
check() {
  if env "$@"; then echo "$*: good"; else failures=$((failures + 1)) && echo "$*: failed"; fi
}
threads=(1 2 3 7) isas=(scalar avx2 avx512 neon)
if [ $# -gt 1 ]; then threads=(3) isas=(); fi
for n in "${threads[@]}"; do
  check HONE_FORCE_THREADS=$n "$@"
  check HONE_FORCE_THREADS=$n "$@" rows
done
for isa in "${isas[@]}"; do
  if HONE_ISA=$isa "$@" probe 2>/dev/null >/dev/null; then
    check HONE_ISA=$isa HONE_FORCE_THREADS=2 "$@"
    check HONE_ISA=$isa HONE_FORCE_THREADS=2 "$@" rows
  fi
done
[ "$failures" -eq 0 ]
