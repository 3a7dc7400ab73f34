/* binary_cross_entropy: each class is asked for by itself, yes or no, as
 * torch.nn.BCEWithLogitsLoss on one-hot targets: the mean over the classes of
 *     log(1 + exp(−y)) for the label, log(1 + exp(y)) for the others. */
#include "core/loss.h"

/* log(1 + exp(v)), without overflow. */
static double softplus(double v)
{
    return (v > 0 ? v : 0) + log1p(exp(-fabs(v)));
}

static double sample(const struct loss_sample *s)
{
    double sum = 0, factor = s->scale / (double)s->classes;
    for (int64_t k = 0; k < s->classes; k++) {
        /* How wrong the score is: its distance from its own side. */
        double wrong = k == s->label ? -(double)s->y[k] : (double)s->y[k];
        double slope = 1 / (1 + exp(-wrong));
        sum += softplus(wrong);
        if (s->dy)
            s->dy[k] = (real)((k == s->label ? -slope : slope) * factor);
    }
    return sum / (double)s->classes;
}

const struct loss_kind loss_binary_cross_entropy = {
    .kind = {"binary_cross_entropy",
             "sigmoid and yes or no for every class by itself",
             {NULL, 0, 0}},
    .any_scores = true,
    .apart = true,
    .sample = sample,
};
