"""Makes pytorch_*.safetensors beside it: networks that PyTorch saved, with an input and the output
that PyTorch computed. Deterministic; torch 2.13 and safetensors 0.8.0 made what is committed.

    python make_pytorch_golden.py
"""
import pathlib

import torch
from safetensors.torch import save_file

place = pathlib.Path(__file__).parent


def network():
    """All weights square, so that no shape tells which way they lie."""
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4),
                               torch.nn.LayerNorm(4))


def save(name, net, metadata=None):
    """A state dict as PyTorch's users save it; beside it a file with x and net(x)."""
    save_file(net.state_dict(), place / f"pytorch_{name}.safetensors", metadata)


net = network()
with torch.no_grad():
    net[3].weight.copy_(torch.tensor([0.5, 1.0, 1.5, 2.0]))
    net[3].bias.copy_(torch.tensor([0.0, 0.25, -0.25, 1.0]))
save("square", net, {"format": "pt"})

halves = network()
with torch.no_grad():
    for p in halves.parameters():
        p.copy_(p.to(torch.bfloat16))
state = {k: v.to(torch.bfloat16 if k.startswith("0") else torch.float16)
         for k, v in halves.state_dict().items()}
save_file(state, place / "pytorch_halves.safetensors")  # no metadata at all

x = torch.linspace(-1, 1, 12).reshape(3, 4)
with torch.no_grad():
    save_file({"x": x, "square": net(x), "halves": halves(x)}, place / "pytorch_outputs.safetensors")
