#!/usr/bin/env python3
"""Seconds an epoch of the 784-100-10 network: hone against PyTorch, in turn, on this machine.

    perf/compare/train_mnist.py [--hone build/hone] [--python PYTHON] [--data MNIST_DIR] [--threads 1,2]
                                [--rounds 5] [--epochs 3]

PYTHON is an interpreter that has torch (default: this one). Without --data both train on the same 60,000 random images.
Every round runs each contender once, in a process of its own; of each process the first epoch is left out. PyTorch runs
in two ways: "lecture", the lecture's classes line by line, and "native", torch.nn.functional and torch.optim.SGD. Where it has
JAX, too: "jax", an epoch compiled as one scan over its batches.
"""
import argparse
import gzip
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

BATCH, LR = 100, 0.5


# ---- PyTorch, in a process of its own


def read_idx(directory, name, skip):
    import torch

    path = os.path.join(directory, name)
    packed = os.path.exists(path + ".gz")
    with (gzip.open(path + ".gz") if packed else open(path, "rb")) as f:
        return torch.frombuffer(bytearray(f.read()[skip:]), dtype=torch.uint8)


def torch_epochs(style, directory, threads, epochs):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    X = read_idx(directory, "train-images-idx3-ubyte", 16).reshape(-1, 784).float() / 255
    Y = read_idx(directory, "train-labels-idx1-ubyte", 8).long()
    W1 = (torch.randn(784, 100) * (2 / 784) ** 0.5).requires_grad_()
    W2 = (torch.randn(100, 10) * (1 / 100) ** 0.5).requires_grad_()
    b1, b2 = torch.zeros(100, requires_grad=True), torch.zeros(10, requires_grad=True)
    params = [W1, b1, W2, b2]
    if style == "native":
        W1, W2 = (w.detach().t().contiguous().requires_grad_() for w in (W1, W2))
        params = [W1, b1, W2, b2]
        optimizer = torch.optim.SGD(params, lr=LR)

    def lecture_step(x, y):
        hidden = x @ W1
        hidden += b1
        H = torch.maximum(hidden, torch.tensor(0.0)) @ W2
        H += b2
        loss = -H[torch.arange(len(y)), y].mean() + H.logsumexp(-1).mean()
        error = (H.argmax(1) != y).float().mean().item()
        for p in params:
            if p.grad is not None:
                p.grad.zero_()
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= LR * p.grad
        return loss.item(), error

    def native_step(x, y):
        H = F.linear(F.relu(F.linear(x, W1, b1)), W2, b2)
        loss = F.cross_entropy(H, y)
        error = (H.argmax(1) != y).float().mean().item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item(), error

    step = lecture_step if style == "lecture" else native_step
    for _ in range(epochs):
        begin, total = time.perf_counter(), 0.0
        for x, y in zip(X.split(BATCH), Y.split(BATCH)):
            total += step(x, y)[0]
        print(json.dumps({"seconds": time.perf_counter() - begin, "train_loss": total * BATCH / len(X)}))


# ---- JAX


def jax_epochs(directory, epochs):
    import jax
    import jax.numpy as jnp

    X = jnp.asarray(read_idx(directory, "train-images-idx3-ubyte", 16).numpy().reshape(-1, BATCH, 784) / 255, jnp.float32)
    Y = jnp.asarray(read_idx(directory, "train-labels-idx1-ubyte", 8).numpy().reshape(-1, BATCH), jnp.int32)
    keys = jax.random.split(jax.random.key(0), 2)
    p = (jax.random.normal(keys[0], (784, 100)) * (2 / 784) ** 0.5, jnp.zeros(100),
         jax.random.normal(keys[1], (100, 10)) * (1 / 100) ** 0.5, jnp.zeros(10))

    def scored(p, x, y):
        H = jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]
        return -jax.nn.log_softmax(H)[jnp.arange(BATCH), y].mean(), (H.argmax(1) != y).mean()

    def step(p, batch):
        (loss, error), g = jax.value_and_grad(scored, has_aux=True)(p, *batch)
        return tuple(a - LR * b for a, b in zip(p, g)), (loss, error)
    epoch = jax.jit(lambda p: jax.lax.scan(step, p, (X, Y)), donate_argnums=0)
    for _ in range(epochs):
        begin = time.perf_counter()
        p, (losses, _) = epoch(p)
        loss = float(losses.mean())
        print(json.dumps({"seconds": time.perf_counter() - begin, "train_loss": loss}))


