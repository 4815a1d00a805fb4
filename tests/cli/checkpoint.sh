#!/bin/bash
# checkpoint.sh HONE: when hone train writes a checkpoint, what it says when it can't, and of which runs
# it takes one.
source "$(dirname "$0")/common.sh" "$1"
train=("$hone" train --limit 300 --epochs 2 --seed 3)
works "${train[@]}" --checkpoint good --save all.safetensors
says '^checkpoint good: after epoch 2$'
[ "$(ls)" = "$(printf 'all.safetensors\nerr\ngood\nout')" ] || fail "also there: $(ls -A)"

# ---- how it is called
refuses 2 '--save-every 5: goes with --checkpoint FILE' "${train[@]}" --save-every 5
refuses 2 '--keep: goes with --checkpoint FILE' "${train[@]}" --keep 2
refuses 2 '--resume auto: that is the file of --checkpoint, which isn.t given' "${train[@]}" --resume auto
refuses 2 '--resume-anyway: goes with --resume' "${train[@]}" --resume-anyway
for every in 0 -1 1.5 5x m 1:2:3:4 1-2 ':5' '5:' '1:2x' 0s -5m 1e999h; do
  refuses 2 "--save-every $every: a number of steps, or a time: 90s" "${train[@]}" --checkpoint c --save-every "$every"
done
for limit in 10 0m 1:2:3:4 1-2:3 x; do
  refuses 2 "--time-limit $limit: a time: 90s" "${train[@]}" --time-limit "$limit"
done
for limit in 1000s 1.5h 30m 10:00 1:00:00 1-00:00:00; do
  works "${train[@]}" --quiet --limit 10 --checkpoint times --save-every "$limit" --time-limit "$limit"
done
refuses 2 '--checkpoint all.safetensors: the same file as --load' "${train[@]}" --load all.safetensors --checkpoint all.safetensors
refuses 2 '--checkpoint x: the same file as --save' "${train[@]}" --save x --checkpoint x
refuses 1 '--checkpoint no/c: No such file or directory' "${train[@]}" --checkpoint no/c

# ---- which file is taken
works "${train[@]}" --checkpoint none --resume auto
says '^none isn.t there yet: a new run$'
refuses 1 'can.t open nowhere: No such file' "${train[@]}" --resume nowhere
refuses 1 'all.safetensors is no checkpoint of hone$' "${train[@]}" --resume all.safetensors
head -c -1 good >cut
refuses 1 'cut ' "${train[@]}" --resume cut
{ head -c -1 good && printf '\1'; } >changed
refuses 1 'changed is damaged: this doesn.t have its checksum: ' "${train[@]}" --resume changed
# (each call waits for its last file: within one the end of an epoch may be passed while the one before is written)
works "${train[@]}" --epochs 2 --checkpoint kept --keep 3 --quiet
works "${train[@]}" --epochs 3 --checkpoint kept --keep 3 --resume auto --quiet
cp changed kept
"${train[@]}" --epochs 3 --checkpoint kept --keep 3 --resume auto >out 2>err || { fail "exit status $?: an older one"; cat err; }
grep -qE '^hone train: .*kept is damaged: .*; kept.1 is taken$' err || { fail "no word of the older one"; cat err; }
says '^goes on from kept.1: after epoch 2$'

# ---- other runs
refuses 1 'good is of another run: batch was 100 and is 50 \(--resume-anyway goes on all the same\)$' "${train[@]}" --batch 50 --resume good
refuses 1 'another run: data was 300 samples \(.*\) and is 200 samples \(' "${train[@]}" --limit 200 --resume good
refuses 1 'another run: model was mlp 784-100-10 and is mlp 784-50-10 ' "${train[@]}" --model mlp:784,50,10 --resume good
refuses 1 'another run: optim was sgd and is adam, lr was 0.5 and is 0.001' "${train[@]}" --optim adam --resume good
refuses 1 'another run: seed was 3 and is 4' "${train[@]}" --seed 4 --resume good
refuses 1 'another run: schedule was none and is cosine +t_max=6' "${train[@]}" --schedule cosine --resume good
refuses 1 'another run: ema was off and is 0.5' "${train[@]}" --ema 0.5 --resume good
refuses 1 '"model.0.weight" is f32 .784, 100., but the run.s f32 .784, 50.' "${train[@]}" --model mlp:784,50,10 --resume good --resume-anyway
# threads, parts of a batch, the length are the same run; more epochs go on
works "${train[@]}" --epochs 3 --accumulate 2 --threads 1 --resume good
says '^goes on from good: after epoch 2$'
says '^ +3 '
works "${train[@]}" --epochs 4 --batch 50 --lr 0.25 --ema 0.5 --limit 200 --resume good --resume-anyway
says '^ +3 .*'
says 'lr 0.25'

