#!/bin/bash
# pytorch_bf16_number.sh: in PyTorch a number beside a tensor of bfloat16 or float16 is rounded to that dtype before it is
# added, subtracted or an exponent, but not before it is multiplied or divided by: x + 0.3 is not x.float() + 0.3 rounded once,
# x * 0.3 is x.float() * 0.3 rounded once. The same of a 0-d tensor of float32. (Seen with 2.13.0 on a CPU; needs python3 with
# torch, or PYTHON.) hone does the same, so that values agree (src/ops/binary.c).
set -euo pipefail
"${PYTHON:-python3}" - <<'PY'
import torch

torch.manual_seed(0)
x = torch.randn(100000).bfloat16()
rounded = float(torch.tensor(0.3).bfloat16())
for name, f in (("x + s", lambda x, s: x + s), ("x - s", lambda x, s: x - s), ("x * s", lambda x, s: x * s),
                ("x / s", lambda x, s: x / s), ("|x| ** s", lambda x, s: x.abs() ** s)):
    y = f(x, 0.3)
    exact = (y != f(x.float(), 0.3).bfloat16()).float().mean().item()
    first = (y != f(x.float(), rounded).bfloat16()).float().mean().item()
    print(f"{name:9} differs from 0.3 in float32: {exact:6.1%}   from 0.3 rounded to bfloat16 first: {first:6.1%}")
PY
