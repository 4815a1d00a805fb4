#!/usr/bin/env python3
"""Steps of many ranks: a model of their time on paper, and runs here that check it.

    perf/dist/scaling.py model [--cores 32]
    perf/dist/scaling.py measure [--hone build/hone] [--mpiexec mpiexec.mpich] [--link 10,50] [--ranks 1,2,4,8]
    perf/dist/scaling.py chain [--hone build/hone] [--mpiexec mpiexec.mpich] [--link 10,50] [--rounds 5] [--ranks 2,4]
    perf/dist/scaling.py shards [--hone build/hone] [--rounds 5]

model: a step's time for resnet18 (224 x 224, 32 images a rank) and GPT-2 124M (8 x 1024 tokens a rank) on 1 to 1,024
ranks of so many cores with 10 and 100 Gbit/s, from what two cores of the machine below took (perf/train/nets). For n ranks:

    compute   C   of a rank's batch; the forward is a third of it
    buckets   K   = gradients' bytes / 4 MiB; a rank sends 2 (n - 1) messages for each, K 2 (n - 1) m in all
    wire      W   = 2 (n - 1) / n bytes / bandwidth + K (2 latency + 2 (n - 1) m), while the backward runs
    norms     N   = 2 a batch norm: latency + (n - 1) (m + 16 C / bandwidth), waited for; with more than 16 ranks, whose
                    gathers go in rounds, log2 n (latency + m) + (n - 1) 16 C / bandwidth
    step          = C + N + the larger of W - 2/3 C and the last bucket's wire, + the losses' and counts' exchange

m, what a message costs a rank, is measured here: 4 us.

The chain that is handed on (--shards 0) sends 2 bytes / bandwidth, and each rank is behind the one before by its largest
tile: what computing that takes, and sending it; then the last gradient's sum goes round:

    chain         = C + (n - 1) (tile's compute + tile / bandwidth + latency) + last gradient's 2 bytes / bandwidth + (n - 1) latency

measure: trains resnet18 on 32 x 32 pictures by so many ranks on this machine, which share its cores, over an artificial
link (HONE_DIST_LINK, gigabits a second and microseconds), and compares the step's time with the model's, in which C is
what one rank took. chain: steps with --shards 0 beside those with --shards 8, of networks without batch norm, rounds in turn, the
best of each. shards: what --shards 8 costs one process, rounds in turn, the best of each.
"""
import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile

BUCKET, MESSAGE = 4 * 2**20, 4e-6
NETS = {  # bytes of gradients, batch norms and their channels, seconds a sample on 2 cores, samples a rank
    "resnet18": (11_689_512 * 4, 20, 4800, 0.440 / 8, 32),
    "GPT-2 124M": ((124_439_808 + 38_597_376) * 4, 0, 0, 4.475 / 2 * 2, 8),  # the tied weight has two uses; 1024 tokens
}


def step_seconds(n, compute, gradients, norms, channels, bandwidth, latency):
    """-> seconds of a step, and what of them is waited for the wire and for norms."""
    if n == 1:
        return compute, 0.0, 0.0
    buckets = max(1, round(gradients / BUCKET))
    one = 2 * (n - 1) * MESSAGE + 2 * latency
    wire = 2 * (n - 1) / n * gradients / bandwidth + buckets * one
    last = wire / buckets
    waited = max(wire - 2 / 3 * compute, last)
    gather = latency + (n - 1) * MESSAGE if n <= 16 else math.ceil(math.log2(n)) * (latency + MESSAGE)
    small = 2 * norms * gather + 2 * channels * 16 * (n - 1) / bandwidth + 2 * gather
    return compute + waited + small, waited, small


LARGEST = {  # of the chain: the largest gradient's bytes, its tiles, its share of the step, the last gradient's bytes
    "resnet18": (512 * 512 * 9 * 4, 1, 0.02, 64 * 3 * 49 * 4),
    "GPT-2 124M": (38_597_376 * 4, 8, 0.1, 38_597_376 * 4),
}


def chain_seconds(name, n, compute, bandwidth, latency):
    largest, tiles, share, last = LARGEST[name]
    behind = share * compute / tiles + largest / tiles / bandwidth + latency
    return compute + (n - 1) * behind + 2 * last / bandwidth + (n - 1) * latency


def model(args):
    for name, (gradients, norms, channels, sample, batch) in NETS.items():
        compute = sample * batch * 2 / args.cores
        print(f"\n{name}, {batch} samples a rank of {args.cores} cores: {compute:.3f} s alone, "
              f"{gradients / 1e6:.1f} MB of gradients")
        print("| ranks | 10 Gbit/s: step | efficiency | waits | 100 Gbit/s: step | efficiency | waits |")
        print("|---|---|---|---|---|---|---|")
        for n in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]:
            cells = []
            for gigabits, latency in ((10, 50e-6), (100, 5e-6)):
                t, waited, small = step_seconds(n, compute, gradients, norms, channels, gigabits * 1e9 / 8, latency)
                cells += [f"{t:.3f} s", f"{100 * compute / t:.0f} %", f"{waited:.3f} + {small:.3f}"]
            print(f"| {n} | " + " | ".join(cells) + " |")
        tree = [step_seconds(4, compute, gradients, norms, channels, g * 1e9 / 8, l)[0] for g, l in ((10, 50e-6), (100, 5e-6))]
        hand = [chain_seconds(name, 4, compute, g * 1e9 / 8, l) for g, l in ((10, 50e-6), (100, 5e-6))]
        print(f"the chain handed on by 4 ranks (without batch norms): {hand[0]:.3f} s, {100 * (hand[0] / tree[0] - 1):+.0f} %, and "
              f"{hand[1]:.3f} s, {100 * (hand[1] / tree[1] - 1):+.0f} %")


