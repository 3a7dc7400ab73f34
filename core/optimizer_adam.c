/* adam: Kingma and Ba 2015, as torch.optim.Adam:
 *     g ← g + λw;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     w ← w − α · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
 * amsgrad (Reddi et al. 2018) takes the largest v so far in place of v. bias_correction false
 * leaves both divisors out. eps_inside_sqrt divides by √(v/(1 − β₂ᵗ) + ε) instead. */
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
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1,
     .fallback = 1e-8, .help = "against division by zero"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "amsgrad", .type = FIELD_BOOL, .offset = AT(amsgrad),
     .help = "divide by the largest running square so far"},
    {.name = "bias_correction", .type = FIELD_BOOL, .offset = AT(bias_correction), .fallback = 1,
     .help = "divide the running means by 1 − βᵗ"},
    {.name = "eps_inside_sqrt", .type = FIELD_BOOL, .offset = AT(eps_inside_sqrt),
     .help = "divide by √(v + ε) instead of √v + ε"},
};
/* clang-format on */

static int slots(const void *options)
{
    return ((const struct adam_options *)options)->amsgrad ? 3 : 2;
}

const char *adam_slot_name(const void *options, int slot)
{
    static const char *const names[] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
    (void)options;
    return names[slot];
}

static double base_lr(const void *options)
{
    return ((const struct adam_options *)options)->lr;
}

/* Inlined with a constant switch, so that no loop asks in its middle. */
static inline __attribute__((always_inline)) void sweep(const struct update *u, const bool amsgrad)
{
    const struct adam_options *o = u->options;
    double correct1 = o->bias_correction ? 1 - pow(o->betas[0], (double)u->step) : 1;
    double correct2 = o->bias_correction ? 1 - pow(o->betas[1], (double)u->step) : 1;
    real b1 = (real)o->betas[0], b2 = (real)o->betas[1];
    real a1 = (real)(1 - o->betas[0]), a2 = (real)(1 - o->betas[1]);
    real rate = (real)(u->lr / correct1), grow = (real)(1 / correct2);
    real inside = o->eps_inside_sqrt ? (real)o->eps : 0;
    real outside = o->eps_inside_sqrt ? 0 : (real)o->eps, decay = (real)o->weight_decay;
    real *restrict w = u->w, *restrict m = u->state, *restrict v = u->state + u->slot_stride;
    real *restrict top = amsgrad ? u->state + 2 * u->slot_stride : NULL;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i], square;
        m[i] = b1 * m[i] + a1 * d;
        square = v[i] = b2 * v[i] + a2 * d * d;
        /* Written so that a NaN stays one. */
        if (amsgrad)
            square = top[i] = top[i] >= square ? top[i] : square;
        w[i] -= rate * m[i] / (real_sqrt(square * grow + inside) + outside);
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
    if (((const struct adam_options *)u->options)->amsgrad)
        sweep_amsgrad(u);
    else
        sweep_plain(u);
}

const struct optimizer_kind optimizer_adam = {
    .kind = {"adam", "adaptive moments", {rows, COUNT_OF(rows), sizeof(struct adam_options)}},
    .usual_lr = {1e-4, 1e-2},
    .slots = slots,
    .slot_name = adam_slot_name,
    .base_lr = base_lr,
    .update = update,
};
