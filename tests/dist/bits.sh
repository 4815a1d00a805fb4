#!/bin/bash
# bits.sh HONE MPIEXEC openmpi|mpich RANKS...: trainings by so many ranks end in the same file as by one
# process with the same --shards, and print the same table.
source "$(dirname "$0")/common.sh" "$1" "$2" "$3"
ranks=("${@:4}")
finds_others "$hone" train --data digits --limit 8 --epochs 1 --batch 4
# processes that find themselves alone are told apart from a job
if [ "$library" = openmpi ]; then alone=OMPI_COMM_WORLD_SIZE=2; else alone=PMI_SIZE=2; fi
ends 'has started 2 processes, of which .* finds 1' 60 env "$alone" "$hone" train --data digits --limit 8 --epochs 1 --batch 4

cat >net.hone <<'MODEL'
model Net(num_classes=10):
    conv = Conv2d(1, 4, 5, stride=2)
    bn1 = BatchNorm2d(4)
    fc1 = Linear(4 * 12 * 12, 24)
    bn2 = BatchNorm1d(24)
    drop = Dropout(0.3)
    fc2 = Linear(24, num_classes)
    forward(x):
        x = relu(bn1(conv(x)))
        x = drop(relu(bn2(fc1(flatten(x, 1)))))
        return fc2(x)
MODEL
# 43 samples in batches of 16, 16 and 11: of 8 shards each has other samples, of 16 some have none
images=(train --data digits --limit 43 --epochs 2 --batch 16 --model net.hone --optim adamw --lr 0.01 --clip 0.5
  --val-split 0.1 --early-stop 3 --shuffle --ema 0.9 --label-smoothing 0.1 --top-k 2)
text=(train --data text:2000 --model gpt:layers=1,heads=2,width=16,context=16,dropout=0.1 --optim adamw --lr 0.004
  --epochs 1 --batch 12 --clip 1 --limit 50)

# The time and what ranks send is theirs.
table() { grep -vE 'ranks \(|shards a batch|sent by rank|saved|thread|bound each' "$1" | sed -E 's/ +[0-9]+\.[0-9]{2}( |$)/ /'; }

# same NAME SHARDS COMMAND...
same() {
  local name=$1 shards=$2 n
  shift 2
  "$hone" "$@" --shards "$shards" --save alone.st >alone 2>err || { fail "$name alone"; cat err; }
  for n in "${ranks[@]}"; do
    [ "$n" -le "$shards" ] || continue
    checks=$((checks + 1))
    rm -f ranks.st
    launch "$n" "$hone" "$@" --shards "$shards" --save ranks.st >out 2>err || { fail "$name, $n ranks"; cat err; }
    cmp alone.st ranks.st || fail "$name, $shards shards: $n ranks end in other bits"
    cmp <(table alone) <(table out) || { fail "$name, $shards shards: $n ranks print another table"; diff <(table alone) <(table out); }
  done
}
same images 8 "${images[@]}"
same images 16 "${images[@]}"
same text 8 "${text[@]}"
same "text in parts" 8 "${text[@]}" --accumulate 2
same "images, state shared out" 8 "${images[@]}" --zero

# A file of n ranks is the beginning for any other number.
cp ranks.st begin.st
same "images, resumed" 8 "${images[@]}" --load begin.st

# A checkpoint of n ranks is taken up by one, and one's by n.
"$hone" "${images[@]}" --epochs 4 --shards 8 --save whole.st >alone 2>err || { fail "a longer run"; cat err; }
for n in "${ranks[@]}"; do
  [ "$n" -le 8 ] || continue
  checks=$((checks + 2))
  rm -f run.ckpt* on.st
  launch "$n" "$hone" "${images[@]}" --shards 8 --checkpoint run.ckpt >out 2>err || { fail "$n ranks, a checkpoint"; cat err; }
  "$hone" "${images[@]}" --shards 8 --epochs 3 --checkpoint run.ckpt --resume auto >out 2>err || { fail "one goes on"; cat err; }
  launch "$n" "$hone" "${images[@]}" --shards 8 --epochs 4 --checkpoint run.ckpt --resume auto --save on.st >out 2>err ||
    { fail "$n ranks go on"; cat err; }
  cmp whole.st on.st || fail "a run that $n ranks, one and $n again made ends in other bits"
done

# --shards 0: the file, and the table, of one process without shards.
plain=(train --data digits --limit 43 --epochs 2 --batch 16 --model lenet --optim adamw --lr 0.01 --clip 0.5
  --val-split 0.1 --shuffle)
for name in plain text parts; do
  case $name in
  plain) words=("${plain[@]}") ;;
  text) words=("${text[@]}") ;;
  *) words=(train --data digits --limit 30 --epochs 1 --batch 10 --model mlp:784,800,10 --accumulate 2) ;;
  esac
  "$hone" "${words[@]}" --save alone.st >alone 2>err || { fail "$name alone"; cat err; }
  for n in "${ranks[@]}"; do
    checks=$((checks + 1))
    rm -f ranks.st
    launch "$n" "$hone" "${words[@]}" --shards 0 --save ranks.st >out 2>err || { fail "$name handed on, $n ranks"; cat err; }
    cmp alone.st ranks.st || fail "$name: $n ranks that hand sums on end in other bits"
    cmp <(table alone) <(table out | grep -v 'sums go from rank') || { fail "$name: $n ranks that hand sums on print another table"; diff <(table alone) <(table out); }
  done
done
if [ "${ranks[0]}" != 1 ] || [ "${#ranks[@]}" -gt 1 ]; then
  ends 'batch_norm: a chain that is handed from rank to rank' 60 launch 2 "$hone" "${images[@]}" --shards 0
fi

# What is sent for gradients: 2 (n - 1) / n of their bytes where each rank has one subtree.
for n in "${ranks[@]}"; do
  case $n in 2 | 4 | 8) ;; *) continue ;; esac
  checks=$((checks + 1))
  launch "$n" "$hone" train --data digits --limit 64 --batch 32 --epochs 1 --shards 8 >out 2>err
  awk -v n="$n" '/^sent by rank 0/ { found = 1; for (i = 1; i < NF; i++) if ($(i + 1) == "times") times = $i }
    END { want = 2 * (n - 1) / n; exit !(found && times > 0.98 * want && times < 1.02 * want) }' out ||
    { fail "$n ranks send other than 2 (n - 1) / n"; grep sent out; }
done
finish
