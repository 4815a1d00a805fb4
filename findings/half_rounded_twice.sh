#!/bin/bash
# float64 and int64 to 16 bits are rounded twice, by way of float32, and not by the same packages: PyTorch 2.13 rounds float64
# twice on the way to bfloat16 and to float16, NumPy 2.4 and JAX 0.10 round it once to float16, but ml_dtypes 0.6 (NumPy's
# bfloat16) and JAX twice to bfloat16; int64 to bfloat16 all three twice. So one float64
# array becomes two float16 files, and none of them has bfloat16's nearest value. hone rounds once.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6 ml_dtypes==0.6.0 jax==0.10.2 jaxlib==0.10.2
cat >"$place/twice.py" <<'PY'
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)


def nearest(x, bits):
    """x, 1 <= x < 2, to so many bits, once."""
    return round(x * 2 ** (bits - 1)) / 2 ** (bits - 1)


# just above the middle between two neighbours, by less than float32 keeps
bf16, f16 = 1 + 2**-8 + 2**-30, 1 + 2**-11 + 2**-40
integer = 2**31 + 2**23 + 1
seen = {
    "PyTorch, float64 to bfloat16": torch.tensor([bf16], dtype=torch.float64).bfloat16().item(),
    "ml_dtypes, float64 to bfloat16": float(np.array([bf16]).astype(ml_dtypes.bfloat16)[0]),
    "JAX, float64 to bfloat16": float(jnp.array([bf16]).astype(jnp.bfloat16)[0]),
    "PyTorch, float64 to float16": torch.tensor([f16], dtype=torch.float64).half().item(),
    "NumPy, float64 to float16": float(np.array([f16]).astype(np.float16)[0]),
    "JAX, float64 to float16": float(jnp.array([f16]).astype(jnp.float16)[0]),
    "PyTorch, int64 to bfloat16": torch.tensor([integer]).bfloat16().item() / 2**31,
    "ml_dtypes, int64 to bfloat16": float(np.array([integer]).astype(ml_dtypes.bfloat16)[0]) / 2**31,
    "JAX, int64 to bfloat16": float(jnp.array([integer]).astype(jnp.bfloat16)[0]) / 2**31,
}
once = {name: nearest(f16, 11) if name.endswith(" float16") else
        nearest(integer / 2**31 if "int64" in name else bf16, 8) for name in seen}
print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, ml_dtypes {ml_dtypes.__version__}, JAX {jax.__version__}")
for name in seen:
    print(f"{name}: {'once' if seen[name] == once[name] else 'twice'} ({seen[name]}, nearest {once[name]})")
assert {name for name in seen if seen[name] == once[name]} == \
    {"NumPy, float64 to float16", "JAX, float64 to float16"}, "this has changed"
assert all(v == 1 for name, v in seen.items() if seen[name] != once[name]), "this has changed"
PY
"$place/venv/bin/python" "$place/twice.py"
