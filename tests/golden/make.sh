#!/bin/sh
# Debian's Python has Debian's PyTorch; another Python earlier in PATH has not. PyTorch multiplies
# matrices by whatever BLAS is there, and each has its own last digits: the numbers are those of the
# plain one, whichever the machine prefers.
set -eu
plain=
for part in blas lapack; do
    set -- /usr/lib/*/$part/lib$part.so.3
    [ -e "$1" ] || { echo "golden: the plain $part is missing" >&2; exit 1; }
    plain=$plain${plain:+:}${1%/*}
done
LD_LIBRARY_PATH=$plain exec /usr/bin/python3 -B "$(dirname "$0")/make.py"
