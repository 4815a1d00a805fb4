#!/bin/bash
# kill.sh HONE KILLS: a run that is killed by SIGKILL at KILLS random moments, and taken up each time, by
# 1 and 2 threads in turn, ends in the bits of one that never was. No moment leaves a checkpoint that
# can't be read, or anything that stays.
source "$(dirname "$0")/common.sh" "$1"
kills=$2
RANDOM=${SEED:-$$}
echo "RANDOM=$RANDOM"

# Convolutions, dropout, Adam, shuffling, a schedule, averages, a validation set.
cat >net.hone <<'END'
model Net():
    conv1 = Conv2d(1, 6, 5, padding=2)
    conv2 = Conv2d(6, 16, 5)
    pool = MaxPool2d(2)
    drop = Dropout(0.3)
    fc1 = Linear(400, 120)
    fc2 = Linear(120, 84)
    fc3 = Linear(84, 10)
    forward(x):
        x = pool(relu(conv1(x)))
        x = pool(relu(conv2(x)))
        x = drop(relu(fc1(flatten(x, 1))))
        return fc3(drop(relu(fc2(x))))
END
train=("$hone" train --data digits --limit 1000 --model net.hone --optim adam --shuffle --batch 25 --epochs 3 --seed 5
  --schedule cosine --warmup 20 --ema 0.98 --val-split 0.1 --early-stop 3 --quiet)
begin=$EPOCHREALTIME
works "${train[@]}" --threads 2 --save all.safetensors
span=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
wanted=$(sha256sum <all.safetensors)

went_on=0 done_with=0 runs=0 killed=0
threads=1
while [ $killed -lt "$kills" ]; do
  mkdir run # a new run; each is killed until it comes to its end
  keep=$((1 + RANDOM % 3)) every=$((1 + RANDOM % 9))
  while :; do
    threads=$((3 - threads))
    HONE_ISA=$([ $((RANDOM % 3)) -eq 0 ] && echo scalar) "${train[@]}" --threads $threads --save run/end.safetensors \
      --checkpoint run/c --save-every $every --keep $keep --resume auto >out 2>err &
    pid=$!
    sleep "$(awk -v r=$RANDOM -v span="$span" 'BEGIN { printf "%.3f", r / 32768 * span }')"
    if [ $killed -lt "$kills" ] && kill -9 $pid 2>/dev/null; then
      wait $pid 2>/dev/null
      killed=$((killed + 1))
      # whatever stands there can be read
      for file in run/c run/c.[0-9]*; do
        [ -e "$file" ] || continue
        "${train[@]}" --epochs 0 --threads 1 --resume "$file" --resume-anyway >out 2>err || { fail "$file can't be taken up"; cat err; }
        went_on=$((went_on + 1))
      done
    else
      wait $pid || { fail "exit status $?"; cat err; }
      [ ! -s err ] || { fail "it printed:"; cat err; }
      break
    fi
  done
  runs=$((runs + 1)) checks=$((checks + 2))
  [ "$(sha256sum <run/end.safetensors)" = "$wanted" ] || fail "other bits after $killed kills"
  [ -z "$(find run -name '.hone-*' -o -name '*.new')" ] || fail "left: $(ls -A run)"
  [ "$(find run -name 'c*' | wc -l)" -le $keep ] || fail "more than $keep are kept: $(ls -A run)"
  rm -r run
done
echo "$killed kills in $runs runs, $went_on checkpoints read"
[ $went_on -gt 0 ] || not_checked "a kill behind a checkpoint (all came before the first)"
finish
