#!/usr/bin/env python3
"""Attention of hone beside PyTorch's, in turn in one process: 8 heads, 64 wide, causal or not, forward and with its gradient.

    perf/compare/attention.py --shared build/libhone.so [--threads 1] [--rounds 15] [--lengths 128,512,2048]
"""
import argparse
import ctypes as c
import os
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shared", default="build/libhone.so")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--lengths", default="128,512,2048")
options = parser.parse_args()
os.environ["HONE_NUM_THREADS"] = str(options.threads)

import torch
import torch.nn.functional as F

torch.set_num_threads(options.threads)
BATCH, HEADS, WIDTH = 1, 8, 64
END = -(2 ** 63)


class Scope(c.Structure):
    _fields_ = [("mark", c.c_size_t)]


class Backward(c.Structure):  # hone_backward_options
    _fields_ = [("gradient", c.c_void_p), ("reserve", c.c_char * 56)]


hone = c.CDLL(options.shared)
P = c.c_void_p
for name, result, *arguments in [
        ("scope_enter", Scope), ("scope_leave", None, Scope), ("retain", P, P), ("error_message", c.c_char_p),
        ("randn_v", P, c.POINTER(c.c_int64)), ("requires_grad_", P, P, c.c_bool), ("set_grad_enabled", c.c_bool, c.c_bool),
        ("scaled_dot_product_attention", P, P, P, P, P, c.c_bool, c.c_double, c.c_bool), ("set_grad", c.c_int, P, P),
        ("backward_with", c.c_int, P, c.POINTER(Backward))]:
    function = getattr(hone, "hone_" + name)
    function.restype, function.argtypes = result, arguments
none = c.addressof(c.c_char.in_dll(hone, "hone_none"))


def of_hone(length, causal, walk):
    shape = (c.c_int64 * 6)(0, BATCH, HEADS, length, WIDTH, END)
    q, k, v, dy = (hone.hone_retain(hone.hone_randn_v(shape)) for _ in range(4))
    for t in (q, k, v):
        hone.hone_requires_grad_(t, walk)

    def run():
        scope = hone.hone_scope_enter()
        y = hone.hone_scaled_dot_product_attention(q, k, v, none, causal, 0, False)
        if walk:
            if hone.hone_backward_with(y, c.byref(Backward(dy))) != 0:
                sys.exit(hone.hone_error_message().decode())
            for t in (q, k, v):
                hone.hone_set_grad(t, none)
        hone.hone_scope_leave(scope)
    return run


def of_torch(length, causal, walk):
    q, k, v, dy = (torch.randn(BATCH, HEADS, length, WIDTH) for _ in range(4))
    for t in (q, k, v):
        t.requires_grad_(walk)

    def run():
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        if walk:
            torch.autograd.grad(y, (q, k, v), dy)
    return run


# What other programs take of a single thread's time doesn't count.
clock = time.thread_time if options.threads == 1 else time.perf_counter


def measure(run, repeats):
    begin = clock()
    for _ in range(repeats):
        run()
    return (clock() - begin) / repeats


print(f"{'length':>6} {'':>7} {'':>8} {'hone ms':>9} {'torch ms':>9} {'ratio':>6}")
for length in map(int, options.lengths.split(",")):
    for causal in (True, False):
        for walk in (False, True):
            runs = of_hone(length, causal, walk), of_torch(length, causal, walk)
            repeats = [max(1, int(0.02 / measure(run, 2))) for run in runs]
            times = [[measure(run, n) for run, n in zip(runs, repeats)] for _ in range(options.rounds)]
            mine, theirs = (statistics.median(column) * 1e3 for column in zip(*times))
            ratio = statistics.median(theirs / mine for mine, theirs in times)
            print(f"{length:6} {'causal' if causal else 'all':>7} {'gradient' if walk else 'forward':>8} {mine:9.3f} "
                  f"{theirs:9.3f} {ratio:6.2f}")
