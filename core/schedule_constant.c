/* constant: the optimizer's rate. */
#include "core/schedule.h"

static double lr(const void *options, const struct schedule_at *at)
{
    (void)options;
    return at->base_lr;
}

const struct schedule_kind schedule_constant = {
    .kind = {"constant", "the same rate throughout", {NULL, 0, 0}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
