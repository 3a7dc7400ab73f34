/* rmsprop: Tieleman and Hinton 2012 (lecture 6.5), as torch.optim.RMSprop:
 *     g ← g + λw;  G ← αG + (1 − α)g²;  d = g / (√G + ε);  w ← w − ηd
 * centered (Graves 2013): a ← αa + (1 − α)g, and G − a² in place of G under the root.
 * momentum: b ← βb + d;  w ← w − ηb. eps_inside_sqrt divides by √(G + ε) instead. */
#include "core/optimizer.h"

#define AT(member) offsetof(struct rmsprop_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.01,
     .help = "learning rate"},
    {.name = "alpha", .type = FIELD_REAL, .offset = AT(alpha), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .fallback = 0.99, .help = "decay of the running square"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30, .max = 1,
     .fallback = 1e-8, .help = "against division by zero"},
    {.name = "momentum", .type = FIELD_REAL, .offset = AT(momentum), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .help = "share of the last velocity that is kept"},
    {.name = "centered", .type = FIELD_BOOL, .offset = AT(centered),
     .help = "divide by the gradient's running deviation instead of its running square's root"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "eps_inside_sqrt", .type = FIELD_BOOL, .offset = AT(eps_inside_sqrt),
     .help = "divide by √(G + ε) instead of √G + ε"},
};
/* clang-format on */

/* Squares first, then the velocity, then the mean: each there when its option is. */
static int slots(const void *options)
{
    const struct rmsprop_options *o = options;
    return 1 + (o->momentum != 0) + o->centered;
}

static const char *slot_name(const void *options, int slot)
{
    const struct rmsprop_options *o = options;
    if (slot == 0)
        return "square_avg";
    return slot == 1 && o->momentum != 0 ? "momentum_buffer" : "grad_avg";
}

/* A mean alone must not pass for a velocity alone. */
static const char *form(const void *options)
{
    const struct rmsprop_options *o = options;
    return o->centered && o->momentum == 0 ? "centered" : "";
}

static double base_lr(const void *options)
{
    return ((const struct rmsprop_options *)options)->lr;
}

/* Inlined with constant switches, so that no loop asks in its middle. */
static inline __attribute__((always_inline)) void sweep(const struct update *u, const bool centered,
                                                        const bool momentum)
{
    const struct rmsprop_options *o = u->options;
    real lr = (real)u->lr, decay = (real)o->weight_decay, beta = (real)o->momentum;
    real keep = (real)o->alpha, take = (real)(1 - o->alpha);
    real inside = o->eps_inside_sqrt ? (real)o->eps : 0;
    real outside = o->eps_inside_sqrt ? 0 : (real)o->eps;
    real *restrict w = u->w, *restrict square = u->state;
    real *restrict velocity = momentum ? u->state + u->slot_stride : NULL;
    real *restrict mean = centered ? u->state + (momentum ? 2 : 1) * u->slot_stride : NULL;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i], spread;
        spread = square[i] = keep * square[i] + take * d * d;
        if (centered) {
            mean[i] = keep * mean[i] + take * d;
            spread -= mean[i] * mean[i];
            /* A variance: below zero by rounding alone. Written so that a NaN stays one. */
            spread = spread < 0 ? 0 : spread;
        }
        d /= real_sqrt(spread + inside) + outside;
        if (momentum)
            d = velocity[i] = beta * velocity[i] + d;
        w[i] -= lr * d;
    }
}

VECTOR_CLONES static void sweep_plain(const struct update *u)
{
    sweep(u, false, false);
}

VECTOR_CLONES static void sweep_centered(const struct update *u)
{
    sweep(u, true, false);
}

VECTOR_CLONES static void sweep_momentum(const struct update *u)
{
    sweep(u, false, true);
}

VECTOR_CLONES static void sweep_both(const struct update *u)
{
    sweep(u, true, true);
}

static void update(const struct update *u)
{
    const struct rmsprop_options *o = u->options;
    if (o->centered && o->momentum != 0)
        sweep_both(u);
    else if (o->centered)
        sweep_centered(u);
    else if (o->momentum != 0)
        sweep_momentum(u);
    else
        sweep_plain(u);
}

const struct optimizer_kind optimizer_rmsprop = {
    .kind = {"rmsprop",
             "the gradient over the root of its running square",
             {rows, COUNT_OF(rows), sizeof(struct rmsprop_options)}},
    .usual_lr = {1e-4, 1e-2},
    .slots = slots,
    .slot_name = slot_name,
    .form = form,
    .base_lr = base_lr,
    .update = update,
};
