#!/bin/bash
# PyTorch 2.13 on a CPU: torch.set_flush_denormal(True) returns True and holds for the calling thread, and for threads that begin
# to exist later, but not for those that are there: once any op was large enough to be shared out, x * 1.0 of a million denormals
# on two threads is zeros in its first half and denormals in its second. Switched on before, then off, it is the other way round:
# the caller's part keeps denormals, the rest is flushed for good. So what a model computes depends on where in a tensor a number
# stands, on the number of threads, and on what ran before; small tensors show nothing. hone never flushes.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy
cat >"$place/flush.py" <<'PY'
import sys

import torch

threads, when = int(sys.argv[1]), sys.argv[2]
FEW, MANY = 1000, 1000000
torch.set_num_threads(threads)
if when == "after an op on all threads":
    torch.ones(MANY).add_(1)


def flushed(n):
    x = torch.full((n,), 71362, dtype=torch.int32).view(torch.float32)  # 1e-40, by its bits
    return ((x * 1.0).view(torch.int32) == 0).tolist()


mine = MANY // threads
assert torch.set_flush_denormal(True)
few, on = flushed(FEW), flushed(MANY)
assert torch.set_flush_denormal(False)
off = flushed(MANY)
print(f"PyTorch {torch.__version__}, {threads} thread(s), switched on {when}: {sum(few)} of {FEW} flushed, {sum(on)} of {MANY},",
      f"switched off again {sum(off)}")
late = when == "after an op on all threads"
wanted = [True] * mine + [not late] * (MANY - mine), [False] * mine + [not late] * (MANY - mine)
assert all(few) and (on, off) == wanted, "this has changed"
PY
for when in "before any" "after an op on all threads"; do
  for threads in 1 2 4; do
    "$place/venv/bin/python" "$place/flush.py" $threads "$when"
  done
done
