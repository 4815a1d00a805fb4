#!/bin/bash
# train.sh HONE: what changes a step of training: schedules, warm-up, clipping, smoothed labels,
# averages, a validation set and early stopping.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 600 --epochs 2 --quiet)

# column KEY: the values of a key of `log`, a line each
column() { sed -n "s/.*\"$1\": \([^,}]*\).*/\1/p" log; }
# holds AWK-CONDITION: on the column's values v[1], v[2], ...
holds() {
  checks=$((checks + 1))
  column "$1" | awk "{ v[NR] = \$1 } END { exit !($2) }" || { fail "$1: not $2"; cat log; }
}

# ---- the rate: steps and epochs; the last step's in the log
works "${train[@]}" --log log
holds lr 'NR == 2 && v[1] == 0.5 && v[2] == 0.5'
holds grad_norm 'v[1] > 0.1 && v[2] > 0.1'
works "${train[@]}" --log log --schedule step:step_size=1e,gamma=0.5
holds lr 'v[1] == 0.5 && v[2] == 0.25'
works "${train[@]}" --log log --schedule step:step_size=6,gamma=0.5
holds lr 'v[1] == 0.5 && v[2] == 0.25'
works "${train[@]}" --log log --schedule multistep:milestones=5,1e,gamma=0.5
holds lr 'v[1] == 0.25 && v[2] == 0.125'
works "${train[@]}" --log log --schedule cosine # of the whole run: half way down, then almost at 0
holds lr 'v[1] > 0.25 && v[1] < 0.35 && v[2] > 0 && v[2] < 0.01'
works "${train[@]}" --log log --warmup 12
holds lr 'v[1] > 0.3 && v[1] < 0.35 && v[2] > 0.45 && v[2] < 0.5'
works "${train[@]}" --log log --warmup 6 --schedule linear:start_factor=1,end_factor=0.1
holds lr 'v[1] > 0.4 && v[1] < 0.5 && v[2] > 0.1 && v[2] < 0.2'
works "${train[@]}" --log log --schedule one_cycle --momentum 0.9 --lr 0.1
holds lr 'v[1] > 0.08 && v[1] < 0.1 && v[2] < 1e-5'
works "$hone" train --limit 300 --epochs 5 --quiet --lr 0.000001 --log log --schedule plateau:patience=1,threshold=0.5,factor=0.1,eps=1e-12
holds lr 'v[1] == 1e-6 && v[3] == 1e-6 && v[4] < 2e-7'

# ---- products of bf16: other weights, near those of f32; the saved network in 16 bits
works "${train[@]}" --save single --log log
works "${train[@]}" --dtype bf16 --save half --log log.half
cmp -s single half && fail "--dtype bf16 changes nothing"
holds train_loss 'v[2] > 0'
paste <(column train_loss) <(sed -n 's/.*"train_loss": \([^,}]*\).*/\1/p' log.half) |
  awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 0.02 * $1) exit 1 }' || fail "--dtype bf16: another loss"
refuses 2 "takes f32, bf16 or f16, not 'f64'" "${train[@]}" --dtype f64
works "${train[@]}" --dtype bf16 --bf16-order tiles --save tiles
cmp -s tiles half && fail "--bf16-order tiles changes nothing"
HONE_BF16_ORDER=tiles works "${train[@]}" --dtype bf16 --save tiles2
cmp -s tiles tiles2 || fail "HONE_BF16_ORDER=tiles isn't --bf16-order tiles"
refuses 2 "--bf16-order takes pairs or tiles, not 'rows'" "${train[@]}" --bf16-order rows
HONE_BF16_ORDER=rows refuses 2 'HONE_BF16_ORDER=rows: pairs or tiles is wanted' "${train[@]}"
works "$hone" eval --load half --limit 600 --dtype bf16
works "$hone" predict --load half --limit 5 --dtype f16

# ---- each weight stepped within the backward: the same bits, but no norm to tell or to cut
works "${train[@]}" --optim adamw --save plain --log log
works "${train[@]}" --optim adamw --save tight --log log --optim-in-backward
cmp -s plain tight || fail "--optim-in-backward changes the weights"
grep -q '"grad_norm": null' log || { fail "a norm of gradients that are gone"; cat log; }
for other in "--clip 1" "--accumulate 2" "--shards 2" --zero "--nan skip"; do
  refuses 2 "--optim-in-backward gives each gradient back at once, but ${other%% *} " \
    "${train[@]}" --optim-in-backward $other
