"""Makes pytorch_images.safetensors beside it: a small network of images as PyTorch begins it, the
batch it trains on, the losses of 20 steps of SGD with momentum, and the state and evaluation after
them, all f64. Deterministic; torch 2.13 and safetensors 0.8.0 made what is committed.

    python make_images_golden.py
"""
import pathlib

import torch
from safetensors.torch import save_file

place = pathlib.Path(__file__).parent
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
net = torch.nn.Sequential(
    torch.nn.Conv2d(2, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),
    torch.nn.MaxPool2d(2), torch.nn.Conv2d(4, 6, 3, stride=(2, 1), groups=2), torch.nn.ReLU(),
    torch.nn.Flatten(), torch.nn.Linear(12, 5), torch.nn.BatchNorm1d(5, momentum=None))
x = torch.randn(6, 2, 8, 8)
y = torch.tensor([0, 1, 2, 3, 4, 2])
out = {f"begin.{k}": v.clone() for k, v in net.state_dict().items()}
optim = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
losses = []
for _ in range(20):
    optim.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(x), y)
    loss.backward()
    optim.step()
    losses.append(loss.item())
out |= {f"end.{k}": v.clone() for k, v in net.state_dict().items()}
net.eval()
with torch.no_grad():
    out |= {"x": x, "y": y, "losses": torch.tensor(losses), "evaluated": net(x)}
save_file(out, place / "pytorch_images.safetensors")
print(net, losses)
