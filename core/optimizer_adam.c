/* adam: Kingma and Ba 2015, as torch.optim.Adam:
 *     g ← g + λw;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     w ← w − α/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 * bias_correction false leaves both divisors out. */
#include "core/optimizer.h"

#include <math.h>

#define AT(member) offsetof(struct adam_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.001,
     .help = "learning rate"},
    {.name = "betas", .type = FIELD_REALS2, .offset = AT(betas), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .fallback = 0.9, .fallback2 = 0.999,
     .help = "decay of the running mean and of the running square"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1, .fallback = 1e-8,
     .help = "added to the root, against division by zero"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "bias_correction", .type = FIELD_BOOL, .offset = AT(bias_correction), .fallback = 1,
     .help = "divide the running means by 1 − βᵗ"},
};
/* clang-format on */

static int slots(const void *options)
{
    (void)options;
    return 2;
}

static double base_lr(const void *options)
{
    return ((const struct adam_options *)options)->lr;
}

VECTOR_CLONES static void update(const struct update *u)
{
    const struct adam_options *o = u->options;
    double correct1 = o->bias_correction ? 1 - pow(o->betas[0], (double)u->step) : 1;
    double correct2 = o->bias_correction ? 1 - pow(o->betas[1], (double)u->step) : 1;
    real b1 = (real)o->betas[0], b2 = (real)o->betas[1], a1 = (real)(1 - o->betas[0]),
         a2 = (real)(1 - o->betas[1]);
    real rate = (real)(u->lr / correct1), root = (real)(1 / sqrt(correct2));
    real eps = (real)o->eps, decay = (real)o->weight_decay;
    real *restrict w = u->w, *restrict m = u->state, *restrict v = u->state + u->slot_stride;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        m[i] = b1 * m[i] + a1 * d;
        v[i] = b2 * v[i] + a2 * d * d;
        w[i] -= rate * m[i] / (real_sqrt(v[i]) * root + eps);
    }
}

const struct optimizer_kind optimizer_adam = {
    .kind = {"adam", "adaptive moments", {rows, COUNT_OF(rows), sizeof(struct adam_options)}},
    .slots = slots,
    .base_lr = base_lr,
    .update = update,
};
