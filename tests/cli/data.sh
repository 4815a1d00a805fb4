#!/bin/bash
# data.sh HONE: directories and files that are not what they should be, each refused with the file's
# name, exit status 1.
source "$(dirname "$0")/common.sh" "$1"

be32() { printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x \
  $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"; }
# images COUNT ROWS COLUMNS [BYTES], labels COUNT [VALUE [BYTES]]: an IDX file; BYTES of content
# that don't fit the count
images() { be32 2051; be32 "$1"; be32 "$2"; be32 "$3"; head -c "${4:-$(($1 * $2 * $3))}" /dev/zero; }
labels() { be32 2049; be32 "$1"; head -c "${3:-$1}" /dev/zero | tr '\0' "\\$(printf %o "${2:-3}")"; }
# good DIR: twenty black images that are all threes
good() {
  rm -rf "$1"
  mkdir -p "$1"
  images 20 28 28 >"$1/train-images-idx3-ubyte"
  labels 20 >"$1/train-labels-idx1-ubyte"
  images 10 28 28 >"$1/t10k-images-idx3-ubyte"
  labels 10 >"$1/t10k-labels-idx1-ubyte"
}
train=("$hone" train --epochs 1 --batch 10 --data)

good d
works "${train[@]}" d
says '20 training and 10 test images'
gzip d/*
works "${train[@]}" d
mkdir -p e/MNIST && mv d e/MNIST/raw
works "${train[@]}" e

refuses 1 'hone train: .*missing' "${train[@]}" missing
mkdir empty
refuses 1 'empty' "${train[@]}" empty
touch file
refuses 1 'file' "${train[@]}" file
refuses 1 'hone eval: .*missing.safetensors' "$hone" eval --load missing.safetensors --data e
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  good d
  rm d/$name-ubyte
  refuses 1 "$name" "${train[@]}" d

  good d
  gzip d/$name-ubyte
  head -c $(($(stat -c %s d/$name-ubyte.gz) - 7)) d/$name-ubyte.gz >cut
  mv cut d/$name-ubyte.gz
  refuses 1 "$name" "${train[@]}" d

  good d
  printf '\xff' | dd of=d/$name-ubyte bs=1 seek=3 conv=notrunc status=none
  refuses 1 "$name.*(magic|not an IDX|dims)" "${train[@]}" d

  good d
  head -c 6 d/$name-ubyte >cut
  mv cut d/$name-ubyte
  refuses 1 "$name" "${train[@]}" d

  good d
  : >d/$name-ubyte
  refuses 1 "$name" "${train[@]}" d

  good d
  printf 'x' >>d/$name-ubyte
  refuses 1 "$name" "${train[@]}" d
done

good d
images 20 28 28 15679 >d/train-images-idx3-ubyte
refuses 1 'train-images-idx3-ubyte' "${train[@]}" d
good d
be32 2051 >d/train-images-idx3-ubyte
for _ in 1 2 3; do be32 0xffffffff; done >>d/train-images-idx3-ubyte
refuses 1 'train-images-idx3-ubyte' "${train[@]}" d
good d
labels 20 10 >d/train-labels-idx1-ubyte
refuses 1 'train-labels-idx1-ubyte.*10' "${train[@]}" d
good d
labels 19 >d/train-labels-idx1-ubyte
refuses 1 '20.*19|19.*20' "${train[@]}" d
good d
cp d/train-labels-idx1-ubyte d/train-images-idx3-ubyte
refuses 1 'train-images-idx3-ubyte' "${train[@]}" d
good d
images 10 14 14 >d/t10k-images-idx3-ubyte
refuses 1 'd: training images have 784 pixels, test images 196' "${train[@]}" d

good d
refuses 1 'takes 700 numbers but an image has 784 pixels' "${train[@]}" d --model mlp:700,10
refuses 1 'gives 9 scores but there are 10 classes' "${train[@]}" d --model mlp:784,100,9
refuses 1 'gives 11 scores but there are 10 classes' "${train[@]}" d --model mlp:784,100,11
finish
