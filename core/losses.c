/* The table of losses, and the walk over a shard's samples. */
#include "core/loss.h"

/* clang-format off */
static const struct kind *const rows[] = {
    &loss_cross_entropy.kind,
    &loss_mse.kind,
    &loss_hinge.kind,
    &loss_binary_cross_entropy.kind,
    &loss_focal.kind,
};
/* clang-format on */

const struct kinds loss_kinds = {"loss", rows, COUNT_OF(rows), NULL, NULL};

/* The first largest score; *finite tells whether all are numbers and the largest is finite. */
static int64_t first_largest(const real *y, int64_t classes, bool *finite)
{
    int64_t best = 0;
    bool numbers = true;
    for (int64_t k = 0; k < classes; k++) {
        numbers &= !isnan(y[k]);
        if (y[k] > y[best])
            best = k;
    }
    *finite = numbers && isfinite(y[best]);
    return best;
}

void loss_run(struct loss_call *call)
{
    const struct loss_kind *kind = (const struct loss_kind *)call->loss->kind;
    struct loss_sample sample = {
        .options = call->loss->options, .classes = call->classes, .scale = 1 / (double)call->batch};
    call->loss_sum = 0;
    call->correct = 0;
    for (int64_t i = 0; i < call->samples; i++) {
        bool finite;
        sample.y = call->y + i * call->classes;
        sample.dy = call->dy ? call->dy + i * call->classes : NULL;
        sample.label = call->labels[i];
        sample.best = first_largest(sample.y, call->classes, &finite);
        call->correct += finite && sample.best == sample.label;
        call->loss_sum += kind->sample(&sample);
    }
}
