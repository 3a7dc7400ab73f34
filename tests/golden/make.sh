#!/bin/sh
# Debian's Python has Debian's PyTorch; another Python earlier in PATH has not.
here=$(dirname "$0")
for script in make.py make_batch.py; do
    /usr/bin/python3 -B "$here/$script" || exit 1
done
