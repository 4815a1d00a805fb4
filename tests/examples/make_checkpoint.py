"""Makes checkpoint.safetensors and checkpoint_outputs.safetensors beside it: a network as a user of
PyTorch saves it after some training, and what it makes of an input. Deterministic; torch 2.13 and
safetensors 0.8.0 made what is committed.

    python make_checkpoint.py
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

place = pathlib.Path(__file__).parent
torch.manual_seed(16)
net = nn.Sequential(
    nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
    nn.Flatten(2), nn.LSTM(16, 6, num_layers=2, batch_first=True, bidirectional=True))
head = nn.Linear(12, 3)
names = nn.ModuleDict({"body": net, "head": head})


def forward(x):
    return head(net(x)[0][:, -1])


optim = torch.optim.Adam(names.parameters(), lr=0.01)
for _ in range(10):
    x, y = torch.randn(8, 1, 8, 8), torch.randint(3, (8,))
    optim.zero_grad()
    nn.functional.cross_entropy(forward(x), y).backward()
    optim.step()
names.eval()
save_file(names.state_dict(), place / "checkpoint.safetensors")
x = torch.randn(5, 1, 8, 8)
with torch.no_grad():
    save_file({"x": x, "y": forward(x)}, place / "checkpoint_outputs.safetensors")
