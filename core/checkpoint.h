/* Checkpoint: a trainer's whole state at a step boundary as bytes, and back. Knows nothing of where
 * the bytes are kept.
 *
 * Layout (little-endian; version 1):
 *   0   8  magic "TRAINDCK"
 *   8   4  version                     12  4  optimizer slots
 *   16  8  steps done                  24  8  parameters (numbers in the flat array)
 *   32  8  optimizer's own step count  40  8  total bytes, header and digest included
 *   48 32  SHA-256 of what it belongs to: tensors, optimizer, data set
 *   80 16  reserved, zero
 *   96     parameters, then each optimizer slot: fp32
 *   end−32 SHA-256 of all before it
 * If you change this: raise the version, keep reading the old one, add a fixture of the old one. */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "core/trainer.h"

enum { CHECKPOINT_HEADER = 96, CHECKPOINT_VERSION = 1 };

/* Bytes that trainer_save writes: pure function of the plan. */
size_t checkpoint_size(const struct plan *plan);

/* Writes the trainer's state to `bytes` (checkpoint_size of them). */
void trainer_save(const struct trainer *trainer, uint8_t *bytes);

/* Replaces the trainer's state. ERROR_CORRUPT when magic, version, any length or the digest is
 * wrong, ERROR_INVALID when it belongs to another network, optimizer or data set; the trainer is
 * then unchanged. `bytes` are aligned as malloc's are. */
bool trainer_load(struct trainer *trainer, const uint8_t *bytes, size_t size,
                  struct error *error) MUST_CHECK;

/* Checked view into checkpoint bytes, for exports. Borrowed from `bytes`. */
struct checkpoint_view {
    int64_t steps;
    int64_t optimizer_steps;
    const float *parameters;      /* plan.parameters numbers */
    const float *optimizer_state; /* slots × plan.parameters */
    int64_t optimizer_slots;
    int64_t parameter_count;
};
bool checkpoint_open(const uint8_t *bytes, size_t size, struct checkpoint_view *out,
                     struct error *error) MUST_CHECK;

#endif
