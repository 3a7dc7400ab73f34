/* adabound: Luo et al. 2019, adam whose rate for each weight is held between two bounds that close
 * in on final_lr, as in the authors' program:
 *     g ← g + λw;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     η = α√(1 − β₂ᵗ)/(1 − β₁ᵗ) / (√v + ε), held in [f(1 − 1/(γt + 1)), f(1 + 1/(γt))]
 *     w ← w − ηm
 * f is final_lr, scaled as the rate is by a schedule, or by who changes the rate in the run. */
#include "core/optimizer.h"

#include <math.h>

#define AT(member) offsetof(struct adabound_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.001,
     .help = "learning rate of the first steps, as adam's"},
    {.name = "betas", .type = FIELD_REALS2, .offset = AT(betas), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .fallback = 0.9, .fallback2 = 0.999,
     .help = "decay of the running mean and of the running square"},
    {.name = "final_lr", .type = FIELD_REAL, .offset = AT(final_lr), .min = 0, .max = 1e6,
     .fallback = 0.1, .help = "learning rate of the last steps, as sgd's"},
    {.name = "gamma", .type = FIELD_REAL, .offset = AT(gamma), .min = 0, .max = 1,
     .flags = FIELD_ABOVE_MIN | FIELD_BELOW_MAX, .fallback = 0.001,
     .help = "how fast the bounds close in"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1,
     .fallback = 1e-8, .help = "added to the root, against division by zero"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
};
/* clang-format on */

static int slots(const void *options)
{
    (void)options;
    return 2;
}

static double base_lr(const void *options)
{
    return ((const struct adabound_options *)options)->lr;
}

VECTOR_CLONES static void sweep(const struct update *u)
{
    const struct adabound_options *o = u->options;
    double t = (double)u->step;
    double correct1 = 1 - pow(o->betas[0], t), correct2 = 1 - pow(o->betas[1], t);
    /* A rate of 0 moves nothing, whatever the bounds. */
    double final = u->base_lr > 0 ? o->final_lr * u->lr / u->base_lr : 0;
    real low = (real)(final * (1 - 1 / (o->gamma * t + 1)));
    real high = (real)(final * (1 + 1 / (o->gamma * t)));
    real rate = (real)(u->lr * sqrt(correct2) / correct1);
    real b1 = (real)o->betas[0], b2 = (real)o->betas[1];
    real a1 = (real)(1 - o->betas[0]), a2 = (real)(1 - o->betas[1]);
    real eps = (real)o->eps, decay = (real)o->weight_decay;
    real *restrict w = u->w, *restrict m = u->state, *restrict v = u->state + u->slot_stride;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        m[i] = b1 * m[i] + a1 * d;
        v[i] = b2 * v[i] + a2 * d * d;
        real own = rate / (real_sqrt(v[i]) + eps);
        /* Written so that a NaN stays one. */
        own = own < low ? low : own;
        own = own > high ? high : own;
        w[i] -= own * m[i];
    }
}

static void update(const struct update *u)
{
    sweep(u);
}

const struct optimizer_kind optimizer_adabound = {
    .kind = {"adabound",
             "adam that turns into sgd: its rates are held between closing bounds",
             {rows, COUNT_OF(rows), sizeof(struct adabound_options)}},
    .usual_lr = {1e-4, 1e-2},
    .slots = slots,
    .slot_name = adam_slot_name,
    .base_lr = base_lr,
    .update = update,
};
