#!/usr/bin/env python3
"""Writes optimizers.txt: PyTorch's losses before steps 1 to 20 of each optimizer, from the same weights and samples.

    python3 make_optimizers_golden.py      (needs torch and numpy)

A line a run: optimizer and options as hone_optim_by_name takes them, the dtype, a colon, the losses. The network has 13
inputs, 17 tanh units and 5 outputs, the loss is the mean square error over 16 samples. Weights, biases and samples come from
the hash of make_training_golden.py. Muon trains the two weight matrices alone. Lion, which PyTorch hasn't, follows its
paper's formula. test_golden_optimizers.c makes the same.
"""
import os

import numpy as np
import torch

from make_training_golden import hashed

STEPS, BATCH, IN, HIDDEN, OUT = 20, 16, 13, 17, 5


def numbers(stream, rows, columns, scale, dtype):
    uniform = (hashed(stream, rows * columns) >> np.uint64(40)).astype(np.float64) / 2.0**24
    return torch.from_numpy(((uniform - 0.5) * scale).reshape(rows, columns)).to(dtype)


class Lion(torch.optim.Optimizer):
    """p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p); m = beta2 m + (1 - beta2) g."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.sub_(lr * ((b1 * m + (1 - b1) * p.grad).sign() + group["weight_decay"] * p))
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


O = torch.optim
CLASSES = dict(sgd=O.SGD, adam=O.Adam, adamw=O.AdamW, nadam=O.NAdam, radam=O.RAdam, adamax=O.Adamax, rmsprop=O.RMSprop,
               adagrad=O.Adagrad, adadelta=O.Adadelta, lion=Lion, muon=O.Muon)
ROWS = [
    "sgd lr=0.5", "sgd lr=0.1 momentum=0.9 weight_decay=0.01 nesterov=true",
    "adam", "adam lr=0.02 weight_decay=0.01 amsgrad=true", "adamw lr=0.02", "adamw lr=0.05 amsgrad=true beta1=0.8 beta2=0.99",
    "nadam lr=0.02", "nadam lr=0.02 weight_decay=0.1 decoupled_weight_decay=true",
    "radam lr=0.02", "radam lr=0.02 weight_decay=0.1 decoupled_weight_decay=true beta2=0.99",
    "adamax lr=0.02", "adamax lr=0.05 weight_decay=0.01",
    "rmsprop", "rmsprop lr=0.005 momentum=0.9 centered=true weight_decay=0.01",
    "adagrad lr=0.05", "adagrad lr=0.1 lr_decay=0.1 initial_accumulator_value=0.1 weight_decay=0.01",
    "adadelta", "adadelta lr=10 rho=0.95 weight_decay=0.01",
    "lion lr=0.01", "lion lr=0.02 weight_decay=0.1 beta2=0.95",
    "muon lr=0.02", "muon lr=0.01 momentum=0.9 weight_decay=0.01",
]


def optimizer(row, params):
    name, *options = row.split()
    kw = {}
    for option in options:
        key, value = option.split("=")
        kw[key] = value == "true" if value in ("true", "false") else float(value)
    if "beta1" in kw or "beta2" in kw:
        kw["betas"] = (kw.pop("beta1", 0.9), kw.pop("beta2", 0.999 if name != "lion" else 0.99))
    return CLASSES[name]([p for p in params if name != "muon" or p.ndim == 2], **kw)


def losses(row, dtype):
    x, y = numbers(1, BATCH, IN, 4, dtype), numbers(2, BATCH, OUT, 2, dtype)
    params = [numbers(3, IN, HIDDEN, 1, dtype), numbers(4, 1, HIDDEN, 0.5, dtype)[0],
              numbers(5, HIDDEN, OUT, 1, dtype), numbers(6, 1, OUT, 0.5, dtype)[0]]
    w1, b1, w2, b2 = (p.requires_grad_() for p in params)
    o = optimizer(row, params)
    result = []
    for _ in range(STEPS):
        loss = ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()
        o.zero_grad()
        loss.backward()
        o.step()
        result.append(loss.item())
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.txt")
    with open(path, "w") as f:
        f.write(f"# losses before steps 1 to {STEPS}, PyTorch {torch.__version__.split('+')[0]};"
                " see make_optimizers_golden.py\n")
        for row in ROWS:
            for dtype, name in ((torch.float64, "f64"), (torch.float32, "f32")):
                f.write(f"{row} {name}: {' '.join(f'{v:.17g}' if name == 'f64' else f'{v:.9g}' for v in losses(row, dtype))}\n")
    print("wrote", path)
