/* focal: cross entropy that leaves easy samples alone (Lin, Goyal, Girshick, He, Dollár, "Focal
 * loss for dense object detection", 2017), with p the softmax of the label's score:
 *     L = −(1 − p)^γ log p,  dyₖ = w (pₖ − [k = label]) / batch,
 *     w = (1 − p)^γ − γ p (1 − p)^(γ−1) log p */
#include "core/loss.h"

/* clang-format off */
static const struct field rows[] = {
    {.name = "gamma", .type = FIELD_REAL, .offset = offsetof(struct focal_options, gamma),
     .min = 0, .max = 100, .fallback = 2,
     .help = "how much less easy samples count; 0 is cross_entropy"},
};
/* clang-format on */

static double sample(const struct loss_sample *s)
{
    double gamma = ((const struct focal_options *)s->options)->gamma;
    double top = (double)s->y[s->best], own = exp((double)s->y[s->label] - top), others = 0;

    for (int64_t k = 0; k < s->classes; k++)
        if (k != s->label)
            others += exp((double)s->y[k] - top);
    /* 1 − p and log p without the rounding of a p near 1. */
    double sum = own + others, missing = others / sum;
    double logarithm =
        s->label == s->best ? -log1p(others) : (double)s->y[s->label] - top - log(sum);
    double damping = pow(missing, gamma);
    double ratio = missing > 0 ? -logarithm / missing : 1; /* its limit */
    double weight = damping * (1 + gamma * (own / sum) * ratio) * s->scale;
    for (int64_t k = 0; s->dy && k < s->classes; k++)
        s->dy[k] = (real)(weight * exp((double)s->y[k] - top) / sum);
    if (s->dy)
        s->dy[s->label] = (real)(-weight * missing);
    return damping * -logarithm;
}

const struct loss_kind loss_focal = {
    .kind = {"focal",
             "cross entropy that leaves easy samples alone",
             {rows, COUNT_OF(rows), sizeof(struct focal_options)}},
    .any_scores = true,
    .sample = sample,
};
