#!/bin/bash
# faults.sh HONE MPIEXEC openmpi|mpich: ranks that differ, die, hang or have no memory end the job soon,
# with a line that names them and a status that isn't 0.
source "$(dirname "$0")/common.sh" "$1" "$2" "$3"
finds_others "$hone" train --data digits --limit 8 --epochs 1 --batch 4
train=(train --data digits --limit 40 --epochs 1 --batch 8)
long=(train --data digits --limit 2000 --epochs 1000000 --batch 100 --save kept.st)

# one_is N WORDS: rank 1 of N has other words than the rest.
one_is() { launch "$1" sh -c "if [ \"$rank\" = 1 ]; then $2 exec \"\$@\" $3; else exec \"\$@\"; fi" sh "$hone" "${train[@]}"; }

ends '4 ranks' 30 launch 4 "$hone" "${train[@]}" --shards 3
ends '3 shards for 4 ranks' 30 launch 4 "$hone" "${train[@]}" --shards 3
ends "whole number from 0 to .*, not '-1'" 30 launch 2 "$hone" "${train[@]}" --shards -1
ends '--seed of rank 1 of 3 differs' 30 one_is 3 '' '--seed 5'
ends '--model of rank 1 of 2 differs' 30 one_is 2 '' '--model mlp:784,7,10'
ends 'the training set .--data. of rank 1 of 2 differs' 30 one_is 2 '' '--limit 32'
ends 'the command line of rank 1 of 2 differs' 30 one_is 2 '' '--lr 0.25'
"$hone" "${train[@]}" --save other.st >/dev/null
ends 'rank 1 of 2 differs from rank 0' 30 one_is 2 '' '--load other.st'
ends 'rank 1.*no-such-file' 30 one_is 2 '' '--load no-such-file.st'
mkdir empty
ends "the MPI part for .* can't be loaded: .*hone_mpi_" 30 launch 2 env HONE_MPI_DIR="$place/empty" "$hone" "${train[@]}"
[ "$(grep -c 'hone train:' err)" -le 2 ] || { fail "more lines than ranks"; cat err; }

# dies SECONDS SIGNAL PATTERN: one of 3 ranks gets the signal in the middle of a training.
hurt() { # in the background: finds the process of rank 1, which says its number
  for _ in $(seq 100); do
    [ -s pid1 ] && break
    sleep 0.1
  done
  sleep 1.5
  kill -"$1" "$(cat pid1)"
}
dies() {
  rm -f pid1
  hurt "$2" &
  ends "$3" "$1" env HONE_DIST_TIMEOUT=4 "${launched[@]}"
  wait
  sleep 1 # the launcher kills what it can't stop
  case $(ps -o stat= -p "$(cat pid1)") in '' | Z*) ;; *) fail "rank 1 lives on after SIG$2" && kill -9 "$(cat pid1)" ;; esac
}
start='[ "'$rank'" = 1 ] && echo $$ >pid1; exec "$@"'
case $library in
openmpi) launched=(timeout 60 "$mpiexec" --oversubscribe -n 3 sh -c "$start" sh "$hone" "${long[@]}") ;;
*) launched=(timeout 60 "$mpiexec" -n 3 sh -c "$start" sh "$hone" "${long[@]}") ;;
esac
if [ "$library" = openmpi ]; then died='process rank 1'; else died='EXIT CODE: 9'; fi
dies 30 KILL "$died"
dies 30 STOP 'hone: rank 1 of 3 has not answered for'

# Memory: rank 1 may have too little.
ends 'rank 1: .*(memory|allocat)' 30 launch 2 sh -c \
  "if [ \"$rank\" = 1 ]; then ulimit -v 1500000; fi; exec \"\$@\"" sh \
  "$hone" train --data digits --limit 200 --model mlp:784,60000,3000,10 --epochs 1 --batch 100
finish
