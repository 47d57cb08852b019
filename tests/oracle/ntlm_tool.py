# SPDX-License-Identifier: MIT
"""Drives our side (ntlm_tool) and makes up the names, passwords and numbers to compare with."""
import os
import random
import subprocess
import time

UNICODE, OEM, REQUEST_TARGET, SIGN, SEAL, DATAGRAM = 1, 2, 4, 0x10, 0x20, 0x40
NTLM, ALWAYS_SIGN, ESS, IDENTIFY = 0x200, 0x8000, 0x80000, 0x100000
TARGET_INFO, VERSION, KEY_128, KEY_EXCH, KEY_56 = 0x800000, 0x2000000, 0x20000000, 0x40000000, 0x80000000
OFFER = 0xE2988251
KEY_LENGTHS = (KEY_128, KEY_56, 0)

# Letters whose upper case is one letter everywhere, so that no table is more right than another.
LETTERS = ("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-._" "äöüéèñçøåþÄÖÜ" "łżóćąęśŁ" "живанёя" "αβγδω" "東京大学" "😀")


def text(source, low, high, letters=LETTERS):
    return "".join(source.choice(letters) for _ in range(source.randint(low, high)))


def octets(source, count):
    """Zero octets are frequent: keys are binary."""
    return bytes(0 if source.random() < 0.2 else source.randrange(256) for _ in range(count))


def filetime():
    return int(time.time() * 10_000_000) + 116444736000000000


def random_source():
    """Repeatable: the seed is printed, and taken from SEED."""
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"SEED={seed}")
    return random.Random(seed)


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, verb, *bare, **values):
        """`bare` goes out as it stands; of `values` octets and text as hexadecimal, numbers as numbers."""
        words = [verb, *bare]
        for key, value in values.items():
            if isinstance(value, str):
                value = value.encode()
            words.append(f"{key}={value.hex() if isinstance(value, bytes) else int(value)}")
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode()
        if not line.endswith("\n"):
            raise SystemExit(f"ntlm_tool ended during: {' '.join(words)}")
        return dict(word.split("=", 1) for word in line.split())

    def sign(self, exported, flags, revision, message):
        out = self.call("sign", exported=exported, flags=flags, revision=revision, text=message)
        return bytes.fromhex(out["client"]), bytes.fromhex(out["server"])

    def accepts(self, exported, flags, revision, message, signature, sender):
        out = self.call("check", f"from={sender}", exported=exported, flags=flags, revision=revision, text=message,
                        signature=signature)
        return out["good"] == "1"


class Compared:
    """Counts what was compared, by kind; the first difference ends the run."""

    def __init__(self):
        self.counts = {}

    def same(self, kind, ours, theirs, context):
        if ours != theirs:
            show = lambda v: v.hex() if isinstance(v, bytes) else repr(v)
            raise SystemExit(f"MISMATCH {kind}\n  ours   {show(ours)}\n  theirs {show(theirs)}\n  with   {context}")
        self.seen(kind)

    def seen(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def report(self):
        for kind, count in sorted(self.counts.items()):
            print(f"{count:6} x {kind}")
        print(f"{sum(self.counts.values()):6} comparisons, no mismatch")
