#!/usr/bin/env python3
"""Pieces of a language model's step, hone beside PyTorch in turn in one process, forward and gradient as a loop runs them.

    perf/compare/pieces.py --shared build/libhone.so [--threads 1] [--rounds 9] [--only dropout]

dropout of 2 x 512 rows of 768 (p 0.1); batch norm in training with the ReLU behind it, of 32 images (channels, height, width;
PyTorch's in each of its two layouts); the gradient of an embedding (its forward included; words, rows of them, width);
the loss of 50257 words by a weight [50257, 768]: hone_linear_cross_entropy beside PyTorch's linear and cross_entropy,
forward and both gradients, and by how much hone's memory in use rises meanwhile (weights and inputs are there before).
"""
import argparse
import os
import subprocess
import sys

import library

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shared", default="build/libhone.so")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=9)
parser.add_argument("--only", default="")
parser.add_argument("--row", help=argparse.SUPPRESS)
options = parser.parse_args()
hone = library.Hone(options.shared, options.threads)

import torch
import torch.nn.functional as F

torch.set_num_threads(options.threads)
MEAN = 0  # HONE_REDUCE_MEAN
WORDS, WIDTH = 50257, 768


def dropout(walk):
    x, dy = hone.randn(1024, WIDTH, walk=walk), hone.randn(1024, WIDTH)
    u, du = torch.randn(1024, WIDTH, requires_grad=walk), torch.randn(1024, WIDTH)

    def mine():
        y = hone.dropout(x, 0.1, True)
        if walk:
            hone.walk(y, dy, [x])

    def theirs():
        y = F.dropout(u, 0.1, True)
        if walk:
            torch.autograd.grad(y, u, du)
    return mine, theirs


def embedding(words, rows, width):
    w, at, dy = hone.randn(words, width, walk=True), hone.randint(words, rows), hone.randn(rows, width)
    v, places, dv = torch.randn(words, width, requires_grad=True), torch.randint(0, words, (rows,)), torch.randn(rows, width)

    def theirs():
        F.embedding(places, v).backward(dv)
        v.grad = None
    return (lambda: hone.walk(hone.embedding(at, w, library.END), dy, [w])), theirs


def batch_norm(channels, side, walk, layout):
    shape = 32, channels, side, side
    layers = (library.P * 2)(hone.nn_batch_norm2d(channels, None), hone.nn_relu())
    mine, theirs = hone.nn_sequential_n(layers, 2), torch.nn.Sequential(torch.nn.BatchNorm2d(channels), torch.nn.ReLU(True))
    x, dy = hone.randn(*shape, walk=walk), hone.randn(*shape)
    leaves = [x, *(hone.parameters(mine).at[i] for i in range(2))]
    for t in leaves[1:]:
        hone.requires_grad_(hone.retain(t), walk)
    u, du = (torch.randn(*shape).contiguous(memory_format=layout) for _ in range(2))
    for t in (u, *theirs.parameters()):
        t.requires_grad_(walk)

    def run_mine():
        y = hone.forward_v(mine, (library.P * 2)(x, hone.end))
        if walk:
            hone.walk(y, dy, leaves)

    def run_theirs():
        y = theirs(u)
        if walk:
            torch.autograd.grad(y, (u, *theirs.parameters()), du)
    return run_mine, run_theirs


def loss(rows, chunk):
    x, w, at = hone.randn(rows, WIDTH, walk=True), hone.randn(WORDS, WIDTH, walk=True), hone.randint(WORDS, rows)
    u, v = torch.randn(rows, WIDTH, requires_grad=True), torch.randn(WORDS, WIDTH, requires_grad=True)
    places = torch.randint(0, WORDS, (rows,))

    def theirs():
        F.cross_entropy(F.linear(u, v), places).backward()
        u.grad = v.grad = None

    def mine():
        y = hone.linear_cross_entropy(x, w, at, hone.none, hone.none, -100, 0, MEAN, chunk)
        hone.walk(y, None, [x, w])
    return mine, theirs


ROWS = {
    "dropout": lambda: dropout(False), "dropout, gradient": lambda: dropout(True),
    **{f"batch norm {channels} x {side} x {side}{', gradient' * walk}, {name}":
       lambda channels=channels, side=side, walk=walk, layout=layout: batch_norm(channels, side, walk, layout)
       for channels, side in ((64, 32), (128, 16), (256, 8), (512, 4), (32, 56)) for walk in (False, True)
       for name, layout in (("NCHW", torch.contiguous_format), ("NHWC", torch.channels_last))},
    "embedding 50257, 256, 768": lambda: embedding(WORDS, 256, WIDTH),
    "embedding 50257, 1024, 768": lambda: embedding(WORDS, 1024, WIDTH),
    "embedding 256, 2048, 384": lambda: embedding(256, 2048, 384),
    "embedding 96, 2048, 256": lambda: embedding(96, 2048, 256),
    "loss of 256 rows": lambda: loss(256, 0), "loss of 256 rows, in chunks of 64": lambda: loss(256, 64),
    "loss of 1024 rows": lambda: loss(1024, 0), "loss of 1024 rows, in chunks of 128": lambda: loss(1024, 128),
}

if options.row:
    mine, theirs = ROWS[options.row]()
    mine = hone.in_scope(mine)
    rise = hone.peak_bytes(mine)
    rounds = options.rounds if "loss" not in options.row else min(options.rounds, 3)
    a, b, ratio, least = library.ratios(library.in_turn((mine, theirs), rounds, options.threads))
    print(f"| {options.row} | {a * 1e3:.3f} | {b * 1e3:.3f} | {ratio:.2f} | {least:.2f} | {rise / 1e6:.1f} |", flush=True)
else:
    print("| | hone ms | PyTorch ms | PyTorch / hone | by minima | hone's memory rises by, MB |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in ROWS:
        if options.only in name:  # each in a process of its own, whose peak of memory is its own
            subprocess.run([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--row", name], check=True)
