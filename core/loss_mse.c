/* mse: mean squared distance of the scores from 1 for the label and 0 for the others, as
 * torch.nn.MSELoss on one-hot targets: the mean is over classes too. */
#include "core/loss.h"

static double sample(const struct loss_sample *s)
{
    double sum = 0, factor = 2 * s->scale / (double)s->classes;
    for (int64_t k = 0; k < s->classes; k++) {
        double away = (double)s->y[k] - (k == s->label);
        sum += away * away;
        if (s->dy)
            s->dy[k] = (real)(away * factor);
    }
    return sum / (double)s->classes;
}

const struct loss_kind loss_mse = {
    .kind = {"mse", "mean squared distance from the one-hot label", {NULL, 0, 0}},
    .sample = sample,
};
