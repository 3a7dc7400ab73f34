/* nadam: Dozat 2016, adam with Nesterov's momentum, as torch.optim.NAdam of PyTorch 1.13:
 *     g ← g + λw;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     μₜ = β₁(1 − ½ · 0.96^(tψ));  Πₜ = μ₁ · … · μₜ
 *     w ← w − α((1 − μₜ)g/(1 − Πₜ) + μₜ₊₁m/(1 − Πₜμₜμₜ₊₁)) / (√(v/(1 − β₂ᵗ)) + ε)
 * The paper, and PyTorch from 2.0 on, have Πₜμₜ₊₁ there: 1.13 takes μₜ in twice, and what it
 * computes is what is promised. The two differ in the first steps alone, until Π is nothing. */
#include "core/optimizer.h"

#include <math.h>

#define AT(member) offsetof(struct nadam_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.002,
     .help = "learning rate"},
    {.name = "betas", .type = FIELD_REALS2, .offset = AT(betas), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .fallback = 0.9, .fallback2 = 0.999,
     .help = "decay of the running mean and of the running square"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1,
     .fallback = 1e-8, .help = "added to the root, against division by zero"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "momentum_decay", .type = FIELD_REAL, .offset = AT(momentum_decay), .min = 0,
     .max = 1e6, .fallback = 0.004,
     .help = "ψ: the momentum rises from β₁/2 to β₁ as 1 − ½ · 0.96^(tψ)"},
};
/* clang-format on */

static int slots(const void *options)
{
    (void)options;
    return 2;
}

static double base_lr(const void *options)
{
    return ((const struct nadam_options *)options)->lr;
}

static double momentum_at(const struct nadam_options *o, int64_t step)
{
    return o->betas[0] * (1 - 0.5 * pow(0.96, (double)step * o->momentum_decay));
}

/* Πₜ: from t alone, so that nothing but the step number must be saved. Stops where 1 − Π is 1 to
 * the last bit, and where every later μ is β₁ to the last bit: within some thousand factors,
 * whatever the options. */
static double momentum_product(const struct nadam_options *o, int64_t step)
{
    double product = 1;
    for (int64_t t = 1; t <= step && product > 1e-20; t++) {
        double momentum = momentum_at(o, t);
        if (momentum == o->betas[0])
            return product * pow(momentum, (double)(step - t + 1));
        product *= momentum;
    }
    return product;
}

VECTOR_CLONES static void sweep(const struct update *u, const double rate_g, const double rate_m)
{
    const struct nadam_options *o = u->options;
    real b1 = (real)o->betas[0], b2 = (real)o->betas[1];
    real a1 = (real)(1 - o->betas[0]), a2 = (real)(1 - o->betas[1]);
    real grow = (real)(1 / (1 - pow(o->betas[1], (double)u->step)));
    real of_g = (real)rate_g, of_m = (real)rate_m;
    real eps = (real)o->eps, decay = (real)o->weight_decay;
    real *restrict w = u->w, *restrict m = u->state, *restrict v = u->state + u->slot_stride;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        m[i] = b1 * m[i] + a1 * d;
        v[i] = b2 * v[i] + a2 * d * d;
        w[i] -= (of_g * d + of_m * m[i]) / (real_sqrt(v[i] * grow) + eps);
    }
}

static void update(const struct update *u)
{
    const struct nadam_options *o = u->options;
    double now = momentum_at(o, u->step), next = momentum_at(o, u->step + 1);
    double product = momentum_product(o, u->step);
    sweep(u, u->lr * (1 - now) / (1 - product), u->lr * next / (1 - product * now * next));
}

const struct optimizer_kind optimizer_nadam = {
    .kind = {"nadam",
             "adam with Nesterov's momentum",
             {rows, COUNT_OF(rows), sizeof(struct nadam_options)}},
    .usual_lr = {1e-4, 1e-2},
    .slots = slots,
    .slot_name = adam_slot_name,
    .base_lr = base_lr,
    .update = update,
};
