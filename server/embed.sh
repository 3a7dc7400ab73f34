#!/bin/sh
# Writes the C source of server/assets.h's tables to standard output: the dashboard of static/, the npm files that
# static/vendor.txt lists, the migrations, and the schemas. Knows nothing of what is in them.
#
# usage: server/embed.sh FOLDER-WITH-node_modules FOLDER-FOR-COMPRESSED-COPIES
set -eu
npm=$1
compressed=$2
mkdir -p "$compressed"

stop() {
    echo "embed: $*" >&2
    exit 1
}

content_type() {
    case $1 in
    / | *.html) echo "text/html; charset=utf-8" ;;
    *.css) echo "text/css; charset=utf-8" ;;
    *.js) echo "text/javascript; charset=utf-8" ;;
    *.json) echo "application/json" ;;
    *.svg) echo "image/svg+xml" ;;
    *.png) echo "image/png" ;;
    *.ico) echo "image/x-icon" ;;
    *.woff2) echo "font/woff2" ;;
    *.txt) echo "text/plain; charset=utf-8" ;;
    *) stop "$1 is served, but no content type is known for this name" ;;
    esac
}

# "file<TAB>served path" of everything that is served, sorted by path
served() {
    {
        find static -type f ! -name 'package*.json' ! -name vendor.txt ! -name '*.md' |
            while read -r file; do
                path=/${file#static/}
                [ "$path" = /index.html ] && path=/
                printf '%s\t%s\n' "$file" "$path"
            done
        [ ! -f static/vendor.txt ] || sed 's/#.*//' static/vendor.txt | while read -r file path; do
            [ -z "$file" ] || printf '%s\t%s\n' "$npm/node_modules/$file" "$path"
        done
    } | LC_ALL=C sort -t '	' -k 2
}

# The assembler reads the file; a zero byte follows, so that texts are C strings.
include() { # symbol, file
    printf '__asm__(".pushsection .rodata\\n.balign 16\\n%s:\\n.incbin \\"%s\\"\\n.byte 0\\n.popsection\\n");\n' "$1" "$2"
    printf 'extern const unsigned char %s[] __attribute__((visibility("hidden")));\n' "$1"
}

size_of() {
    wc -c < "$1" | tr -d ' '
}

assets() {
    served > "$compressed/list"
    [ -z "$(cut -f 2 "$compressed/list" | uniq -d)" ] || stop "$(cut -f 2 "$compressed/list" | uniq -d) is served twice"
    number=0
    : > "$compressed/rows"
    while IFS='	' read -r file path; do
        [ -f "$file" ] || stop "$file is missing (served as $path)"
        type=$(content_type "$path")
        symbol=asset_$number
        include "$symbol" "$file"
        gzip -9nc "$file" > "$compressed/$number.gz"
        size=$(size_of "$file")
        gzip_size=$(size_of "$compressed/$number.gz")
        gzip_symbol=NULL
        if [ $((gzip_size * 10)) -lt $((size * 9)) ]; then
            gzip_symbol=gzip_$number
            include "$gzip_symbol" "$compressed/$number.gz"
        else
            gzip_size=0
        fi
        hash=$(sha256sum "$file" | cut -c 1-32)
        printf '    {"%s", "%s", %s, %s, %s, %s, "\\"%s\\""},\n' "$path" "$type" "$symbol" "$size" \
            "$gzip_symbol" "$gzip_size" "$hash" >> "$compressed/rows"
        number=$((number + 1))
    done < "$compressed/list"
    printf '\nconst struct asset assets[] = {\n'
    cat "$compressed/rows"
    # A table without rows is no C: the last row is empty and not counted.
    printf '    {0},\n};\nconst size_t asset_count = sizeof assets / sizeof assets[0] - 1;\n\n'
}

migrations() {
    number=0
    : > "$compressed/rows"
    for file in $(find migrations -name '*.sql' | LC_ALL=C sort); do
        number=$((number + 1))
        name=${file##*/}
        case $name in
        "$(printf '%04d_' $number)"?*) ;;
        *) stop "$file: the migration after $((number - 1)) must be named $(printf '%04d' $number)_….sql" ;;
        esac
        include "migration_$number" "$file"
        printf '    {%s, "%s", (const char *)migration_%s},\n' "$number" "$name" "$number" >> "$compressed/rows"
    done
    printf '\nconst struct migration migrations[] = {\n'
    cat "$compressed/rows"
    printf '    {0},\n};\nconst size_t migration_count = sizeof migrations / sizeof migrations[0] - 1;\n'
}

components() {
    number=0
    : > "$compressed/rows"
    for file in $(find schemas -name '*.json' | LC_ALL=C sort); do
        number=$((number + 1))
        name=${file##*/}
        include "component_$number" "$file"
        printf '    {"%s", (const char *)component_%s},\n' "${name%.json}" "$number" >> "$compressed/rows"
    done
    printf '\nconst struct component components[] = {\n'
    cat "$compressed/rows"
    printf '    {0},\n};\nconst size_t component_count = sizeof components / sizeof components[0] - 1;\n'
}

printf '/* Made by server/embed.sh. */\n#include "server/assets.h"\n\n'
assets
migrations
components
