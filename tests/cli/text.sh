#!/bin/bash
# text.sh HONE: text and pictures as data, and hone generate.
source "$(dirname "$0")/common.sh" "$1"
gpt=gpt:layers=1,heads=2,width=32,context=32
lstm=lstm:width=24,hidden=32
same() { checks=$((checks + 1)); cmp -s "$1" "$2" || fail "$1 and $2 differ: $3"; }

# ---- it learns; the table and the log have perplexity and bits a byte
text=("$hone" train --data text:60000 --optim adamw --lr 0.003 --batch 16)
works "${text[@]}" --model "$gpt,dropout=0" --epochs 4 --save gpt.st --log gpt.json
says '^text:60000: 1874 training and 187 test windows of 32 bytes, entropy 0.4187 nats a byte$'
says '^epoch  train loss  train error  test loss  test error  seconds  perplexity  bits/byte$'
says "^$gpt,dropout=0,vocab=256, .* parameters"
awk '$1 ~ /^[0-9]+$/ && NF == 8 { n++; loss[n] = $4
    if ($7 / exp($4) < 0.999 || $7 / exp($4) > 1.001 || $8 * log(2) / $4 < 0.999 || $8 * log(2) / $4 > 1.001) bad = 1 }
  END { exit bad || n != 4 || loss[4] > 2.2 || loss[4] > loss[1] - 0.3 || loss[4] < 0.4187 }' out ||
  { fail "gpt on text"; cat out; }
checks=$((checks + 1))
[ "$(grep -c '"perplexity": [0-9.]*, "bits_per_byte": [0-9.]*, ' gpt.json)" -eq 4 ] || { fail "gpt.json"; cat gpt.json; }
row=$(awk '$1 == 4 && NF == 8 { print "test loss " $4 "  test error " $5 "  perplexity " $7 "  bits/byte " $8 }' out)
works "$hone" eval --data text:60000 --model "$gpt,dropout=0" --load gpt.st
says "^text:60000: 187 windows of 32 bytes, entropy 0.4187 nats a byte  $row\$"
works "${text[@]}" --model "$lstm" --epochs 2 --save lstm.st
awk '$1 == 1 && NF == 8 { first = $4 } $1 == 2 && NF == 8 { last = $4 } END { exit !(last < first - 0.1) }' out ||
  { fail "lstm on text"; cat out; }

# ---- scores in chunks: the same numbers; from what the network gives itself, or (another name) from its scores
numbers() { sed 's/"seconds".*//' "$1"; }
works "${text[@]}" --limit 200 --model "$gpt" --epochs 1 --save whole.st --log whole.json
works "${text[@]}" --limit 200 --model "$gpt,chunk=7" --epochs 1 --save chunk.st --log chunk.json
works "$hone" models gpt --text
cp out own.hone
works "${text[@]}" --limit 200 --model "own.hone:${gpt#*:},vocab=256" --epochs 1 --save own.st --log own.json
numbers whole.json >whole.txt
numbers chunk.json >chunk.txt
numbers own.json >own.txt
same whole.txt chunk.txt "the log of scores in chunks"
same whole.txt own.txt "the log of scores that are made"

# ---- the best K bytes; of a model with more tokens than bytes, too
works "${text[@]}" --limit 100 --model "$gpt,vocab=300" --epochs 1 --top-k 5 --report page.html
says 'top-5 error'
works "$hone" eval --data text:60000 --limit 100 --top-k 3 --model "$gpt,dropout=0" --load gpt.st
says '^top-3 error 0\.[0-9]*$'

# ---- a file's bytes: 9 of 10 to train
"$hone" generate --model "$lstm" --load lstm.st --length 5000 >some.txt
works "$hone" train --data text:some.txt --model "$lstm" --epochs 1 --batch 8
says '^text:some.txt: 70 training and 7 test windows of 64 bytes$' # of 5001: 4501 and 500

# ---- a batch in parts, any number of threads, any ISA: the same weights
for model in "$gpt,dropout=0" "$gpt" "$lstm" lstm:width=8,hidden=12,layers=2,dropout=0.3; do
  for parts in 1 2 3; do
    works "$hone" train --data text:20000 --limit 50 --model "$model" --batch 7 --epochs 1 --lr 0.1 \
      --accumulate $parts --save parts$parts.st
    same parts1.st parts$parts.st "$model, $parts parts"
  done
  for threads in 1 3; do
    works env HONE_FORCE_THREADS=$threads HONE_ISA=scalar "$hone" train --data text:20000 --limit 50 --model "$model" \
      --batch 7 --epochs 1 --lr 0.1 --save threads.st
    same parts1.st threads.st "$model, $threads threads, scalar"
  done
