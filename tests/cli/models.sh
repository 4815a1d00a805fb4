#!/bin/bash
# models.sh HONE: networks by name and from files: hone models, and --model of train and eval.
source "$(dirname "$0")/common.sh" "$1"
readme=$here/../../README.md
names=(gpt lenet lstm resnet18 vgg11)

# ---- hone models
works "$hone" models
for name in mlp "${names[@]}"; do says "^$name[(:]"; done
[ "$(grep -c '^    [A-Z]' out)" -eq "$(grep -c '^[a-z]' out)" ] || fail "a network without a line about it"
works "$hone" models lenet
says '^  \(fc3\): Linear\(in_features=84, out_features=10, bias=True\)$'
says '^61706 parameters$'
works "$hone" models resnet18:num_classes=10,width=2,small=True
says '^  \(conv1\): Conv2d\(3, 2, kernel_size=\(3, 3\), stride=\(1, 1\), padding=\(1, 1\), bias=False\)$'
works "$hone" models mlp:4,3,2
says '^23 parameters$'
for name in "${names[@]}"; do
  works "$hone" models "$name" --text
  says '^model '
  cp out "$name.hone"
done
works "$hone" models lenet.hone # what is shown is what is there
says '^61706 parameters$'
refuses 2 'unknown option|--nonsense' "$hone" models --nonsense
refuses 2 "--model takes mlp:INPUT,...,OUTPUT, bert, gpt, lenet, lstm, .*, or a FILE, not 'alexnet'" "$hone" models alexnet
refuses 2 '--text' "$hone" models --text
refuses 2 '--text: there is no alexnet; there are' "$hone" models alexnet --text
refuses 2 'lenet:depth=3: LeNet has no parameter depth; it has num_classes, channels, width' "$hone" models lenet:depth=3
refuses 2 'lenet:num_classes=0: .*Linear.*0' "$hone" models lenet:num_classes=0
refuses 2 'lenet:num_classes=: a value is wanted' "$hone" models lenet:num_classes=
refuses 2 'width must be a multiple of heads' "$hone" models gpt:heads=5,width=64
refuses 1 'none.hone: No such file' "$hone" models none.hone
mkdir empty.hone
refuses 1 'empty.hone: ' "$hone" models empty.hone

# ---- train and eval by name: it learns, is saved with PyTorch's names, and read again
losses() { awk 'NF == 6 && $1 ~ /^[0-9]+$/ { print $1, $2, $3, $4, $5 }' "$1"; }
lenet=("$hone" train --limit 1500 --model lenet --lr 0.1 --batch 25 --epochs 4)
works "${lenet[@]}" --save lenet.safetensors
says '^lenet, 61706 parameters; sgd, lr 0.1, batch 25, seed 0$'
awk '$1 == 1 && NF == 6 { first = $2 } $1 == 4 && NF == 6 { last = $2; good = $5 < 0.5 }
  END { exit !(last < first / 2 && good) }' out || { fail "lenet did not learn"; cat out; }
cp out one
for threads in 1 3; do
  works env HONE_FORCE_THREADS=$threads "${lenet[@]}" --save "lenet_$threads.safetensors"
  [ "$(losses one)" = "$(losses out)" ] || { fail "$threads threads give other numbers"; cat one out; }
  cmp -s lenet.safetensors "lenet_$threads.safetensors" || fail "$threads threads give other weights"
done
works "${lenet[@]}" --accumulate 5 --save parts.safetensors
cmp -s lenet.safetensors parts.safetensors || fail "a batch in parts gives other weights"
works env HONE_ISA=scalar "$hone" eval --limit 1500 --model lenet --load lenet.safetensors
read -r loss error < <(sed -n 's/.*test loss \([0-9.]*\)  test error \([0-9.]*\)$/\1 \2/p' out)
[ "$(losses one | tail -n 1 | cut -d' ' -f4,5)" = "$loss $error" ] || fail "eval: $loss $error"
grep -aq '"conv2.weight":' lenet.safetensors && grep -aq '"fc1.weight":{"dtype":"F32","shape":\[120,400\]' lenet.safetensors ||
  fail "lenet.safetensors has other names or shapes"
works "$hone" train --limit 300 --epochs 0 --model ./lenet.hone --load lenet.safetensors --save again.safetensors
cmp -s lenet.safetensors again.safetensors || fail "a file's weights changed"
works "$hone" train --limit 60 --epochs 1 --batch 20 --lr 0.01 --model resnet18:num_classes=10,channels=1,width=4,small=True

# ---- what doesn't fit
refuses 1 'of other networks --model says' "$hone" eval --limit 100 --load lenet.safetensors
refuses 1 'features\.0\.weight|conv1' "$hone" eval --limit 100 --load lenet.safetensors --model vgg11:channels=1,num_classes=10,small=True
refuses 1 "resnet18 doesn't fit images of \[1, 28, 28\]: conv1 \(resnet18:[0-9]+\): conv2d: f32 \[1, 1, 28, 28\] and f32 \[64, 3, 7, 7\]" \
  "$hone" train --limit 100 --model resnet18
refuses 1 'lenet:num_classes=9 gives 9 scores but there are 10 classes' "$hone" train --limit 100 --model lenet:num_classes=9
refuses 2 'lenet:depth=3: LeNet has no parameter depth' "$hone" train --limit 100 --model lenet:depth=3
refuses 2 'lenet:depth=3: LeNet has no parameter depth' "$hone" eval --limit 100 --load lenet.safetensors --model lenet:depth=3
printf 'model Net():\n    fc = Linear(784, 10)\n    forward(x): return fc(x)\n' >flat.hone
refuses 1 "flat.hone doesn't fit images of \[1, 28, 28\]: fc \(flat.hone:3\): linear: .*784" "$hone" train --limit 100 --model flat.hone
printf 'model Net():\n    forward(x): return x\n' >same.hone
refuses 1 'same.hone gives a tensor of 4 dims for an image' "$hone" train --limit 100 --model same.hone
refuses 1 'none.hone: No such file' "$hone" train --limit 100 --model none.hone
printf 'model Net():\n    fc = Linear(784\n' >broken.hone
"$hone" train --limit 100 --model broken.hone >out 2>err
[ $? -eq 1 ] && [ "$(sed -n 1p err)" = 'hone train: broken.hone:3:1: "," or ")" is wanted here, not the end of the line' ] ||
  { fail "broken.hone"; cat err; }
checks=$((checks + 1))

# ---- README's descriptions: each is a network that trains on the digits
awk '/^```/ { open = !open; inside = open && $0 == "```hone"; n += inside; next }
  inside { print > ("readme." n ".hone") }' "$readme"
[ "$(ls readme.*.hone | wc -l)" -eq 3 ] || fail "README.md doesn't show three descriptions"
for file in readme.*.hone; do
  works "$hone" models "$file"
  says ' parameters$'
  works "$hone" train --limit 600 --epochs 4 --batch 20 --optim adam --lr 0.003 --model "$file"
  awk '$1 == 1 && NF == 6 { first = $2 } $1 == 4 && NF == 6 { last = $2 } END { exit !(last < 0.9 * first) }' out ||
    { fail "$file did not learn"; cat out; }
done
works "$hone" models readme.2.hone:depth=1,widths=[4],classes=3
says 'Linear\(in_features=4, out_features=3'
refuses 1 'width must be a multiple of heads' bash -c "'$hone' models readme.3.hone:heads=5 2>&1 >/dev/null | head -n 1 >&2; exit 1"

finish
