/* Support for tests: reads the golden files of tests/golden and compares the core with them. Used
 * by the tests of both builds: float against PyTorch's float, double against its double. */
#ifndef TESTS_CORE_SUPPORT_GOLDEN_H
#define TESTS_CORE_SUPPORT_GOLDEN_H

#include "core/trainer.h"

struct golden_tolerance {
    double losses, norms; /* relative */
    double values;        /* relative to the largest of an array */
};

/* Every run of lenet5.txt: losses, gradient norms and learning rates of each step, and what the
 * final weights add up to. `bits` 32 or 64: against which of PyTorch's numbers. */
void check_golden_runs(int bits, enum kernel_choice kernels,
                       const struct golden_tolerance *tolerance);

/* Every network of networks.txt: the loss of each step and, at the end, the loss in evaluation,
 * against PyTorch's double. `tolerance` is relative, but absolute for small losses. */
void check_golden_networks(enum kernel_choice kernels, double tolerance);

/* Every network of networks.txt, with dropout, augmentation and shuffling: losses and weights are
 * the same to the bit for one, two, three, four and eight threads. */
void check_golden_threads(void);

/* Every layer of layers.txt and convolutions.txt, in shards of shard_size: y, dx and all gradients.
 */
void check_golden_layers(enum kernel_choice kernels, int64_t shard_size,
                         const struct golden_tolerance *tolerance);

/* The numbers of a line "COUNT v v v" against `got`: `what` is for the message. */
void check_golden_values(const char *what, const real *got, char *text,
                         const struct golden_tolerance *tolerance);

/* Every loss of losses.txt: the sum and the gradient. Each row of the table must be there. */
void check_golden_losses(const struct golden_tolerance *tolerance);

/* Every initializer of inits.txt: the values, and the fans of layers. Each row of the table must be
 * there. */
void check_golden_inits(const struct golden_tolerance *tolerance);

/* The first initial weights that a trainer draws are those that numpy drew. */
void check_golden_start(void);

#endif
