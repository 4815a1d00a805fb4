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


# ---- byte-pair encoding: a small vocabulary in both forms, texts with their tokens by tokenizers; and how GPT-2's
# pattern cuts every edge of the Unicode table


def byte_symbols():
    from tokenizers.pre_tokenizers import ByteLevel
    return sorted(ByteLevel.alphabet())


def write_bpe(folder, vocabulary, merges, **how):
    """vocab.json, merges.txt and tokenizer.json; the tokenizer."""
    import json
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    os.makedirs(out(folder), exist_ok=True)
    t = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=how.get("prefix", False))
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(["<|endoftext|>"])
    if how.get("json"):
        t.save(os.path.join(out(folder), "tokenizer.json"))
    else:
        json.dump(vocabulary, open(os.path.join(out(folder), "vocab.json"), "w"), ensure_ascii=how.get("ascii", False))
        with open(os.path.join(out(folder), "merges.txt"), "w", encoding="utf-8", newline="") as f:
            f.write(how.get("head", "#version: 0.2\n") + "".join(f"{a} {b}\n" for a, b in merges))
    return t


def bpe():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    corpus = ["The quick brown fox doesn't jump over the lazy dog; they've said it's 1234 times.", "naïve café über straße",
              "   blanks   and\ttabs\n\nlines  ", "数字と文字 ١٢٣ 𝟙𝟚", "hahahahaha aaaaaaaa banana bandana"] * 3
    trained.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=420, initial_alphabet=byte_symbols(),
                                                            show_progress=False))
    import json
    model = json.loads(trained.to_str())["model"]
    vocabulary, merges = model["vocab"], [tuple(m) for m in model["merges"]]
    vocabulary["<|endoftext|>"] = len(vocabulary)
    one = write_bpe("bpe", vocabulary, merges)
    two = write_bpe("bpe_json", vocabulary, merges, json=True, prefix=True)
    symbols = {c: i for i, c in enumerate(byte_symbols())}
    # the lowest pair, leftmost, one at a time; `# #` is a merge; of a pair listed twice the last line counts
    made_up = dict(symbols)
    for token in ("ab", "aba", "bc", "abc", "##", "aa"):
        made_up[token] = len(made_up)
    three = write_bpe("bpe_made_up", made_up, [("ab", "a"), ("b", "c"), ("a", "b"), ("ab", "c"), ("#", "#"), ("a", "a")],
                      head="")
    random = numpy.random.default_rng(3)
    pool = ([chr(c) for c in range(32, 127)] * 4 + list("\n\t\r\u00a0\u0085\u2028\u3000\u200b\x1c\x1f") +
            list("äßéЖ字かأ١२½²Ⅷ𝟙😀\u0301") + ["'s", "'ll", " ", "  ", "'re", "n't"])
    texts = corpus[:5] + ["", " ", "  ", "a", "'s", "it'S 'll'", "x  \n", "\n\nx", "abab", "abc", "aaaaa", "###", "🙂🙃",
                          "a<|endoftext|>b", "<|endoftext|>"] + ["".join(random.choice(pool, 40)) for _ in range(60)]
    with open(out("bpe.txt"), "w") as f:
        for name, t in (("bpe", one), ("bpe_json", two), ("bpe_made_up", three)):
            for text in texts:
                plain = "<|endoftext|>" in text and name != "bpe_json"
                if plain and name == "bpe":  # plain text unless asked
                    pieces = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
                    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
                    ids = pieces.encode(text, add_special_tokens=False).ids
                elif plain:
                    continue
                else:
                    ids = t.encode(text, add_special_tokens=False).ids
                f.write(f"{name} {text.encode().hex() or '-'} {' '.join(map(str, ids))}\n")
    import unicodedata2
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False)
    edges = set()
    for c in range(0x10FFFF):
        if (unicodedata2.category(chr(c))[0] in "LNZ") != (unicodedata2.category(chr(c + 1))[0] in "LNZ") or \
                unicodedata2.category(chr(c))[0] != unicodedata2.category(chr(c + 1))[0]:
            edges |= {c, c + 1}
    edges |= set(range(0x300)) | set(range(0x2000, 0x2070))
    edges = [c for c in sorted(edges) if not 0xD800 <= c < 0xE000]
    with open(out("pieces.txt"), "w") as f:  # letter, number, blank or other: what comes of a7 around it
        for c in edges:
            text = "a" + chr(c) + "7" + chr(c) + "!"
            places = [end for _, (_, end) in cut.pre_tokenize_str(text)]
            kind = {(2, 3, 4, 5): "L", (1, 4, 5): "N", (1, 2, 3, 4, 5): "B"}.get(tuple(places))
            if kind is None:
                kind = "O" if places == [1, 2, 3, 5] else "L" if places[0] == 2 else "B"
            f.write(f"{c:x}{kind}\n")


if __name__ == "__main__":
    os.makedirs(here, exist_ok=True)
    for what in sys.argv[1:] or ["csv"]:
        globals()[what]()
