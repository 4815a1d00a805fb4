#!/bin/bash
# nan.sh HONE: a loss that is NaN or infinite ends the run, or costs a step, and names the layer.
source "$(dirname "$0")/common.sh" "$1"
diverging=("$hone" train --limit 300 --epochs 4 --lr 1000000 --quiet)

refuses 1 'epoch 2, step 2: the loss is nan; the first layer whose output is not finite is 2 \(Linear\); a smaller --lr' "${diverging[@]}" --save weights
[ ! -e weights ] || fail "weights without a meaning were saved"
refuses 1 'first layer whose output is not finite is fc1 \(Linear\)' "${diverging[@]}" --model lenet
refuses 1 'epoch 2, step 2: .* 2 \(Linear\)' "${diverging[@]}" --accumulate 7
"${diverging[@]}" --nan skip --save weights >out 2>err || fail "--nan skip: exit status $?"
[ "$(wc -l <err)" -eq 5 ] && [ "$(grep -c 'epoch [2-4], step [1-3]: the loss is nan; .*; skipped$' err)" -eq 5 ] || { fail "not five lines of skipped steps"; cat err; }
[ -s weights ] || fail "--nan skip saved nothing"
"${diverging[@]}" --nan ignore >out 2>err || fail "--nan ignore: exit status $?"
grep -q 'not finite any more' err || { fail "--nan ignore says nothing"; cat err; }
works "$hone" train --limit 300 --epochs 1 --quiet --save weights
{ head -c -4 weights; printf '\377\377\377\177'; } >bad
refuses 1 "epoch 1, step 1: the loss is nan; .* 2 \(Linear\), whose weights aren't either;" "$hone" train --limit 300 --epochs 1 --load bad
refuses 2 "--nan takes stop, skip or ignore, not 'on'" "$hone" train --nan on
checks=$((checks + 5))

# the best weights of --early-stop are saved also when the run ends so
refuses 1 'the loss is (nan|inf)' "$hone" train --limit 300 --epochs 9 --lr 1000000 --val-split 0.2 --early-stop 8 --quiet --save best
works "$hone" eval --load best --limit 100
says 'test loss [0-9.]+e\+'

# A black image gives 0 / 0 here. Its step is left out as if it hadn't been: the running statistics,
# too, and the averages.
be32() { printf "\\x00\\x00\\x$(printf %02x $(($1 >> 8)))\\x$(printf %02x $(($1 & 255)))"; }
pixels() { head -c "$1" /dev/zero | tr '\0' "\\$2"; }
mkdir d
{ be32 2051; be32 40; be32 4; be32 4; for i in {1..4} {1..5}; do pixels 16 "$((i + 1))"; pixels 8 "$i"; pixels 8 7; done; pixels 352 3; } |
  head -c $((16 + 40 * 16)) >clean
{ head -c $((16 + 23 * 16)) clean; pixels 16 0; tail -c +$((16 + 24 * 16 + 1)) clean; } >d/train-images-idx3-ubyte
{ be32 2049; be32 40; for i in {1..20}; do printf '\0\1'; done; } >d/train-labels-idx1-ubyte
cp clean d/t10k-images-idx3-ubyte
cp d/train-labels-idx1-ubyte d/t10k-labels-idx1-ubyte
cat >net.hone <<'NET'
model Net():
    norm = BatchNorm1d(16)
    fc = Linear(16, 10)
    forward(x):
        x = flatten(x, 1)
        x = x / sum(x, 1, True)
        return fc(norm(x))
NET
net=("$hone" train --data d --model net.hone --batch 10 --epochs 2 --lr 0.1 --quiet)
refuses 1 'epoch 1, step 3: the loss is nan; the first layer whose output is not finite is norm \(BatchNorm1d\)' "${net[@]}"
"${net[@]}" --nan skip --ema 0.5 --save weights --log log >out 2>err || fail "--nan skip: exit status $?"
[ "$(grep -c 'epoch [12], step 3: .*norm (BatchNorm1d); skipped' err)" -eq 2 ] && [ "$(wc -l <err)" -eq 2 ] || { fail "two steps"; cat err; }
if grep -q null log; then fail "a step that was skipped counts"; cat log; fi
works "$hone" eval --data d --model net.hone --load weights
says 'test loss [0-9.]+ '
finish
