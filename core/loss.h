/* Losses: the table of kinds. A loss reads one shard's scores and labels and gives the sum of the
 * losses and the gradient of the batch's mean. PyTorch's formulas and defaults. Knows nothing of
 * batches beyond the divisor.
 *
 * Evaluations use the loss that is trained, options included: with label smoothing a val_loss is a
 * smoothed one too, and can be compared with the train_loss beside it.
 *
 * To add one: one file loss_NAME.c and one row in losses.c. */
#ifndef CORE_LOSS_H
#define CORE_LOSS_H

#include "core/spec.h"
#include "core/tensor.h"

struct loss_call {
    const struct variant *loss;
    const real *y;          /* (samples, classes) outputs of the network */
    const uint16_t *labels; /* (samples) */
    real *dy; /* (samples, classes) gradient of the mean over `batch`; NULL: not wanted */
    int64_t samples, classes;
    int64_t batch;   /* samples of the whole batch */
    double loss_sum; /* out: sum over the samples */
    int64_t correct; /* out: samples whose largest score (the first of equals) is the label's;
                        scores of which one is no number decide nothing */
};

/* Fills in loss_sum, correct and dy. Scores that are no numbers make a loss_sum that is none. */
void loss_run(struct loss_call *call);

/* What the scores of one sample say of each class, 0 … 1: the softmax, or, of a loss that asks for
 * each class by itself, its sigmoid. Scores that are no numbers make probabilities that are none.
 */
void loss_probabilities(const struct variant *loss, const real *y, int64_t classes, double *out);
/* −log of the label's probability, without the rounding of one near 0 or 1; NaN as above. */
double loss_surprise(const struct variant *loss, const real *y, int64_t classes, int64_t label);
/* The first largest score; −1 when one is no number. */
int64_t loss_decision(const real *y, int64_t classes);

/* What a kind sees of one sample. */
struct loss_sample {
    const void *options;
    const real *y; /* (classes) */
    real *dy;      /* (classes), all to be written; NULL: not wanted */
    int64_t classes, label;
    int64_t best; /* the first largest score */
    double scale; /* 1 / batch: factor of dy */
};

struct loss_kind {
    struct kind kind;
    bool any_scores; /* it wants scores of any sign and size, straight from a product */
    bool apart;      /* it asks for each class by itself */
    double (*sample)(const struct loss_sample *sample); /* its loss */
};

extern const struct kinds loss_kinds;
extern const struct loss_kind loss_cross_entropy, loss_mse, loss_hinge, loss_binary_cross_entropy,
    loss_focal;

struct cross_entropy_options {
    double label_smoothing;
};
struct hinge_options {
    int64_t p;
    double margin;
};
struct focal_options {
    double gamma;
};

#endif
