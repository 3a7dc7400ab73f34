/* Runner's progress: how far, how fast, how long still. Speed is taken over the last marks of
 * training proper; the time that remains from all that this life of the job has spent, evaluations
 * and checkpoints too. */
#include "server/runner_parts.h"

#include <jansson.h>

#include <string.h>

static const double mark_seconds = 0.1;

void progress_begin(struct runner_progress *progress, int64_t step)
{
    memset(progress, 0, sizeof(*progress));
    progress->began_at = clock_seconds();
    progress->began_step = step;
    progress->mark_count = 1;
}

void progress_count(struct runner_progress *progress, int64_t samples, double seconds)
{
    progress->training += seconds;
    progress->samples += samples;
    const struct progress_mark *newest =
        &progress->marks[(progress->mark_count - 1) % RUNNER_MARKS];
    if (progress->training - newest->training < mark_seconds)
        return;
    progress->marks[progress->mark_count % RUNNER_MARKS] =
        (struct progress_mark){.training = progress->training, .samples = progress->samples};
    progress->mark_count++;
}

/* Null before anything was measured. */
static json_t *samples_per_second(const struct runner_progress *progress)
{
    int64_t oldest = progress->mark_count > RUNNER_MARKS ? progress->mark_count % RUNNER_MARKS : 0;
    const struct progress_mark *mark = &progress->marks[oldest];
    double seconds = progress->training - mark->training;
    if (!(seconds > 0))
        return json_null();
    return json_real((double)(progress->samples - mark->samples) / seconds);
}

static json_t *eta_seconds(const struct runner *runner)
{
    const struct runner_progress *progress = &runner->progress;
    bool over = runner->ending[0] != '\0' || trainer_wants_end(runner->trainer);
    int64_t left = over ? 0 : trainer_length(runner->trainer) - runner->last.step;
    int64_t done = runner->last.step - progress->began_step;
    if (left > 0 && done == 0)
        return json_null();
    if (left <= 0)
        return json_real(0);
    return json_real((clock_seconds() - progress->began_at) / (double)done * (double)left);
}

char *progress_text(const struct runner *runner)
{
    const struct step_report *last = &runner->last;
    int64_t steps = trainer_length(runner->trainer), each = runner->plan.steps_per_epoch;
    json_t *progress = json_pack(
        "{s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "epoch", (json_int_t)last->epoch, "epochs",
        (json_int_t)((steps + each - 1) / each), "step", (json_int_t)last->step, "steps",
        (json_int_t)steps, "fraction", (double)last->step / (double)steps, "samples_per_second",
        samples_per_second(&runner->progress), "eta_seconds", eta_seconds(runner));
    char *text = progress ? json_dumps(progress, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(progress);
    return text;
}
