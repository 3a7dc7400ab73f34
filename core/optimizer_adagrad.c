/* adagrad: Duchi, Hazan and Singer 2011, as torch.optim.Adagrad:
 *     g ← g + λw;  G ← G + g² (G begins at initial_accumulator_value)
 *     w ← w − α/(1 + (t − 1)η) · g / (√G + ε)
 * eps_inside_sqrt divides by √(G + ε) instead. */
#include "core/optimizer.h"

#define AT(member) offsetof(struct adagrad_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.01,
     .help = "learning rate"},
    {.name = "lr_decay", .type = FIELD_REAL, .offset = AT(lr_decay), .min = 0, .max = 1e6,
     .help = "η: the rate is divided by 1 + (t − 1)η"},
    {.name = "eps", .type = FIELD_REAL, .offset = AT(eps), .min = 1e-30,
     .max = 1, .fallback = 1e-10,
     .help = "against division by zero"},
    {.name = "initial_accumulator_value", .type = FIELD_REAL,
     .offset = AT(initial_accumulator_value), .min = 0, .max = 1e6,
     .help = "what the sum of squares begins at"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "eps_inside_sqrt", .type = FIELD_BOOL, .offset = AT(eps_inside_sqrt),
     .help = "divide by √(G + ε) instead of √G + ε"},
};
/* clang-format on */

static int slots(const void *options)
{
    (void)options;
    return 1;
}

static const char *slot_name(const void *options, int slot)
{
    (void)options;
    (void)slot;
    return "sum";
}

static double initial(const void *options, int slot)
{
    (void)slot;
    return ((const struct adagrad_options *)options)->initial_accumulator_value;
}

static double base_lr(const void *options)
{
    return ((const struct adagrad_options *)options)->lr;
}

VECTOR_CLONES static void sweep(const struct update *u)
{
    const struct adagrad_options *o = u->options;
    real rate = (real)(u->lr / (1 + (double)(u->step - 1) * o->lr_decay));
    real inside = o->eps_inside_sqrt ? (real)o->eps : 0;
    real outside = o->eps_inside_sqrt ? 0 : (real)o->eps, decay = (real)o->weight_decay;
    real *restrict w = u->w, *restrict sum = u->state;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        sum[i] += d * d;
        w[i] -= rate * d / (real_sqrt(sum[i] + inside) + outside);
    }
}

static void update(const struct update *u)
{
    sweep(u);
}

const struct optimizer_kind optimizer_adagrad = {
    .kind = {"adagrad",
             "a rate for each weight, falling with the sum of its squared gradients",
             {rows, COUNT_OF(rows), sizeof(struct adagrad_options)}},
    .usual_lr = {1e-3, 1},
    .slots = slots,
    .slot_name = slot_name,
    .initial = initial,
    .base_lr = base_lr,
    .update = update,
};
