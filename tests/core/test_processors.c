/* Lesser processors: what oneDNN computes when it may use only some of this one's instructions, as
 * if there were no others. It reads that once, so each has a test's process of its own. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support_conv2d.h"
#include "tests/core/support_golden.h"

#include <stdlib.h>
#include <string.h>

/* False when there is no oneDNN here to be held back. */
static bool hold_back(const char *isa)
{
    CHECK(setenv("DNNL_MAX_CPU_ISA", isa, 1) == 0 && setenv("ONEDNN_MAX_CPU_ISA", isa, 1) == 0);
    return strncmp(kernels_describe(KERNELS_BEST), "oneDNN", 6) == 0;
}

static void check_layers(void)
{
    static const struct golden_tolerance as_float = {.losses = 1e-5, .norms = 1e-4, .values = 2e-6};

    check_golden_layers(KERNELS_BEST, 3, &as_float);
    compare_many(roll_conv2d, 300);
}

static void check_networks(void)
{
    static const struct golden_tolerance as_float = {.losses = 1e-5, .norms = 1e-4, .values = 2e-6};

    check_golden_runs(32, KERNELS_BEST, &as_float);
    check_golden_networks(KERNELS_BEST, 1e-4);
}

TEST_SLOW("with AVX2 at most, layers are the reference's and PyTorch's", 240)
{
    if (!hold_back("AVX2"))
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK(strstr(kernels_describe(KERNELS_BEST), "AVX2 ") != NULL);
    check_layers();
}

TEST_SLOW("with AVX2 at most, networks train as in PyTorch", 600)
{
    if (!hold_back("AVX2"))
        SKIP("%s", kernels_describe(KERNELS_BEST));
    check_networks();
}

TEST_SLOW("with SSE4.1 at most, layers are the reference's and PyTorch's", 240)
{
    if (!hold_back("SSE41"))
        SKIP("%s", kernels_describe(KERNELS_BEST));
    CHECK(strstr(kernels_describe(KERNELS_BEST), "SSE4.1 ") != NULL);
    check_layers();
}

TEST_SLOW("with SSE4.1 at most, networks train as in PyTorch", 600)
{
    if (!hold_back("SSE41"))
        SKIP("%s", kernels_describe(KERNELS_BEST));
    check_networks();
}

TEST_SLOW("our own kernels train networks as in PyTorch with AVX2 and with any processor's vectors",
          600)
{
    static const char *const sets[] = {"avx2", "baseline"};

    for (size_t i = 0; i < 2; i++) {
        CHECK(setenv("TRAIND_MAX_ISA", sets[i], 1) == 0);
        check_golden_networks(KERNELS_PORTABLE, 1e-4);
    }
}
