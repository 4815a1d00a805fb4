"""PyTorch's side of pytorch.sh: pytorch.py WHAT DIR [FILE].

data              writes MNIST's four files, of random images, into DIR
eval              reads FILE, as hone wrote it, into a network
plain, model      makes a network and saves it as FILE by save_file / save_model
f16, bf16         the same in that dtype

All but data print the network's loss and share of errors on DIR's test images.
"""
import pathlib
import struct
import sys

import torch
from safetensors.torch import load_file, save_file, save_model

what, place, path = sys.argv[1], pathlib.Path(sys.argv[2]), (sys.argv + [None])[3]
torch.manual_seed(5)


def write_idx(name, dims, data):
    (place / name).write_bytes(struct.pack(f">HBB{len(dims)}I", 0, 8, len(dims), *dims) + bytes(data))


def read_idx(name, header):
    return torch.tensor(list((place / name).read_bytes()[header:]), dtype=torch.uint8)


if what == "data":
    place.mkdir()
    for kind, n in (("train", 200), ("t10k", 300)):
        pixels = torch.randint(0, 256, (n * 784,), dtype=torch.uint8)
        labels = torch.randint(0, 10, (n,), dtype=torch.uint8)
        write_idx(f"{kind}-images-idx3-ubyte", (n, 28, 28), pixels.tolist())
        write_idx(f"{kind}-labels-idx1-ubyte", (n,), labels.tolist())
    sys.exit()

net = torch.nn.Sequential(torch.nn.Linear(784, 24), torch.nn.ReLU(), torch.nn.Linear(24, 24),
                          torch.nn.ReLU(), torch.nn.Linear(24, 10))
if what == "eval":
    net.load_state_dict(load_file(path))
elif what == "plain":
    save_file(net.state_dict(), path)
elif what == "model":
    save_model(net, path)
else:
    net.to({"f16": torch.float16, "bf16": torch.bfloat16}[what])
    save_file(net.state_dict(), path)
    net.float()
x = read_idx("t10k-images-idx3-ubyte", 16).reshape(-1, 784).float() / 255
y = read_idx("t10k-labels-idx1-ubyte", 8).long()
with torch.no_grad():
    scores = net(x)
print(f"{torch.nn.functional.cross_entropy(scores, y).item():.5f} "
      f"{(scores.argmax(1) != y).float().mean().item():.4f}")
