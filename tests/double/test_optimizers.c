/* The optimizers with double against PyTorch and numpy with double. */
#include "tests/harness.h"

#include "tests/core/support_optimizer.h"

TEST("in double, every optimizer moves the weights as PyTorch's or its formula in numpy does, to "
     "twelve digits")
{
    check_golden_optimizers(1e-12);
}

TEST("in double, clipped gradients move the weights as PyTorch's do, to twelve digits")
{
    check_golden_clips(1e-12);
}
