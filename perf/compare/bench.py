#!/usr/bin/env python3
"""hone and PyTorch side by side on the rows of `hone bench`, in turn, on this machine.

    perf/compare/bench.py [gemm elementwise reduce ops train] [--hone build/hone] [--python PYTHON] [--threads 1]
                          [--rounds 3] [--seconds 30] [--only OP] [--json FILE]

PYTHON is an interpreter that has torch (default: this one). Every round runs a suite with hone (and the peers the machine
has) and then its rows with PyTorch, each for about S seconds; a row's times are the medians of the rounds. The ratio is
PyTorch's time over hone's: above 1 hone is faster. Two files of rows that are there already: --rows HONE.json TORCH.json.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

SUITES = ("gemm", "elementwise", "reduce", "ops", "train")


def read(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def key_of(row):
    size = f"{row['m']}x{row['n']}x{row['k']}" if "m" in row else str(row["elements"])
    return row["suite"], row["name"], row["dtype"], row["variant"], row["level"], size, row["threads"]


def run_suite(args, suite):
    """Rows of one round: hone's, PyTorch's."""
    with tempfile.TemporaryDirectory() as place:
        ours, theirs = os.path.join(place, "hone.json"), os.path.join(place, "torch.json")
        seconds = ["--seconds", str(args.seconds)]
        only = ["--only", args.only] if args.only else []
        subprocess.run([args.hone, "bench", suite, "--peers", "--threads", args.threads, "--json", ours, *seconds, *only],
                       check=True, stdout=subprocess.DEVNULL)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_torch.py")
        subprocess.run([args.python, script, ours, "--json", theirs, *seconds], check=True)
        return read(ours), read(theirs)


def medians(rounds):
    """Rows of several rounds -> {key: row with the median time}."""
    times, rows = {}, {}
    for row in rounds:
        times.setdefault(key_of(row), []).append(row["ns_per_call"])
        rows[key_of(row)] = row
    for key, row in rows.items():
        rate = "gflops" if "gflops" in row else "gbps"
        work = row[rate] * row["ns_per_call"]
        row["ns_per_call"] = statistics.median(times[key])
        row[rate] = work / row["ns_per_call"]
    return rows


def show(ours, theirs):
    print(f"{'op':23} {'':3} {'variant':10} {'in':4} {'size':>16} {'threads':>7} | {'hone ns':>11} {'rate':>7} {'of peak':>8} |"
          f" {'PyTorch ns':>11} {'rate':>7} {'ratio':>6} | peer")
    logs = {}
    for key, row in ours.items():
        suite, name, dtype, variant, level, size, threads = key
        rate, other = "gflops" if "gflops" in row else "gbps", theirs.get(key)
        peak = f"{row['percent_of_peak']:6.1f} %" if row["percent_of_peak"] is not None else ""
        line = (f"{name:23} {dtype:3} {variant:10} {level:4} {size:>16} {threads:7} | {row['ns_per_call']:11.0f}"
                f" {row[rate]:7.1f} {peak:>8} |")
        if other:
            ratio = other["ns_per_call"] / row["ns_per_call"]
            logs.setdefault(suite, []).append(math.log(ratio))
            line += f" {other['ns_per_call']:11.0f} {other[rate]:7.1f} {ratio:6.2f} |"
        else:
            line += f" {'':26} |"
        if row["ratio"] is not None:
            line += f" {row['ratio']:5.2f} {row['best_peer']}"
        print(line)
    for suite, values in logs.items():
        print(f"{suite}: PyTorch's time over hone's, geometric mean of {len(values)} rows: "
              f"{math.exp(statistics.fmean(values)):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES) + " [all]")
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only")
    parser.add_argument("--json", help="write hone's and PyTorch's rows (isa: torch) to this file")
    parser.add_argument("--rows", nargs=2, metavar="FILE")
    args = parser.parse_args()
    unknown = [suite for suite in args.suites if suite not in SUITES]
    if unknown:
        parser.error(f"unknown suite '{unknown[0]}'; there are {', '.join(SUITES)}")
    ours, theirs = [], []
    if args.rows:
        ours, theirs = (read(path) for path in args.rows)
    else:
        for _ in range(args.rounds):
            for suite in args.suites or SUITES:
                for rows, more in zip((ours, theirs), run_suite(args, suite)):
                    rows += more
    ours, theirs = medians(ours), medians(theirs)
    show(ours, theirs)
    if args.json:
        with open(args.json, "w") as f:
            for row in (*ours.values(), *theirs.values()):
                print(json.dumps(row, separators=(",", ":")), file=f)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)  # it has said why
