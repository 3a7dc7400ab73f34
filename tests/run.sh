#!/bin/sh
# Runs every part of the tests and adds up what they say. Each part ends with "N passed, N failed[, N skipped]" and an
# exit code; a part that ends otherwise is itself a failure. Argument: the folder of the build.
#
# With T=word only the parts that know words run. Under a sanitizer the parts that it adds nothing to are skipped.
set -u
out=$1
passed=0
failed=0
skipped=0
broken=
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

part() { # name, command …
    name=$1
    shift
    echo "== $name"
    {
        "$@"
        echo $? > "$scratch/code"
    } 2>&1 | tee "$scratch/output"
    code=$(cat "$scratch/code")
    line=$(tail -n 1 "$scratch/output")
    if echo "$line" | grep -q -E -x '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?'; then
        set -- $(echo "$line" | tr -cd '0-9 ')
    else
        echo "$name ended without its closing line (exit code $code)"
        set -- 0 1
    fi
    if [ "$code" -ne 0 ] && [ "$2" -eq 0 ]; then
        echo "$name counted no failure but ended with exit code $code"
        set -- "$1" 1 "${3:-0}"
    fi
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + ${3:-0}))
    [ "$2" -eq 0 ] || broken="$broken, $name"
}

skip() { # name, why
    echo "== $1"
    echo "skip  $1: $2"
    skipped=$((skipped + 1))
}

plain() { # name, command …: parts that a sanitizer adds nothing to
    if [ -n "${SANITIZE:-}" ]; then
        skip "$1" "left to the plain build"
    else
        part "$@"
    fi
}

# The sanitizer watches this command's daemons; what it reports stands behind the closing line, which fails the part.
watched() { # command …
    env "TSAN_OPTIONS=$TSAN_OPTIONS log_path=$scratch/report" "ASAN_OPTIONS=$ASAN_OPTIONS log_path=$scratch/report" \
        "UBSAN_OPTIONS=$UBSAN_OPTIONS log_path=$scratch/report" "$@"
    code=$?
    if grep -q -s -E '^SUMMARY: |runtime error: ' "$scratch"/report.*; then
        cat "$scratch"/report.*
        echo "a sanitizer found something"
        code=1
    fi
    rm -f "$scratch"/report.*
    return $code
}

# A size that nobody has must be refused as it is without a sanitizer, by NULL.
export TSAN_OPTIONS="allocator_may_return_null=1 second_deadlock_stack=1 suppressions='$PWD/tests/tsan.supp' ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="allocator_may_return_null=1 detect_stack_use_after_return=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"

if [ -z "${T:-}" ]; then
    part "harness" tests/selftest.sh "$out"
    plain "lint's own tests" tests/lint/selftest.sh
    plain "lint" tests/lint/lint.sh . "$out/objects"
fi
part "core in double precision" "$out/tests-double"
part "core for any processor" "$out/tests-baseline"
[ -n "${T:-}" ] || plain "digits" tests/digits.sh "$out"
part "core, server and API" "$out/tests"
part "contract" watched env TRAIND="$out/traind" node tests/contract/run.mjs
part "exported networks" watched env TRAIND="$out/traind" node tests/export/run.mjs
part "readme" watched env TRAIND="$out/traind" node tests/contract/readme.mjs
plain "browser" env TRAIND="$out/traind" node tests/browser/run.mjs

if [ $((passed + failed + skipped)) -eq 0 ]; then
    echo "no test matches ${T:-}"
    failed=1
fi
[ -z "$broken" ] || echo "failed: ${broken#, }"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
