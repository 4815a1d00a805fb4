#!/usr/bin/env python3
"""Each elementwise, reducing and indexing op of hone beside PyTorch: 1e3 and 1e6 elements, one thread, contiguous and transposed.

    perf/compare/ops.py --hone build/perf/each --python PYTHON_WITH_TORCH [--rounds 3] [--only NAME,NAME] [--markdown FILE]

hone and PyTorch run in turn, each as a user calls it, a new result a call; a row is the medians of the rounds. Rates are
PyTorch's time over hone's: 2 is twice as fast. At its end: the geometric mean, and what is below 0.8 (sort, topk, cumsum and
unique: below 1).
"""
import argparse
import math
import os
import statistics
import subprocess
import sys
import time

ONES = ("sort", "topk", "cumsum", "unique", "argsort")


def torch_calls(side, transposed):
    import torch
    import torch.nn.functional as F
    r = lambda: torch.rand(side, side)
    lay = lambda t: t.t() if transposed else t
    u, v, w = r(), r(), r()
    x, y, z = lay(u * 1.5 + 0.5), lay(v * 1.5 + 0.5), lay(w * 6 - 3)
    m, n, i, j = lay(u > 0.5), lay(v > 0.5), lay((u * 10).long()), lay((v * 10).long())
    at, line, row = lay((w * side * 0.999).long()), u.reshape(-1), torch.rand(side)
    edges = lambda: torch.arange(0, 2, 0.01)
    T = torch
    calls = {name: (lambda f=getattr(T, name), a=a: f(a)) for a, names in (
        (z, "abs sign exp sigmoid tanh expm1 sin cos tan atan sinh cosh asinh erf exp2 floor ceil trunc round frac isnan isinf isfinite nan_to_num relu selu count_nonzero nansum"),
        (x, "neg log sqrt rsqrt square reciprocal log1p lgamma digamma log2 log10 clone sum mean max prod norm"),
        (m, "logical_not any nonzero"), (i, "bitwise_not")) for name in names.split()}
    calls.update({name: (lambda f=getattr(T, name), a=a, b=b: f(a, b)) for a, b, names in (
        (x, y, "add sub mul div pow maximum minimum hypot fmod logaddexp xlogy eq lt ge"), (z, y, "atan2 remainder floor_divide heaviside"),
        (x, z, "copysign"), (m, n, "logical_and"), (i, j, "bitwise_and")) for name in names.split()})
    calls.update({name: (lambda f=getattr(F, name): f(z)) for name in
                  "gelu silu softplus leaky_relu elu hardtanh relu6 hardsigmoid hardswish mish softsign logsigmoid".split()})
    calls.update({
        "asin": lambda: T.asin(T.tanh(z)), "acos": lambda: T.acos(T.tanh(z)), "acosh": lambda: T.acosh(x + 1),
        "erfinv": lambda: T.erfinv(T.tanh(z)), "gelu_tanh": lambda: F.gelu(z, approximate="tanh"), "clamp": lambda: z.clamp(-1, 1),
        "to_f64": lambda: x.double(), "to_i64": lambda: x.long(), "add_i64": lambda: i + j, "add_scalar": lambda: x + 1.5,
        "mul_scalar": lambda: x * 1.5, "div_scalar": lambda: x / 1.5, "pow_scalar": lambda: x ** 1.5, "gt_scalar": lambda: x > 1,
        "add_row": lambda: x + row, "where": lambda: T.where(m, x, y), "lerp": lambda: T.lerp(x, y, 0.25),
        "addcmul": lambda: T.addcmul(x, y, z, value=0.5), "addcdiv": lambda: T.addcdiv(x, z, y, value=0.5),
        "masked_fill": lambda: x.masked_fill(m, 0), "sum_dim0": lambda: x.sum(0), "sum_dim1": lambda: x.sum(1),
        "mean_dim1": lambda: x.mean(1), "var": lambda: x.var(), "var_dim1": lambda: x.var(1), "std_dim0": lambda: x.std(0),
        "max_dim1": lambda: x.max(1).values, "min_dim0": lambda: x.min(0).values, "argmax_dim1": lambda: x.argmax(1),
        "argmin_dim0": lambda: x.argmin(0), "amax_all": lambda: x.amax((0, 1)), "logsumexp_dim1": lambda: x.logsumexp(1),
        "softmax_dim1": lambda: x.softmax(1), "log_softmax_dim0": lambda: x.log_softmax(0), "prod_dim1": lambda: x.prod(1),
        "norm_dim1": lambda: T.linalg.vector_norm(x, dim=1), "all_dim1": lambda: m.all(1),
        "median_dim1": lambda: x.median(1).values, "cumsum_dim0": lambda: x.cumsum(0), "cumsum_dim1": lambda: x.cumsum(1),
        "cumsum_long": lambda: line.cumsum(0), "cumprod_dim1": lambda: x.cumprod(1), "cummax_dim1": lambda: x.cummax(1).values,
        "sort_dim0": lambda: x.sort(dim=0, stable=True).values, "sort_dim1": lambda: x.sort(dim=1, stable=True).values,
        "sort_long": lambda: line.sort(stable=True).values, "argsort_dim1": lambda: x.argsort(dim=1, stable=True),
        "topk_dim1": lambda: x.topk(5, 1).values, "topk_long": lambda: line.topk(5).values,
        "unique_i64": lambda: T.unique(i, return_inverse=True, return_counts=True)[0],
        "unique_f32": lambda: T.unique(x, return_inverse=True, return_counts=True)[0],
        "gather_dim0": lambda: x.gather(0, at), "gather_dim1": lambda: x.gather(1, at), "scatter_dim1": lambda: x.scatter(1, at, y),
        "scatter_add_dim0": lambda: x.scatter_add(0, at, y), "scatter_add_dim1": lambda: x.scatter_add(1, at, y),
        "index_select_dim0": lambda: x.index_select(0, at[0]), "index_select_dim1": lambda: x.index_select(1, at[0]),
        "index_rows": lambda: x[at[0]], "index_add_dim0": lambda: x.index_add(0, at[0], y), "take": lambda: T.take(x, at),
        "masked_select": lambda: x.masked_select(m), "flip_dim0": lambda: x.flip(0), "flip_dim1": lambda: x.flip(1),
        "roll_dim1": lambda: x.roll(3, 1), "cat_dim0": lambda: T.cat((x, y), 0), "cat_dim1": lambda: T.cat((x, y), 1),
        "stack": lambda: T.stack((x, y)), "repeat": lambda: x.repeat(2, 2), "tril": lambda: x.tril(), "triu": lambda: x.triu(),
        "pad": lambda: F.pad(x, (1, 2, 1, 2)), "searchsorted": lambda: T.searchsorted(edges(), x),
        "bucketize": lambda: T.bucketize(x, edges()),
    })
    return calls


