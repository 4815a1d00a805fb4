#!/usr/bin/env python3
"""Writes layouts.txt: how PyTorch lays out the results of elementwise ops.

    python3 make_layouts_golden.py      (needs torch)

A line a case: the op and attributes as hone_call takes them, its operands, the result's strides, "-" where the extent is 1 and
the stride means nothing; between them "|". An operand is the extents of row-major memory, "/" and a step if only every so manieth
element of its last dim is taken, "@" and the order in which its dims are seen. test_golden_layouts.c makes the same. Not among them is
masked_fill, whose result is contiguous in PyTorch whatever x is; hone's lies as x does.
"""
import itertools
import os

import torch

ORDERS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
OPS = {"relu": torch.relu, "to dtype=f64": lambda x: x.double(), "gt_scalar s=0": lambda x: x > 0, "leaky_relu": torch.nn.functional.leaky_relu,
       "add": torch.add, "lt": torch.lt, "atan2": torch.atan2,
       "where": lambda c, a, b: torch.where(c > 0, a, b), "addcmul": torch.addcmul}


def operand(shape, order, step=1):
    """Of that shape; its memory has the dims in the inverse order."""
    memory = [0] * len(shape)
    for d, at in enumerate(order):
        memory[at] = shape[d]
    memory[-1:] = [memory[-1] * step] if memory else []
    text = ",".join(map(str, memory)) + (f"/{step}" if step > 1 else "") + "@" + ",".join(map(str, order))
    t = torch.zeros(memory)
    return (t[..., ::step] if step > 1 else t).permute(order), text


def cases():
    for op in ("relu", "to dtype=f64", "gt_scalar s=0", "leaky_relu"):
        for order in ORDERS:
            yield op, operand((3, 4, 5), order)
    for order in ORDERS:
        yield "relu", operand((3, 4, 5), order, 2)
        for shape in ((1, 4, 5), (3, 1, 5), (3, 4, 1), (1, 1, 5), (3, 0, 5)):
            yield "relu", operand(shape, order)
    for order in ((0, 1), (1, 0)):
        for shape in ((3, 4), (1, 4), (3, 1), (0, 4)):
            yield "relu", operand(shape, order)
        yield "to dtype=f64", operand((3, 4), order, 3)
        yield "relu", operand((3, 4), order, 2)
    yield "relu", operand((), ())
    for order in ((0, 2, 3, 1), (0, 3, 1, 2), (3, 1, 2, 0), (2, 3, 0, 1)):
        yield "relu", operand((2, 3, 4, 5), order)
        yield "add", operand((2, 3, 4, 5), order), operand((3, 1, 1), (0, 1, 2))
        yield "add", operand((2, 3, 4, 5), order), operand((2, 1, 1, 1), (0, 1, 2, 3))
    for a, b in itertools.product(ORDERS, ORDERS):
        yield "add", operand((3, 4, 5), a), operand((3, 4, 5), b)
    for a in ORDERS:
        whole = operand((3, 4, 5), a)
        for other in ((5,), (4, 5), (4, 1), (1, 1, 5), (3, 1, 1), (3, 1, 5), (1,), ()):
            for order in itertools.permutations(range(len(other))) if len(other) == 2 else [tuple(range(len(other)))]:
                yield "add", whole, operand(other, order)
                yield "atan2", operand(other, order), whole
        yield "lt", whole, operand((3, 4, 5), (2, 1, 0), 2)
        yield "where", operand((3, 4, 5), (0, 1, 2)), whole, whole
        yield "where", operand((), ()), whole, operand((3, 4, 5), (0, 1, 2))
        yield "addcmul", operand((4, 1), (0, 1)), operand((5,), (0,)), whole
    for a, b in itertools.product(((0, 1), (1, 0)), repeat=2):
        yield "add", operand((3, 1), a), operand((1, 4), b)
        yield "add", operand((3, 4), a), operand((3, 4), b)
        yield "lt", operand((3, 4), a), operand((3, 1), b)
        yield "where", operand((4,), (0,)), operand((3, 4), a), operand((3, 4), b)


def main():
    lines = [f"# PyTorch {torch.__version__.split('+')[0]}; see make_layouts_golden.py"]
    for op, *operands in cases():
        y = OPS[op](*(t for t, _ in operands))
        strides = " ".join("-" if n == 1 else str(s) for n, s in zip(y.shape, y.stride()))
        lines.append(f"{op} | {' '.join(text for _, text in operands)} | {strides}".rstrip())
    lines = list(dict.fromkeys(lines))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layouts.txt"), "w") as f:
        f.write("\n".join(lines) + "\n")


main()
