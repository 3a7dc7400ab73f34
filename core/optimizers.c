/* The table of optimizers. */
#include "core/optimizer.h"

static const struct kind *const rows[] = {&optimizer_sgd.kind, &optimizer_adam.kind};

const struct kinds optimizer_kinds = {"optimizer", rows, COUNT_OF(rows), NULL};
