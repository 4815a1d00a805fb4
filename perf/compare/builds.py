#!/usr/bin/env python3
"""Two builds of hone in turn, on this machine: whether a change made anything slower.

    perf/compare/builds.py OLD NEW [gemm skinny elementwise reduce ops train overhead] [--data MNIST_DIR] [--only OP] [--size SIZE]
                           [--threads 1] [--rounds 5] [--seconds 20] [--slower 1.03]

OLD and NEW are build directories (-DHONE_PERF=ON for overhead, whose calls are on 4 elements). Every round runs a suite
once with each build, the order reversed from round to round. A row's ratio is OLD's time over NEW's: above 1 NEW is
faster; "median" is of the rounds, "min" of the best rounds. With --data an epoch of `hone train` is a row. Rows slower
than --slower by both are listed again at the end; there are none: exit status 0.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

SUITES = ("gemm", "skinny", "elementwise", "reduce", "ops", "train", "overhead")


def bench(build, suite, args):
    """{row: nanoseconds} of a suite of `hone bench`."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as rows:
        command = [os.path.join(build, "hone"), "bench", suite, "--threads", args.threads, "--json", rows.name]
        for option in ("only", "size"):
            if getattr(args, option):
                command += ["--" + option, getattr(args, option)]
        subprocess.run([*command, "--seconds", str(args.seconds)], check=True, stdout=subprocess.DEVNULL)
        times = {}
        for row in map(json.loads, rows):
            size = f"{row['m']}x{row['n']}x{row['k']}" if "m" in row else row["elements"]
            name = f"{row['name']} {row['dtype']} {row['variant']} {row['level']} {size} threads {row['threads']}"
            times[name] = row["ns_per_call"]
        return times


def overhead(build, args):
    """The lines "what   nanoseconds" of the program of that name."""
    out = subprocess.run([os.path.join(build, "perf", "overhead")], check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = (re.match(r"(\S.*?) {2,}([0-9.]+)", line) for line in out.splitlines())
    return {line[1]: float(line[2]) for line in lines if line}


def epoch(build, args):
    """Seconds of an epoch, the first left out, as nanoseconds."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as log:
        subprocess.run([os.path.join(build, "hone"), "train", "--data", args.data, "--epochs", "4", "--threads", args.threads,
                        "--quiet", "--log", log.name], check=True)
        return {"epoch of hone train": 1e9 * min(json.loads(line)["seconds"] for line in list(log)[1:])}


def measure(build, suite, args):
    return overhead(build, args) if suite == "overhead" else epoch(build, args) if suite == "epoch" else bench(build, suite, args)


def compare(suite, args):
    """[(row, OLD's best, NEW's best, ratio of medians, ratio of bests)] of the rows that both have."""
    times = {args.old: {}, args.new: {}}
    for round_ in range(args.rounds):
        for build in (args.old, args.new) if round_ % 2 == 0 else (args.new, args.old):
            for row, ns in measure(build, suite, args).items():
                times[build].setdefault(row, []).append(ns)
    for row, new in times[args.new].items():
        old = times[args.old].get(row)
        if old:
            yield row, min(old), min(new), statistics.median(old) / statistics.median(new), min(old) / min(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES) + " [gemm ops overhead]")
    parser.add_argument("--data", metavar="MNIST_DIR")
    parser.add_argument("--only")
    parser.add_argument("--size")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--slower", type=float, default=1.03)
    args = parser.parse_args()
    suites = args.suites or ["gemm", "ops", "overhead"]
    unknown = [suite for suite in suites if suite not in SUITES]
    if unknown:
        parser.error(f"unknown suite '{unknown[0]}'; there are {', '.join(SUITES)}")
    if args.rounds < 1:
        parser.error("at least 1 round")
    slower = []
    for suite in suites + (["epoch"] if args.data else []):
        rows = list(compare(suite, args))
        print(f"\n{suite:<72} {'old ns':>12} {'new ns':>12} {'median':>7} {'min':>6}")
        for row, old, new, median, best in rows:
            if suite != "skinny":  # of whose thousands of rows the slower ones are listed
                print(f"{row:<72} {old:12.1f} {new:12.1f} {median:7.3f} {best:6.3f}")
            if max(median, best) < 1 / args.slower:
                slower.append((row, median, best))
        if rows:
            logs = [math.log(best) for *_, best in rows]
            print(f"{suite}: geometric mean of {len(rows)} rows, by min: {math.exp(statistics.fmean(logs)):.3f}")
    for row, median, best in slower:
        print(f"slower: {row}: median {median:.3f}, min {best:.3f}")
    return 1 if slower else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)  # it has said why
