#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints the table upper_ranges of src/base/utf16.c.

Takes the simple upper-case mappings of the Basic Multilingual Plane that lead from one UTF-16
unit to one, and that lower-casing undoes (besides the Greek final sigma), among the letters of
Unicode 3.2.  Usage: scripts/upper-ranges.py > table
"""
import sys
import unicodedata

OLD = unicodedata.ucd_3_2_0
FINAL_SIGMA = 0x3C2


def simple_upper(c):
    """Field 12 of UnicodeData: Python has the full mappings, whose title case is simple."""
    for text in (chr(c).upper(), chr(c).title()):
        if len(text) == 1:
            return ord(text)
    return c


def is_mapped(c):
    upper = simple_upper(c)
    if upper == c or upper > 0xFFFF:
        return False
    if "Cn" in (OLD.category(chr(c)), OLD.category(chr(upper))):
        return False
    return chr(upper).lower() == chr(c) or c == FINAL_SIGMA


def run_length(mapped, start, step):
    """How many characters from mapped[start] on lie `step` apart and have the same delta."""
    end = start
    while (end + 1 < len(mapped) and mapped[end + 1][0] == mapped[end][0] + step
           and mapped[end + 1][1] == mapped[start][1]):
        end += 1
    return end - start + 1


def ranges():
    mapped = [(c, simple_upper(c) - c) for c in range(0x80, 0x10000)
              if not 0xD800 <= c <= 0xDFFF and is_mapped(c)]
    at = 0
    while at < len(mapped):
        length, step = max((run_length(mapped, at, s), -s) for s in (1, 2))
        yield mapped[at][0], mapped[at + length - 1][0], -step if length > 1 else 1, mapped[at][1]
        at += length


if len(sys.argv) > 1:
    sys.exit(__doc__)
for row in ranges():
    print("    { 0x%04x, 0x%04x, %d, %d }," % row)