def nanoseconds(call, seconds):
    """As each.c does it: the median of runs of at least a fifth of a millisecond."""
    clock, calls, took = time.thread_time, 1, []
    call()
    call()
    while True:
        begin = clock()
        for _ in range(calls):
            call()
        if clock() - begin > 2e-4:
            break
        calls *= 2
    start = clock()
    while len(took) < 99 and (len(took) < 3 or clock() - start < seconds):
        begin = clock()
        for _ in range(calls):
            call()
        took.append((clock() - begin) / calls * 1e9)
    return statistics.median(took)


def run_torch(seconds, only):
    import torch
    import warnings
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.no_grad():
        for side, size in ((32, "1e3"), (1000, "1e6")):
            for transposed in (False, True):
                for name, call in torch_calls(side, transposed).items():
                    if any(part in name for part in only.split(",")):
                        print(name, size, "transposed" if transposed else "contiguous", f"{nanoseconds(call, seconds):.1f}", flush=True)


def rows(command):
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return {tuple(line.split()[:3]): float(line.split()[3]) for line in done.stdout.splitlines()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hone", default="build/perf/each")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.02, help="of a row in a round [0.02]")
    parser.add_argument("--only", default="", help="ops whose name has one of these in it, separated by commas")
    parser.add_argument("--markdown", help="the table, a line an op")
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.torch:
        return run_torch(args.seconds, args.only)
    hone, peer = {}, {}
    for _ in range(args.rounds):
        for to, command in ((hone, [args.hone, str(args.seconds), args.only]),
                            (peer, [args.python, __file__, "--torch", "--seconds", str(args.seconds), "--only", args.only])):
            for key, ns in rows(command).items():
                to.setdefault(key, []).append(ns)
    missing = sorted({k[0] for k in hone} ^ {k[0] for k in peer})
    rates = {k: statistics.median(peer[k]) / statistics.median(hone[k]) for k in hone if k in peer}
    columns = [(s, l) for s in ("1e3", "1e6") for l in ("contiguous", "transposed")]
    lines = ["| op | " + " | ".join(f"{s} {l}" for s, l in columns) + " |", "|---|" + "---:|" * 4]
    for name in dict.fromkeys(k[0] for k in hone):
        if name not in missing:
            lines.append(f"| {name} | " + " | ".join(f"{rates[name, s, l]:.2f}" for s, l in columns) + " |")
    if args.markdown:
        with open(args.markdown, "w") as f:
            f.write("\n".join(lines) + "\n")
    else:
        print("\n".join(lines))
    mean = math.exp(statistics.fmean(math.log(r) for r in rates.values()))
    print(f"{len(rates)} rows, geometric mean {mean:.2f}" + (f"; only one has {missing}" if missing else ""))
    slow = sorted((r, k) for k, r in rates.items() if r < (1 if k[0].startswith(ONES) else 0.8))
    for r, k in slow:
        print(f"  {r:.2f} {' '.join(k)}: hone {statistics.median(hone[k]) / 1e3:.1f} us, PyTorch {statistics.median(peer[k]) / 1e3:.1f} us")


main()
