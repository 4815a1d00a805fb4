#!/bin/bash
# text_slow.sh HONE: what can be learned of the pictures and of the text.
source "$(dirname "$0")/common.sh" "$1"

# test_error EPOCH / test_loss EPOCH: of the last table
column() { awk -v epoch="$1" -v column="$2" '$1 == epoch && NF >= 6 { print $column }' out; }
below() { checks=$((checks + 1)); awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a < b) }' || { fail "$3: $1, not below $2"; cat out; }; }

# ---- pictures: a linear model stays below 60 % right, a small network with convolutions gets above 95 %
works "$hone" train --data pictures --model mlp:3072,10 --lr 0.01 --epochs 15 --shuffle
below 0.4 "$(column 15 5)" "error of a linear model"
cat >cnn.hone <<'END'
model Net(classes=10, width=16):
    conv1 = Conv2d(3, width, 3, padding=1)
    bn1 = BatchNorm2d(width)
    conv2 = Conv2d(width, 2 * width, 3, padding=1)
    bn2 = BatchNorm2d(2 * width)
    conv3 = Conv2d(2 * width, 4 * width, 3, padding=1)
    bn3 = BatchNorm2d(4 * width)
    pool = MaxPool2d(2)
    all = AdaptiveAvgPool2d(1)
    fc = Linear(4 * width, classes)
    forward(x):
        x = pool(relu(bn1(conv1(x))))
        x = pool(relu(bn2(conv2(x))))
        return fc(flatten(all(relu(bn3(conv3(x)))), 1))
END
works "$hone" train --data pictures --model ./cnn.hone --optim adam --lr 0.003 --schedule cosine --batch 50 --epochs 4 --shuffle
below "$(column 4 5)" 0.05 "error of a small network with convolutions"

# ---- text: below what 4-grams with back-off reach (0.668 nats a byte), above its entropy (0.4187)
works "$hone" train --data text --model gpt:layers=2,heads=4,width=64,context=128,dropout=0 --optim adamw --lr 0.004 \
  --schedule cosine --warmup 50 --clip 1 --batch 16 --epochs 4 --shuffle
below "$(column 4 4)" 0.668 "loss of gpt"
below 0.4187 "$(column 4 4)" "entropy of the text"

finish
