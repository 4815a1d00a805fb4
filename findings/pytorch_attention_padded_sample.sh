#!/bin/bash
# PyTorch 2.13 on a CPU: MultiheadAttention of a sample that is padding throughout (key_padding_mask all True, as the last batch of
# a sharded set or an empty text has it) is 0 or NaN by three things that have nothing to do with the mask: NaN with
# need_weights=True, which is the default, 0 with need_weights=False, and NaN again without weights once the module is in eval()
# and gradients are off, and only if it was made with batch_first=True. TransformerEncoderLayer, which asks for no weights, so
# trains on such a sample and gives NaN for it where it is used.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy
cat >"$place/padded.py" <<'PY'
import contextlib

import torch

torch.manual_seed(0)
padded = torch.tensor([[False, False, True], [True, True, True]])
seen = {}
for batch_first in True, False:
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=batch_first)
    x = torch.randn(2, 3, 8)
    x = x if batch_first else x.transpose(0, 1)
    for mode in "train", "eval":
        getattr(attention, mode)()
        for weights in True, False:
            for grad in True, False:
                with contextlib.nullcontext() if grad else torch.no_grad():
                    y = attention(x, x, x, key_padding_mask=padded, need_weights=weights)[0]
                y = y if batch_first else y.transpose(0, 1)
                assert y[0].isfinite().all()
                what = "NaN" if y[1].isnan().all() else "bias" if torch.equal(y[1, 0], attention.out_proj.bias) else "?"
                seen[batch_first, mode, weights, grad] = what
                print(f"PyTorch {torch.__version__}, batch_first={batch_first}, {mode}, need_weights={weights},",
                      f"gradients {'on' if grad else 'off'}: {what}")
wanted = {key: "NaN" if key[2] or key == (True, "eval", False, False) else "bias" for key in seen}
assert seen == wanted, "this has changed"

layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0, batch_first=True)
x = torch.randn(2, 3, 8)
trained = layer(x, src_key_padding_mask=padded)[1].isfinite().all().item()
with torch.no_grad():
    used = layer.eval()(x, src_key_padding_mask=padded)[1].isnan().all().item()
print(f"TransformerEncoderLayer: finite in training {trained}, NaN in use {used}")
assert trained and used, "this has changed"
PY
"$place/venv/bin/python" "$place/padded.py"