# ---- signals and limits of time
# until PATTERN: the run of $pid has printed it
until_says() {
  local i
  for ((i = 0; i < 1200; i++)); do
    grep -qE "$1" out && return
    kill -0 $pid 2>/dev/null || return
    sleep 0.05
  done
}
long=("$hone" train --limit 3000 --epochs 100000 --seed 3 --shuffle --checkpoint c)
: >out
env --default-signal=INT,HUP,USR1 "${long[@]}" --save-every 1h >out 2>err &
pid=$!
until_says '^ +1 '
[ ! -e c ] || fail "a checkpoint before its time"
kill -USR1 $pid
for ((i = 0; i < 600; i++)); do [ -e c ] && break; sleep 0.05; done
[ -e c ] || fail "no checkpoint after SIGUSR1"
kill -0 $pid || fail "SIGUSR1 ended the run"
rm -f c
kill -TERM $pid
kill -TERM $pid # some batch systems send it twice
wait $pid
status=$?
[ $status -eq 143 ] || fail "exit status $status after SIGTERM"
[ ! -s err ] || { fail "it printed:"; cat err; }
says '^stopped in epoch [0-9]+ after step [0-9]+$'
says '^checkpoint c: (epoch [0-9]+, step [0-9]+|after epoch [0-9]+)$'
place=$(sed -n 's/^checkpoint c: //p' out)
: >out
env --default-signal=INT "${long[@]}" --resume auto >out 2>err &
pid=$!
until_says '^ +[0-9]+ '
says "^goes on from c: $place$"
kill -INT $pid
wait $pid
status=$?
[ $status -eq 130 ] || fail "exit status $status after SIGINT"
says '^checkpoint c: '
"${long[@]}" --resume auto --time-limit 0.5s --save limited.safetensors >out 2>err
status=$?
[ $status -eq 75 ] && [ ! -s err ] && [ -s limited.safetensors ] || { fail "exit status $status at the limit of time"; cat err; }
says '^checkpoint c: '
checks=$((checks + 9))

# ---- the log goes on without a row twice, or one that a kill made of no account
logged=("$hone" train --limit 300 --epochs 6 --seed 3 --checkpoint lc --log log --plot p.svg --report r.html)
works "${logged[@]}" --epochs 2
echo '{"epoch": 3, "train_loss": 99}' >>log # what came after the checkpoint
works "${logged[@]}" --resume auto
[ "$(sed 's/.*"epoch": \([0-9]*\).*/\1/' log | tr '\n' ' ')" = '1 2 3 4 5 6 ' ] || { fail "the log:"; cat log; }
works "$hone" train --limit 300 --epochs 6 --seed 3 --log whole.log --plot whole.svg
same() { sed 's/, "seconds".*//' "$1"; }
[ "$(same log)" = "$(same whole.log)" ] || fail "another log"
cmp -s p.svg whole.svg || fail "other curves"
rm log
works "${logged[@]}" --epochs 7 --resume auto
[ "$(wc -l <log)" -eq 1 ] || { fail "a log that is gone:"; cat log; }
checks=$((checks + 3))

# ---- what can't be written leaves the last good one, one line, and training goes on
mkdir limited
works "${train[@]}" --checkpoint limited/c
cp limited/c before
(ulimit -f 100; "${train[@]}" --epochs 5 --checkpoint limited/c --resume auto --save-every 1 >out 2>err)
status=$?
[ $status -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q 'c: File too large$' err || { fail "exit status $status, or not its one line"; cat err; }
says '^ +5 '
cmp -s limited/c before && [ "$(ls -A limited)" = c ] || fail "a limit on the size of files: $(ls -A limited)"
# in_full_disk: a file system of 1 MiB, and one that becomes read-only
cat >full.sh <<'END'
mount -t tmpfs -o size=1m none disk || exit 77
"$@" --checkpoint disk/c >out 2>err || exit 76
cp disk/c before
head -c 2M /dev/zero >disk/filler 2>/dev/null
"$@" --checkpoint disk/c --resume auto >out4 2>err4
[ $? -eq 1 ] || exit 78
truncate -s -100k disk/filler
"$@" --epochs 4 --checkpoint disk/c --resume auto --save-every 1 >out 2>err
[ $? -eq 1 ] || exit 75
cmp disk/c before || exit 74
rm disk/filler
"$@" --epochs 4 --checkpoint disk/c --resume auto >out2 2>err2 || exit 73
cp disk/c before
mount -o remount,ro disk || exit 77
"$@" --checkpoint disk/c --resume auto >out3 2>err3
[ $? -eq 1 ] || exit 72
cmp disk/c before || exit 71
END
mkdir disk
unshare -rm true 2>/dev/null && unshare -rm bash full.sh "${train[@]}"
status=$?
if [ $status -eq 77 ] || [ $status -eq 1 ]; then
  not_checked "a full disk (this user can't make one)"
elif [ $status -ne 0 ]; then
  fail "a full disk: status $status"
  cat err err2 err3
else
  [ "$(wc -l <err)" -eq 1 ] && grep -q 'c: No space left on device$' err || { fail "not the one line of a full disk"; cat err; }
  says '^ +4 '
  [ "$(wc -l <err4)" -eq 1 ] && grep -q -- '--checkpoint disk/c: No space left on device$' err4 || { fail "not the one line of a disk that was full before"; cat err4; }
  [ "$(wc -l <err3)" -eq 1 ] && grep -q -- '--checkpoint disk/c: Read-only file system$' err3 || { fail "not the one line of a read-only disk"; cat err3; }
fi
checks=$((checks + 4))
finish
