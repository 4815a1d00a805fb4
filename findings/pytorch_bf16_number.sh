#!/bin/bash
# In PyTorch 2.13 a number beside a tensor of bfloat16 or float16 is rounded to that dtype before it is added, subtracted or an
# exponent, but not before it is multiplied or divided by: x + 0.3 is not x.float() + 0.3 rounded once, x * 0.3 is x.float() * 0.3
# rounded once. The same of a 0-d tensor of float32. hone does the same, so that values agree (src/ops/binary.c).
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy
cat >"$place/number.py" <<'PY'
import torch

torch.manual_seed(0)
ops = {"x + s": lambda x, s: x + s, "x - s": lambda x, s: x - s, "x * s": lambda x, s: x * s, "x / s": lambda x, s: x / s,
       "|x| ** s": lambda x, s: x.abs() ** s}
for dtype in torch.bfloat16, torch.float16:
    x = torch.randn(100000).to(dtype)
    rounded = float(torch.tensor(0.3).to(dtype))
    for s in 0.3, torch.tensor(0.3):
        for name, f in ops.items():
            y = f(x, s)
            once, first = (torch.equal(y, f(x.float(), number).to(dtype)) for number in (0.3, rounded))
            print(f"PyTorch {torch.__version__}, {dtype}, {type(s).__name__}, {name}: as with 0.3 in float32 {once}, with 0.3 rounded first {first}")
            assert (once, first) == ((True, False) if name in ("x * s", "x / s") else (False, True)), "this has changed"
PY
"$place/venv/bin/python" "$place/number.py"
