#!/bin/bash
# tensorboard.sh HONE: --tensorboard DIR: both readers of TensorBoard show each step of a run once, in
# order, and what they show of a run that was killed and taken up is what they show of one that never was.
# HONE_PYTHON is a Python with tensorboard 2.21 and its data server (default python3).
source "$(dirname "$0")/common.sh" "$1"
python=${HONE_PYTHON:-python3}
train=("$hone" train --limit 600 --batch 25 --seed 3 --shuffle --optim adam --schedule step:step_size=1e,gamma=0.8 --val-split 0.1 --quiet)
if grep -q 'built without protobuf-c' <("${train[@]}" --epochs 0 --tensorboard try 2>&1); then
  refuses 2 'hone was built without protobuf-c' "${train[@]}" --tensorboard try
  echo "skipped: built without protobuf-c"
  exit 77
fi
refuses 1 'can.t write to out: (Not a directory|File exists)' "${train[@]}" --epochs 1 --tensorboard out
refuses 1 'can.t write to /proc/none/: No such file' "${train[@]}" --epochs 1 --tensorboard /proc/none/

works "${train[@]}" --epochs 5 --tensorboard logs/whole
files=(logs/whole/*)
[[ ${#files[@]} -eq 1 && ${files[0]##*/} =~ ^events\.out\.tfevents\.[0-9]{10}\. ]] || fail "files: ${files[*]}"
# killed in the middle, with steps told behind its checkpoint, and taken up twice in one second
parts=("${train[@]}" --epochs 5 --tensorboard logs/parts --checkpoint c --save-every 1h --resume auto)
works "${train[@]}" --epochs 2 --checkpoint c
mkdir -p logs
works "${train[@]}" --epochs 2 --tensorboard logs/parts --checkpoint early
cp early c
works "${train[@]}" --epochs 4 --tensorboard logs/parts --checkpoint late --resume early # what is told of epochs 3 and 4 is lost
works "${parts[@]}"
names=$(ls logs/parts)
[ "$(wc -l <<<"$names")" -eq 3 ] && [ "$(LC_ALL=C sort -u <<<"$names" | sed 's/^\(events.out.tfevents.[0-9]*\).*/\1/' | uniq | wc -l)" -eq 3 ] ||
  fail "not a file a run, one behind the other: $names"
# one that can't be told leaves whole records, and training goes on
(ulimit -f 1; "${train[@]}" --epochs 5 --tensorboard logs/limited >out 2>err)
status=$?
[ $status -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q 'File too large$' err || { fail "status $status, or not its one line"; cat err; }
checks=$((checks + 3))

"$python" "$here/tensorboard_readers.py" logs >shown 2>errors
case $? in
0) ;;
77) not_checked "TensorBoard's readers (no tensorboard in $python)"; finish; exit ;;
*) fail "the readers failed"; cat errors; finish; exit ;;
esac
# One reader as the other, but for the run's seconds; parts as whole; steps rise.
tags=$(grep -c '^whole .* python' shown)
[ "$tags" -ge 12 ] || { fail "only $tags tags"; cat shown; }
timeless() { grep -v -E ' run/(seconds|samples_per_second|command) ' shown; }
timeless | sed -n 's/^whole //p' | sort >whole
timeless | sed -n 's/^parts //p' | sort >parts
cmp -s whole parts || { fail "another run after it was taken up"; diff whole parts; }
sed -n 's/ python / /p' shown | sort >python
sed -n 's/ server / /p' shown | sort >server
cmp -s python server || { fail "the readers differ"; diff python server; }
awk '!/ run.command / { for (i = 5; i <= NF; i++) if ($i + 0 <= $(i - 1) + 0) exit 1 }' shown || { fail "a step that doesn't rise"; cat shown; }
[ "$(grep -c '^whole loss/test .* 120:' shown)" -eq 0 ] && grep -qE '^whole loss/test python 22:[^ ]+ 44:[^ ]+ 66:[^ ]+ 88:[^ ]+ 110:[^ ]+$' shown || { fail "epochs:"; cat shown; }
grep -q '^limited step/loss server 10:' shown || { fail "the file that is cut"; cat shown; }
checks=$((checks + 6))
finish
