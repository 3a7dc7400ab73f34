/* Initializers: the table of kinds, and what a tensor's numbers are before the first step. The
 * formulas, fans, gains and defaults of torch.nn.init, but for one: kaiming_uniform's a is √5, as
 * PyTorch's layers call it. Every draw is a pure function of (seed, tensor, index): see rng.h.
 * Knows nothing of layers or of training.
 *
 * To add one: its rows, its fill and a row in inits.c. */
#ifndef CORE_INIT_H
#define CORE_INIT_H

#include "core/plan.h"
#include "core/rng.h"

/* One tensor to be filled: draw k of `rng` belongs to number k. */
struct init_fill {
    const void *options;
    const struct plan_tensor *tensor;
    const struct rng *rng;
    real *out; /* (tensor->count) */
};

struct init_kind {
    struct kind kind;
    bool wants_fans; /* tensors alone that have inputs and outputs: weights of products */
    /* ERROR_MEMORY is all that can go wrong. */
    bool (*fill)(const struct init_fill *fill, struct error *error);
    /* Why it cannot fill this tensor with these options, in words, or NULL. NULL: it always can. */
    const char *(*check)(const void *options, const struct plan_tensor *tensor);
};

extern const struct kinds init_kinds;
extern const struct init_kind init_kaiming_uniform, init_kaiming_normal, init_xavier_uniform,
    init_xavier_normal, init_normal, init_uniform, init_truncated_normal, init_zeros, init_ones,
    init_constant, init_orthogonal;

enum init_mode { INIT_FAN_IN, INIT_FAN_OUT };

struct kaiming_options {
    double a; /* the slope of leaky_relu */
    int mode; /* enum init_mode */
    int nonlinearity;
};
struct xavier_options {
    double gain;
};
struct normal_options {
    double mean, std;
};
struct uniform_options {
    double a, b;
};
struct truncated_normal_options {
    double mean, std, a, b;
};
struct constant_options {
    double value;
};
struct orthogonal_options {
    double gain;
};

/* Fills a tensor as tensor->init says (see plan_tensor). */
bool init_tensor(const struct plan_tensor *tensor, const struct rng *rng, real *out,
                 struct error *error) MUST_CHECK;

/* Adds a problem at `pointer` when tensor->init cannot fill the tensor. */
void init_check(const struct plan_tensor *tensor, const char *pointer, struct problems *problems);

/* Uniform in ±bound: what both families of fans and the default draw. */
void init_symmetric(const struct init_fill *fill, double bound);
void init_gaussian(const struct init_fill *fill, double mean, double std);

#endif
