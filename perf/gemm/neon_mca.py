#!/usr/bin/env python3
"""The inner loops of the NEON kernels, judged by llvm-mca: which share of a core's multiply-add rate they can reach.

    perf/gemm/neon_mca.py [--cc aarch64-linux-gnu-gcc] [--mca llvm-mca] [--cores cortex-a53,...] [--all]

simd/isa/neon.c is compiled to assembly as the library's build does it. An inner loop is what stands between a label and a branch back
to it, with vector multiply-adds in it; of each function the loop with most of them is taken (--all: each loop). Its cycles, in a
steady state and with all data in L1, are compared with those of as many independent multiply-adds, by llvm-mca's model of the core:
that is a model's word, not a measurement. cortex-a53 works in order.
"""
import argparse
import os
import re
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FLAGS = "-std=gnu11 -O3 -ffp-contract=off -fwrapv -fno-math-errno -fopenmp-simd -fno-trapping-math".split()
FMA = re.compile(r"^\s+fml[as]\s+v\d+\.([24][sd])")
KEPT = re.compile(r"gemm|winograd|depthwise|conv")


def assembly(cc):
    with tempfile.NamedTemporaryFile(suffix=".s") as out:
        subprocess.run([cc, "-S", "-o", out.name, *FLAGS, *(f"-I{ROOT}/{d}" for d in ("include", "src", "simd")),
                        f"{ROOT}/simd/isa/neon.c"], check=True)
        return open(out.name).read().splitlines()


def loops(lines):
    """(function, loop's lines), innermost ones."""
    function, labels = None, {}
    for i, line in enumerate(lines):
        if m := re.match(r"^(\w[\w.]*):", line):
            function, labels = m[1], {}
        elif m := re.match(r"^(\.L\w+):", line):
            labels[m[1]] = i
        elif m := re.match(r"^\s+(?:b\.?\w*|cbn?z|tbn?z)\s.*?(\.L\w+)$", line):
            start = labels.get(m[1])
            if start is None:
                continue
            body = [x for x in lines[start + 1:i + 1] if x.startswith("\t") and not x.startswith("\t.")]
            if not any(re.match(r"^\s+(b\.?\w*|cbn?z|tbn?z)\s", x) for x in body[:-1]):
                yield function, body


def cycles(mca, core, body):
    """Of one iteration: the difference of two runs, without what fills the pipeline."""
    total = []
    for n in (100, 300):
        out = subprocess.run([mca, "-mtriple=aarch64", f"-mcpu={core}", f"-iterations={n}"], input="\n".join(body) + "\n", text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        total.append(int(re.search(r"Total Cycles:\s+(\d+)", out)[1]))
    return (total[1] - total[0]) / 200


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cc", default="aarch64-linux-gnu-gcc")
    parser.add_argument("--mca", default="llvm-mca")
    parser.add_argument("--cores", default="cortex-a53,cortex-a72,cortex-a76,neoverse-n1")
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    cores = args.cores.split(",")
    best = {}
    for function, body in loops(assembly(args.cc)):
        kinds = [m[1] for x in body if (m := FMA.match(x))]
        if not kinds or not KEPT.search(function):
            continue
        key = (function, len(best)) if args.all else function
        if key not in best or len(kinds) > len(best[key][0]):
            best[key] = kinds, body
    peak = {(core, kind): cycles(args.mca, core, [f"\tfmla v{i}.{kind}, v30.{kind}, v31.{kind[-1]}[0]" for i in range(24)]) / 24
            for core in cores for kind in ("4s", "2d")}
    print("| loop | multiply-adds | instructions | " + " | ".join(cores) + " |")
    print("|---|---|---|" + "---|" * len(cores))
    for key, (kinds, body) in best.items():
        if len(kinds) < 4:
            continue
        shares = [sum(peak[core, k] for k in kinds) / cycles(args.mca, core, body) for core in cores]
        name = key[0] if args.all else key
        print(f"| {name.removeprefix('hone__')} | {len(kinds)} | {len(body)} | " + " | ".join(f"{100 * s:.0f} %" for s in shares) + " |")


if __name__ == "__main__":
    main()
