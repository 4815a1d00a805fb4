#!/bin/bash
# run.sh HONE: what a run prints, and what its options do.
source "$(dirname "$0")/common.sh" "$1"
rows() { grep -cE '^ +[0-9]+ +[0-9.]+ +0\.[0-9]+ +[0-9.]+ +0\.[0-9]+ +[0-9.]+$' "$1"; }
train=("$hone" train --limit 2000)

works "${train[@]}" --epochs 6
says '^digits: 2000 training and 2000 test images$'
says '^mlp 784-100-10, 79510 parameters; sgd, lr 0.5, batch 100, seed 0$'
[ "$(rows out)" -eq 6 ] || fail "not six rows"
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

# every optimizer that takes this network
names=$("$hone" train --help | sed -n 's/.*optimizer: \(.*\) \[sgd\]/\1/p')
[ "$(wc -w <<<"$names")" -ge 11 ] || fail "--help lists these optimizers: $names"
for name in $names; do
  [ "$name" = muon ] && continue
  works "$hone" train --limit 200 --epochs 1 --optim "$name" --weight-decay 0.001
  says "; $name, lr [0-9.e-]*, weight decay 0.001, batch 100"
done

# a batch that doesn't divide the set, a batch larger than the set, deep and flat networks, more
# threads than cores
works "$hone" train --limit 130 --epochs 1 --batch 50
works "$hone" train --limit 130 --epochs 1 --batch 1000
works "$hone" train --limit 200 --epochs 1 --model mlp:784,30,20,10
works "$hone" train --limit 200 --epochs 1 --model mlp:784,10 --threads 7
says '7 threads'
works env HONE_NUM_THREADS=1 "$hone" train --limit 200 --epochs 1 --threads 3
says ' 3 threads'
works env HONE_FORCE_THREADS=5 "$hone" train --limit 200 --epochs 1 --threads 3
says ' 3 threads'

# every bit of a seed counts
works "$hone" train --limit 200 --epochs 1 --seed 18446744073709551615
says ' seed 18446744073709551615$'
large=$(losses cat out)
[ "$large" != "$(losses "$hone" train --limit 200 --epochs 1 --seed 9223372036854775807)" ] || fail "the seed's top bit"

# a run that diverges keeps the table's columns and names what is no number
"$hone" train --limit 300 --epochs 4 --lr 1000000 --nan ignore >out 2>err
says '^ +[1-4] +[0-9.]+e\+[0-9]+ +0\.[0-9]+ '
says '^ +[1-4] .* (nan|inf) '
if grep -q -- '-nan' out; then fail "a NaN has a sign"; fi
checks=$((checks + 1))
awk '/^epoch  train loss/ { table = 1; wide = length($0) }
  /^$/ { table = 0 }
  table { rows++; if (length($0) != wide) bad = 1 }
  END { exit bad || rows != 5 }' out || { fail "columns of a run that diverged"; cat out; }

# the rate counts images, also in a short last batch, not steps times --batch
works "$hone" train --limit 100 --epochs 1 --batch 1000000 --quiet --log log
awk -F'[:,] *' '{ for (i = 1; i < NF; i++) v[$i] = $(i + 1); r = v["\"samples_per_second\""] * v["\"seconds\""] }
  END { exit !(r > 99 && r < 101) }' log || { fail "samples per second"; cat log; }

# on a terminal: a bar while it runs, and the curve at the end; no line reaches the last column,
# however narrow it is
# on_terminal COLUMNS ARG...: out gets what was shown, a line for each time that the line was
# rewritten
on_terminal() {
  TERM=xterm LC_ALL=${locale:-C} script -qec "stty cols $1; $hone train ${*:2}" /dev/null </dev/null |
    tr '\r' '\n' | sed 's/\x1b\[K//g' >out
}
fits() {
  checks=$((checks + 1))
  awk -v most=$(($1 - 1)) 'length($0) > most { bad = 1; print length($0) ": " $0 } END { exit bad }' <(sed '1,/^epoch/d' out) ||
    fail "too wide for $1 columns"
}
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
  locale=C.UTF-8 on_terminal 100 --limit 2000 --epochs 3
  says 'epoch 1/3 step [0-9]+/20 \[(█| )+\]  loss [0-9.]+  [0-9:]+ left  [0-9]+ samples/s'
  says 'loss over 60 steps'
  [ "$(rows out)" -eq 3 ] || { fail "rows on a terminal"; cat out; }
  on_terminal 70 --limit 2000 --epochs 1
  says '^epoch 1/1 step [0-9]+/20  loss [0-9.]+  [0-9:]+ left  [0-9]+ samples/s$|^epoch 1/1 step [0-9]+/20 \[[# ]+\]  loss'
  fits 70
  on_terminal 50 --limit 2000 --epochs 1
  says '^epoch 1/1 step [0-9]+/20( \[[# ]+\])?  loss [0-9.]+  [0-9:]+ left$'
  says '^epoch  train loss  test loss  test error$'
  fits 50
  on_terminal 40 --limit 2000 --epochs 1
  says '^epoch 1/1 step [0-9]+/20( \[[# ]+\])?  loss [0-9.]+$'
  says '^epoch  test loss  test error$'
  says '^loss, 20 steps$'
  fits 40
  on_terminal 20 --limit 2000 --epochs 1
  says '^epoch 1/1 step [0-9]'
  says '^epoch  test error$'
  fits 20
  # two bytes a letter, one column: cut between letters
  mkdir "$(printf 'ä%.0s' {1..60})"
  locale=C.UTF-8 on_terminal 41 --data "$(printf 'ä%.0s' {1..60})"
  says "^reading $(printf 'ä%.0s' {1..32})\$"
  TERM=dumb script -qec "$hone train --limit 2000 --epochs 2" /dev/null >out </dev/null
  if grep -q "$(printf '\033')" out; then fail "escape codes on a dumb terminal"; fi
else
  not_checked "the bar (there is no program script, or no terminal for it)"
fi
finish
