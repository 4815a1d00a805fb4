#!/bin/bash
# resume.sh HONE: runs of every kind are taken up in their middle and end in the same bits: other
# optimizers, schedules, averages, batches in parts, held-out sets, steps that are skipped, texts.
[ -w /dev/shm ] && export TMPDIR=/dev/shm # where a file is on its disk at once: many checkpoints in a short run
source "$(dirname "$0")/common.sh" "$1"

# goes_on OPTION...: a run writes a checkpoint every few steps; from one of its middle another run, by
# another number of threads and another instruction set, gets to the same weights and the same state.
goes_on() {
  checks=$((checks + 1))
  local all=("$hone" train --limit 300 --batch 32 --epochs 3 --seed 4 --quiet "$@") n=0 tries
  for ((tries = 0; tries < 20 && n < 2; tries++)); do # while one is being written the others that are due are not
    rm -rf run && mkdir run
    "${all[@]}" --threads 1 --checkpoint run/c --save-every 3 --keep 100 --save run/all.safetensors 2>err ||
      { fail "exit status $?: $*"; cat err; return; }
    n=$(find run -name 'c.[0-9]*' | wc -l)
  done
  [ "$n" -ge 2 ] || { not_checked "$* (the disk is too slow for checkpoints in a short run)"; return; }
  HONE_ISA=scalar "${all[@]}" --threads 2 --resume "run/c.$((1 + n / 2))" --checkpoint run/d --save run/part.safetensors 2>err ||
    { fail "exit status $?: $*"; cat err; return; }
  cmp -s run/all.safetensors run/part.safetensors || fail "other weights: $*"
  cmp -s run/c run/d || fail "another state: $*"
  "${all[@]}" --resume run/c --save run/again.safetensors 2>err || { fail "a run that is over: $*"; cat err; }
  cmp -s run/all.safetensors run/again.safetensors || fail "other weights of a run that is over: $*"
}

for optim in $("$hone" train --help | sed -n 's/.*optimizer: \(.*\) \[.*/\1/p'); do
  [ "$optim" = muon ] || goes_on --optim "$optim" --shuffle
done
cat >matrices.hone <<'END'
model Net():
    a = Linear(784, 20, bias=False)
    b = Linear(20, 10, bias=False)
    forward(x):
        return b(relu(a(flatten(x, 1))))
END
goes_on --optim muon --model matrices.hone
goes_on --momentum 0.9 --weight-decay 0.01 --clip 1 --label-smoothing 0.1
goes_on --schedule one_cycle --momentum 0.8
goes_on --schedule cosine_restarts:t_0=4 --warmup 5
goes_on --schedule step:step_size=1e,gamma=0.5 --accumulate 4
goes_on --schedule plateau:patience=1,threshold=0.5 --val-split 0.2 --optim adam --shuffle
goes_on --ema 0.9 --val-split 0.2 --early-stop 2 --lr 1.5
goes_on --ema 0.9 --accumulate 3 --nan skip --lr 300 --clip 1e30

# batch norm and dropout; pictures of several channels
cat >norms.hone <<'END'
model Net():
    a = Conv2d(3, 4, 3)
    n = BatchNorm2d(4)
    d = Dropout2d(0.2)
    b = Linear(4, 10)
    forward(x):
        return b(d(relu(n(a(x)))).mean(dim=(2, 3)))
END
goes_on --data pictures --model norms.hone --optim adamw --ema 0.8 --shuffle
goes_on --data text:20000 --model gpt:layers=2,heads=2,width=16,context=16,dropout=0.1 --optim adamw --lr 0.003 --shuffle
goes_on --data text:20000 --model lstm:width=8,hidden=12,layers=2,dropout=0.1 --optim rmsprop --lr 0.003 --clip 1

# a run that stopped early is over, and stays so
stops=("$hone" train --limit 300 --epochs 40 --lr 3 --val-split 0.2 --early-stop 2 --seed 4 --checkpoint e --resume auto)
works "${stops[@]}" --save e1.safetensors
says 'no better validation loss for 2 epochs'
works "${stops[@]}" --save e2.safetensors
says 'no better validation loss for 2 epochs'
says 'rows are labels'
cmp -s e1.safetensors e2.safetensors || fail "other weights of a run that stopped early"
# one that is over goes on with more epochs
longer=("$hone" train --limit 300 --optim adam --shuffle --schedule step:step_size=2,gamma=0.7 --quiet)
works "${longer[@]}" --epochs 2 --checkpoint l
works "${longer[@]}" --epochs 4 --checkpoint l --resume l --save l.safetensors
works "${longer[@]}" --epochs 4 --save l4.safetensors
cmp -s l.safetensors l4.safetensors || fail "other weights after more epochs"
finish
