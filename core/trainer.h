/* Trainer: one job's weights and the next step. The caller pulls: each call does one batch and
 * reports, so cancelling, pausing, checkpoints and reporting are ordinary lines of the caller's
 * loop. Knows nothing of files or of threads other than its team; clocks are profile.h's.
 *
 * Only the thread that made a trainer may use it. Losses and weights depend on (spec, seed, data,
 * processor type and build) and never on the number of threads. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "core/control.h"
#include "core/dataset.h"
#include "core/normalize.h"
#include "core/plan.h"
#include "core/profile.h"

#include <stdatomic.h>

enum kernel_choice {
    KERNELS_BEST,     /* oneDNN where this build has it and the processor and shape suit it */
    KERNELS_PORTABLE, /* our own, which serve any processor */
    KERNELS_REFERENCE /* the definition in plain loops */
};

/* "auto", "portable", "reference", NULL: as users name them, in the enum's order. */
extern const char *const kernel_choice_names[];
bool kernels_choose(const char *name, enum kernel_choice *out) MUST_CHECK;

/* Which kernels this build and processor use, and why, as one line: "oneDNN 2.6.3, AVX-512 …".
 * Static. */
const char *kernels_describe(enum kernel_choice choice);

/* Whether they can train in bf16 here; else why not, ERROR_UNSUPPORTED at /precision. */
bool kernels_have_bf16(enum kernel_choice choice, struct error *error) MUST_CHECK;

struct trainer_setup {
    const struct spec *spec; /* complete and planned; borrowed for the trainer's life */
    const struct plan *plan; /* borrowed */
    struct dataset *dataset; /* shared: the trainer takes its own reference */
    int threads;             /* ≥ 1 */
    enum kernel_choice kernels;
    const atomic_bool *halt; /* NULL, or: once true, a step that runs is dropped between shards */
};

struct step_report {
    int64_t step;      /* counted from 1 */
    int64_t epoch;     /* counted from 1 */
    int64_t samples;   /* in this batch */
    double train_loss; /* the batch's mean loss before the update */
    double lr;         /* as it was used: warm-up, plateau and returns included */
    double grad_norm;  /* Euclidean, over all parameters, before any clipping */
    bool finite;       /* see trainer_step */
    bool epoch_ended;
    bool ended; /* that was the last step of the job */
};

enum data_split {
    SPLIT_TRAIN,      /* what is learned from, as it is: without augmentation */
    SPLIT_VALIDATION, /* what the spec says: the test split, what is held out, or nothing */
    SPLIT_TEST        /* the data set's test split, whatever the spec says */
};

struct evaluation {
    enum data_split split;
    int64_t next; /* first sample not yet looked at */
    int64_t total;
    int64_t correct; /* predicted class equals the label */
    double loss_sum;
    bool done;
};

struct trainer;

/* Takes all memory of the job, starts the team, draws the initial weights from the seed. */
bool trainer_new(const struct trainer_setup *setup, struct trainer **out,
                 struct error *error) MUST_CHECK;
void trainer_free(struct trainer *trainer); /* NULL is allowed */

/* One batch: forward, backward, update. ERROR_CONFLICT after the last step; ERROR_CANCELLED when
 * `halt` cut it short, ERROR_MEMORY when a kernel could not get its work space: then nothing has
 * changed.
 *
 * report->finite false: the run has diverged and the position stays before this step. With a loss
 * or a gradient that is not finite the weights are untouched; when it is the update that left the
 * finite numbers, the weights are spoilt and only a checkpoint brings them back. */
bool trainer_step(struct trainer *trainer, struct step_report *report,
                  struct error *error) MUST_CHECK;

int64_t trainer_steps_done(const struct trainer *trainer);
bool trainer_ended(const struct trainer *trainer);

/* Evaluation in pieces: begin, then one batch a call until done; the mean loss is loss_sum / total,
 * accuracy correct / total. Changes no weights. Samples in file order. */
void trainer_evaluation_begin(const struct trainer *trainer, enum data_split split,
                              struct evaluation *out);
void trainer_evaluate_batch(struct trainer *trainer, struct evaluation *evaluation);

/* What the training passes since the newest observation have found; see control.h. */
struct observation trainer_training(const struct trainer *trainer);
/* Takes what was found at the step that the trainer stands at: the rate may fall. Once for each
 * evaluation, and before a checkpoint of the same step, so that it knows. */
