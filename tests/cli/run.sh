#!/bin/bash
# run.sh HONE: what a run prints, and what its options do.
source "$(dirname "$0")/common.sh" "$1"
rows() { grep -cE '^ +[0-9]+ +[0-9.]+ +0\.[0-9]+ +[0-9.]+ +0\.[0-9]+ +[0-9.]+$' out; }
train=("$hone" train --limit 2000)

works "${train[@]}" --epochs 6
says '^digits: 2000 training and 2000 test images$'
says '^mlp 784-100-10, 79510 parameters; sgd, lr 0.5, batch 100, seed 0$'
[ "$(rows)" -eq 6 ] || fail "not six rows"
if grep -q "$(printf '\033')" out; then fail "escape codes without a terminal"; fi
# it learns: the sixth row's errors are below a third
awk '$1 == 6 && NF == 6 { good = $3 < 0.33 && $5 < 0.33 } END { exit !good }' out || { fail "it did not learn"; cat out; }

# the same run gives the same rows; another seed others
losses() { "$@" | awk 'NF == 6 && $1 ~ /^[0-9]+$/ { print $1, $2, $3, $4, $5 }'; }
first=$(losses "${train[@]}" --epochs 2)
[ "$first" = "$(losses "${train[@]}" --epochs 2 --threads 1)" ] || fail "one thread gives other numbers"
[ "$first" != "$(losses "${train[@]}" --epochs 2 --seed 1)" ] || fail "--seed changes nothing"
shuffled=$(losses "${train[@]}" --epochs 2 --shuffle)
[ "$first" != "$shuffled" ] || fail "--shuffle changes nothing"
[ "$shuffled" = "$(losses "${train[@]}" --epochs 2 --shuffle)" ] || fail "--shuffle is not repeatable"
[ "$first" != "$(losses "${train[@]}" --epochs 2 --momentum 0.5)" ] || fail "--momentum changes nothing"
[ "$(losses "${train[@]}" --epochs 1 --lr 0 | cut -d' ' -f4)" != "$(cut -d' ' -f4 <<<"$first" | head -n 1)" ] ||
  fail "--lr 0 trains"
checks=$((checks + 7))

# a batch that doesn't divide the set, a batch larger than the set, deep and flat networks, more threads than cores
works "$hone" train --limit 130 --epochs 1 --batch 50
works "$hone" train --limit 130 --epochs 1 --batch 1000
works "$hone" train --limit 200 --epochs 1 --model mlp:784,30,20,10
works "$hone" train --limit 200 --epochs 1 --model mlp:784,10 --threads 7
says '7 threads'

# a locale with a decimal comma changes nothing
works env LC_ALL=de_DE.UTF-8 "${train[@]}" --epochs 2
[ "$first" = "$(awk 'NF == 6 && $1 ~ /^[0-9]+$/ { print $1, $2, $3, $4, $5 }' out)" ] || fail "the locale changes numbers"

# on a terminal: a bar while it runs, and the curve at the end
if command -v script >/dev/null; then
  TERM=xterm LC_ALL=C.UTF-8 script -qec "$hone train --limit 2000 --epochs 3" /dev/null >out </dev/null
  says 'epoch 1/3 step '
  says 'samples/s'
  says 'loss over 60 steps'
  [ "$(rows <(tr -d '\r' <out))" -ge 0 ] || fail "rows on a terminal"
  TERM=dumb script -qec "$hone train --limit 2000 --epochs 2" /dev/null >out </dev/null
  if grep -q "$(printf '\033')" out; then fail "escape codes on a dumb terminal"; fi
fi
finish
