/* sgd: stochastic gradient descent with momentum, as torch.optim.SGD:
 *     g ← g + λw;  v ← βv + (1 − τ)g (v ← g at the first step);  w ← w − αv, nesterov w − α(g + βv)
 * or with formulation "classic", as in Polyak 1964 and Sutskever et al. 2013:
 *     g ← g + λw;  v ← βv − αg;  w ← w + v, nesterov w + βv − αg
 * The two agree while the rate is constant: the classic velocity keeps the rates it was made with.
 * Nesterov's classic form is Sutskever's in the variable w + βv (Bengio et al. 2013), so that the
 * gradient is taken where the weights are. */
#include "core/optimizer.h"

#define AT(member) offsetof(struct sgd_options, member)

static const char *const formulations[] = {"pytorch", "classic", NULL};

/* clang-format off */
static const struct field rows[] = {
    {.name = "lr", .type = FIELD_REAL, .offset = AT(lr), .min = 0, .max = 1e6, .fallback = 0.01,
     .help = "learning rate"},
    {.name = "momentum", .type = FIELD_REAL, .offset = AT(momentum), .min = 0, .max = 1,
     .flags = FIELD_BELOW_MAX, .help = "share of the last velocity that is kept"},
    {.name = "dampening", .type = FIELD_REAL, .offset = AT(dampening), .min = 0, .max = 1,
     .help = "share of the gradient that the velocity leaves out after the first step"},
    {.name = "weight_decay", .type = FIELD_REAL, .offset = AT(weight_decay), .min = 0,
     .max = 1e6, .help = "λ of the L2 penalty, added to the gradient"},
    {.name = "nesterov", .type = FIELD_BOOL, .offset = AT(nesterov),
     .help = "Nesterov's look-ahead form"},
    {.name = "formulation", .type = FIELD_CHOICE, .offset = AT(formulation),
     .choices = formulations,
     .help = "pytorch: v ← βv + g, w ← w − αv; classic: v ← βv − αg, w ← w + v"},
};
/* clang-format on */

static int slots(const void *options)
{
    return ((const struct sgd_options *)options)->momentum != 0;
}

static const char *slot_name(const void *options, int slot)
{
    (void)slot;
    return ((const struct sgd_options *)options)->formulation == SGD_CLASSIC ? "velocity"
                                                                             : "momentum_buffer";
}

/* A classic velocity has the rate in it. */
static const char *form(const void *options)
{
    const struct sgd_options *o = options;
    return o->formulation == SGD_CLASSIC && o->momentum != 0 ? "classic" : "";
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
    if (o->formulation == SGD_CLASSIC && o->dampening != 0)
        problem_add(problems, pointer,
                    "the classic formulation has no dampening: leave it out, or take the "
                    "formulation pytorch");
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

VECTOR_CLONES static void with_momentum(const struct update *u)
{
    const struct sgd_options *o = u->options;
    /* The first velocity is the gradient itself, whatever the dampening: PyTorch's rule. */
    real keep = u->step == 1 ? 0 : (real)o->momentum;
    real take = u->step == 1 ? 1 : (real)(1 - o->dampening);
    real lr = (real)u->lr, decay = (real)o->weight_decay;
    real own = o->nesterov ? 1 : 0, velocity = o->nesterov ? (real)o->momentum : 1;
    real *restrict w = u->w, *restrict v = u->state;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = g[i] + decay * w[i];
        v[i] = keep * v[i] + take * d;
        w[i] -= lr * (own * d + velocity * v[i]);
    }
}

VECTOR_CLONES static void classic(const struct update *u)
{
    const struct sgd_options *o = u->options;
    real keep = (real)o->momentum, lr = (real)u->lr, decay = (real)o->weight_decay;
    real own = o->nesterov ? 1 : 0, velocity = o->nesterov ? (real)o->momentum : 1;
    real *restrict w = u->w, *restrict v = u->state;
    const real *restrict g = u->g;

    for (int64_t i = 0; i < u->count; i++) {
        real d = lr * (g[i] + decay * w[i]);
        v[i] = keep * v[i] - d;
        w[i] += velocity * v[i] - own * d;
    }
}

static void update(const struct update *u)
{
    const struct sgd_options *o = u->options;
    if (o->momentum == 0)
        plain(u);
    else if (o->formulation == SGD_CLASSIC)
        classic(u);
    else
        with_momentum(u);
}

const struct optimizer_kind optimizer_sgd = {
    .kind = {"sgd",
             "stochastic gradient descent, with momentum if wanted",
             {rows, COUNT_OF(rows), sizeof(struct sgd_options)}},
    .usual_lr = {1e-3, 1},
    .slots = slots,
    .slot_name = slot_name,
    .form = form,
    .base_lr = base_lr,
    .update = update,
    .check = check,
};
