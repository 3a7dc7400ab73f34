#!/bin/sh
# Debian's Python has Debian's PyTorch; another Python earlier in PATH has not.
exec /usr/bin/python3 "$(dirname "$0")/make.py"
