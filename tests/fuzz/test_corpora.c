/* The committed corpora, without a fuzzer: every target lives through its own, and through much
 * small damage to it. */
#include "tests/fuzz/fuzz.h"

#include "tests/core/support.h"
#include "tests/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGES = 60 };

/* The next number of a fixed sequence (Marsaglia's xorshift). */
static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Changes some bytes, and cuts off the end now and then. */
static size_t damage(uint8_t *bytes, size_t size, uint64_t *state)
{
    static const uint8_t special[] = {0, 1, 0x7f, 0x80, 0xff, '0', '/', '.'};
    size_t changes = 1 + next(state) % 4;

    for (size_t i = 0; i < changes && size > 0; i++) {
        uint8_t *byte = bytes + next(state) % size;

        *byte =
            next(state) % 2 == 0 ? special[next(state) % sizeof(special)] : (uint8_t)next(state);
    }
    return size > 0 && next(state) % 4 == 0 ? next(state) % size : size;
}

static void run_corpus(const struct fuzz_target *target)
{
    char path[700];
    struct dirent **names;
    uint64_t state = 88172645463325252u;

    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", test_root(), target->name);
    int count = scandir(path, &names, NULL, alphasort), files = 0;
    if (count < 0)
        FAIL("there is no corpus for %s", target->name);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            size_t size;
            snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s/%s", test_root(), target->name,
                     names[i]->d_name);
            uint8_t *bytes = read_bytes(path, &size), *copy = malloc(size + 1);
            CHECK(copy != NULL);
            target->run(bytes, size);
            for (int k = 0; k < DAMAGES; k++) {
                memcpy(copy, bytes, size);
                target->run(copy, damage(copy, size, &state));
            }
            free(copy);
            free(bytes);
            files++;
        }
        free(names[i]);
    }
    free(names);
    CHECK(files > 0);
}

TEST_SLOW("every parser lives through its corpus of hostile files, and through damage to it", 300)
{
    for (const struct fuzz_target *target = fuzz_targets; target->name != NULL; target++) {
        fprintf(stderr, "%s\n", target->name);
        run_corpus(target);
    }
}
