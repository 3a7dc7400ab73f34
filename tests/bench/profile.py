#!/usr/bin/env python3
"""make profile NET=…: traind train --explain of a network of specs/ or of its variants, the dearest layers first.

usage: profile.py TRAIND NET [OPTION of traind train …]
"""
import json
import subprocess
import sys

import specs


def share(line):
    word = line.split()[0]
    return float(word.rstrip("%")) if word.endswith("%") else -1


def main():
    if len(sys.argv) < 3 or not sys.argv[2]:
        sys.exit("Which network? NET is one of " + " ".join(specs.NETS + specs.FURTHER))
    program, name, *options = sys.argv[1:]
    try:
        spec = json.dumps(specs.spec(name))
    except FileNotFoundError:
        sys.exit("There is no network %s; NET is one of %s" % (name, " ".join(specs.NETS + specs.FURTHER)))
    done = subprocess.run([program, "train", "-", "--explain", *options], input=spec, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(done.stderr or "traind ended with status %d" % done.returncode)
    head, layers, *rest = done.stdout.rstrip("\n").split("\n\n")
    columns, *lines = layers.split("\n")
    print("\n\n".join([head, "\n".join([columns] + sorted(lines, key=share, reverse=True))] + rest))


if __name__ == "__main__":
    main()