# ---- the contenders


def run_hone(args, data, threads):
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run([args.hone, "train", "--data", data, "--epochs", str(args.epochs), "--batch", str(BATCH), "--lr",
                        str(LR), "--threads", str(threads), "--quiet", "--log", log.name], check=True)
        return [json.loads(line) for line in log]


def run_torch(args, data, threads, style):
    child = [args.python, os.path.abspath(__file__), "--torch", style, "--data", data, "--threads", str(threads),
             "--epochs", str(args.epochs)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    out = subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return [json.loads(line) for line in out.splitlines()]


def random_images(directory):
    """IDX files with MNIST's extents and its share of white, and random labels."""
    import random

    source = random.Random(0)
    black = bytes(28 * 28 * 4 // 5)
    for name, n in (("train", 60000), ("t10k", 10000)):
        with open(os.path.join(directory, name + "-images-idx3-ubyte"), "wb") as f:
            f.write(struct.pack(">4i", 2051, n, 28, 28))
            for _ in range(n):
                f.write(black + source.randbytes(28 * 28 - len(black)))
        with open(os.path.join(directory, name + "-labels-idx1-ubyte"), "wb") as f:
            f.write(struct.pack(">2i", 2049, n) + bytes(source.randrange(10) for _ in range(n)))


def compare(args, data):
    contenders = {}
    for threads in (int(t) for t in args.threads.split(",")):
        contenders[f"hone, {threads} threads"] = lambda t=threads: run_hone(args, data, t)
        has_jax = subprocess.run([args.python, "-c", "import jax"], stderr=subprocess.DEVNULL).returncode == 0
        if has_jax:
            contenders[f"JAX, {threads} threads"] = lambda t=threads: run_torch(args, data, t, "jax")
        for style in ("lecture", "native"):
            contenders[f"PyTorch {style}, {threads} threads"] = lambda t=threads, s=style: run_torch(args, data, t, s)
    seconds, loss = {name: [] for name in contenders}, {}
    for _ in range(args.rounds):
        for name, run in contenders.items():
            rows = run()
            seconds[name] += [row["seconds"] for row in rows[1:]]
            loss[name] = rows[-1]["train_loss"]
    print(f"{'':30}{'median s':>10}{'min s':>10}{'last loss':>11}")
    for name, s in seconds.items():
        print(f"{name:30}{statistics.median(s):10.3f}{min(s):10.3f}{loss[name]:11.5f}")
    for what, reduce in (("medians", statistics.median), ("minima", min)):
        hone = min(reduce(s) for name, s in seconds.items() if name.startswith("hone"))
        for peer in ("PyTorch", "JAX"):
            best = min((reduce(s) for name, s in seconds.items() if name.startswith(peer)), default=None)
            if best:
                print(f"{peer}'s best over hone's best, {what}: {best / hone:.2f} (above 1: hone is faster)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--data")
    parser.add_argument("--threads", default=",".join(str(n) for n in sorted({1, len(os.sched_getaffinity(0))})))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--torch", choices=("lecture", "native", "jax"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rounds < 1 or args.epochs < 2:
        parser.error("at least 1 round and 2 epochs: the first epoch of each run is left out")
    if args.torch == "jax":
        jax_epochs(args.data, args.epochs)
    elif args.torch:
        torch_epochs(args.torch, args.data, int(args.threads), args.epochs)
    elif args.data:
        compare(args, args.data)
    else:
        with tempfile.TemporaryDirectory() as directory:
            random_images(directory)
            compare(args, directory)


if __name__ == "__main__":
    main()
