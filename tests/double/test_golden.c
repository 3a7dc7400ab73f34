/* The core with double against PyTorch with double: the mathematics alone, with rounding out of the
 * way. */
#include "tests/harness.h"

#include "tests/core/support_golden.h"

static const struct golden_tolerance as_double = {.losses = 1e-12, .norms = 1e-12, .values = 1e-13};

TEST_SLOW("in double, LeNet-5 trains as in PyTorch to twelve digits", 300)
{
    check_golden_runs(64, KERNELS_REFERENCE, &as_double);
}

TEST_SLOW("in double, whole networks train as in PyTorch: every loss of fifty steps", 900)
{
    check_golden_networks(KERNELS_REFERENCE, 1e-9);
}

TEST("in double, a trainer draws the initial weights that numpy draws")
{
    check_golden_start();
}

TEST("in double, every layer computes PyTorch's outputs and gradients")
{
    for (int64_t shard = 1; shard <= 4; shard++)
        check_golden_layers(KERNELS_REFERENCE, shard, &as_double);
}

TEST("in double, every loss is PyTorch's, or its paper's formula, to twelve digits")
{
    static const struct golden_tolerance tolerance = {.losses = 1e-12, .values = 1e-12};

    check_golden_losses(&tolerance);
}

TEST("in double, every initializer gives PyTorch's numbers on the same draws to twelve digits")
{
    static const struct golden_tolerance tolerance = {.values = 1e-12};

    check_golden_inits(&tolerance);
}
