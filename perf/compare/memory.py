#!/usr/bin/env python3
"""Memory of whole training steps: hone and PyTorch, measured alike.

    perf/compare/memory.py [--nets build/perf/nets] [--only resnet32,gpt2,...] [--steps 3]

The maximum of RssAnon, looked at each 2 ms, over some steps behind two others: hone in the plain loop, with each weight stepped in
the backward (hone_optim_in_backward), and of gpt also with its blocks run again (hone_module_recompute_)
and its scores in chunks; PyTorch eager with its
fused optimizer. A process each, one after the other. "must live": parameters, their gradients (in the plain loop; else the largest
one) and the optimizer's moments, in f32.
"""
import argparse
import subprocess
import sys

import train_nets

BLOCKS = "transformer.h.*"


def peak(command, threads, steps):
    c = train_nets.Contender(command, threads)
    c.run(1)
    c.run(1)
    c.steps = steps
    c.measure_memory()
    c.end()
    return c.peak / 1024


def sizes(name):
    """Numbers in all parameters, and in the largest."""
    code = f"import train_nets; p = [p.numel() for p in train_nets.torch_model({name!r}).parameters()]; print(sum(p), max(p))"
    out = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, cwd=sys.path[0])
    return [int(n) for n in out.stdout.split()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="build/perf/nets")
    parser.add_argument("--only", default="lenet,resnet32,resnet224,mobilenet,mlp,gpt2,gpt2-512,gpt2-1024,gpt-small,lstm")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    print("| network | hone's loop | must live MB | MB | PyTorch MB | of PyTorch's |")
    print("|---|---|---|---|---|---|")
    for name in args.only.split(","):
        torch = peak([sys.executable, train_nets.__file__, "--serve", name, "eager", str(args.threads)], args.threads, args.steps)
        moments = {"sgd": 0, "momentum": 1}.get(train_nets.NETS[name][2], 2)
        total, largest = sizes(name)
        loops = [("plain", []), ("in the backward", ["--in-backward"])]
        if name.startswith("gpt"):
            loops.append(("in the backward, blocks and scores again",
                          ["--in-backward", "--recompute", BLOCKS, "--chunk", "256"]))
        for loop, options in loops:
            mine = peak([args.nets, name, "--threads", str(args.threads)] + options, args.threads, args.steps)
            live = (total * (1 + moments) + (largest if options else total)) * 4 / 2**20
            print(f"| {name} | {loop} | {live:.0f} | {mine:.0f} | {torch:.0f} | {mine / torch:.2f} |", flush=True)


if __name__ == "__main__":
    main()
