/* kaiming_* and xavier_*: weights whose spread follows from how many inputs or outputs a unit has,
 * so that signals keep their size from layer to layer.
 *     kaiming: deviation gain / √fan (He, Zhang, Ren, Sun, "Delving deep into rectifiers", 2015)
 *     xavier: deviation gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio, "Understanding the
 *     difficulty of training deep feedforward neural networks", 2010)
 * A uniform draw of deviation σ lies in ±√3·σ. */
#include "core/init.h"

#define ROOT_5 2.2360679774997896964

enum nonlinearity { LEAKY_RELU, RELU, LINEAR, TANH, SIGMOID, SELU };

static const char *const modes[] = {"fan_in", "fan_out", NULL};
static const char *const nonlinearities[] = {"leaky_relu", "relu", "linear", "tanh",
                                             "sigmoid",    "selu", NULL};

/* The square of PyTorch's gain: what keeps a signal's variance through that activation. */
static double squared_gain(const struct kaiming_options *o)
{
    /* The default a is √5, whose square is 5 and not what the product of two rounded roots is: so
     * the default's bound is 1/√fan to the last digit. */
    double slope = o->a == ROOT_5 ? 5 : o->a * o->a;
    const double squares[] = {
        [LEAKY_RELU] = 2 / (1 + slope),
        [RELU] = 2,
        [LINEAR] = 1,
        [TANH] = 25.0 / 9,
        [SIGMOID] = 1,
        [SELU] = 9.0 / 16,
    };
    return squares[o->nonlinearity];
}

static double kaiming_fan(const struct init_fill *fill)
{
    const struct kaiming_options *o = fill->options;
    return (double)(o->mode == INIT_FAN_IN ? fill->tensor->fan_in : fill->tensor->fan_out);
}

static bool kaiming_uniform(const struct init_fill *fill, struct error *error)
{
    (void)error;
    init_symmetric(fill, sqrt(3 * squared_gain(fill->options)) / sqrt(kaiming_fan(fill)));
    return true;
}

static bool kaiming_normal(const struct init_fill *fill, struct error *error)
{
    (void)error;
    init_gaussian(fill, 0, sqrt(squared_gain(fill->options)) / sqrt(kaiming_fan(fill)));
    return true;
}

static double xavier_deviation(const struct init_fill *fill)
{
    const struct xavier_options *o = fill->options;
    return o->gain * sqrt(2 / ((double)fill->tensor->fan_in + (double)fill->tensor->fan_out));
}

static bool xavier_uniform(const struct init_fill *fill, struct error *error)
{
    (void)error;
    init_symmetric(fill, sqrt(3) * xavier_deviation(fill));
    return true;
}

static bool xavier_normal(const struct init_fill *fill, struct error *error)
{
    (void)error;
    init_gaussian(fill, 0, xavier_deviation(fill));
    return true;
}

#define AT(member) offsetof(struct kaiming_options, member)

/* clang-format off */
#define KAIMING_ROWS(default_a)                                                                    \
    {.name = "a", .type = FIELD_REAL, .offset = AT(a), .min = 0, .max = 1e6,                       \
     .fallback = default_a, .help = "negative_slope of the leaky_relu that follows"},              \
    {.name = "mode", .type = FIELD_CHOICE, .offset = AT(mode), .choices = modes,                   \
     .help = "fan_in keeps the size of signals, fan_out that of gradients"},                       \
    {.name = "nonlinearity", .type = FIELD_CHOICE, .offset = AT(nonlinearity),                     \
     .choices = nonlinearities, .help = "the activation that follows: its gain"}

static const struct field uniform_rows[] = {KAIMING_ROWS(ROOT_5)};
static const struct field normal_rows[] = {KAIMING_ROWS(0)};

static const struct field xavier_rows[] = {
    {.name = "gain", .type = FIELD_REAL, .offset = offsetof(struct xavier_options, gain),
     .min = 0, .max = 1e6, .fallback = 1, .help = "factor of the deviation"},
};
/* clang-format on */

const struct init_kind init_kaiming_uniform = {
    .kind = {"kaiming_uniform",
             "uniform, by the inputs of a unit; as it stands PyTorch's default, ±1/√fan_in",
             {uniform_rows, COUNT_OF(uniform_rows), sizeof(struct kaiming_options)}},
    .wants_fans = true,
    .fill = kaiming_uniform,
};

const struct init_kind init_kaiming_normal = {
    .kind = {"kaiming_normal",
             "normal, by the inputs of a unit",
             {normal_rows, COUNT_OF(normal_rows), sizeof(struct kaiming_options)}},
    .wants_fans = true,
    .fill = kaiming_normal,
};

const struct init_kind init_xavier_uniform = {
    .kind = {"xavier_uniform",
             "uniform, by the inputs and outputs of a unit",
             {xavier_rows, COUNT_OF(xavier_rows), sizeof(struct xavier_options)}},
    .wants_fans = true,
    .fill = xavier_uniform,
};

const struct init_kind init_xavier_normal = {
    .kind = {"xavier_normal",
             "normal, by the inputs and outputs of a unit",
             {xavier_rows, COUNT_OF(xavier_rows), sizeof(struct xavier_options)}},
    .wants_fans = true,
    .fill = xavier_normal,
};
