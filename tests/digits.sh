#!/bin/sh
# Our own kernels give the same digits with every instruction set: the traces of training runs are written by the runner of
# this build, held back to each of them, and by the one that was compiled for any processor, and compared byte for byte.
# Argument: the folder of the build. The exit code and the closing line are like those of a test runner.
set -u
out=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0

trace() { # file, runner, most instructions
    TRAIND_DIGITS=$folder/$1 TRAIND_MAX_ISA=$3 T="the digits of training runs" "$out/$2" > "$folder/output" 2>&1
    if [ $? -eq 0 ] && [ -s "$folder/$1" ] && cmp -s "$folder/$1" "$folder/first"; then
        passed=$((passed + 1))
        echo "ok    digits: $2 with $3 at most"
    else
        failed=$((failed + 1))
        echo "FAIL  digits: $2 with $3 at most gives others than tests-baseline"
        sed 's/^/      | /' "$folder/output"
        diff "$folder/first" "$folder/$1" 2>&1 | head -n 4 | sed 's/^/      | /'
    fi
}

TRAIND_DIGITS=$folder/first T="the digits of training runs" "$out/tests-baseline" > /dev/null 2>&1
for set in baseline avx2 avx512; do
    trace "$set" tests "$set"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