done
refuses 1 'epoch [12], step [0-9]: the loss is (nan|inf)' "${train[@]}" --optim-in-backward --lr 1e6 --optim sgd

# ---- layers that run again: the same bits, with dropout and in parts, too
gpt=("${train[@]}" --data text:20000 --model gpt:layers=2,heads=2,width=32,context=32,dropout=0.2 --optim adamw --epochs 1 --limit 60)
works "${gpt[@]}" --save plain
works "${gpt[@]}" --save tight --recompute 'transformer.h.*' --optim-in-backward
cmp -s plain tight || fail "--recompute changes the weights"
works "${gpt[@]}" --save tight --recompute 'transformer.h.0,lm_head' --accumulate 3
cmp -s plain tight || fail "--recompute with --accumulate changes the weights"
refuses 2 "--recompute: no layers of the network are called 'blocks.\*'" "${gpt[@]}" --recompute 'blocks.*'

# ---- clipping: the norm that is told is the one before it
works "${train[@]}" --log log --clip 0
holds train_loss 'v[1] == v[2]'
works "${train[@]}" --save unclipped
works "${train[@]}" --save clipped --clip 1000
cmp -s unclipped clipped || fail "a norm that is far away changes the weights"
works "${train[@]}" --save clipped --clip 0.1
! cmp -s unclipped clipped || fail "--clip 0.1 changes nothing"
works "${train[@]}" --save looked --log log
cmp -s unclipped looked || fail "looking at the norm for the log changes the weights"

# ---- smoothed labels: of all weight the loss of scores that are all alike stays log 10
works "${train[@]}" --log log --label-smoothing 0.2
holds train_loss 'v[1] > 2 && v[2] < v[1]'
works "${train[@]}" --save smoothed --label-smoothing 0.2
! cmp -s unclipped smoothed || fail "--label-smoothing changes nothing"

# ---- averages: what is tested is what is saved
works "${train[@]}" --epochs 3 --log log --ema 0.5 --save average
works "$hone" eval --limit 600 --load average
[ "$(printf 'test loss %.5f' "$(column test_loss | tail -n 1)")" = "$(grep -oE 'test loss [0-9.]+' out)" ] || { fail "the average"; cat log out; }
works "${train[@]}" --epochs 3 --save last
! cmp -s last average || fail "--ema changes nothing"
works "${train[@]}" --epochs 3 --ema 0 --save average
cmp -s last average || fail "an average that keeps nothing of itself is the last weights"
checks=$((checks + 4))

# ---- a validation set, and the best weights on it
works "$hone" train --limit 500 --epochs 2 --val-split 0.2 --log log
says '^digits: 400 training and 500 test images$'
says '^epoch  train loss  train error  val loss  val error  test loss  test error  seconds$'
says '100 images held out'
holds val_loss 'NR == 2 && v[2] < v[1]'
holds val_error 'v[1] > 0 && v[1] <= 1'
first=$(column val_loss)
works "$hone" train --limit 500 --epochs 2 --val-split 0.2 --log log --quiet
[ "$first" = "$(column val_loss)" ] || fail "--val-split isn't repeatable"
works "$hone" train --limit 500 --epochs 2 --val-split 0.2 --log log --quiet --seed 1
[ "$first" != "$(column val_loss)" ] || fail "--val-split doesn't go by --seed"
# overfitting, fast: the network that is saved is that of the best epoch
works "$hone" train --limit 100 --epochs 60 --batch 10 --lr 0.5 --val-split 0.5 --early-stop 4 --log log --save best
says '^no better validation loss for 4 epochs$'
says '^the best weights are those after epoch [0-9]+: validation loss '
best=$(column val_loss | sort -g | sed -n 1p)
holds val_loss "NR < 60 && v[NR - 4] == $best && v[NR] > $best"
works "$hone" eval --limit 100 --load best
line=$(($(wc -l <log) - 4))
[ "$(printf 'test loss %.5f' "$(column test_loss | sed -n ${line}p)")" = "$(grep -oE 'test loss [0-9.]+' out)" ] || fail "not the best weights"
checks=$((checks + 3))

