#!/bin/bash
# PyTorch 2.13: within one `with torch.autocast(...)` a layer goes on using the weights it had when it first ran there: an
# optimizer's step, load_state_dict or any other change in place shows only after the region has ended, and nothing says so.
# (The casts of leaves that require a gradient are kept for the region by object, without asking whether the values
# changed.) A loop of several steps inside one region trains from gradients of the first weights. cache_enabled=False avoids it.
#
# Needs Python 3.11 or newer with venv, and the network; installs nothing outside a temporary folder.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q torch==2.13.0 numpy
cat >"$place/region.py" <<'PY'
import torch


def steps(cached):
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 8)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    x = torch.randn(4, 8)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=cached):
        before = layer(x)
        before.float().sum().backward()
        optimizer.step()
        after = layer(x)
        layer.load_state_dict({name: torch.zeros_like(p) for name, p in layer.state_dict().items()})
        zeros = layer(x)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=cached):
        outside = layer(x)
    return torch.equal(before, after), torch.equal(before, zeros), bool((outside == 0).all())


for cached, wanted in (True, (True, True, True)), (False, (False, False, True)):
    seen = steps(cached)
    print(f"PyTorch {torch.__version__}, cache_enabled={cached}: output as before a step, as before loading zeros,",
          f"zero in the next region: {seen}")
    assert seen == wanted, "this has changed"
PY
"$place/venv/bin/python" "$place/region.py"