CHAIN = {
    "gpt 4 x 256, 16 x 128 tokens": ["--data", "text:60000", "--limit", "48", "--epochs", "2", "--batch", "16", "--model",
                                     "gpt:layers=4,heads=4,width=256,context=128,dropout=0", "--optim", "adamw"],
    "mlp 784-1024-1024-10, batch 256": ["--data", "digits", "--limit", "2000", "--epochs", "3", "--batch", "256", "--model",
                                        "mlp:784,1024,1024,10"],
    "lenet, batch 64": ["--data", "digits", "--limit", "1000", "--epochs", "3", "--batch", "64", "--model", "lenet"],
}


def chain(args):
    oversubscribe = ["--oversubscribe"] if "openmpi" in args.mpiexec else []
    print("| | ranks | tree: seconds an epoch | chain | cost |")
    print("|---|---|---|---|---|")
    for name, words in CHAIN.items():
        for n in [int(x) for x in args.ranks.split(",") if int(x) > 1]:
            best = [float("inf")] * 2
            for _ in range(args.rounds):
                for i, shards in enumerate(("8", "0")):
                    command = [args.mpiexec, *oversubscribe, "-n", str(n), args.hone, "train", *words, "--shards", shards]
                    best[i] = min(best[i], run(command, args.link)[0])
            print(f"| {name} | {n} | {best[0]:.4f} | {best[1]:.4f} | {100 * (best[1] / best[0] - 1):+.1f} % |", flush=True)


def run(command, link=None):
    env = dict(os.environ, OMP_WAIT_POLICY="passive", TERM="dumb", OMPI_ALLOW_RUN_AS_ROOT="1",
               OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_btl_vader_single_copy_mechanism="none")
    if link:
        env["HONE_DIST_LINK"] = link
    with tempfile.TemporaryDirectory() as place:
        log = os.path.join(place, "log")
        out = subprocess.run(command + ["--log", log], env=env, capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)
        if out.returncode:
            sys.exit(out.stdout + out.stderr)
        with open(log) as f:
            rows = [json.loads(line) for line in f]
    return min(row["seconds"] for row in rows[1:] or rows), out.stdout


def measure(args):
    steps, batch = 4, args.batch
    train = [args.hone, "train", "--data", "pictures", "--model", "resnet18:num_classes=10", "--batch", str(batch),
             "--limit", str(steps * batch), "--epochs", "3", "--lr", "0.01", "--shards", "8"]
    gigabits, micro = (float(x) for x in args.link.split(","))
    alone = run(train)[0] / steps
    print(f"resnet18, pictures, batch {batch}, {os.cpu_count()} cores, link {args.link}: {alone:.3f} s a step alone")
    print("| ranks | step | the model's | hidden | times the gradients' bytes |")
    print("|---|---|---|---|---|")
    for n in [int(x) for x in args.ranks.split(",")]:
        if n == 1:
            continue
        oversubscribe = ["--oversubscribe"] if "openmpi" in args.mpiexec else []
        seconds, out = run([args.mpiexec, *oversubscribe, "-n", str(n), *train], args.link)
        hidden = re.search(r"; (-?\d+) % of the time", out).group(1)
        times = re.search(r"([\d.]+) times their bytes", out).group(1)
        want = step_seconds(n, alone, 44_727_168, 20, 4800, gigabits * 1e9 / 8, micro * 1e-6)[0]
        print(f"| {n} | {seconds / steps:.3f} s | {want:.3f} s | {hidden} % | {times} |", flush=True)


def shards(args):
    runs = {
        "mlp 784-100-10, batch 100": ["--data", "digits", "--limit", "10000", "--epochs", "3"],
        "lenet, batch 64": ["--data", "digits", "--limit", "2000", "--epochs", "3", "--batch", "64", "--model", "lenet"],
        "resnet18 on 32 x 32, batch 64": ["--data", "pictures", "--limit", "192", "--epochs", "2", "--batch", "64",
                                           "--model", "resnet18:num_classes=10", "--lr", "0.01"],
        "gpt 4 x 256, 16 x 128 tokens": ["--data", "text:60000", "--limit", "96", "--epochs", "2", "--batch", "16", "--model",
                                         "gpt:layers=4,heads=4,width=256,context=128,dropout=0", "--optim", "adamw"],
    }
    print("| | seconds an epoch | with --shards 8 | cost |")
    print("|---|---|---|---|")
    for name, words in runs.items():
        best = [float("inf")] * 2
        for _ in range(args.rounds):
            for i, more in enumerate(([], ["--shards", "8"])):
                best[i] = min(best[i], run([args.hone, "train", *words, *more])[0])
        print(f"| {name} | {best[0]:.4f} | {best[1]:.4f} | {100 * (best[1] / best[0] - 1):+.1f} % |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["model", "measure", "chain", "shards"])
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--mpiexec", default="mpiexec.mpich")
    parser.add_argument("--link", default="10,50")
    parser.add_argument("--ranks", default="1,2,4,8")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--cores", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    {"model": model, "measure": measure, "chain": chain, "shards": shards}[args.what](args)


if __name__ == "__main__":
    main()