done

# ---- generate: the same text with the cache and without, for any ISA and number of threads
for model in "$gpt" "$lstm"; do
  from=("$hone" generate --model "$model" --load "${model%%:*}.st" --length 70)
  for options in "" "--temperature 0" "--temperature 0.7 --top-k 5 --seed 3" "--top-p 0.8 --seed 4 --prompt the"; do
    works "${from[@]}" $options
    cp out cached
    works "${from[@]}" $options --no-cache
    same cached out "$model $options, with and without the cache"
    works env HONE_FORCE_THREADS=3 HONE_ISA=scalar "${from[@]}" $options
    same cached out "$model $options, scalar, 3 threads"
  done
  works "${from[@]}" --seed 1
  cp out one
  works "${from[@]}" --seed 2
  checks=$((checks + 1))
  cmp -s one out && fail "$model: two seeds give one text"
done
# ... of 16 bits, too
for dtype in bf16 f16; do
  half=("$hone" generate --model "$gpt" --load gpt.st --length 40 --dtype "$dtype")
  works "${half[@]}"
  cp out cached
  works "${half[@]}" --no-cache
  same cached out "$dtype, with and without the cache"
  works env HONE_FORCE_THREADS=3 HONE_ISA=scalar "${half[@]}"
  same cached out "$dtype, scalar, 3 threads"
done
refuses 2 "--dtype takes f32, bf16 or f16, not 'f64'" "$hone" generate --model "$gpt" --load gpt.st --dtype f64
works "$hone" generate --model "$gpt" --load gpt.st --length 10 --prompt 'the fox '
says '^the fox .{10}$'
works "$hone" generate --model "$gpt" --load gpt.st --length 0 --prompt abc
says '^abc$'
works "$hone" generate --model "$gpt" --load gpt.st --length 40 --temperature 0
cp out best
works "$hone" generate --model "$gpt" --load gpt.st --length 40 --top-k 1 --seed 9
same best out "temperature 0 and top-k 1"
works "$hone" generate --model "$gpt" --load gpt.st --length 40 --top-p 0
same best out "temperature 0 and top-p 0"

# a model that looks at its neighbours is no chain of positions: it says so, and goes on
cat >near.hone <<'END'
model Near(vocab=256, width=8):
    e = Embedding(vocab, width)
    conv = Conv1d(width, width, 3, padding=1)
    fc = Linear(width, vocab)
    forward(t):
        return fc(conv(e(t).transpose(1, 2)).transpose(1, 2))
END
works "$hone" train --data text:20000 --limit 10 --epochs 1 --model ./near.hone --save near.st
checks=$((checks + 1))
"$hone" generate --model ./near.hone --load near.st --length 5 >out 2>err || fail "near.hone"
grep -q "near.hone can't go on byte by byte: the whole forward is run for every one, over the last 64" err || { fail "near.hone"; cat err; }
works "$hone" generate --model ./near.hone --load near.st --length 5 --no-cache

# ---- pictures
cat >cnn.hone <<'END'
model Net(classes=10, width=8):
    conv1 = Conv2d(3, width, 3, padding=1)
    bn1 = BatchNorm2d(width)
    conv2 = Conv2d(width, width, 3, padding=1, stride=2)
    bn2 = BatchNorm2d(width)
    pool = AdaptiveAvgPool2d(4)
    fc = Linear(16 * width, classes)
    forward(x):
        x = relu(bn2(conv2(relu(bn1(conv1(x))))))
        return fc(flatten(pool(x), 1))
END
works "$hone" train --data pictures --limit 600 --model ./cnn.hone --optim adam --lr 0.003 --batch 20 --epochs 4
says '^pictures: 600 training and 600 test images$'
awk '$1 == 1 && NF == 6 { first = $2 } $1 == 4 && NF == 6 { last = $2 } END { exit !(last < first - 0.2) }' out ||
  { fail "cnn.hone on pictures"; cat out; }
works "$hone" train --data pictures --limit 100 --model mlp:3072,10 --lr 0.01 --epochs 1
works "$hone" train --data pictures --limit 40 --batch 10 --epochs 1 --lr 0.01 --model resnet18:num_classes=10,width=4,small=True
works "$hone" train --data pictures --limit 20 --batch 10 --epochs 1 --lr 0.01 --model vgg11:num_classes=10,small=True

