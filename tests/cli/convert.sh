#!/bin/bash
# convert.sh HONE: hone show and hone convert; with a Python (HONE_PYTHON, default python3) that has numpy,
# safetensors and gguf, what hone writes is read by them (convert.py).
source "$(dirname "$0")/common.sh" "$1"
files=$here/../golden/files
zip=1
"$hone" show "$files/numpy_none.npz" >/dev/null 2>&1 || { zip=0; not_checked "zip archives: built without libzip"; }

# what a file holds
works "$hone" show "$files/dtypes.safetensors"
says 'dtypes.safetensors: safetensors, 21 tensors, 115 numbers, .* bytes of data'
says '^  key: value$'
says '^F32 +F32 +\[2, 3\] +-1 +1.5 +0.25 +0 +0$'
says '^C64 +C64 +\[2, 3\] +has dtype C64, hone has no complex numbers'
says '^empty +F32 +\[3, 0, 2\] +- +- +- +0 +0$'
works "$hone" show "$files/codes.safetensors"
says '^F8_E4M3 +F8_E4M3 +\[256\] +-448 +448 +0 +2 +0$'
works "$hone" show "$files/codes.safetensors" --no-stats
says '^F8_E5M2 +F8_E5M2 +\[256\] *$'
works "$hone" show "$files/small.gguf"
says '^  test.list: \[2 values\]$'
refuses 1 'show: file_open: can.t open nowhere: No such file' "$hone" show nowhere
refuses 2 'FILE is missing' "$hone" show
echo hello >text
refuses 1 'text begins like none of the files that hone reads' "$hone" show text
mkdir empty
refuses 1 'Is a directory, without model.safetensors' "$hone" show empty

# from one format to another, and back
works "$hone" convert "$files/v2.npy" a.safetensors
works "$hone" convert a.safetensors b.npy
cmp b.npy "$files/v1.npy" || fail "the array changed on its way"
works "$hone" convert b.npy c.gguf
works "$hone" show c.gguf
says '^array +F32 +\[2, 3\] +-1 +1.5 +0.25'
works "$hone" convert b.npy half.safetensors --dtype bf16
works "$hone" show half.safetensors
says '^array +BF16 '
works "$hone" convert "$files/bf16.npy" d.npy --void-dtype BF16
works "$hone" show d.npy
says '^array +F32 +\[6\] +-1 '
works "$hone" convert "$files/codes.safetensors" e.safetensors --dtype f32 --shards 1
works "$hone" convert "$files/llmc_f32.bin" gpt.safetensors
refuses 1 'gives 10 scores' "$hone" eval --model gpt:vocab=10,context=4,layers=2,heads=2,width=8 --load gpt.safetensors --data text:200
refuses 1 'has dtype V2' "$hone" convert "$files/bf16.npy" d.npy
refuses 1 'an npy file has one array, not 10' "$hone" convert "$files/codes.safetensors" x.npy
refuses 1 "the name's ending tells the format" "$hone" convert b.npy x.bin
refuses 2 '--dtype takes f32, f64, f16 or bf16' "$hone" convert b.npy x.npz --dtype f8
refuses 2 '--layout takes pytorch or hone' "$hone" convert b.npy x.npz --layout c
refuses 2 'OUT is missing' "$hone" convert b.npy
[ ! -e x.npy ] && [ ! -e x.bin ] || fail "something was written"
if [ $zip = 1 ]; then
  works "$hone" convert "$files/state.pt" state.npz
  works "$hone" show state.npz
  says '^0.weight +F32 +\[2, 3\]'
  refuses 1 'asks for operator.itemgetter' "$hone" show "$files/foreign.pt"
fi

# which way weights lie: the names of an mlp tell, of others --model does
works "$hone" train --limit 200 --epochs 0 --model mlp:784,30,10 --save pt.safetensors
works "$hone" convert pt.safetensors in.safetensors --layout hone
works "$hone" show in.safetensors
says '^0.weight +F32 +\[784, 30\]'
says '^  layout: in,out$'
works "$hone" eval --limit 200 --load in.safetensors
works "$hone" convert in.safetensors back.safetensors --layout pytorch
cmp pt.safetensors back.safetensors || fail "turned twice, it is another file"
works "$hone" train --limit 200 --epochs 0 --model lenet --save lenet.safetensors
refuses 1 'holds no mlp' "$hone" convert lenet.safetensors x.safetensors --layout hone
works "$hone" convert lenet.safetensors x.safetensors --layout hone --model lenet
works "$hone" eval --limit 200 --model lenet --load x.safetensors

# what hone writes, others read
python=${HONE_PYTHON:-python3}
if [ $zip = 1 ] && "$python" -c 'import numpy, safetensors.torch, torch, gguf' 2>/dev/null; then
  works "$python" "$here/convert.py" "$hone" "$files"
else
  not_checked "reading by numpy, safetensors and gguf: not in $python"
fi
finish
