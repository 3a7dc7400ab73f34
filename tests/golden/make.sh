#!/bin/sh
# Debian's Python has Debian's PyTorch; another Python earlier in PATH has not.
exec /usr/bin/python3 -B "$(dirname "$0")/make.py"
