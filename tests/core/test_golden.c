/* The core against PyTorch: numbers in tests/golden, made by make.py there. */
#include "tests/harness.h"

#include "tests/core/support_golden.h"

static const struct golden_tolerance as_float = {.losses = 1e-5, .norms = 1e-4, .values = 2e-6};

TEST_SLOW("LeNet-5 trains as in PyTorch with the best kernels: losses, gradients, rates and final "
          "weights",
          120)
{
    check_golden_runs(32, KERNELS_BEST, &as_float);
}

TEST_SLOW("LeNet-5 trains as in PyTorch with our own kernels: losses, gradients, rates and final "
          "weights",
          120)
{
    check_golden_runs(32, KERNELS_PORTABLE, &as_float);
}

TEST_SLOW("LeNet-5 trains as in PyTorch with the reference kernels: losses, gradients, rates and "
          "final weights",
          300)
{
    check_golden_runs(32, KERNELS_REFERENCE, &as_float);
}

TEST("a trainer draws the initial weights that numpy draws")
{
    check_golden_start();
}

TEST("every layer computes PyTorch's outputs and gradients, whole batch or in shards, in every "
     "kernel set")
{
    for (int64_t shard = 1; shard <= 4; shard++) {
        check_golden_layers(KERNELS_BEST, shard, &as_float);
        check_golden_layers(KERNELS_PORTABLE, shard, &as_float);
        check_golden_layers(KERNELS_REFERENCE, shard, &as_float);
    }
}

TEST("every loss is PyTorch's, or its paper's formula, for scores of any size")
{
    static const struct golden_tolerance tolerance = {.losses = 1e-6, .values = 1e-6};

    check_golden_losses(&tolerance);
}
