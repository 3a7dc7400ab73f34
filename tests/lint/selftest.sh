#!/bin/sh
# Proves lint: plants one violation of each kind in a small tree and sees lint name it. The exit code and the closing
# line are like those of a test runner.
set -u
here=$(cd "$(dirname "$0")" && pwd)
format=$(cd "$here/../.." && pwd)/.clang-format
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0
failed=0

fresh() {
    rm -rf "$tree"
    mkdir -p "$tree/core" "$tree/server" "$tree/tests" "$tree/.ci" "$tree/build/core" "$tree/build/server"
    cp "$format" "$tree/"
    printf '#!/bin/sh\n' > "$tree/.ci/run"
    chmod +x "$tree/.ci/run"
    printf 'const int core_fine = 1;\nint server_fine(void);\n' > "$tree/core/fine.c"
    printf '#include "core/fine.h"\n\nint server_fine(void)\n{\n    return 1;\n}\n' > "$tree/server/fine.c"
    : > "$tree/core/fine.h"
}

look() {
    for file in "$tree"/core/*.c "$tree"/server/*.c; do
        module=${file#"$tree"/}
        cc -w -std=c11 -D_GNU_SOURCE -I"$tree" -fPIE -c "$file" -o "$tree/build/${module%.c}.o" 2> /dev/null
    done
    output=$("$here/lint.sh" "$tree" "$tree/build" 2>&1)
    code=$?
}

verdict() { # sentence, result
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok    lint finds: $1"
    else
        failed=$((failed + 1))
        echo "FAIL  lint finds: $1"
        echo "$output" | sed 's/^/      | /'
    fi
}

# file, its text, what lint must say of it; every other check must stay content
plant() {
    fresh
    printf '%b' "$2" > "$tree/$1"
    look
    [ "$code" -ne 0 ] && echo "$output" | grep -q -E "^ *\| .*$3" && echo "$output" | tail -n 1 | grep -q ", 1 failed"
    verdict "$3" $?
}

repeat() { # text, times
    awk -v text="$1" -v times="$2" 'BEGIN { while (times-- > 0) printf "%s", text }'
}

fresh
look
[ "$code" -eq 0 ]
verdict "nothing in a clean tree" $?

fresh
printf '#include <stdio.h>\n\nint plant(FILE *to);\nint plant(FILE *to)\n{\n    return fputs("a\\n", to);\n}\n' > "$tree/core/plant.c"
look
[ "$code" -ne 0 ] && echo "$output" | grep -q "plant.o uses \(fputs\|fwrite\)"
verdict "printing in core" $?
plant core/plant.c 'int sqlite3_open(void);\nint plant(void);\nint plant(void)\n{\n    return sqlite3_open();\n}\n' 'uses sqlite3_open'
plant core/plant.c 'void MHD_stop(void);\nvoid plant(void);\nvoid plant(void)\n{\n    MHD_stop();\n}\n' 'uses MHD_stop'
plant core/plant.c 'void json_decref(void);\nvoid plant(void);\nvoid plant(void)\n{\n    json_decref();\n}\n' 'uses json_decref'
plant server/plant.c '#include <stdio.h>\n\nvoid plant(void);\nvoid plant(void)\n{\n    printf("a");\n}\n' 'prints or ends'
plant server/plant.c '#include <stdlib.h>\n\nvoid plant(void);\nvoid plant(void)\n{\n    exit(1);\n}\n' 'prints or ends'

plant core/plant.c 'int plant = 3;\n' 'plant.o has the variable plant'
plant server/plant.c 'int *plant(void);\nint *plant(void)\n{\n    static int kept;\n    return &kept;\n}\n' 'plant.o has the variable kept'

plant core/plant.c '#include "server/plant.h"\n' 'includes "server/plant.h", which is not in core'
plant core/plant.c '#include "fine.h"\n' 'includes "fine.h'
plant server/plant.c '#include "tests/harness.h"\n' 'includes "tests/harness.h'
plant core/plant.c '#include <sqlite3.h>\n' 'core/plant.c includes <sqlite3.h>'
plant server/plant.c '#include <microhttpd.h>\n' 'server/plant.c includes <microhttpd.h>'
plant server/store_plant.c '#include <curl/curl.h>\n' 'includes <curl/curl.h>'
plant server/plant.c '#include <zlib.h>\n' 'includes <zlib.h>'

plant core/plant.c "int plant(void);\nint plant(void)\n{\n$(repeat '    ;\\n' 57)    return 1;\n}\n" 'a function of 61 lines, 60 at most'
plant core/plant.h "struct plant {\n$(repeat '    int a;\\n' 14)    int b, c;\n};\n" 'a struct of 16 fields, 15 at most'
plant core/plant.h 'static inline int plant(int a, int b, int c, int (*d)(int, int), int e, int f)\n{\n    return a + b + c + d(e, f);\n}\n' '6 parameters, 5 at most'
plant core/plant.h 'struct error;\nstatic inline int plant(int a, int b, int c, int d, int e, int f, struct error *error)\n{\n    return a + b + c + d + e + f + (error != 0);\n}\n' '6 parameters, 5 at most'
plant core/plant.h "$(repeat 'extern const int a;\\n' 401)" 'longer than 400 lines'
plant core/plant.h "// $(repeat 'a' 98)\n" '1 lines of more than 100 columns'

plant server/plant.c '#include <string.h>\n\nvoid plant(char *a);\nvoid plant(char *a)\n{\n    strcpy(a, "b");\n}\n' 'banned call.*strcpy'
plant server/plant.c '#include <stdlib.h>\n\nint plant(char *a);\nint plant(char *a)\n{\n    return system(a) + atoi(a);\n}\n' 'banned call.*system'
plant server/plant.c '#include <assert.h>\n\nvoid plant(int a);\nvoid plant(int a)\n{\n    assert(a++ < 3);\n}\n' 'effect inside assert'
plant server/plant.c '#include <assert.h>\n\nvoid plant(int a);\nvoid plant(int a)\n{\n    assert(a == 1000000000000000000 && a == 2000000000000000000 && a == 3000000000000000000 &&\n           store(a));\n}\n' 'effect inside assert'
plant server/plant.c "/* TO""DO: later */\n" 'open end'

plant server/routes.c 'const int a; /*\n    {.method = "GET",\n     .pattern = "/a",\n     .handle = a},\n*/\n' 'routes.c:2: the row has no .doc'

plant tests/plant.sh '#!/bin/sh\nif\n' 'plant.sh'
if command -v clang-format > /dev/null; then
    plant core/plant.c 'extern const int  plant;\n' 'core/plant.c: clang-format'
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
