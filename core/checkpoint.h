/* Checkpoint: a trainer's whole state at a step boundary as bytes, and back. Knows nothing of where
 * the bytes are kept.
 *
 * Layout (little-endian; version 2):
 *   0   8  magic "TRAINDCK"
 *   8   4  version                     12  4  optimizer slots
 *   16  8  steps done                  24  8  parameters: what is learned, alignment included
 *   32  8  optimizer's own step count  40  8  total bytes, header and digest included
 *   48 32  SHA-256 of what it belongs to: tensors, optimizer, and, once a step is done, data set
 *   80  8  numbers: the parameters and what is not learned
 *   88  8  edits of the run so far: see trainer_edit
 *   96 96  struct control, a member after the other: integers and IEEE doubles
 *   192 4  the metric that the plateau's numbers are of, 196 4 and early stopping's: an index into
 *          spec_metrics, or all bits set
 *   200 8  of the optimizer's steps those before the run's first: state that it began with
 *   208 48 reserved, zero
 *   256    the numbers, parameters first, then each optimizer slot: fp32
 *   end−32 SHA-256 of all before it
 *
 * Version 1 ended its header at 96 and had no numbers beside the parameters; a run that goes on
 * from one counts its evaluations from there.
 *
 * To go on from a checkpoint, the tensors' names and shapes, the optimizer's kind, what its state
 * holds, and the data set must be the same. Rates, schedules, losses and lengths may differ: what a
 * plateau or early stopping has counted is taken over where it watches the same metric as before.
 *
 * If you change this: raise the version, keep reading the old ones, add a fixture of the old one.
 */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "core/trainer.h"

enum { CHECKPOINT_HEADER = 256, CHECKPOINT_VERSION = 2 };

/* Bytes that trainer_save writes: pure function of the plan. */
size_t checkpoint_size(const struct plan *plan);

/* Where the numbers begin in a checkpoint of `size` bytes, of this version or an older one; 0 when
 * no checkpoint of this plan has that size. */
size_t checkpoint_numbers_at(const struct plan *plan, int64_t size);

/* Writes the trainer's state to `bytes` (checkpoint_size of them). */
void trainer_save(const struct trainer *trainer, uint8_t *bytes);

/* The beginning of a run that takes its numbers from elsewhere. */
struct checkpoint_start {
    const struct spec *spec;
    const struct plan *plan;
    const float *numbers;    /* (plan.numbers) */
    const float *state;      /* (slots × plan.parameters); NULL: the optimizer begins anew */
    int64_t optimizer_steps; /* that went into that state */
};
/* Writes what trainer_save would before the first step. */
void checkpoint_start(const struct checkpoint_start *start, uint8_t *bytes);

/* How often the run had been edited, without a look at anything else. */
int64_t checkpoint_edits(const uint8_t *bytes, size_t size);

/* What stands before the numbers, as it was written, whatever the job has become since. */
struct checkpoint_head {
    int version;
    int64_t steps;
    int64_t optimizer_steps, inherited_steps;
    int64_t edits;
    int plateau_metric, stopping_metric; /* −1: none was watched */
    bool has_control;                    /* false: of version 1, which kept none */
    struct control control;
};
/* Reads it out of the first bytes of a checkpoint, CHECKPOINT_HEADER of them or more. False: they
 * are none of a checkpoint that is known here. */
bool checkpoint_read_head(const uint8_t *bytes, struct checkpoint_head *out);

/* Replaces the trainer's state. ERROR_CORRUPT when magic, version, any length or the digest is
 * wrong, ERROR_INVALID when it belongs to another network, optimizer or data set or its counts
 * cannot be, or when its edits are not as many as the trainer's (see trainer_suppose); the trainer
 * is then unchanged. `bytes` are aligned as malloc's are. */
bool trainer_load(struct trainer *trainer, const uint8_t *bytes, size_t size,
                  struct error *error) MUST_CHECK;

/* Checked view into checkpoint bytes, for exports. Borrowed from `bytes`. */
struct checkpoint_view {
    int version;
    int64_t steps;
    int64_t optimizer_steps, inherited_steps;
    int64_t edits;
    const float *parameters;      /* number_count numbers: plan.numbers */
    const float *optimizer_state; /* slots × parameter_count */
    int64_t optimizer_slots;
    int64_t parameter_count; /* plan.parameters */
    int64_t number_count;
};
bool checkpoint_open(const uint8_t *bytes, size_t size, struct checkpoint_view *out,
                     struct error *error) MUST_CHECK;

#endif
