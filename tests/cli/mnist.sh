#!/bin/bash
# mnist.sh HONE MNIST: what the README promises of `hone train --data MNIST`: the defaults reach a
# test error of 2.1 to 2.4 %.
source "$(dirname "$0")/common.sh" "$1"
works "$hone" data "$2"
says '  classes: 0: 5923 1: 6742 2: 5958 3: 6131 4: 5842 5: 5421 6: 5918 7: 6265 8: 5851 9: 5949$'
says '  classes: 0: 980 1: 1135 2: 1032 3: 1010 4: 982 5: 892 6: 958 7: 1028 8: 974 9: 1009$'
for seed in 0 1 2; do
  works "$hone" train --data "$2" --seed $seed --quiet --log log.$seed
  [ "$(wc -l <log.$seed)" -eq 20 ] || fail "not 20 epochs with seed $seed"
  tail -n 1 log.$seed
done >rows
cat rows
field() { sed "s/.*\"$1\": \\([^,]*\\),.*/\\1/"; }
field test_error <rows | awk '{ sum += $1; if ($1 > 0.026) bad = 1; n++ } END { exit bad || n != 3 || sum / n > 0.024 }' ||
  fail "test errors: at most 0.026 each and 0.024 in the mean are wanted"
field train_loss <rows | awk '{ if ($1 > 0.006) bad = 1; n++ } END { exit bad || n != 3 }' ||
  fail "training losses: at most 0.006 each is wanted"
finish