# ---- what doesn't fit
refuses 2 'text wants a model of tokens: gpt, lstm or a FILE, not an mlp' "$hone" train --data text
refuses 1 "lenet doesn't fit tokens of \[1, 64\]: conv1 \(lenet:[0-9]+\): conv2d: .*i64 \[1, 64\]" "$hone" train --data text --model lenet
refuses 1 "lenet doesn't fit images of \[3, 32, 32\]: conv1 \(lenet:[0-9]+\): conv2d: f32 \[1, 3, 32, 32\]" \
  "$hone" train --data pictures --limit 10 --model lenet
refuses 1 "gpt:.* doesn't fit images of \[3, 32, 32\]: transformer: wte \(gpt:[0-9]+\): embedding" \
  "$hone" train --data pictures --limit 10 --model "$gpt"
refuses 1 'the model takes 784 numbers but an image has 3072 pixels' "$hone" train --data pictures --limit 10
refuses 1 'gpt:.*vocab=200.* gives 200 scores but a byte has 256 values' "$hone" train --data text --model "$gpt,vocab=200"
refuses 1 '^hone train: none.txt: No such file or directory$' "$hone" train --data text:none.txt --model "$gpt"
refuses 1 '^hone train: \.: Is a directory' "$hone" train --data text:. --model "$gpt"
refuses 1 '30 tokens are too few for a window of 32 and the token after it' "$hone" train --data text:300 --model "$gpt"
refuses 2 'text:0: from 1 to' "$hone" train --data text:0 --model "$gpt"
refuses 2 'text:-3: from 1 to' "$hone" eval --data text:-3 --model "$gpt" --load gpt.st
refuses 2 'width must be a multiple of heads' "$hone" train --data text --model gpt:heads=5,width=64
refuses 2 'text goes on by hone generate' "$hone" predict --data text --model "$gpt" --load gpt.st
refuses 2 '--load FILE is missing' "$hone" generate --model "$gpt"
refuses 2 '--model SPEC is missing' "$hone" generate --load gpt.st
refuses 2 'wants a model of tokens' "$hone" generate --load gpt.st --model mlp:3,4
refuses 2 '--prompt: the TEXT is empty' "$hone" generate --load gpt.st --model "$gpt" --prompt ''
refuses 2 '--top-k' "$hone" generate --load gpt.st --model "$gpt" --top-k 257
refuses 2 '--top-p' "$hone" generate --load gpt.st --model "$gpt" --top-p 1.5
refuses 2 '--temperature' "$hone" generate --load gpt.st --model "$gpt" --temperature -1
refuses 1 'none.st' "$hone" generate --load none.st --model "$gpt"
refuses 1 'weight' "$hone" generate --load lstm.st --model "$gpt"
refuses 1 "lenet doesn't fit tokens" bash -c "'$hone' train --limit 50 --epochs 0 --model lenet --save lenet.st >out && '$hone' generate --load lenet.st --model lenet"


# ---- tokens of a tokenizer
printf 'the\n \na\nb\nc\nd\ne\n.\n' >words
for _ in {1..400}; do printf 'the bad a.the cab e.'; done >words.txt
works "$hone" train --data text:words.txt --data-options tokenizer=words --model gpt:layers=1,heads=2,width=32,context=16 \
  --optim adamw --lr 0.01 --epochs 4 --batch 8 --save words.st
says 'windows of 16 tokens$'
works "$hone" generate --load words.st --model gpt:layers=1,heads=2,width=32,context=16 --tokenizer words --prompt 'the ' \
  --length 20 --temperature 0
says '^the (bad a\.|cab e\.)the (bad a|cab e)'
refuses 2 'top-k 9: a token has 8 values' "$hone" generate --load words.st --model gpt --tokenizer words --top-k 9
refuses 1 'no token of the vocabulary begins at byte 0: 0x78' "$hone" generate --load words.st \
  --model gpt:layers=1,heads=2,width=32,context=16 --tokenizer words --prompt x
# a network of a file has its context from its own default, too
cat >own.hone <<'END'
model Net(vocab=256, context=24, width=8):
    table = Embedding(vocab, width)
    fc = Linear(width, vocab)
    forward(x):
        return fc(table(x))
END
works "$hone" train --data text:20000 --model own.hone --epochs 0
says 'windows of 24 bytes'
works "$hone" train --data text:20000 --model own.hone:context=12 --epochs 0
says 'windows of 12 bytes'
finish
