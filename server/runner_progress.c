/* Runner's progress: how far, how fast, how long still. Speed and the time that remains are of one
 * measured pace. */
#include "server/runner_parts.h"

#include <jansson.h>

char *progress_text(const struct runner *runner)
{
    const struct step_report *last = &runner->last;
    const bool over = runner->ending[0] != '\0' || trainer_wants_end(runner->trainer);
    int64_t steps = trainer_length(runner->trainer), each = runner->plan.steps_per_epoch;
    int64_t left = over || steps < last->step ? 0 : steps - last->step;
    struct pace_rates rates;
    bool known = pace_read(&runner->pace, &rates);
    json_t *eta = left == 0 ? json_real(0)
                  : known   ? json_real((double)left / rates.steps)
                            : json_null();
    json_t *progress = json_pack(
        "{s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "epoch", (json_int_t)last->epoch, "epochs",
        (json_int_t)((steps + each - 1) / each), "step", (json_int_t)last->step, "steps",
        (json_int_t)steps, "fraction", (double)last->step / (double)steps, "samples_per_second",
        known ? json_real(rates.samples) : json_null(), "eta_seconds", eta);
    char *text = progress ? json_dumps(progress, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(progress);
    return text;
}
