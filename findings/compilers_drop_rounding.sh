#!/bin/bash
# A rounding that the program asks for does not happen once it is compiled: with PyTorch 2.13's torch.compile on a CPU
# x.bfloat16().float() is x, bit by bit, and likewise with float16, so a step of quantization written so does nothing; eager
# rounds. In JAX 0.10 on a CPU jax.jit keeps that pair where it is all there is, but what it is used for sees x unrounded:
# the sum of x.astype(bfloat16).astype(float32) - x is 0. What a compiled bf16 model is compared with should know it.
#
# Needs Python 3.11 or newer with venv, a C++ compiler, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy jax==0.10.2 jaxlib==0.10.2 setuptools
cat >"$place/rounding.py" <<'PY'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import torch

torch.manual_seed(0)
x = torch.randn(4096)
for dtype in torch.bfloat16, torch.float16:
    def pair(x):
        return x.to(dtype).float()
    torch.compiler.reset()
    compiled, eager = torch.compile(pair)(x), pair(x)
    seen = torch.equal(compiled, x), torch.equal(eager, x)
    print(f"PyTorch {torch.__version__}, to {dtype} and back is the same bits: compiled {seen[0]}, eager {seen[1]}")
    assert seen == (True, False), "this has changed"

y = jnp.asarray(x.numpy())


def error(y):
    return jnp.abs(y.astype(jnp.bfloat16).astype(jnp.float32) - y).max()


seen = float(error(y)), float(jax.jit(error)(y))
print(f"JAX {jax.__version__}, largest error of rounding to bfloat16: {seen[0]:.4f}, under jit {seen[1]}")
assert seen[0] > 0.001 and seen[1] == 0, "this has changed"
PY
TORCHINDUCTOR_CACHE_DIR="$place/cache" "$place/venv/bin/python" "$place/rounding.py"
