#!/usr/bin/env python3
"""Convolutions of hone beside PyTorch's, in turn in one process: the shapes of ResNet-18 on images of 32x32 and 224x224,
and of other networks; each of forward, data gradient and weight gradient, against the better of PyTorch's layouts.

    perf/compare/conv.py --shared build/libhone.so [--threads 1] [--rounds 7] [--batch 32] [--only resnet32,mobilenet,..] [--minima]
                         [--form default|exact|fast] [--kinds forward,data,weight] [--shape C,O,SIZE,KERNEL,STRIDE[,GROUPS]]
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
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--only", default="resnet32,resnet224")
parser.add_argument("--kinds", default="forward,data,weight")
parser.add_argument("--shape", action="append", help="instead of --only")
parser.add_argument("--minima", action="store_true", help="the least of the rounds instead of their median")
parser.add_argument("--form", default="default", choices=("default", "exact", "fast"), help="hone_conv_algorithm's")
options = parser.parse_args()
os.environ["HONE_NUM_THREADS"] = str(options.threads)

import torch
import torch.nn.functional as F

torch.set_num_threads(options.threads)
END = -(2 ** 63)

# channels, outputs, extent, kernel, stride, groups
SETS = {
    "resnet32": [(3, 64, 32, 3, 1, 1), (64, 64, 32, 3, 1, 1), (64, 128, 32, 3, 2, 1), (64, 128, 32, 1, 2, 1),
                 (128, 128, 16, 3, 1, 1), (128, 256, 16, 3, 2, 1), (128, 256, 16, 1, 2, 1), (256, 256, 8, 3, 1, 1),
                 (256, 512, 8, 3, 2, 1), (256, 512, 8, 1, 2, 1), (512, 512, 4, 3, 1, 1)],
    "resnet224": [(3, 64, 224, 7, 2, 1), (64, 64, 56, 3, 1, 1), (64, 128, 56, 3, 2, 1), (64, 128, 56, 1, 2, 1),
                  (128, 128, 28, 3, 1, 1), (128, 256, 28, 3, 2, 1), (128, 256, 28, 1, 2, 1), (256, 256, 14, 3, 1, 1),
                  (256, 512, 14, 3, 2, 1), (256, 512, 14, 1, 2, 1), (512, 512, 7, 3, 1, 1)],
    "resnet50": [(64, 64, 56, 1, 1, 1), (64, 256, 56, 1, 1, 1), (256, 64, 56, 1, 1, 1), (256, 128, 56, 1, 1, 1),
                 (128, 128, 56, 3, 2, 1), (128, 512, 28, 1, 1, 1), (256, 512, 56, 1, 2, 1), (512, 128, 28, 1, 1, 1),
                 (512, 256, 28, 1, 1, 1), (256, 256, 28, 3, 2, 1), (256, 1024, 14, 1, 1, 1), (512, 1024, 28, 1, 2, 1),
                 (1024, 256, 14, 1, 1, 1), (1024, 512, 14, 1, 1, 1), (512, 512, 14, 3, 2, 1), (512, 2048, 7, 1, 1, 1),
                 (1024, 2048, 14, 1, 2, 1), (2048, 512, 7, 1, 1, 1)],
    "depthwise": [(32, 32, 112, 3, 1, 32), (64, 64, 112, 3, 2, 64), (128, 128, 56, 3, 1, 128), (128, 128, 56, 3, 2, 128),
                  (256, 256, 28, 3, 1, 256), (256, 256, 28, 3, 2, 256), (512, 512, 14, 3, 1, 512),
                  (512, 512, 14, 3, 2, 512), (1024, 1024, 7, 3, 1, 1024), (32, 32, 32, 3, 1, 32), (64, 64, 32, 3, 2, 64),
                  (128, 128, 16, 3, 1, 128), (128, 128, 16, 3, 2, 128), (256, 256, 8, 3, 1, 256), (256, 256, 8, 3, 2, 256)],
    "mobilenet": [(3, 32, 224, 3, 2, 1), (32, 64, 112, 1, 1, 1), (64, 128, 56, 1, 1, 1), (128, 128, 56, 1, 1, 1),
                  (128, 256, 28, 1, 1, 1), (256, 256, 28, 1, 1, 1), (256, 512, 14, 1, 1, 1), (512, 512, 14, 1, 1, 1),
                  (512, 1024, 7, 1, 1, 1), (1024, 1024, 7, 1, 1, 1), (3, 32, 64, 3, 2, 1), (32, 64, 32, 1, 1, 1),
                  (64, 128, 16, 1, 1, 1), (128, 128, 16, 1, 1, 1), (128, 256, 8, 1, 1, 1), (256, 256, 8, 1, 1, 1),
                  (256, 512, 4, 1, 1, 1)],
    "vgg": [(3, 64, 224, 3, 1, 1), (64, 64, 224, 3, 1, 1), (64, 128, 112, 3, 1, 1), (128, 128, 112, 3, 1, 1),
            (128, 256, 56, 3, 1, 1), (256, 256, 56, 3, 1, 1), (256, 512, 28, 3, 1, 1), (512, 512, 28, 3, 1, 1),
            (512, 512, 14, 3, 1, 1)],
    "lenet": [(1, 32, 28, 3, 1, 1), (32, 64, 13, 3, 1, 1)],
}


class Scope(c.Structure):
    _fields_ = [("mark", c.c_size_t)]


class Options(c.Structure):  # hone_conv2d_options
    _fields_ = [("stride", c.c_int64 * 2), ("padding", c.c_int64 * 2), ("dilation", c.c_int64 * 2),
                ("groups", c.c_int64), ("auto_pad", c.c_int), ("reserve", c.c_char * 36)]


hone = c.CDLL(options.shared)
P = c.c_void_p
O = c.POINTER(Options)
for name, result, *arguments in [
        ("scope_enter", Scope), ("scope_leave", None, Scope), ("retain", P, P), ("release", None, P),
        ("error_message", c.c_char_p),
        ("randn_v", P, c.POINTER(c.c_int64)), ("conv2d", P, P, P, P, O),
        ("conv2d_backward_input", P, P, P, c.c_int64, c.c_int64, O),
        ("conv2d_backward_weight", P, P, P, c.c_int64, c.c_int64, O)]:
    function = getattr(hone, "hone_" + name)
    function.restype, function.argtypes = result, arguments
hone.hone_conv_algorithm(("default", "exact", "fast").index(options.form))
none = c.addressof(c.c_char.in_dll(hone, "hone_none"))


def padding_of(shape):
    return 0 if shape in SETS["lenet"] else shape[3] // 2


def of_hone(shape):
    channels, outputs, extent, kernel, stride, groups = shape
    padding = padding_of(shape)
    out = (extent + 2 * padding - kernel) // stride + 1
    scope = hone.hone_scope_enter()

    def randn(*dims):
        return hone.hone_retain(hone.hone_randn_v((c.c_int64 * 6)(0, *dims, END)))
    n = options.batch
    x, w, dy = randn(n, channels, extent, extent), randn(outputs, channels // groups, kernel, kernel), \
        randn(n, outputs, out, out)
    hone.hone_scope_leave(scope)
    o = Options((stride, stride), (padding, padding), (1, 1), groups)

    def call(f):
        def run():
            scope = hone.hone_scope_enter()
            if not f():
                sys.exit(hone.hone_error_message().decode())
            hone.hone_scope_leave(scope)
        return run
    runs = {"forward": call(lambda: hone.hone_conv2d(x, w, none, c.byref(o))),
            "data": call(lambda: hone.hone_conv2d_backward_input(dy, w, extent, extent, c.byref(o))),
            "weight": call(lambda: hone.hone_conv2d_backward_weight(dy, x, kernel, kernel, c.byref(o)))}
    return runs, lambda: [hone.hone_release(t) for t in (x, w, dy)]


def of_torch(shape, layout):
    channels, outputs, extent, kernel, stride, groups = shape
    padding = padding_of(shape)
    out = (extent + 2 * padding - kernel) // stride + 1
    x = torch.randn(options.batch, channels, extent, extent).to(memory_format=layout)
    w = torch.randn(outputs, channels // groups, kernel, kernel).to(memory_format=layout)
    dy = torch.randn(options.batch, outputs, out, out).to(memory_format=layout)

    def gradient(mask):
        return lambda: torch.ops.aten.convolution_backward(
            dy, x, w, None, (stride,) * 2, (padding,) * 2, (1, 1), False, (0, 0), groups, mask)

    def forward():
        with torch.no_grad():
            F.conv2d(x, w, None, stride, padding, 1, groups)
    return {"forward": forward, "data": gradient((True, False, False)), "weight": gradient((False, True, False))}


# What other programs take of a single thread's time doesn't count.
clock = time.thread_time if options.threads == 1 else time.perf_counter


def measure(run):
    begin = clock()
    run()
    return (clock() - begin) * 1e3


def rows_of(shape):
    mine, free = of_hone(shape)
    theirs = [of_torch(shape, layout) for layout in (torch.contiguous_format, torch.channels_last)]
    channels, outputs, extent, kernel, stride, groups = shape
    out = (extent + 2 * padding_of(shape) - kernel) // stride + 1
    flops = 2 * options.batch * outputs * out * out * channels // groups * kernel * kernel
    for kind in options.kinds.split(","):
        if kind == "data" and channels <= 3:
            continue
        runs = [mine[kind]] + [t[kind] for t in theirs]
        for run in runs:
            run()
        times = [[measure(run) for run in runs] for _ in range(options.rounds)]
        medians = [(min if options.minima else statistics.median)(column) for column in zip(*times)]
        ratio = min(medians[1:]) / medians[0]
        print(f"{'x'.join(map(str, shape[:3])):>12} k{kernel} s{stride} g{groups:<4}{kind:>8} {medians[0]:9.2f} "
              f"{flops / medians[0] / 1e6:8.1f} {medians[1]:9.2f} {medians[2]:9.2f} {ratio:6.2f}", flush=True)
        plain = kernel == 3 and stride == 1 and channels > 3
        yield kind, "depthwise" if groups > 1 else "3x3 stride 1, 16 channels or more" if plain else "others", ratio
    free()


print(f"batch {options.batch}, {options.threads} threads; channels x outputs x extent, ms "
      f"({'minima' if options.minima else 'medians'}); "
      f"GFLOP/s by the direct count")
print(f"{'shape':>23} {'':>9} {'hone':>9} {'GFLOP/s':>8} {'NCHW':>9} {'NHWC':>9} {'ratio':>6}")
shapes = [tuple(map(int, (s + ",1").split(",")))[:6] for s in options.shape or ()]
for name in () if shapes else options.only.split(","):
    shapes += SETS[name]
all_rows = [row for shape in shapes for row in rows_of(shape)]
for kind in options.kinds.split(",") + ["all"]:
    for what in "3x3 stride 1, 16 channels or more", "depthwise", "others", "together":
        ratios = [r for k, of, r in all_rows if kind in (k, "all") and what in (of, "together")]
        if ratios:
            print(f"{kind:>8}, {what:34} geometric mean {statistics.geometric_mean(ratios):5.2f}  least {min(ratios):5.2f}"
                  f"  ({len(ratios)})")
