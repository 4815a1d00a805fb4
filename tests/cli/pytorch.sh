#!/bin/bash
# pytorch.sh HONE: networks go to PyTorch and come from it, as files. HONE_PYTHON is a Python with
# torch and safetensors (default python3); skipped without.
source "$(dirname "$0")/common.sh" "$1"
python=${HONE_PYTHON:-python3}
"$python" -c 'import torch, safetensors.torch' 2>/dev/null || { echo "no torch or no safetensors in $python"; exit 77; }

# torch WHAT FILE...: a line from pytorch.py, which says what there is
torch() { "$python" "$here/pytorch.py" "$@"; }
# agrees FILE: what hone eval says of it is what PyTorch computed, the last line of `torch`
agrees() {
  works "$hone" eval --data data --load "$1"
  awk -v want="$(cat wanted)" '{
    split(want, w); loss = $(NF - 3); error = $NF; d = loss - w[1]
    exit !(d < 2e-4 && d > -2e-4 && error == w[2]) }' out || fail "$1: PyTorch has $(cat wanted), hone: $(cat out)"
}

torch data data || fail "no data"
# a network with a square layer: only there could a transposed weight go unnoticed
model=mlp:784,24,24,10
works "$hone" train --data data --model $model --epochs 2 --lr 0.1 --save of_hone.safetensors
torch eval data of_hone.safetensors >wanted || fail "PyTorch can't read hone's file"
agrees of_hone.safetensors
works "$hone" train --data data --model $model --epochs 2 --lr 0.1 --layout in,out --save in_out.safetensors
agrees in_out.safetensors
for how in plain model f16 bf16; do
  torch "$how" data of_torch.safetensors >wanted || fail "PyTorch can't save"
  agrees of_torch.safetensors
done
# and back again
works "$hone" train --data data --model $model --epochs 0 --load of_torch.safetensors --save back.safetensors
agrees back.safetensors
torch eval data back.safetensors >now || fail "PyTorch can't read what came back"
cmp -s now wanted || fail "it came back as another network: $(cat now) / $(cat wanted)"
finish
