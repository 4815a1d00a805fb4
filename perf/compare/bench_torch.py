#!/usr/bin/env python3
"""PyTorch on the rows of `hone bench --json`: the same shapes, the same keys.

    hone bench elementwise --json hone.json
    perf/compare/bench_torch.py hone.json --json torch.json [--seconds 60]

isa says "torch", what only hone's rows have is null, and rates count what hone's count. Functions write into a tensor that
is there wherever PyTorch lets them (elementwise, reduce, gemm); the suites ops and train call it as a user does. Rows that
PyTorch has no function for are left out.
"""
import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

nn = torch._C._nn  # gelu and its kin with out=
RANGES = {"div": (1, 4), "reciprocal": (1, 4), "sqrt": (0, 4), "rsqrt": (0, 4), "log": (0, 4), "log1p": (0, 4), "pow": (0, 4)}
DTYPES = {"f32": torch.float32, "f64": torch.float64, "bf16": torch.bfloat16}
UNARY = {
    "neg": torch.neg, "abs": torch.abs, "square": torch.square, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal, "exp": torch.exp, "log": torch.log, "expm1": torch.expm1, "log1p": torch.log1p,
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "erf": torch.erf,
    "relu": lambda x, out: torch.clamp_min(x, 0, out=out), "gelu": nn.gelu, "silu": nn.silu, "softplus": nn.softplus,
    "gelu_tanh": lambda x, out: nn.gelu(x, approximate="tanh", out=out), "copy": lambda x, out: out.copy_(x),
    "fill": lambda x, out: out.fill_(1), "sgd_step": lambda x, out: out.add_(x, alpha=-1e-6),
}
ATEN = torch.ops.aten
MAKE = {"rand": torch.rand, "randn": torch.randn}
SLOPES = {
    "relu_backward": lambda g, y, out: ATEN.threshold_backward.grad_input(g, y, 0, grad_input=out),
    "tanh_backward": lambda g, y, out: ATEN.tanh_backward.grad_input(g, y, grad_input=out),
    "gelu_backward": lambda g, x, out: ATEN.gelu_backward.grad_input(g, x, grad_input=out),
    "gelu_tanh_backward": lambda g, x, out: ATEN.gelu_backward.grad_input(g, x, approximate="tanh", grad_input=out),
    "silu_backward": lambda g, x, out: ATEN.silu_backward.grad_input(g, x, grad_input=out),
    "softplus_backward": lambda g, x, out: ATEN.softplus_backward.grad_input(g, x, 1, 20, grad_input=out),
}
BINARY = {**SLOPES, "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "pow": torch.pow}


def uniform(shape, low, high, dtype=torch.float32):
    return torch.rand(shape, dtype=dtype) * (high - low) + low


# ---- a suite's row -> a function that does its work once, or None


def elementwise(row):
    n, name, dtype = row["elements"], row["name"], DTYPES[row["dtype"]]
    a, b = (uniform(n, *RANGES.get(name, (-4, 4)), dtype) for _ in range(2))
    out = torch.empty(n, dtype=dtype)
    kind, _, detail = row["variant"].partition(" ")
    if kind != "contiguous":
        cols = int(detail) if detail.isdigit() else 1024
        out, b = out.view(-1, cols), b.view(-1, cols)
        a = a.view(cols, -1).t() if kind == "strided" else a.view(-1, cols)
        if kind == "broadcast":
            b = b[:, :1] if detail == "column" else b[:1]
    if name in MAKE:
        return lambda f=MAKE[name]: f(n, dtype=dtype, out=out)
    if name in UNARY:
        return lambda f=UNARY[name]: f(a, out=out)
    if name == "where":
        choice = torch.rand(n) < 0.5
        return lambda: torch.where(choice, a, b, out=out)
    return (lambda f=BINARY[name]: f(a, b, out=out)) if name in BINARY else None


def reduce(row):
    n, name, dim = row["elements"], row["name"], 0
    x = uniform(n, -4, 4, DTYPES[row["dtype"]])
    if row["variant"] == "strided":
        x = x.view(-1, 256)
    elif name in ("softmax", "log_softmax", "logsumexp", "layer_norm"):
        x, dim = x.view(-1, 1000 if n % 1000 == 0 else n), 1
    out = x.sum(dim)
    places = x.argmax(dim)
    weight, bias = torch.rand(x.shape[-1:], dtype=x.dtype), torch.rand(x.shape[-1:], dtype=x.dtype)
    return {
        "sum": lambda: torch.sum(x, dim, out=out),
        "sum_squares": (lambda: torch.dot(x, x)) if x.dim() == 1 else (lambda: torch.linalg.vecdot(x, x, dim=0)),
        "var": lambda: torch.var(x, dim, correction=1, out=out),
        "max": lambda: torch.amax(x, dim, out=out),
        "argmax": lambda: torch.argmax(x, dim, out=places),
        "softmax": lambda: torch.softmax(x, dim),
        "log_softmax": lambda: torch.log_softmax(x, dim),
        "logsumexp": lambda: torch.logsumexp(x, dim, out=out),
        "layer_norm": lambda: F.layer_norm(x, x.shape[-1:], weight, bias),
    }.get(name)


def gemm(row):
    m, n, k, dtype = row["m"], row["n"], row["k"], DTYPES[row["dtype"]]
    form, _, extra = row["variant"].partition(" ")  # "NT", "TN +=" (adds to the result), "NN x64" (a batch)
    batch = [int(extra[1:])] if extra.startswith("x") else []
    a = uniform((*batch, m, k), -1, 1, dtype) if form[0] == "N" else uniform((*batch, k, m), -1, 1, dtype).mT
    b = uniform((*batch, k, n), -1, 1, dtype) if form[1] == "N" else uniform((*batch, n, k), -1, 1, dtype).mT
    out = torch.zeros((*batch, m, n), dtype=dtype)
    if extra == "+=":
        return lambda: torch.addmm(out, a, b, out=out)
    return lambda: torch.matmul(a, b, out=out)


def ops(row):
    name, s = row["name"], round(row["elements"] ** 0.5)
    if row["variant"] != "contiguous":
        name += " " + row["variant"]
    a, b, c = (uniform((s, s), 0.5, 2) for _ in range(3))
    places, classes, bias, choice = torch.randint(0, s, (s, s)), torch.randint(0, s, (s,)), uniform(s, 0.5, 2), a < 1
    if name.endswith("_scalar"):
        return lambda f=getattr(torch, name[:-7]): f(a, 1.5)
    special = {
        "where": lambda: torch.where(choice, a, b), "to": lambda: a.double(), "sum_dim": lambda: a.sum(1),
        "max_dim": lambda: a.max(1).values, "argmax": lambda: a.argmax(1), "logsumexp": lambda: a.logsumexp(1),
        "softmax": lambda: a.softmax(1), "log_softmax": lambda: a.log_softmax(1),
        "cross_entropy": lambda: F.cross_entropy(a, classes), "transpose": lambda: a.transpose(0, 1),
        "gather last dim": lambda: a.gather(1, places), "scatter_add last dim": lambda: a.scatter_add(1, places, c),
        "index": lambda: a[classes], "index_backward": lambda: torch.zeros_like(a).index_add_(0, classes, a),
        "clone strided": lambda: a.t().contiguous(), "relu strided": lambda: F.relu(a.t()).contiguous(),
        "gather": lambda: a.gather(0, places), "scatter_add": lambda: a.scatter_add(0, places, c),
        "linear": lambda: torch.addmm(bias, a, b), "linear_relu": lambda: torch.addmm(bias, a, b).relu_(),
        "linear_gelu": lambda: F.gelu(torch.addmm(bias, a, b)), "gelu": lambda: F.gelu(a), "silu": lambda: F.silu(a),
        "softplus": lambda: F.softplus(a), "var_dim": lambda: a.var(1), "layer_norm": lambda: F.layer_norm(a, (s,), bias, bias),
    }
    if name in special:
        return special[name]
    f = getattr(torch, name, None)
    if name in (*BINARY, "eq", "matmul"):
        return lambda: f(a, b)
    for call in (lambda: f(a)), (lambda: f(a, b)):
        try: # an op of hone's whose arguments are others in PyTorch has no row there
            if f and isinstance(call(), torch.Tensor):
                return call
        except (TypeError, RuntimeError):
            pass
    return None


def train(row):
    sizes = [int(x) for x in row["name"].split(":")[1].split(",")]
    layers = []
    for i, o in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x, y = torch.rand(row["elements"], sizes[0]), torch.randint(0, sizes[-1], (row["elements"],))

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


SUITES = {"elementwise": elementwise, "reduce": reduce, "gemm": gemm, "ops": ops, "train": train}


# ---- measuring


def nanoseconds(work, seconds, threads):
    """Median of a call; on one thread in the thread's own time, as hone measures."""
    clock = time.thread_time if threads == 1 else time.perf_counter
    calls, spent = 1, 0.0
    work()
    while True:
        begin = clock()
        for _ in range(calls):
            work()
        spent = clock() - begin
        if spent > (1e-3 if seconds > 0.1 else 2e-4):
            break
        calls *= 2
    took, end = [], time.perf_counter() + seconds
    while len(took) < 3 or (len(took) < 400 and time.perf_counter() < end):
        begin = clock()
        for _ in range(calls):
            work()
        took.append((clock() - begin) / calls)
    return statistics.median(took) * 1e9


def measure(row, seconds):
    torch.set_num_threads(row["threads"])
    torch.manual_seed(0)
    grad = row["suite"] == "train"
    with torch.set_grad_enabled(grad):
        work = SUITES[row["suite"]](row)
        if not work:
            return None
        ns = nanoseconds(work, seconds, row["threads"])
    rate = "gflops" if "gflops" in row else "gbps"
    result = dict.fromkeys(row)
    for key in ("suite", "name", "dtype", "threads", "m", "n", "k", "elements", "level", "variant"):
        if key in row:
            result[key] = row[key]
    result.update({"isa": "torch", rate: row[rate] * row["ns_per_call"] / ns, "ns_per_call": ns})
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", help="what hone bench --json wrote")
    parser.add_argument("--json", help="default: stdout")
    parser.add_argument("--seconds", type=float, default=60, help="about so long in all [60]")
    args = parser.parse_args()
    with open(args.rows) as f:
        rows = [json.loads(line) for line in f]
    out = open(args.json, "w") if args.json else sys.stdout
    for row in rows:
        result = measure(row, args.seconds / len(rows))
        if result:
            print(json.dumps(result, separators=(",", ":")), file=out, flush=True)


if __name__ == "__main__":
    main()
