/* cross_entropy: softmax and negative log likelihood in one, as torch.nn.CrossEntropyLoss. With
 * label smoothing s over K classes the target is q = (1 − s)[k = label] + s/K:
 *     L = −Σ qₖ log pₖ,  dyₖ = (pₖ − qₖ) / batch
 * (Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016). */
#include "core/loss.h"

/* clang-format off */
static const struct field rows[] = {
    {.name = "label_smoothing", .type = FIELD_REAL,
     .offset = offsetof(struct cross_entropy_options, label_smoothing), .min = 0, .max = 1,
     .help = "share of each target that is spread over all classes, in evaluations too"},
};
/* clang-format on */

/* The largest score is subtracted first, so that nothing overflows. */
static double sample(const struct loss_sample *s)
{
    const struct cross_entropy_options *o = s->options;
    const real *y = s->y, top = s->y[s->best];
    double sum = 0, smooth = o->label_smoothing, rest = 0;

    for (int64_t k = 0; k < s->classes; k++)
        sum += (double)real_exp(y[k] - top);
    for (int64_t k = 0; s->dy && k < s->classes; k++) {
        double target = (1 - smooth) * (k == s->label) + smooth / (double)s->classes;
        s->dy[k] = (real)(((double)real_exp(y[k] - top) / sum - target) * s->scale);
    }
    for (int64_t k = 0; smooth > 0 && k < s->classes; k++)
        rest += (double)y[k] - (double)top;
    return log(sum) - (1 - smooth) * (double)(y[s->label] - top) -
           smooth * (rest / (double)s->classes);
}

const struct loss_kind loss_cross_entropy = {
    .kind = {"cross_entropy",
             "softmax and negative log likelihood",
             {rows, COUNT_OF(rows), sizeof(struct cross_entropy_options)}},
    .any_scores = true,
    .sample = sample,
};
