#!/usr/bin/env python3
"""make_data_golden.py [csv|idx|cifar|npy|bpe ...]: files as the real libraries write them, and what these
libraries read in them, for tests/golden/test_golden_data.c: numpy 2, pandas 3.1, tokenizers, tiktoken. Writes
to tests/golden/data, which is committed; without arguments everything."""
import os
import struct
import sys

import numpy

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def out(name):
    return os.path.join(here, name)


def bits(value):
    return struct.pack(">d", value).hex()


# ---- CSV: what pandas reads, a line a column: name, kind, values (bits of doubles, - is missing)


def csv_expected(name, text, **options):
    import pandas
    with open(out(name + ".csv"), "wb") as f:
        f.write(text.encode() if isinstance(text, str) else text)
    frame = pandas.read_csv(out(name + ".csv"), **options)
    with open(out(name + ".csv.txt"), "w", encoding="utf-8") as f:
        for column in frame.columns:
            s = frame[column]
            missing = s.isna()
            if pandas.api.types.is_bool_dtype(s.dtype):
                s = s.map(str)
            if pandas.api.types.is_integer_dtype(s.dtype):
                kind, values = "whole", [str(v) for v in s]
            elif pandas.api.types.is_float_dtype(s.dtype):
                kind, values = "real", [bits(float(v)) for v in s]
            else:
                kind, values = "text", [str(v).encode().hex() for v in s]
            values = ["-" if m else v for v, m in zip(values, missing)]
            f.write(f"{str(column).encode().hex()} {kind} {' '.join(values)}\n")


def csv():
    random = numpy.random.default_rng(1)
    rows = []
    for i in range(400):  # all powers that are common, and those that aren't
        x = float(random.normal() * 10.0 ** random.integers(-30, 30))
        y = struct.unpack("d", struct.pack("Q", int(random.integers(0, 0x7FE0000000000000))))[0]
        rows.append(f"{x!r},{y!r},{float(random.integers(0, 2**62))!r},{int(random.integers(-2**63, 2**63 - 1))},"
                    f"{random.integers(0, 10**18)}.{random.integers(0, 10**9)}")
    csv_expected("numbers", "a,b,c,d,e\n" + "\n".join(rows) + "\n", float_precision=None)
    halves = ["x"]  # decimal texts that lie at, or next to, the middle of two doubles
    for i in range(200):
        m = int(random.integers(2**52, 2**53)) * 2 + 1
        halves.append(str(m))
        halves.append(f"{m}.0000000000")
        halves.append(f"{m * 5**3}e-3")
        k = int(random.integers(1, 11))
        halves.append(f"{m * 5**k}e-{k}" if m * 5**k < 10**19 else f"{m}e{k}")
    csv_expected("halves", "\n".join(halves) + "\n")
    csv_expected("rules", 'n,+1,"quoted, name","a ""b""",gap,text,b,exp\n'
                 '1,+1, 2 ,"x\ny",1,a,True,1e3\n'
                 '-2,+2,3,"""",,"NA",False,-1.5E-3\n'
                 '3, -3,4,"a"b,NA,b c,True,.5\n'
                 '4,4,-5,a"b,-7,"  d",False,5.\n'
                 '\n'
                 '5,5,6,"",8,,True,inf\r\n'
                 '6,-0,7,,9007199254740993,ü,True,-Infinity\n')
    csv_expected("missing", "w,v\n" + "\n".join(
        f'{w},{i}' for i, w in enumerate(["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan",
                                          "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a",
                                          "nan", "null", '"NA"', "1.5"])) + "\n")
    csv_expected("one", "x\n1\n\n3\n", skip_blank_lines=False)
    csv_expected("semicolon", "\ufeffa;b\r\n1;0,5\r\n2;x\r\n", sep=";")
    csv_expected("mixed", "a,b,c\n1,0,-0\n2.5,-0,1\n-0,1,2\n", )
    csv_expected("empty", "a,b\n,\n,\n")


if __name__ == "__main__":
    os.makedirs(here, exist_ok=True)
    for what in sys.argv[1:] or ["csv"]:
        globals()[what]()
