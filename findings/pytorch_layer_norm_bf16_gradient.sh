#!/bin/bash
# PyTorch 2.13 on a CPU: the gradients of layer_norm's weight and bias are summed over the rows in the INPUT's dtype, also where
# weight and bias are float32 (and so are these gradients): with a bfloat16 input a bias that 8192 rows use gets 256 on one
# thread and 512 on two (each thread has a sum of its own), not 8192; with float16 2048 and 4096. group_norm, batch_norm and
# rms_norm of the same rows give 8192. Other pairs that look alike and do not sum alike: in 16 bits embedding's, index_select's
# and x[i]'s gradients, index_add and index_put stop there, gather's and repeat_interleave's gradients and scatter_add don't;
# JAX 0.10's x.at[i].add, segment_sum and the gradient of x[i] stop as well.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy jax==0.10.2 jaxlib==0.10.2
cat >"$place/sums.py" <<'PY'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import torch
import torch.nn.functional as F

ROWS = 8192
first = torch.zeros(ROWS, dtype=torch.long)


def sums(dtype):
    def ones(*shape):
        return torch.ones(*shape, dtype=dtype)

    def gradient(use, leaf):
        leaf.requires_grad_()
        return torch.autograd.grad(use(leaf).float().sum(), leaf)[0].flatten()[0].item()

    return {
        "layer_norm, bias": gradient(lambda b: F.layer_norm(ones(ROWS, 4), (4,), ones(4), b), ones(4)),
        "layer_norm, float32 bias": gradient(lambda b: F.layer_norm(ones(ROWS, 4), (4,), torch.ones(4), b), torch.ones(4)),
        "group_norm, bias": gradient(lambda b: F.group_norm(ones(ROWS, 4), 2, ones(4), b), ones(4)),
        "rms_norm, weight": gradient(lambda w: F.rms_norm(ones(ROWS, 4), (4,), w), ones(4)),
        "embedding": gradient(lambda w: F.embedding(first, w), ones(4, 8)),
        "index_select": gradient(lambda w: w.index_select(0, first), ones(4)),
        "gather": gradient(lambda w: w.gather(0, first), ones(4)),
        "repeat_interleave": gradient(lambda w: w.repeat_interleave(ROWS), ones(1)),
        "index_add": torch.zeros(4, dtype=dtype).index_add(0, first, ones(ROWS))[0].item(),
        "scatter_add": torch.zeros(4, dtype=dtype).scatter_add(0, first, ones(ROWS))[0].item(),
    }


def wanted(stop, threads):
    return {
        "layer_norm, bias": stop * threads,
        "layer_norm, float32 bias": stop * threads,
        "group_norm, bias": ROWS,
        "rms_norm, weight": ROWS,
        "embedding": stop,
        "index_select": stop,
        "gather": ROWS,
        "repeat_interleave": ROWS,
        "index_add": stop,
        "scatter_add": ROWS,
    }


for threads in 1, 2:
    torch.set_num_threads(threads)
    for dtype, stop in (torch.bfloat16, 256), (torch.float16, 2048):
        seen = sums(dtype)
        print(f"PyTorch {torch.__version__}, {dtype}, {threads} thread(s), sums of {ROWS} ones:", seen)
        assert seen == wanted(stop, threads), "this has changed"

zeros = jnp.zeros(ROWS, int)
for dtype, stop in (jnp.bfloat16, 256), (jnp.float16, 2048):
    ones = jnp.ones(ROWS, dtype)
    seen = [float(v) for v in (jnp.zeros(4, dtype).at[zeros].add(ones)[0], jax.ops.segment_sum(ones, zeros, 4)[0],
                               jax.grad(lambda w: w[zeros].sum())(jnp.ones(4, dtype))[0], ones.sum())]
    print(f"JAX {jax.__version__}, {dtype.__name__}: at.add, segment_sum, gradient of x[i], sum:", seen)
    assert seen == [stop, stop, stop, ROWS], "this has changed"
PY
"$place/venv/bin/python" "$place/sums.py"
