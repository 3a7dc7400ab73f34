/* Losses: what scores say when nobody asks for a loss. Knows no loss by name. */
#include "core/loss.h"

static bool is_apart(const struct variant *loss)
{
    return ((const struct loss_kind *)loss->kind)->apart;
}

/* Of the scores without their largest, which is taken away first, so that nothing overflows. */
static double exponential_sum(const real *y, int64_t classes, double *top)
{
    double sum = 0;
    *top = (double)y[0];
    for (int64_t k = 0; k < classes; k++)
        if ((double)y[k] > *top || isnan(y[k]))
            *top = (double)y[k];
    for (int64_t k = 0; k < classes; k++)
        sum += exp((double)y[k] - *top);
    return sum;
}

void loss_probabilities(const struct variant *loss, const real *y, int64_t classes, double *out)
{
    double top = 0, sum = is_apart(loss) ? 1 : exponential_sum(y, classes, &top);
    for (int64_t k = 0; k < classes; k++)
        out[k] = is_apart(loss) ? 1 / (1 + exp(-(double)y[k])) : exp((double)y[k] - top) / sum;
}

double loss_surprise(const struct variant *loss, const real *y, int64_t classes, int64_t label)
{
    double score = (double)y[label], top, sum;
    if (is_apart(loss))
        return (score < 0 ? -score : 0) + log1p(exp(-fabs(score)));
    sum = exponential_sum(y, classes, &top);
    return log(sum) - (score - top);
}

int64_t loss_decision(const real *y, int64_t classes)
{
    int64_t best = 0;
    for (int64_t k = 0; k < classes; k++) {
        if (isnan(y[k]))
            return -1;
        if (y[k] > y[best])
            best = k;
    }
    return isfinite(y[best]) ? best : -1;
}
