#!/usr/bin/env python3
"""make_opinfo.py DIR [--small]: PyTorch's own test samples (torch.testing._internal's OpInfo) for the ops that hone
has, with what PyTorch gives: DIR/opinfo.safetensors and DIR/opinfo.txt, a line a sample:

    number op dtype inputs outputs rtol atol core pytorch_name attributes...

Tensor 12.i0 is sample 12's first input, 12.o0 its first output, 12.g0 the gradient by the input of the sum over
all float outputs y of y times 1, 1.5, 2, 1, 1.5 ... in row-major order. inputs has a letter each: t, a
tensor, g, one whose gradient is there, n, none. outputs: v, a value, - , one that isn't looked at (an index among
ties). core is c for names that a differentiable op of Core ATen IR is behind, as opinfo_core.py says. A sample that hone's signature can't say has the op "-" and counts as a failure. Tolerances are those of
torch.testing.assert_close, and of f32 where OpInfo has wider ones for its common tests those. --small keeps what is committed: the first samples of each op and dtype, and of those
the small ones.

    build/tests/test_opinfo    reads the committed ones, or those of HONE_OPINFO_DIR, and then prints the table
"""
import sys
import warnings

import safetensors.torch
import torch
from torch.testing._internal.common_methods_invocations import op_db

import opinfo_nets # adds to MAP
from opinfo_core import CORE
from opinfo_ops import DTYPES as NAMES, MAP, No

warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(1)
OWN_TESTS = {"test_noncontiguous_samples", "test_variant_consistency_eager", "test_numpy_refs", "test_out"}
TOLERANCE = {torch.float32: (1.3e-6, 1e-5), torch.float64: (1e-7, 1e-7), torch.int64: (0, 0), torch.bool: (0, 0),
             torch.int32: (0, 0), torch.uint8: (0, 0)}

def tolerance(info, dtype, y):
    """assert_close's; of f32 also OpInfo's own for its common tests on CPUs, where it has wider ones."""
    if not dtype.is_floating_point:
        return TOLERANCE[y[0].dtype if y and y[0] is not None and y[0].dtype in TOLERANCE else dtype]
    r, a = TOLERANCE[dtype]
    for d in info.decorators:
        for own in getattr(d, "decorators", ()):
            if d.cls_name == "TestCommon" and d.test_name in OWN_TESTS and dtype in getattr(own, "d", {}):
                r, a = max(r, own.d[dtype].rtol), max(a, own.d[dtype].atol)
    return r, a


INDEX_AMONG_TIES = {"topk", "sort", "argsort", "mode", "median_dim", "nanmedian_dim", "kthvalue", "max_dim", "min_dim"}
# Of what PyTorch's native_ functions give users see the first alone.
FIRST = {"native_batch_norm", "_native_batch_norm_legit", "native_layer_norm", "native_group_norm"}
NO_GRADIENT = {"fill_", "heaviside", "floor_divide", "floor_divide_scalar", "unique", "unique_consecutive", "nonzero"}


def flat(y):
    return [t for t in (y if isinstance(y, (tuple, list)) else [y]) if isinstance(t, torch.Tensor)]


def run(op_info, sample, op, dtype, tensors):
    """Outputs, and gradients of the weighted sum by the inputs that have one."""
    wanted = [t is not None and t.is_floating_point() and op not in NO_GRADIENT for t in tensors]
    leaves = {id(t): t for t, w in zip(tensors, wanted) if w}
    for t in leaves.values():
        t.requires_grad_(True)
    y = flat(op_info(sample.input, *sample.args, **sample.kwargs))
    y = y[:1] if op_info.name in FIRST else y
    loss = None
    for t in y:
        if t.is_floating_point() and t.requires_grad:
            w = 1 + (torch.arange(t.numel()) % 3).to(t.dtype) / 2
            part = (t.reshape(-1) * w).sum()
            loss = part if loss is None else loss + part
    grads = {}
    if loss is not None and leaves:
        got = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        grads = {k: g.to_dense() if g.is_sparse else g for k, g in zip(leaves, got) if g is not None}
    if op.startswith("unique"): # values, inverse, counts: those that were asked for
        asked = [True, sample.kwargs.get("return_inverse", False), sample.kwargs.get("return_counts", False)]
        rest = iter(y)
        y = [next(rest) if a else None for a in asked]
    return [t if t is None else t.detach() for t in y], [grads.get(id(t)) if w else None for t, w in zip(tensors, wanted)]


def main():
    out, small = sys.argv[1], "--small" in sys.argv[2:]
    tensors, lines, number = {}, [], 0
    for info in op_db:
        name = info.name + ("." + info.variant_test_name if info.variant_test_name else "")
        make = MAP.get(name)
        if not make:
            continue
        for dtype in NAMES:
            if dtype not in info.dtypes:
                continue
            kept = 0
            for sample in info.sample_inputs("cpu", dtype, requires_grad=False):
                if small and kept >= (3 if dtype in (torch.float32, torch.float64) else 2):
                    break
                try:
                    op, inputs, text_ = make(sample)
                    if inputs is None: # random numbers: others than hone's
                        continue
                    if any(t is not None and not isinstance(t, torch.Tensor) for t in inputs):
                        raise No("a number instead of a tensor")
                except (No, KeyError, IndexError, TypeError, ValueError) as why:
                    if small:
                        continue
                    lines.append(f"{number} - {NAMES[dtype]} - - 0 0 {'c' if name in CORE else '-'} {name} {str(why).replace(' ', '_')}")
                    number += 1
                    continue
                before = [t if t is None else t.detach().clone() for t in inputs] # some change their inputs
                for by in (len(inputs), 1, 0): # what isn't differentiable by all: by the first, or by none
                    try:
                        y, grads = run(info, sample, op, dtype, inputs[:by])
                        break
                    except RuntimeError as why:
                        for t in inputs:
                            if t is not None:
                                t.requires_grad_(False)
                        if by == 0:
                            print(name, NAMES[dtype], str(why)[:80], file=sys.stderr)
                            y = None
                if y is None:
                    continue
                grads += [None] * (len(inputs) - len(grads))
                inputs = before
                size = sum(t.numel() for t in inputs + y if t is not None)
                if small and size > 300:
                    continue
                if any(t is not None and t.dtype in (torch.complex64, torch.complex128, torch.float16, torch.bfloat16)
                       for t in inputs + y):
                    continue
                y_name = "".join("-" if t is None or op in INDEX_AMONG_TIES and t.dtype == torch.int64 and (i > 0 or op == "argsort")
                                 else "v" for i, t in enumerate(y)) or "-"
                letters = "".join("n" if t is None else "t" if g is None else "g" for t, g in zip(inputs, grads))
                r, a = tolerance(info, dtype, y)
                lines.append(f"{number} {op} {NAMES[dtype]} {letters or '-'} {y_name} {r} {a} "
                             f"{'c' if name in CORE else '-'} {name} {text_}".rstrip())
                for i, (t, g) in enumerate(zip(inputs, grads)):
                    if t is not None:
                        tensors[f"{number}.i{i}"] = t.detach().clone().contiguous()
                    if g is not None:
                        tensors[f"{number}.g{i}"] = g.detach().clone().contiguous()
                for i, t in enumerate(y):
                    if y_name[i] == "v":
                        tensors[f"{number}.o{i}"] = t.clone().contiguous()
                number += 1
                kept += 1
    safetensors.torch.save_file(tensors, out + "/opinfo.safetensors")
    with open(out + "/opinfo.txt", "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{len(lines)} samples of {len({l.split()[8] for l in lines})} of PyTorch's ops")


main()
