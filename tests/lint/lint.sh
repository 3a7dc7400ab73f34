#!/bin/sh
# Checks the tree against the rules of the house. Changes nothing.
#
# usage: tests/lint/lint.sh TREE OBJECTS, where OBJECTS holds core/*.o and server/*.o of a plain build.
# The exit code and the closing line are like those of a test runner.
set -u
here=$(cd "$(dirname "$0")" && pwd)
objects=$(cd "$2" && pwd)
cd "$1" || exit 1
passed=0
failed=0
skipped=0

sources() {
    find core server tests -name '*.[ch]' | LC_ALL=C sort
}

# A check prints what breaks the rule; silence is good.
rule() { # sentence, command
    findings=$($2)
    if [ -z "$findings" ]; then
        passed=$((passed + 1))
        echo "ok    lint: $1"
    else
        failed=$((failed + 1))
        echo "FAIL  lint: $1"
        echo "$findings" | sed 's/^/      | /'
    fi
}

# ---- what core's objects want from outside ----

foreign='sqlite3_|MHD_|json_|curl_|_*(v?f?printf|v?dprintf|perror|puts|putchar|putc|fputs|fputc|fwrite|stdout|stderr)(_chk)?$|_*(exit|_exit|_Exit|quick_exit|abort|system|popen)$'

core_symbols() {
    for object in "$objects"/core/*.o; do
        nm -u "$object" | awk '{ print $2 }' | grep -E "^($foreign)" | sed "s|^|${object##*/} uses |"
    done
}

# ---- state that outlives its owner: data that can change, outside every function's stack and the heap ----

globals() {
    for object in "$objects"/core/*.o "$objects"/server/*.o; do
        nm --format=sysv "$object" |
            awk -F '|' -v object="${object##*/}" '
                { gsub(/ /, "") }
                $4 ~ /OBJECT|TLS/ && $7 ~ /^\.t?(data|bss)|COM/ && $7 !~ /^\.data\.rel\.ro/ { print object " has the variable " $1 }'
    done
}

# ---- who includes what ----

# "header of another project<TAB>files that may include it", as regular expressions. Tests may include any of them.
owners='microhttpd\.h	server/http[a-z_]*\.[ch]
sqlite3\.h	server/(sql|store)[a-z_]*\.[ch]
jansson\.h	server/.*
nettle/.*	core/digest\.c
archive(_entry)?\.h	core/unpack\.c
zlib\.h	server/http_coding\.c
png\.h	core/image_png\.c
j(peglib|error)\.h	core/image_jpeg\.c
(oneapi/dnnl/|)dnnl.*\.h|omp\.h	core/onednn[a-z0-9_]*\.[ch]
immintrin\.h	(core|tests/bench)/[a-z0-9_]*\.[ch]
(microhttpd|sqlite3|zlib|jansson|nettle/.*|archive.*|png|jpeglib|curl/.*)\.h	tests/.*'
# Headers of C, POSIX and Linux: anyone's.
common='(assert|ctype|dirent|dlfcn|errno|execinfo|fcntl|float|ftw|getopt|glob|inttypes|limits|locale|math|netdb|poll|pthread|sched|semaphore|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd|(sys|netinet|arpa|linux)/[a-z_0-9]*)\.h'

includes() {
    # "file header" of every include, rooted ones in quotes
    grep -n -E '^ *# *include' $(sources) | sed -E 's/^([^:]*):[0-9]*: *# *include *([<"][^>"]*)[>"].*/\1 \2/' > "$scratch"
    awk '$2 ~ /^"/ && $1 ~ /^core\// && $2 !~ /^"core\// { print $1 " includes " $2 "\", which is not in core/" }
         $2 ~ /^"/ && $1 ~ /^server\// && $2 !~ /^"(core|server)\// { print $1 " includes " $2 "\"" }
         $2 ~ /^"/ && $2 !~ /^"(core|server|tests)\// { print $1 " includes " $2 "\", which is not rooted" }' "$scratch"
    awk '$2 ~ /^</ { print $1, substr($2, 2) }' "$scratch" | grep -v -E " $common\$" |
        while read -r file header; do
            echo "$owners" | while IFS='	' read -r pattern files; do
                echo "$header" | grep -q -E -x "$pattern" && echo "$file" | grep -q -E -x "$files" && echo yes
            done | grep -q yes || echo "$file includes <$header>"
        done
}

# ---- routes ----

# A row without a doc is not in the OpenAPI document.
undocumented() {
    [ ! -f server/routes.c ] || awk '
        /\{\.method = / { row = ""; line = NR }
        line { row = row $0 }
        line && /\},$/ { if (row ~ /handle = / && row !~ /doc = &/) print "server/routes.c:" line ": the row has no .doc"; line = 0 }' server/routes.c
}

# ---- sizes and bans ----

source_findings() {
    sources | xargs awk -f "$here/source.awk" | sed -n "s/^$1 //p"
}

sizes() {
    source_findings size
}

bans() {
    source_findings banned
}

# ---- format ----

format() {
    sources | xargs clang-format --dry-run 2>&1 | grep 'warning:' | cut -d : -f 1 | sort | uniq -c |
        awk '{ print $2 ": clang-format -i would change " $1 " places" }'
}

shell_scripts() {
    for script in $(find . -name '*.sh' -not -path './build/*' -not -path '*/node_modules/*') .ci/run; do
        sh -n "$script" 2>&1
        [ -x "$script" ] || echo "$script cannot be executed"
    done
}

scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT

rule "core/ takes nothing from HTTP, JSON, SQLite, printing or the end of the process" core_symbols
rule "variables live in structs that have an owner" globals
rule "includes point down, and each library is included by its one module" includes
rule "functions, files, parameter lists, structs and lines are of readable size" sizes
rule "banned calls, effects inside assert and open ends are absent" bans
rule "every route is described for the OpenAPI document" undocumented
rule "shell scripts parse and can be executed" shell_scripts
if command -v clang-format > /dev/null; then
    rule "the format is clang-format's" format
else
    skipped=$((skipped + 1))
    echo "skip  lint: the format is clang-format's: clang-format is not installed"
fi

printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" -eq 0 ]
