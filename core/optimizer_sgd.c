/* sgd: stochastic gradient descent with momentum, as torch.optim.SGD:
 *     g ← g + λw;  v ← βv + (1 − τ)g (v ← g at the first step);  g ← g + βv (nesterov) or v;  w ← w
 * − αg Sutskever et al. 2013 for the momentum's forms. */
#include "core/optimizer.h"

#define AT(member) offsetof(struct sgd_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.01,
     .help = "learning rate"},
    {.name = "momentum", .type = FIELD_REAL, .offset = AT(momentum), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .help = "share of the last velocity that is kept"},
    {.name = "dampening", .type = FIELD_REAL, .offset = AT(dampening), .min = 0, .max = 1,
     .help = "share of the gradient that the velocity leaves out"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "nesterov", .type = FIELD_BOOL, .offset = AT(nesterov),
     .help = "Nesterov's look-ahead form"},
};
/* clang-format on */

static int slots(const void *options)
{
    return ((const struct sgd_options *)options)->momentum != 0;
}

static double base_lr(const void *options)
{
    return ((const struct sgd_options *)options)->lr;
}

static void check(const void *options, const char *pointer, struct problems *problems)
{
    const struct sgd_options *o = options;
    if (o->nesterov && (o->momentum == 0 || o->dampening != 0))
        problem_add(problems, pointer, "nesterov needs a momentum above 0 and dampening 0");
}

VECTOR_CLONES static void plain(const struct update *u)
{
    const struct sgd_options *o = u->options;
    real lr = (real)u->lr, decay = (real)o->weight_decay;
    real *restrict w = u->w;
    const real *restrict g = u->g;
    for (int64_t i = 0; i < u->count; i++)
        w[i] -= lr * (g[i] + decay * w[i]);
}

VECTOR_CLONES static void update(const struct update *u)
{
    const struct sgd_options *o = u->options;
    if (o->momentum == 0) {
        plain(u);
        return;
    }
    /* The first velocity is the gradient itself, whatever the dampening: PyTorch's rule. */
    real keep = u->step == 1 ? 0 : (real)o->momentum;
    real take = u->step == 1 ? 1 : (real)(1 - o->dampening);
    real lr = (real)u->lr, decay = (real)o->weight_decay,
         ahead = o->nesterov ? (real)o->momentum : 0;
    real own = o->nesterov ? 1 : 0, velocity = o->nesterov ? ahead : 1;
    real *restrict w = u->w, *restrict v = u->state;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        v[i] = keep * v[i] + take * d;
        w[i] -= lr * (own * d + velocity * v[i]);
    }
}

const struct optimizer_kind optimizer_sgd = {
    .kind = {"sgd",
             "stochastic gradient descent, with momentum if wanted",
             {rows, COUNT_OF(rows), sizeof(struct sgd_options)}},
    .slots = slots,
    .base_lr = base_lr,
    .update = update,
    .check = check,
};
