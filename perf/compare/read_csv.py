#!/usr/bin/env python3
"""read_csv.py --read-csv build/perf/read_csv [--rows 1000000] [--columns 20] [--rounds 3]

Reading a CSV of random numbers, 17 digits each: hone_csv_read and pandas.read_csv with its default engine,
in turn, on the same cores; prints the best of both and the ratio. (That the values are the same is checked by
tests/golden/test_golden_data.c.)
Needs numpy and pandas. The file is written to a temporary directory (--keep DIR keeps it)."""
import argparse
import os
import subprocess
import tempfile
import time

import numpy
import pandas

parser = argparse.ArgumentParser()
parser.add_argument("--read-csv", required=True)
parser.add_argument("--rows", type=int, default=1000000)
parser.add_argument("--columns", type=int, default=20)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--keep")
o = parser.parse_args()

place = o.keep or tempfile.mkdtemp()
path = os.path.join(place, "numbers.csv")
if not os.path.exists(path):
    numbers = numpy.random.default_rng(0).normal(size=(o.rows, o.columns))
    pandas.DataFrame(numbers, columns=[f"x{i}" for i in range(o.columns)]).to_csv(path, index=False)
print(f"{o.rows} rows, {o.columns} columns, {os.path.getsize(path) / 1e6:.0f} MB")
best = {"pandas": 1e9, "hone": 1e9}
for _ in range(2):  # in turn, each the best of its rounds in one process, where memory is used again
    told = subprocess.run([o.read_csv, path, str(o.rounds)], check=True, capture_output=True, text=True).stdout
    best["hone"] = min(best["hone"], float(told.split()[-1]))
    for _ in range(o.rounds):
        begin = time.monotonic()
        pandas.read_csv(path)
        best["pandas"] = min(best["pandas"], time.monotonic() - begin)
print(f"pandas {pandas.__version__} {best['pandas']:.3f} s, hone {best['hone']:.3f} s, "
      f"{best['pandas'] / best['hone']:.2f} times as fast; {told.splitlines()[0]}")
if not o.keep:
    os.remove(path)
    os.rmdir(place)
