#!/bin/bash
# metrics.sh HONE: what is told about answers: the K best, the confusion matrix, recall and precision.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 1000 --epochs 2)

# agrees ERROR: the matrix in `out` has 1000 answers, of which that share is wrong, and each row's
# recall and precision are those of its counts
agrees() {
  checks=$((checks + 1))
  awk -v error="$1" 'function off(a, b) { return a - b > 6e-5 || b - a > 6e-5 }
    /^class +0 / { inside = 1; next }
    inside && NF == 13 { for (i = 0; i < 10; i++) { n[$1, i] = $(i + 2); all += $(i + 2); answers[i] += $(i + 2); labels[$1] += $(i + 2) }
      right += n[$1, $1]; recall[$1] = $12; precision[$1] = $13; rows++ }
    END { bad = rows != 10 || all != 1000 || off(1 - right / all, error)
      for (i = 0; i < 10; i++) bad = bad || off(recall[i], n[i, i] / labels[i]) || (answers[i] ? off(precision[i], n[i, i] / answers[i]) : precision[i] != "-")
      exit bad }' out || { fail "the matrix doesn't fit an error of $1"; cat out; }
}

works "${train[@]}" --save weights --top-k 3 --log log
says '^epoch  train loss  train error  test loss  test error  top-3 error  seconds$'
agrees "$(awk '$1 == 2 && NF == 7 { print $5 }' out)"
top3=$(awk '$1 == 2 && NF == 7 { print $6 }' out)
grep -q '"test_top_k_error": 0' log || fail "no top-k error in the log"
cp out trained
works "$hone" eval --limit 1000 --load weights --top-k 3
agrees "$(grep -oE 'test error [0-9.]+' out | cut -d' ' -f3)"
says "^top-3 error $top3\$"
[ "$(sed -n '/^rows/,$p' out)" = "$(sed -n '/^rows/,/^saved/p' trained | grep -v '^saved')" ] || { fail "eval's matrix differs"; cat trained out; }
error=$(grep -oE 'test error [0-9.]+' out | cut -d' ' -f3)
works "$hone" eval --limit 1000 --load weights --top-k 1
says "^top-1 error $error\$"
works "$hone" eval --limit 1000 --load weights --top-k 10
says '^top-10 error 0.0000$'
works "$hone" eval --limit 1000 --load weights
if grep -q '^top-' out; then fail "a top-k error that nobody asked for"; fi
works "${train[@]}" --quiet
[ ! -s out ] || fail "--quiet printed a matrix"
# best weights: the matrix is theirs
works "$hone" train --limit 1000 --epochs 4 --lr 3 --batch 20 --val-split 0.1 --early-stop 3 --save best
sed -n '/^rows/,/^saved/p' out | grep -v '^saved' >matrix
works "$hone" eval --limit 1000 --load best
[ "$(sed -n '/^rows/,$p' out)" = "$(cat matrix)" ] || { fail "not the best weights' matrix"; cat matrix out; }
checks=$((checks + 5))
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
  TERM=xterm script -qec "stty cols 50; $hone eval --limit 1000 --load weights" /dev/null </dev/null | tr -d '\r' >out
  says '^class +recall +precision$'
  [ "$(grep -cE '^ +[0-9] +[01]\.[0-9]+ +([01]\.[0-9]+|-)$' out)" -eq 10 ] || { fail "a narrow terminal"; cat out; }
else
  not_checked "a narrow terminal (there is no program script, or no terminal for it)"
fi
for command in train "eval --load weights"; do
  for bad in 0 -1 x 1.5; do refuses 2 "--top-k takes a whole number from 1" "$hone" $command --top-k "$bad"; done
  refuses 2 '--top-k 11: there are 10 classes' "$hone" $command --top-k 11
done
finish
