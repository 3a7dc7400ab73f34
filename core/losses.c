/* The losses and their table. */
#include "core/loss.h"

/* Softmax and negative log likelihood in one, over one sample, the maximum subtracted first so that
 * nothing overflows: L = log Σ exp(yₖ − m) − (y_label − m), dyₖ = (pₖ − [k = label]) / batch. */
static double cross_entropy_sample(struct loss_call *call, int64_t sample)
{
    const real *y = call->y + sample * call->classes;
    int64_t label = call->labels[sample], best = 0;
    for (int64_t k = 1; k < call->classes; k++)
        if (y[k] > y[best])
            best = k;
    double sum = 0;
    for (int64_t k = 0; k < call->classes; k++)
        sum += (double)real_exp(y[k] - y[best]);
    call->correct +=
        best == label && isfinite(sum); /* scores that are not numbers decide nothing */
    if (call->dy) {
        real *dy = call->dy + sample * call->classes;
        double scale = 1 / (double)call->batch;
        for (int64_t k = 0; k < call->classes; k++)
            dy[k] = (real)(((double)real_exp(y[k] - y[best]) / sum - (k == label)) * scale);
    }
    return log(sum) - (double)(y[label] - y[best]);
}

static void cross_entropy(struct loss_call *call)
{
    call->loss_sum = 0;
    call->correct = 0;
    for (int64_t sample = 0; sample < call->samples; sample++)
        call->loss_sum += cross_entropy_sample(call, sample);
}

const struct loss_kind loss_cross_entropy = {
    .kind = {"cross_entropy", "softmax and negative log likelihood", {NULL, 0, 0}},
    .run = cross_entropy,
};

static const struct kind *const rows[] = {&loss_cross_entropy.kind};

const struct kinds loss_kinds = {"loss", rows, COUNT_OF(rows), NULL, NULL};
