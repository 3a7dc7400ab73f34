/* Checkpoint state: see checkpoint_state.h. */
#include "server/checkpoint_state.h"

#include "core/checkpoint.h"
#include "server/body.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Gathers; the first failure sticks. */
struct gathering {
    json_t *object;
    bool failed;
};

static void put_text(struct gathering *gathering, const char *name, const char *text)
{
    gathering->failed |= json_object_set_new(gathering->object, name, json_string(text)) != 0;
}

static void put_integer(struct gathering *gathering, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    put_text(gathering, name, text);
}

static void put_real(struct gathering *gathering, const char *name, double value)
{
    char text[JSON_REAL_TEXT];

    if (isfinite(value))
        json_real_text(value, text);
    put_text(gathering, name, isfinite(value) ? text : body_nonfinite_name(value));
}

static void put_control(struct gathering *gathering, const struct checkpoint_head *head)
{
    const struct control *control = &head->control;

    put_real(gathering, "lr_factor", control->factor);
    put_integer(gathering, "returns", control->retries);
    put_integer(gathering, "observed", control->observed);
    put_integer(gathering, "samples", control->samples);
    put_integer(gathering, "correct", control->correct);
    put_real(gathering, "loss_sum", control->loss_sum);
    if (head->plateau_metric >= 0) {
        put_text(gathering, "plateau_metric", spec_metrics[head->plateau_metric]);
        put_real(gathering, "plateau_rate", control->plateau.rate);
        put_real(gathering, "plateau_best", control->plateau.watch.best);
        put_integer(gathering, "plateau_bad", control->plateau.watch.bad);
        put_integer(gathering, "plateau_cooldown", control->plateau.cooldown);
    }
    if (head->stopping_metric >= 0) {
        put_text(gathering, "stopping_metric", spec_metrics[head->stopping_metric]);
        put_real(gathering, "stopping_best", control->stopping.best);
        put_integer(gathering, "stopping_bad", control->stopping.bad);
    }
}

json_t *checkpoint_state_texts(const struct checkpoint_row *row, const struct spec *spec,
                               const uint8_t *bytes, bool *good)
{
    struct gathering gathering = {.object = json_object()};
    struct checkpoint_head head;

    *good = checkpoint_read_head(bytes, &head);
    put_text(&gathering, "state", "full");
    put_integer(&gathering, "epoch", row->epoch);
    put_integer(&gathering, "seed", spec->run.seed);
    put_text(&gathering, "optimizer", spec->optimizer.kind->name);
    put_integer(&gathering, "optimizer_steps", head.optimizer_steps);
    put_integer(&gathering, "inherited_steps", head.inherited_steps);
    put_integer(&gathering, "edits", head.edits);
    if (head.has_control)
        put_control(&gathering, &head);
    if (!gathering.failed && *good)
        return gathering.object;
    json_decref(gathering.object);
    return NULL;
}
