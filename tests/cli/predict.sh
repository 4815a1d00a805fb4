#!/bin/bash
# predict.sh HONE: a class and the probabilities of all, a row an image.
source "$(dirname "$0")/common.sh" "$1"
works "$hone" train --limit 1500 --epochs 2 --quiet --save weights
works "$hone" train --limit 300 --epochs 1 --quiet --model lenet --save lenet

# good FILE N: N rows behind the titles; the class is the largest probability, which add up to 1
good() {
  checks=$((checks + 1))
  awk -F, -v n="$2" 'NR == 1 { bad = $0 != "row,class,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9"; next }
    { best = 0; sum = 0; for (i = 0; i < 10; i++) { sum += $(i + 3); if ($(i + 3) > $(best + 3)) best = i }
      bad = bad || NF != 12 || $1 != NR - 2 || $2 != best || sum < 0.99999 || sum > 1.00001 }
    END { exit bad || NR != n + 1 }' "$1" || { fail "not the rows of $2 images"; head -n 3 "$1"; }
}

works "$hone" predict --load weights --limit 1200
good out 1200
cp out csv
works "$hone" predict --load weights --limit 1200 --out file.csv --threads 1
[ ! -s out ] && cmp -s csv file.csv || fail "--out has another text"
works env HONE_ISA=scalar "$hone" predict --load weights --model mlp:784,100,10 --limit 1200
cmp -s out csv || fail "another ISA gives other digits"
works "$hone" predict --load lenet --model lenet --limit 20
good out 20
works "$hone" predict --load weights --limit 1200 --json
cp out json
sed 's/{"row": //; s/, "class": /,/; s/, "probabilities": \[/,/; s/\]}//; s/, /,/g' json >lines
cmp -s lines <(tail -n +2 csv) || { fail "JSON and CSV differ"; head -n 2 json; }
if command -v python3 >/dev/null; then
  python3 -c 'import json, sys
rows = [json.loads(line) for line in open("json")]
assert [r["row"] for r in rows] == list(range(1200)) and all(len(r["probabilities"]) == 10 for r in rows)' || fail "no JSON lines"
fi
# what is predicted is what is counted
works "$hone" eval --load weights --limit 1200
awk '/^class +0 / { inside = 1; next } inside && NF == 13 { for (i = 0; i < 10; i++) n[i] += $(i + 2) } END { for (i = 0; i < 10; i++) print i, n[i] }' out >counted
awk -F, 'NR > 1 { n[$2]++ } END { for (i = 0; i < 10; i++) print i, n[i] + 0 }' csv >predicted
cmp -s counted predicted || { fail "other answers than hone eval counts"; paste counted predicted; }
"$hone" predict --load weights --limit 1200 | head -n 1 >out
[ "${PIPESTATUS[0]}" -eq 141 ] || [ "${PIPESTATUS[0]}" -eq 0 ] || fail "| head"
checks=$((checks + 5))

works "$hone" predict --help
for option in load layout data model limit json out threads; do says "^  --$option"; done
refuses 2 '--load FILE is missing' "$hone" predict
refuses 2 'unknown option --jsn; did you mean --json' "$hone" predict --load weights --jsn
refuses 2 '--json takes no value' "$hone" predict --load weights --json=yes
refuses 2 '--limit takes a whole number from 1' "$hone" predict --load weights --limit 0
refuses 2 '--layout takes out,in or in,out' "$hone" predict --load weights --layout up
refuses 2 '--out: the FILE is empty' "$hone" predict --load weights --out ''
refuses 2 "--model takes mlp:.*'nothing'" "$hone" predict --load weights --model nothing
refuses 1 'none: No such file' "$hone" predict --load none
refuses 1 '--out gone/x: No such file' "$hone" predict --load weights --out gone/x
refuses 1 '--out \.: not a regular file' "$hone" predict --load weights --out .
refuses 1 'of other networks --model says' "$hone" predict --load lenet
refuses 1 "data 'nowhere'|nowhere" "$hone" predict --load weights --data nowhere
if [ -w /dev/full ]; then refuses 1 'standard output: No space' bash -c "'$hone' predict --load weights --limit 1200 >/dev/full"; fi
finish
