/* The table of initializers, the default, and the simple kinds: one distribution with its numbers
 * given. */
#include "core/init.h"

void init_symmetric(const struct init_fill *fill, double bound)
{
    for (int64_t k = 0; k < fill->tensor->count; k++)
        fill->out[k] = (real)((2 * rng_uniform(fill->rng, (uint64_t)k) - 1) * bound);
}

void init_gaussian(const struct init_fill *fill, double mean, double std)
{
    for (int64_t k = 0; k < fill->tensor->count; k++)
        fill->out[k] = (real)(mean + std * rng_normal(fill->rng, (uint64_t)k));
}

static void fill_with(const struct init_fill *fill, double value)
{
    for (int64_t k = 0; k < fill->tensor->count; k++)
        fill->out[k] = (real)value;
}

/* ---- the simple kinds ---- */

static bool normal(const struct init_fill *fill, struct error *error)
{
    const struct normal_options *o = fill->options;
    (void)error;
    init_gaussian(fill, o->mean, o->std);
    return true;
}

static bool uniform(const struct init_fill *fill, struct error *error)
{
    const struct uniform_options *o = fill->options;
    (void)error;
    for (int64_t k = 0; k < fill->tensor->count; k++)
        fill->out[k] = (real)(o->a + (o->b - o->a) * rng_uniform(fill->rng, (uint64_t)k));
    return true;
}

static const char *check_uniform(const void *options, const struct plan_tensor *tensor)
{
    const struct uniform_options *o = options;
    (void)tensor;
    return o->a <= o->b ? NULL : "a is above b";
}

static bool zeros(const struct init_fill *fill, struct error *error)
{
    (void)error;
    fill_with(fill, 0);
    return true;
}

static bool ones(const struct init_fill *fill, struct error *error)
{
    (void)error;
    fill_with(fill, 1);
    return true;
}

static bool constant(const struct init_fill *fill, struct error *error)
{
    (void)error;
    fill_with(fill, ((const struct constant_options *)fill->options)->value);
    return true;
}

/* clang-format off */
static const struct field normal_rows[] = {
    {.name = "mean", .type = FIELD_REAL, .offset = offsetof(struct normal_options, mean),
     .min = -1e6, .max = 1e6, .help = "mean of the draws"},
    {.name = "std", .type = FIELD_REAL, .offset = offsetof(struct normal_options, std), .min = 0,
     .max = 1e6, .fallback = 1, .help = "their standard deviation"},
};

static const struct field uniform_rows[] = {
    {.name = "a", .type = FIELD_REAL, .offset = offsetof(struct uniform_options, a), .min = -1e6,
     .max = 1e6, .help = "lower end"},
    {.name = "b", .type = FIELD_REAL, .offset = offsetof(struct uniform_options, b), .min = -1e6,
     .max = 1e6, .fallback = 1, .help = "upper end"},
};

static const struct field constant_rows[] = {
    {.name = "value", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct constant_options, value), .min = -1e6, .max = 1e6,
     .help = "what every number is"},
};
/* clang-format on */

const struct init_kind init_normal = {
    .kind = {"normal",
             "normal distribution with this mean and deviation",
             {normal_rows, COUNT_OF(normal_rows), sizeof(struct normal_options)}},
    .fill = normal,
};

const struct init_kind init_uniform = {
    .kind = {"uniform",
             "uniform between a and b",
             {uniform_rows, COUNT_OF(uniform_rows), sizeof(struct uniform_options)}},
    .fill = uniform,
    .check = check_uniform,
};

const struct init_kind init_zeros = {
    .kind = {"zeros", "all 0", {NULL, 0, 0}},
    .fill = zeros,
};

const struct init_kind init_ones = {
    .kind = {"ones", "all 1", {NULL, 0, 0}},
    .fill = ones,
};

const struct init_kind init_constant = {
    .kind = {"constant",
             "all one value",
             {constant_rows, COUNT_OF(constant_rows), sizeof(struct constant_options)}},
    .fill = constant,
};

/* ---- the table ---- */

/* clang-format off */
static const struct kind *const rows[] = {
    &init_kaiming_uniform.kind,
    &init_kaiming_normal.kind,
    &init_xavier_uniform.kind,
    &init_xavier_normal.kind,
    &init_normal.kind,
    &init_uniform.kind,
    &init_truncated_normal.kind,
    &init_zeros.kind,
    &init_ones.kind,
    &init_constant.kind,
    &init_orthogonal.kind,
};
/* clang-format on */

const struct kinds init_kinds = {"initializer", rows, COUNT_OF(rows), NULL, NULL};

static const struct init_kind *kind_of(const struct plan_tensor *tensor)
{
    return tensor->init ? (const struct init_kind *)tensor->init->kind : NULL;
}

bool init_tensor(const struct plan_tensor *tensor, const struct rng *rng, real *out,
                 struct error *error)
{
    const struct init_kind *kind = kind_of(tensor);
    struct init_fill fill = {kind ? tensor->init->options : NULL, tensor, rng, out};

    if (kind)
        return kind->fill(&fill, error);
    if (tensor->fan_in > 0)
        init_symmetric(&fill, 1 / sqrt((double)tensor->fan_in));
    else
        fill_with(&fill, tensor->fill);
    return true;
}

void init_check(const struct plan_tensor *tensor, const char *pointer, struct problems *problems)
{
    const struct init_kind *kind = kind_of(tensor);
    const char *reason = NULL;

    if (kind && kind->wants_fans && (tensor->fan_in == 0 || tensor->fan_out == 0))
        problem_add(problems, pointer,
                    "%s goes by the inputs and outputs of a weight, and this has none: take zeros, "
                    "ones, constant, uniform or normal",
                    kind->kind.name);
    else if (kind && kind->check)
        reason = kind->check(tensor->init->options, tensor);
    if (reason)
        problem_add(problems, pointer, "%s: %s", kind->kind.name, reason);
}
