#!/usr/bin/env python3
"""Writes schedules.txt: the first 200 learning rates of PyTorch's schedules, from a rate of 0.1.

    python3 make_schedules_golden.py      (needs torch)

A line a schedule: its name and options as hone_schedule_by_name takes them, a colon, the rates that steps 0, 1, ... see;
of one_cycle a second line with the momentum of SGD or beta1 of Adam. test_golden_schedules.c makes the same.
"""
import os

import torch
from torch.optim import SGD, Adam
from torch.optim import lr_scheduler as S

STEPS, LR = 200, 0.1


def metric(i):
    """What the plateau sees: falls, stays, falls a little, jumps."""
    return [4.0, 3.0, 2.0, 2.0, 2.0, 1.99999, 2.5, 1.9][i % 8] / (1 + i // 16)


def rates(make, optimizer=SGD, look=None):
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    o = optimizer([p], lr=LR)
    s = make(o)
    lr, momentum = [], []
    for i in range(STEPS):
        group = o.param_groups[0]
        lr.append(group["lr"])
        momentum.append(group["momentum"] if "momentum" in group else group["betas"][0])
        o.step()
        if i < STEPS - 1:
            s.step(metric(i)) if look else s.step()
    return lr, momentum


ROWS = [
    ("step step_size=7 gamma=0.9", lambda o: S.StepLR(o, 7, 0.9)),
    ("step step_size=30", lambda o: S.StepLR(o, 30)),
    ("multistep milestones=3,3,50,120 gamma=0.5", lambda o: S.MultiStepLR(o, [3, 3, 50, 120], 0.5)),
    ("exponential gamma=0.97", lambda o: S.ExponentialLR(o, 0.97)),
    ("constant", lambda o: S.ConstantLR(o)),
    ("constant factor=0.7 total_iters=60", lambda o: S.ConstantLR(o, 0.7, 60)),
    ("linear", lambda o: S.LinearLR(o)),
    ("linear start_factor=0.9 end_factor=0 total_iters=150", lambda o: S.LinearLR(o, 0.9, 0.0, 150)),
    ("polynomial", lambda o: S.PolynomialLR(o)),
    ("polynomial total_iters=170 power=2.5", lambda o: S.PolynomialLR(o, 170, 2.5)),
    ("cosine t_max=17", lambda o: S.CosineAnnealingLR(o, 17)),
    ("cosine t_max=199 eta_min=0.01", lambda o: S.CosineAnnealingLR(o, 199, 0.01)),
    ("cosine_restarts t_0=13", lambda o: S.CosineAnnealingWarmRestarts(o, 13)),
    ("cosine_restarts t_0=10 t_mult=2 eta_min=0.001", lambda o: S.CosineAnnealingWarmRestarts(o, 10, 2, 0.001)),
    ("one_cycle max_lr=1 total_steps=200", lambda o: S.OneCycleLR(o, 1.0, 200)),
    ("one_cycle max_lr=1 total_steps=200 three_phase=true linear=true pct_start=0.25 div_factor=10",
     lambda o: S.OneCycleLR(o, 1.0, 200, three_phase=True, anneal_strategy="linear", pct_start=0.25, div_factor=10)),
    ("sequential", lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.5, 4), S.ExponentialLR(o, 0.9),
                                                S.CosineAnnealingLR(o, 40)], [10, 60])),
    ("warmup", lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 20), S.CosineAnnealingLR(o, 180)], [20])),
]

PLATEAUS = [
    ("plateau", {}),
    ("plateau patience=2 factor=0.5 cooldown=3", dict(patience=2, factor=0.5, cooldown=3)),
    ("plateau patience=0 threshold=0.01 threshold_abs=true min_lr=0.001",
     dict(patience=0, threshold=0.01, threshold_mode="abs", min_lr=0.001)),
    ("plateau patience=3 mode_max=true factor=0.9", dict(patience=3, mode="max", factor=0.9)),
]


def line(name, values):
    return f"{name}: {' '.join(repr(float(v)) for v in values)}\n"


if __name__ == "__main__":
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedules.txt")
    with open(path, "w") as f:
        f.write(f"# PyTorch {torch.__version__.split('+')[0]}; see make_schedules_golden.py\n")
        for name, make in ROWS:
            lr, momentum = rates(make)
            f.write(line(name, lr))
            if name.startswith("one_cycle"):
                f.write(line("momentum", momentum))
        f.write(line("one_cycle max_lr=0.5 total_steps=250", (both := rates(lambda o: S.OneCycleLR(o, 0.5, 250), Adam))[0]))
        f.write(line("beta1", both[1]))
        for name, options in PLATEAUS:
            f.write(line(name, rates(lambda o: S.ReduceLROnPlateau(o, **options), look=True)[0]))
    print("wrote", path)
