#!/bin/bash
# interrupt.sh HONE: Ctrl-C ends a run after the current step, saves, and exits with 130.
source "$(dirname "$0")/common.sh" "$1"

# interrupted SIGNAL COMMAND...: sends SIGNAL once the first row is there; leaves the status in $status.
interrupted() {
  local signal=$1 pid i
  shift
  # Background jobs of a script ignore SIGINT; a job of its own group with the default handler does not.
  env --default-signal=INT "$@" >out 2>err &
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
checks=$((checks + 3))
finish
