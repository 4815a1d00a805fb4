#!/usr/bin/env python3
"""make_unicode_table.py > unicode_table.h: the letters and numbers of Unicode as ranges, from the module
unicodedata2 (PyPI), whose version is Unicode's. Byte-pair encodings depend on it: tokenizers 0.21 to 0.23 and
tiktoken 0.9 to 0.14 have 16.0 (tests/golden/make_data_golden.py bpe compares every character with them)."""
import unicodedata2

print("/* unicode_table.h: made by make_unicode_table.py; first and last character of each range. */")
print("/* clang-format off */")
print(f'#define UNICODE_VERSION "{unicodedata2.unidata_version}"')
for name, category in (("letters", "L"), ("numbers", "N")):
    ranges = []
    for c in range(0x110000):
        if unicodedata2.category(chr(c))[0] == category:
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
    print(f"static const uint32_t {name}[][2] = {{ /* {category}: {len(ranges)} ranges */")
    cells = [f"{{ 0x{a:X}, 0x{b:X} }}," for a, b in ranges]
    line = "   "
    for cell in cells:
        if len(line) + len(cell) + 1 > 100:
            print(line)
            line = "   "
        line += " " + cell
    print(line)
    print("};")