struct control_news trainer_observe(struct trainer *trainer, const struct observation *observation);
/* The step of the newest observation; 0: none yet. */
int64_t trainer_observed(const struct trainer *trainer);
/* Whether early stopping ends the run where it stands. */
bool trainer_wants_end(const struct trainer *trainer);

/* After a step that was not finite: whether the spec wants and allows one more return … */
bool trainer_may_return(const struct trainer *trainer);
/* … which is one: to the checkpoint `bytes`, or for NULL to the run's beginning, and from there on
 * with a smaller rate. Errors as trainer_load's; then nothing has changed. */
bool trainer_return(struct trainer *trainer, const uint8_t *bytes, size_t size,
                    struct error *error) MUST_CHECK;
/* The same in parts, for who has edits to make in between: he loads a checkpoint or starts over,
 * makes the edits anew, and then says what this was before. */
bool trainer_start_over(struct trainer *trainer, struct error *error) MUST_CHECK;
void trainer_count_return(struct trainer *trainer, double factor, int64_t retries);
/* By what the returns have multiplied the rate, and how many they were. */
double trainer_lr_factor(const struct trainer *trainer);
int64_t trainer_retries(const struct trainer *trainer);

/* ---- what may change while a run goes on (trainer_edit.c) ---- */

/* How a run is to be from its next step on: a whole spec and its plan, of which the optimizer's
 * options, the schedule and the length may be others than before. A schedule that depends on the
 * length of the run takes the new one, as if it had been so from the beginning. Borrowed until the
 * next edit or the trainer's end. */
struct trainer_edit {
    const struct spec *spec;
    const struct plan *plan;
    bool lr, schedule; /* named, be it by the value that they had: see control_edit */
};
/* Changes nothing but what is to come. A length that lies behind ends the run where it stands.
 * ERROR_INVALID when the network, the data, the batches or what the optimizer remembers would be
 * others; then nothing has changed. */
bool trainer_edit(struct trainer *trainer, const struct trainer_edit *edit,
                  struct error *error) MUST_CHECK;
/* Edits so far: part of every checkpoint. */
int64_t trainer_edits(const struct trainer *trainer);
/* The spec and plan of a run with so many edits, for who is about to load a checkpoint of it, or to
 * start over: the position and what evaluations have found stay what they are. Errors as
 * trainer_edit's. */
bool trainer_suppose(struct trainer *trainer, const struct trainer_edit *edit, int64_t edits,
                     struct error *error) MUST_CHECK;
/* Steps of the whole run, as it stands. */
int64_t trainer_length(const struct trainer *trainer);
/* The rate that the next step would take. */
double trainer_next_lr(const struct trainer *trainer);

/* The flat array, plan.numbers numbers; valid until the next step. */
const real *trainer_parameters(const struct trainer *trainer);
/* Replaces the flat array (plan.numbers numbers), e.g. by given weights. Optimizer state is
 * untouched. */
void trainer_set_parameters(struct trainer *trainer, const real *parameters);
/* The last step's gradients (plan.parameters numbers) as the update took them, for tests. */
const real *trainer_gradients(const struct trainer *trainer);

/* What samples are normalized with: the numbers that an exported network needs. */
const struct normalization *trainer_normalization(const struct trainer *trainer);

/* What the job holds in memory, as taken. */
int64_t trainer_bytes(const struct trainer *trainer);

/* One line a layer: which kernel serves it. Index in 0..plan.layer_count−1. Static text. */
const char *trainer_kernel(const struct trainer *trainer, int layer);

/* ---- where the time goes (trainer_profile.c) ---- */

/* Counts from zero, from the next step or evaluation on. ERROR_MEMORY. Numbers stay what they are.
 */
bool trainer_profile_start(struct trainer *trainer, struct error *error) MUST_CHECK;

/* One op of the network; seconds are summed over the team's threads. */
struct op_profile {
    int layer, layers; /* the plan layers from … on that it computes; 0: it changes the layout for
                          an op behind it */
    const char *kernel;
    double seconds[PROFILE_PHASES];
};
/* In the order of computing. Only after trainer_profile_start, as all that follows. */
int trainer_profile_ops(const struct trainer *trainer);
struct op_profile trainer_profile_op(const struct trainer *trainer, int index);
/* Seconds, summed over the team's threads, of what belongs to no op. */
double trainer_profile_part(const struct trainer *trainer, enum profile_part part);

#endif
