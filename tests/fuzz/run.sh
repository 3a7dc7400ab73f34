#!/bin/sh
# Fuzzes each target for some seconds, from the committed corpus and from what earlier runs found. Ends with 1 when an
# input made a parser crash, hang or take too much memory; that input is then named, and runs again with
#     FUZZ_TARGET=name build/fuzz/targets FILE
#
# usage: tests/fuzz/run.sh PROGRAM SECONDS [TARGET …]
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(cd "$here/corpus" && ls)
kept=$(dirname "$program")/found
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/traind-fuzz-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
broken=

number() { # label in the log
    sed -n "s/^stat::$1: *//p" "$scratch/log"
}

for target in "$@"; do
    mkdir -p "$kept/$target" "$kept/crashes"
    # Targets write files into the working directory.
    (cd "$scratch" && FUZZ_TARGET=$target ASAN_OPTIONS="allocator_may_return_null=1 ${ASAN_OPTIONS:-}" "$program" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$kept/crashes/$target-" "$kept/$target" "$here/corpus/$target" > "$scratch/log" 2>&1)
    code=$?
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$scratch/log" | tail -n 1)
    printf '%-12s %9s executions, %5s edges covered, %4s MiB at most\n' "$target" "$(number number_of_executed_units)" \
        "${edges:-0}" "$(number peak_rss_mb)"
    if [ "$code" -ne 0 ]; then
        broken="$broken $target"
        sed 's/^/    | /' "$scratch/log" | tail -n 60
    fi
done
[ -z "$broken" ] || echo "failed:$broken; the inputs are in $kept/crashes"
[ -z "$broken" ]
