#!/usr/bin/env python3
"""hone and PyTorch side by side on the rows of `hone bench`, in turn, on this machine.

    perf/compare/bench.py [gemm elementwise reduce ops train] [--hone build/hone] [--python PYTHON] [--threads 1]
                          [--rounds 3] [--seconds 30] [--only OP] [--dtype f32|f64|bf16] [--json FILE] [--markdown]

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
        only += ["--dtype", args.dtype] if args.dtype else []
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


def pairs(ours, theirs, suite):
    """(key, hone's row, PyTorch's row or None, PyTorch's time over hone's or None) of a suite."""
    for key, row in ours.items():
        if key[0] == suite:
            other = theirs.get(key)
            yield key, row, other, other["ns_per_call"] / row["ns_per_call"] if other else None


def rate_of(row):
    return row["gflops"] if "gflops" in row else row["gbps"]


def show_text(rows):
    print(f"{'op':23} {'':4} {'variant':10} {'in':4} {'size':>16} {'threads':>7} | {'hone ns':>11} {'rate':>7} {'of peak':>8} |"
          f" {'PyTorch ns':>11} {'rate':>7} {'ratio':>6} | peer")
    for (_, name, dtype, variant, level, size, threads), row, other, ratio in rows:
        peak = f"{row['percent_of_peak']:6.1f} %" if row["percent_of_peak"] is not None else ""
        torch = f"{other['ns_per_call']:11.0f} {rate_of(other):7.1f} {ratio:6.2f}" if other else " " * 26
        peer = f" {row['ratio']:5.2f} {row['best_peer']}" if row["ratio"] is not None else ""
        print(f"{name:23} {dtype:4} {variant:10} {level:4} {size:>16} {threads:7} | {row['ns_per_call']:11.0f}"
              f" {rate_of(row):7.1f} {peak:>8} | {torch} |{peer}")


def show_markdown(rows):
    unit = "GFLOP/s" if "gflops" in rows[0][1] else "GB/s"
    print(f"| op | | in | size | threads | ns | {unit} | % of peak | over the best peer | over PyTorch |\n|---|---|---|---|---|---|---|---|---|---|")
    for (_, name, dtype, variant, level, size, threads), row, _, ratio in rows:
        peak = f"{row['percent_of_peak']:.0f}" if row["percent_of_peak"] is not None else ""
        peer = f"{row['ratio']:.2f} {row['best_peer']}" if row["ratio"] is not None else ""
        torch = f"{ratio:.2f}" if ratio else ""
        print(f"| {name} | {dtype} {variant} | {level} | {size} | {threads} | {row['ns_per_call']:.0f} | {rate_of(row):.1f} | {peak} | {peer} | {torch} |")


def show(ours, theirs, markdown):
    for suite in SUITES:
        rows = list(pairs(ours, theirs, suite))
        if not rows:
            continue
        if markdown:
            print(f"\n### {suite}\n")
        (show_markdown if markdown else show_text)(rows)
        logs = [math.log(ratio) for *_, ratio in rows if ratio]
        if logs:
            print(f"{chr(10) if markdown else ''}{suite}: PyTorch's time over hone's, geometric mean of {len(logs)} rows: "
                  f"{math.exp(statistics.fmean(logs)):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES) + " [all]")
    parser.add_argument("--hone", default="build/hone")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--only")
    parser.add_argument("--dtype")
    parser.add_argument("--json", help="write hone's and PyTorch's rows (isa: torch) to this file")
    parser.add_argument("--markdown", action="store_true", help="tables for perf/RESULTS.md")
    parser.add_argument("--rows", nargs=2, metavar="FILE")
    args = parser.parse_args()
    unknown = [suite for suite in args.suites if suite not in SUITES]
    if unknown:
        parser.error(f"unknown suite '{unknown[0]}'; there are {', '.join(SUITES)}")
    if args.rounds < 1:
        parser.error("at least 1 round")
    ours, theirs = [], []
    if args.rows:
        ours, theirs = (read(path) for path in args.rows)
    else:
        for _ in range(args.rounds):
            for suite in args.suites or SUITES:
                for rows, more in zip((ours, theirs), run_suite(args, suite)):
                    rows += more
    ours, theirs = medians(ours), medians(theirs)
    show(ours, theirs, args.markdown)
    if args.json:
        with open(args.json, "w") as f:
            for row in (*ours.values(), *theirs.values()):
                print(json.dumps(row, separators=(",", ":")), file=f)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)  # it has said why
