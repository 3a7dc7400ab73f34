/* adamw: Loshchilov and Hutter 2019, as torch.optim.AdamW: adam whose weight decay is apart from
 * the gradient, scaled by the rate alone:
 *     w ← w(1 − αλ);  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     w ← w − α · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
 * amsgrad takes the largest v so far in place of v. */
#include "core/optimizer.h"

#include <math.h>

#define AT(member) offsetof(struct adamw_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.001,
     .help = "learning rate"},
    {.name = "betas", .type = FIELD_REALS2, .offset = AT(betas), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .fallback = 0.9, .fallback2 = 0.999,
     .help = "decay of the running mean and of the running square"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1,
     .fallback = 1e-8, .help = "added to the root, against division by zero"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .fallback = 0.01, .help = "λ: each step takes the share αλ off the weights"},
    {.name = "amsgrad", .type = FIELD_BOOL, .offset = AT(amsgrad),
     .help = "divide by the largest running square so far"},
};
/* clang-format on */

static int slots(const void *options)
{
    return ((const struct adamw_options *)options)->amsgrad ? 3 : 2;
}

static double base_lr(const void *options)
{
    return ((const struct adamw_options *)options)->lr;
}

/* Inlined with a constant switch, so that no loop asks in its middle. */
static inline __attribute__((always_inline)) void sweep(const struct update *u, const bool amsgrad)
{
    const struct adamw_options *o = u->options;
    double correct1 = 1 - pow(o->betas[0], (double)u->step);
    double correct2 = 1 - pow(o->betas[1], (double)u->step);
    real b1 = (real)o->betas[0], b2 = (real)o->betas[1];
    real a1 = (real)(1 - o->betas[0]), a2 = (real)(1 - o->betas[1]);
    real rate = (real)(u->lr / correct1), grow = (real)(1 / correct2);
    real keep = (real)(1 - u->lr * o->weight_decay), eps = (real)o->eps;
    real *restrict w = u->w, *restrict m = u->state, *restrict v = u->state + u->slot_stride;
    real *restrict top = amsgrad ? u->state + 2 * u->slot_stride : NULL;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real square;
        m[i] = b1 * m[i] + a1 * g[i];
        square = v[i] = b2 * v[i] + a2 * g[i] * g[i];
        /* Written so that a NaN stays one. */
        if (amsgrad)
            square = top[i] = top[i] >= square ? top[i] : square;
        w[i] = keep * w[i] - rate * m[i] / (real_sqrt(square * grow) + eps);
    }
}

VECTOR_CLONES static void sweep_plain(const struct update *u)
{
    sweep(u, false);
}

VECTOR_CLONES static void sweep_amsgrad(const struct update *u)
{
    sweep(u, true);
}

static void update(const struct update *u)
{
    if (((const struct adamw_options *)u->options)->amsgrad)
        sweep_amsgrad(u);
    else
        sweep_plain(u);
}

const struct optimizer_kind optimizer_adamw = {
    .kind = {"adamw",
             "adam with weight decay apart from the gradient",
             {rows, COUNT_OF(rows), sizeof(struct adamw_options)}},
    .usual_lr = {1e-4, 1e-2},
    .slots = slots,
    .slot_name = adam_slot_name,
    .base_lr = base_lr,
    .update = update,
};
