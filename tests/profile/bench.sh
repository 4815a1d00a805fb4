#!/bin/bash
# bench.sh HONE PRODUCT: of some products, the % of the limit that a profile shows is that of hone bench
# within 5 %. The bests of some turns of both: others may use the machine, and a profile's clock runs on
# meanwhile.
set -uo pipefail
hone=$1 product=$2
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
status=0
for size in 512x512x512 100x100x784 256x1024x784; do
  for turn in 1 2 3 4 5; do
    "$hone" bench gemm --dtype f32 --size $size --seconds 1 >"$place/bench" || { cat "$place/bench"; exit 1; }
    "$product" ${size//x/ } "$place/profile" || exit 1
    # its row: ... | ns, median, best | peak, % | ...
    b=$(awk -F'|' '/^matmul .* NN / { split($2, rate, " "); split($3, peak, " "); print 100 * rate[3] / peak[1]; exit }' "$place/bench")
    # its row: what the limits leave for all calls, and the least of a step, in ns
    p=$(grep '"op":"matmul"' "$place/profile" | sed -n 's/.*"calls":\([0-9]*\),.*"roof_ns":\([0-9]*\),.*"step_ns":\[\([0-9]*\),.*/\1 \2 \3/p' |
      awk '{ print 100 * $2 / $1 / $3 }')
    [ -n "$b" ] && [ -n "$p" ] || { echo "FAILED: no numbers of $size"; exit 1; }
    echo "$b $p"
  done >"$place/turns"
  awk -v size=$size '{ b = $1 > b ? $1 : b; p = $2 > p ? $2 : p }
    END { printf "%s: bench %.1f %%, profile %.1f %% of the limit, ratio %.3f\n", size, b, p, p / b
      exit !(p / b > 0.95 && p / b < 1.05) }' "$place/turns" || { echo "FAILED: more than 5 % apart"; cat "$place/turns"; status=1; }
done
exit $status
