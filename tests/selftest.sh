#!/bin/sh
# Proves the harness: each planted test must be judged as it deserves. Argument: the folder of the build.
# The exit code and the closing line are like those of any other runner.
set -u
planted=$1/planted
passed=0
failed=0
unset T

verdict() { # description, result of the check before
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok    harness: $1"
    else
        failed=$((failed + 1))
        echo "FAIL  harness: $1"
        echo "$output" | sed 's/^/      | /'
    fi
}

run() { # word of the planted test
    output=$(T="planted: $1" "$planted" 2>&1)
    code=$?
}

must_fail() { # word, text that the output must hold
    run "$1"
    [ "$code" -ne 0 ] && [ "$(echo "$output" | tail -n 1)" = "0 passed, 1 failed" ] && echo "$output" | grep -q "$2"
    verdict "a test that $1 is a failure that says why" $?
}

run passes
[ "$code" -eq 0 ] && [ "$(echo "$output" | tail -n 1)" = "1 passed, 0 failed" ]
verdict "a test that passes is counted" $?

must_fail "fails a condition" "what the test said"
must_fail "fails a condition" "planted.c:[0-9]*: 1 + 1 == 3 does not hold"
must_fail "fails an integer" "1 + 1 is 2, not 3"
must_fail "fails a number" "off by 0.1"
must_fail "fails at NaN" "nan, not 1"
must_fail "fails a text" '"one", not "two"'
must_fail "fails in a thread" "from a thread"
must_fail "crashes" "signal 11\|SEGV"
must_fail "hangs" "still running"
must_fail "leaves early" "before its end"

run skips
[ "$code" -eq 0 ] && [ "$(echo "$output" | tail -n 1)" = "0 passed, 0 failed, 1 skipped" ] &&
    echo "$output" | grep -q "skips: because it may"
verdict "a test that skips is listed with its reason" $?

case ${SANITIZE:-} in
*address*) must_fail "leaks" "detected memory leaks" ;;
*thread*) must_fail "races" "data race" ;;
esac
case ${SANITIZE:-} in
*address* | *thread*) must_fail "kills a child that erred" "a sanitizer found something" ;;
esac

folder=$(mktemp -d)
output=$(TMPDIR="$folder" T="planted: leaves a daemon" "$planted" 2>&1)
code=$?
[ "$code" -eq 0 ] && [ -z "$(ls -A "$folder")" ]
verdict "a test's files are removed" $?
rm -rf "$folder"
output=$(for process in /proc/[0-9]*; do { tr '\0' ' ' < "$process/cmdline"; } 2> /dev/null; echo; done |
    grep '^sleep 271828')
[ -z "$output" ]
verdict "a test's processes are ended" $?

output=$("$planted" 2>&1)
[ $? -ne 0 ] && echo "$output" | tail -n 1 | grep -q "^[1-9][0-9]* passed, [1-9][0-9]* failed, 1 skipped$"
verdict "failures among passes make the whole run fail" $?

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
