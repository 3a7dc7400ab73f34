/* Whole networks against PyTorch: numbers in tests/golden, made by networks.py there. */
#include "tests/harness.h"

#include "tests/core/support_golden.h"

TEST_SLOW(
    "whole networks train as in PyTorch with the best kernels: every loss of fifty steps, and "
    "the evaluation after them",
    300)
{
    check_golden_networks(KERNELS_BEST, 1e-4);
}

TEST_SLOW("whole networks train as in PyTorch with our own kernels", 300)
{
    check_golden_networks(KERNELS_PORTABLE, 1e-4);
}

TEST_SLOW("whole networks train as in PyTorch with the reference kernels", 600)
{
    check_golden_networks(KERNELS_REFERENCE, 1e-4);
}

TEST_SLOW(
    "whole networks with dropout, augmentation and batch norm are the same to the bit for any "
    "number of threads",
    600)
{
    check_golden_threads();
}