# ---- all of it in any number of parts: the same weights, the same log
everything=(--schedule cosine --warmup 3 --clip 0.5 --label-smoothing 0.1 --ema 0.9 --val-split 0.2 --early-stop 1)
for model in mlp:784,30,10 lenet; do
  for parts in 1 2 3 7; do
    works env HONE_FORCE_THREADS=$((parts % 3 + 1)) "$hone" train --limit 350 --epochs 2 --batch 70 --model $model --lr 0.1 \
      "${everything[@]}" --accumulate $parts --save parts.$parts --log log --quiet
    sed 's/, "seconds".*//' log >log.$parts
    cmp -s parts.1 parts.$parts && cmp -s log.1 log.$parts || { fail "$model in $parts parts"; cat log.1 log.$parts; }
  done
done

# ---- wrong values
small=("$hone" train --limit 200 --epochs 1)
refuses 2 "--schedule fast: .*there is no schedule \"fast\": step, .* is wanted" "${small[@]}" --schedule fast
refuses 2 '--schedule step: step: attribute step_size is missing' "${small[@]}" --schedule step
refuses 2 '--schedule cosine:t=3: cosine: it has no attribute "t"' "${small[@]}" --schedule cosine:t=3
refuses 2 '--schedule cosine:t_max=0: ' "${small[@]}" --schedule cosine:t_max=0
refuses 2 "its 1 steps end before the run's 2" "${small[@]}" --schedule one_cycle:total_steps=1
refuses 2 '--schedule one_cycle: .*momentum' "${small[@]}" --optim adagrad --schedule one_cycle
refuses 2 '--schedule: x+\.\.\. is too long' "${small[@]}" --schedule "$(printf 'x%.0s' {1..200})"
refuses 2 '--schedule: the NAME.* is empty' "${small[@]}" --schedule ''
refuses 2 '--warmup: not before a plateau' "${small[@]}" --schedule plateau --warmup 3
refuses 2 "--warmup takes a whole number from 0 .*'2e'" "${small[@]}" --warmup 2e
for option in clip label-smoothing ema val-split; do
  for bad in -1 nan x '' 2e40; do refuses 2 "--$option takes a number from 0" "${small[@]}" --$option "$bad"; done
done
refuses 2 '--ema takes a number from 0 to 1' "${small[@]}" --ema 1.5
refuses 2 '--val-split 1: that is all of 200 training images' "${small[@]}" --val-split 1
refuses 2 '--val-split 0.001: that is none of 200 training images' "${small[@]}" --val-split 0.001
refuses 2 '--early-stop goes by what --val-split holds out' "${small[@]}" --early-stop 3
refuses 2 "--early-stop takes a whole number from 1 .*'0'" "${small[@]}" --val-split 0.1 --early-stop 0
# ---- fine-tuning: weights of a file, some of them kept as they are
row() { "$hone" show "$1" | grep -F "$2 "; }
works "$hone" train --limit 200 --epochs 1 --quiet --model lenet --save begun
works "$hone" train --limit 200 --epochs 1 --quiet --model lenet --load begun --freeze 'conv1,*.bias' --save tuned
for name in conv1.weight fc3.bias; do
  checks=$((checks + 1))
  [ "$(row begun $name)" = "$(row tuned $name)" ] || fail "$name isn't frozen"
done
checks=$((checks + 1))
[ "$(row begun fc1.weight)" != "$(row tuned fc1.weight)" ] || fail "fc1.weight is frozen, too"
cat >two.hone <<'MODEL'
model Two(classes=10):
    fc1 = Linear(784, 20)
    fc9 = Linear(20, classes)
    forward(x):
        return fc9(relu(fc1(flatten(x, 1))))
MODEL
sed 's/fc9/head/' two.hone >head.hone
works "$hone" train --limit 200 --epochs 1 --quiet --model ./two.hone --save two
refuses 1 'missing' "$hone" train --limit 200 --epochs 1 --model ./head.hone --load two
works "$hone" train --limit 200 --epochs 1 --model ./head.hone --load two --load-partly --freeze fc1
says "two: 2 it lacks keep their first values: head.weight, head.bias"
says "two: 2 aren't read: fc9.weight, fc9.bias"
refuses 2 "--freeze: no weights of the network are called 'nothing'" "$hone" train --limit 200 --freeze nothing
refuses 2 '--freeze \* leaves nothing to train: all 4 tensors' "$hone" train --limit 200 --freeze '*'

finish
