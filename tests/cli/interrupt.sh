#!/bin/bash
# interrupt.sh HONE: Ctrl-C ends a run after the current step, saves, and exits with 130.
source "$(dirname "$0")/common.sh" "$1"

# interrupted SIGNAL COMMAND...: sends SIGNAL once the first row is there; leaves the status in
# $status.
interrupted() {
  local signal=$1 pid i
  shift
  : >out # rows of the run before are none of this one's
  # Background jobs of a script ignore SIGINT; a job of its own group with the default handler does
  # not.
  env --default-signal=INT,HUP "$@" >out 2>err &
  pid=$!
  for ((i = 0; i < 600; i++)); do
    grep -qE '^ +1 ' out && break
    kill -0 $pid 2>/dev/null || break
    sleep 0.05
  done
  kill -"$signal" $pid
  wait $pid
  status=$?
}

interrupted INT "$hone" train --limit 3000 --epochs 100000 --save a.safetensors --log log
[ $status -eq 130 ] || { fail "exit status $status after SIGINT"; cat err; }
[ ! -s err ] || { fail "printed to stderr"; cat err; }
says 'stopped in epoch [0-9]+ after step [0-9]+'
says 'saved a.safetensors'
works "$hone" eval --load a.safetensors --limit 3000
awk '{ exit !($NF < 0.5) }' out || { fail "the saved network is untrained"; cat out; }
if tail -c 1 log | grep -q .; then fail "the log ends in the middle of a line"; fi

interrupted TERM "$hone" train --limit 3000 --epochs 100000 --save b.safetensors
[ $status -eq 143 ] || fail "exit status $status after SIGTERM"
works "$hone" eval --load b.safetensors --limit 300

interrupted INT "$hone" train --limit 3000 --epochs 100000
[ $status -eq 130 ] || fail "exit status $status after SIGINT without --save"

interrupted HUP "$hone" train --limit 3000 --epochs 100000 --save c.safetensors
[ $status -eq 129 ] || fail "exit status $status after SIGHUP"
works "$hone" eval --load c.safetensors --limit 300

# what is told about a run is written also then
interrupted INT "$hone" train --limit 3000 --epochs 100000 --save d.safetensors --plot d.svg --report d.html --val-split 0.1 --early-stop 100000
[ $status -eq 130 ] && [ -s d.safetensors ] && [ "$(tail -n 1 d.svg)" = "</svg>" ] && [ "$(tail -n 1 d.html)" = "</html>" ] ||
  fail "exit status $status, $(ls d.*)"
checks=$((checks + 1))

# a signal that the caller ignores, as nohup does, is none
: >out
env --ignore-signal=HUP "$hone" train --limit 3000 --epochs 100 >out 2>err &
pid=$!
for ((i = 0; i < 600; i++)); do grep -q '^epoch' out && break; sleep 0.02; done
kill -HUP $pid || fail "the run was over before its signal"
wait $pid || fail "exit status $? after a SIGHUP that was ignored"
says '^ +100 '

# signals while the file is written don't leave a part of it
"$hone" train --limit 10 --epochs 0 --model mlp:784,30000,10 --save big.safetensors >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ -z "$(find . -name '.hone-*.tmp' -size +1k)" ]; do :; done
if kill -TERM $pid 2>/dev/null; then
  kill -HUP $pid 2>/dev/null
  wait $pid
  status=$?
  [ $status -eq 143 ] || [ $status -eq 129 ] || fail "exit status $status after signals during the save"
  [ -f big.safetensors ] || fail "signals during the save lost the file"
else
  not_checked "signals during the save (it was over too soon)"
fi
[ -z "$(compgen -G '.hone-*.tmp')" ] || fail "signals during the save left $(compgen -G '.hone-*.tmp')"
checks=$((checks + 7))
finish
