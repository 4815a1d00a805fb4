#!/usr/bin/env python3
"""Attention of hone beside PyTorch's, in turn in one process: 64 wide, causal or not, forward and with its gradient.

    perf/compare/attention.py --shared build/libhone.so [--threads 1] [--rounds 15] [--lengths 64,128,512,2048]
                              [--batch 1] [--heads 8] [--packed] [--dtype f32|bf16]

--packed: q, k and v lie side by side in rows of one tensor, as in GPT-2, and so do their gradients; the result's heads
side by side, too.
"""
import argparse

import library

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shared", default="build/libhone.so")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--lengths", default="64,128,512,2048")
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--heads", type=int, default=8)
parser.add_argument("--packed", action="store_true")
parser.add_argument("--dtype", default="f32", choices=("f32", "bf16"))
options = parser.parse_args()
hone = library.Hone(options.shared, options.threads)

import torch
import torch.nn.functional as F

torch.set_num_threads(options.threads)
BATCH, HEADS, WIDTH = options.batch, options.heads, 64
ROW = HEADS * WIDTH
HALF = options.dtype == "bf16"


def of_hone(length, causal, walk):
    def randn(*shape, walk=False):
        return hone.randn(*shape, walk=walk, dtype=library.BF16 if HALF else library.F32)
    if options.packed:
        leaves, dy = [randn(BATCH, length, 3 * ROW, walk=walk)], randn(BATCH, length, ROW)
    else:
        *leaves, dy = [randn(BATCH, HEADS, length, WIDTH, walk=walk) for _ in range(3)] + [randn(BATCH, HEADS, length, WIDTH)]
    apart, joined = hone.dims(BATCH, length, HEADS, WIDTH), hone.dims(BATCH, length, ROW)

    def forward():
        q, k, v = leaves if not options.packed else (
            hone.transpose(hone.reshape_v(z, apart), 1, 2) for z in hone.split(leaves[0], ROW, 2).at[:3])
        y = hone.scaled_dot_product_attention(q, k, v, hone.none, causal, 0, False)
        return hone.reshape_v(hone.transpose(y, 1, 2), joined) if options.packed else y
    return hone.in_scope(lambda: hone.walk(forward(), dy, leaves) if walk else forward())


def of_torch(length, causal, walk):
    def randn(*shape):
        return torch.randn(*shape, dtype=torch.bfloat16 if HALF else torch.float32)
    if options.packed:
        leaves, dy = [randn(BATCH, length, 3 * ROW)], randn(BATCH, length, ROW)
    else:
        *leaves, dy = (randn(BATCH, HEADS, length, WIDTH) for _ in range(4))
    for t in leaves:
        t.requires_grad_(walk)

    def run():
        q, k, v = leaves if not options.packed else (
            z.view(BATCH, length, HEADS, WIDTH).transpose(1, 2) for z in leaves[0].split(ROW, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        y = y.transpose(1, 2).reshape(BATCH, length, ROW) if options.packed else y
        if walk:
            torch.autograd.grad(y, leaves, dy)
    return run


print(f"{BATCH} x {HEADS} heads{', packed' * options.packed}; ratios of medians and of minima")
print(f"{'length':>6} {'':>7} {'':>8} {'hone ms':>9} {'torch ms':>9} {'ratio':>6} {'minima':>6}")
for length in map(int, options.lengths.split(",")):
    for causal in (True, False):
        for walk in (False, True):
            runs = of_hone(length, causal, walk), of_torch(length, causal, walk)
            mine, theirs, ratio, least = library.ratios(library.in_turn(runs, options.rounds, options.threads))
            print(f"{length:6} {'causal' if causal else 'all':>7} {'gradient' if walk else 'forward':>8} {mine * 1e3:9.3f} "
                  f"{theirs * 1e3:9.3f} {ratio:6.2f} {least:6.2f}")
