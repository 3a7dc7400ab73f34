/* The table of optimizers, and the state they begin with. */
#include "core/optimizer.h"

/* clang-format off */
static const struct kind *const rows[] = {
    &optimizer_sgd.kind,
    &optimizer_adagrad.kind,
    &optimizer_rmsprop.kind,
    &optimizer_adam.kind,
    &optimizer_adamw.kind,
    &optimizer_nadam.kind,
    &optimizer_adabound.kind,
};
/* clang-format on */

const struct kinds optimizer_kinds = {"optimizer", rows, COUNT_OF(rows), NULL, NULL};

double optimizer_base_lr(const struct variant *optimizer)
{
    return ((const struct optimizer_kind *)optimizer->kind)->base_lr(optimizer->options);
}

const char *optimizer_slot_name(const struct variant *optimizer, int slot)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer->kind;
    return kind->slot_name(optimizer->options, slot);
}

double optimizer_initial(const struct variant *optimizer, int slot)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer->kind;
    return kind->initial ? kind->initial(optimizer->options, slot) : 0;
}

void optimizer_begin(const struct variant *optimizer, real *state, int64_t slot_stride)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer->kind;
    int slots = kind->slots(optimizer->options);
    for (int slot = 0; slot < slots; slot++) {
        real value = (real)optimizer_initial(optimizer, slot);
        for (int64_t i = 0; i < slot_stride; i++)
            state[slot * slot_stride + i] = value;
    }
}
