/* libFuzzer's way to the targets: FUZZ_TARGET in the environment names the one to run. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct fuzz_target *chosen;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *name = getenv("FUZZ_TARGET");

    (void)argc;
    (void)argv;
    for (chosen = fuzz_targets; chosen->name != NULL; chosen++)
        if (name != NULL && strcmp(chosen->name, name) == 0)
            return 0;
    fuzz_fail("FUZZ_TARGET names no target");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    chosen->run(bytes, size);
    return 0;
}
