/* Checkpoint state: what stands in the `__metadata__` of a checkpoint's whole state beside its
 * tensors, so that somebody else's program can go on from it. All of it is read from the stored
 * checkpoint: what a job becomes later changes nothing, and the file is the same for ever. */
#ifndef SERVER_CHECKPOINT_STATE_H
#define SERVER_CHECKPOINT_STATE_H

#include "core/spec.h"
#include "server/store.h"

#include <jansson.h>

/* Texts, by these names:
 *   state           "full"
 *   epoch           of the newest step
 *   seed            of the run: every draw is a function of it and of the step
 *   optimizer       its kind, as in the spec
 *   optimizer_steps steps in its state: t of adam's bias correction
 *   inherited_steps those among them that it began with (init_from with state)
 *   edits           how often the run had been edited
 *   lr_factor, returns
 *                   what returns after diverging have made of every rate, and how many there were
 *   observed, samples, correct, loss_sum
 *                   the step of the newest evaluation; training samples since, how many of them
 *                   were right, the sum of their losses
 *   plateau_metric, plateau_rate, plateau_best, plateau_bad, plateau_cooldown
 *                   of reduce_on_plateau, where that is the schedule
 *   stopping_metric, stopping_best, stopping_bad
 *                   of early stopping, where it is on
 * Numbers are decimal; what is not finite is nan, inf or -inf. NULL: memory is gone. *good false:
 * these are no bytes of a checkpoint. */
json_t *checkpoint_state_texts(const struct checkpoint_row *row, const struct spec *spec,
                               const uint8_t *bytes, bool *good);

#endif
