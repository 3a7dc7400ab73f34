/* Trainer's edits: what may change while a run goes on. Knows nothing of who asks for it. */
#include "core/trainer_state.h"

#include "core/optimizer.h"

#include <string.h>

static const char *form_of(const struct variant *optimizer)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer->kind;
    return kind->form ? kind->form(optimizer->options) : "";
}

/* Whether the run that began as `first` can go on as `next`. */
static bool fits(const struct trainer_setup *first, const struct trainer_edit *next)
{
    const struct variant *one = &first->spec->optimizer, *other = &next->spec->optimizer;
    const struct plan *a = first->plan, *b = next->plan;

    return one->kind == other->kind && strcmp(form_of(one), form_of(other)) == 0 &&
           a->optimizer_slots == b->optimizer_slots && a->numbers == b->numbers &&
           a->parameters == b->parameters && a->tensor_count == b->tensor_count &&
           a->batch_size == b->batch_size && a->steps_per_epoch == b->steps_per_epoch;
}

bool trainer_suppose(struct trainer *trainer, const struct trainer_edit *edit, int64_t edits,
                     struct error *error)
{
    int64_t length = edit->plan->steps, done = trainer->steps_done;

    if (!fits(&trainer->setup, edit))
        return error_set(error, ERROR_INVALID, "",
                         "a run goes on with the network, the data, the batches and the kind of "
                         "optimizer that it began with");
    trainer->course = (struct trainer_course){.spec = edit->spec,
                                              .plan = edit->plan,
                                              .steps = length > done ? length : done,
                                              .edits = edits};
    return true;
}

bool trainer_edit(struct trainer *trainer, const struct trainer_edit *edit, struct error *error)
{
    const struct control_edit change = {.before = trainer->course.spec,
                                        .after = edit->spec,
                                        .lr = edit->lr,
                                        .schedule = edit->schedule};

    if (!trainer_suppose(trainer, edit, trainer->course.edits + 1, error))
        return false;
    control_edit(&change, &trainer->control);
    return true;
}

int64_t trainer_edits(const struct trainer *trainer)
{
    return trainer->course.edits;
}

int64_t trainer_length(const struct trainer *trainer)
{
    return trainer->course.steps;
}

double trainer_next_lr(const struct trainer *trainer)
{
    return control_lr(trainer->course.spec, trainer->course.plan, &trainer->control,
                      trainer->steps_done + 1);
}
