/* A plan as users see it: what every layer makes of its input, what it costs, and how the rate will
 * move. */
#include "server/spec_json.h"

#include "core/plateau.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURVE_POINTS = 201 };

static json_t *shape_to_json(const struct shape *shape)
{
    if (shape->flat)
        return json_pack("[I]", (json_int_t)shape->channels);
    return json_pack("[I,I,I]", (json_int_t)shape->channels, (json_int_t)shape->height,
                     (json_int_t)shape->width);
}

/* How many layers hold this one: one for each option's name in its path, "5.branches.1.0". */
static int depth_of(const struct plan_layer *layer)
{
    int depth = 0;

    for (const char *at = layer->path; at; at = strchr(at, '.')) {
        at += *at == '.';
        depth += *at < '0' || *at > '9';
    }
    return depth;
}

/* The paths of the layers that it reads. */
static json_t *inputs_to_json(const struct plan *plan, const struct plan_layer *layer)
{
    json_t *list = json_array();

    for (int i = 0; list && i < layer->source_count; i++) {
        int source = layer->sources[i];
        json_t *path = json_string(source < 0 ? "data" : plan->layers[source].path);

        if (json_array_append_new(list, path) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *layer_to_json(const struct plan *plan, int index)
{
    const struct plan_layer *layer = &plan->layers[index];
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:o, s:o, s:I, s:I, s:I}", "type", layer->kind->name, "path",
        layer->path, "pointer", layer->pointer, "depth", depth_of(layer), "inputs",
        inputs_to_json(plan, layer), "output", shape_to_json(&layer->output), "parameters",
        (json_int_t)layer->parameters, "multiply_adds", (json_int_t)layer->multiply_adds, "bytes",
        (json_int_t)plan_layer_bytes(plan, index));
    bool all = layer->receptive_field[0] == 0;

    /* Once a layer sees the whole image there is no field to speak of. */
    if (!object || all)
        return object;
    if (json_object_set_new(object, "receptive_field",
                            json_pack("[I,I]", (json_int_t)layer->receptive_field[0],
                                      (json_int_t)layer->receptive_field[1])) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *layers_to_json(const struct plan *plan)
{
    json_t *list = json_array();

    for (int i = 0; list && i < plan->layer_count; i++) {
        if (json_array_append_new(list, layer_to_json(plan, i)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* First and last step are always points of the curve. */
static json_t *curve_to_json(const struct spec *spec, const struct plan *plan)
{
    int64_t points = plan->steps < CURVE_POINTS ? plan->steps : CURVE_POINTS;
    json_t *list = json_array();

    for (int64_t i = 0; list && i < points; i++) {
        double share = points > 1 ? (double)i / (double)(points - 1) : 0;
        int64_t step =
            i == points - 1 ? plan->steps : 1 + (int64_t)(share * (double)(plan->steps - 1));
        json_t *point = json_pack("[I,f]", (json_int_t)step, plan_lr(spec, plan, step));

        if (json_array_append_new(list, point) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* What lowers the rate further than the curve shows; null where the curve is the whole truth. */
static json_t *schedule_metric(const struct spec *spec)
{
    const struct variant *schedule = &spec->lr_schedule;

    return plateau_is(schedule) ? json_string(spec_metrics[plateau_metric(schedule)]) : json_null();
}

static json_t *warnings_to_json(const struct plan_warnings *warnings)
{
    json_t *list = json_array();

    for (size_t i = 0; list && warnings && i < warnings->count; i++) {
        const struct plan_warning *warning = &warnings->items[i];

        if (json_array_append_new(list, json_pack("{s:s, s:s}", "pointer", warning->pointer,
                                                  "detail", warning->text)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *totals_to_json(const struct plan *plan, int64_t bytes)
{
    /* Unknown is null, never a number that looks like an answer. */
    json_t *known = bytes < 0 ? json_null() : json_integer(bytes);

    return json_pack("{s:I, s:I, s:o}", "parameters", (json_int_t)plan->totals.learned,
                     "multiply_adds", (json_int_t)plan->totals.multiply_adds, "bytes", known);
}

/* To the two digits that an estimate may claim; null where nobody knows. */
static json_t *about(double seconds)
{
    char text[32];

    if (!isfinite(seconds))
        return json_null();
    snprintf(text, sizeof(text), "%.1e", seconds);
    return json_real(strtod(text, NULL));
}

/* Of the data set itself, whatever the spec takes of it. */
static json_t *data_to_json(const struct data_shape *data)
{
    return json_pack("{s:o, s:s, s:I, s:I, s:I}", "shape", shape_to_json(&data->sample), "pixels",
                     data->real_pixels ? "float32" : "uint8", "classes", (json_int_t)data->classes,
                     "train_samples", (json_int_t)data->given_samples, "test_samples",
                     (json_int_t)data->test_samples);
}

bool plan_data_from_text(const char *text, struct data_shape *out)
{
    json_int_t channels, height, width, classes, train, test;
    const char *pixels;
    json_t *plan = json_loads(text, 0, NULL);
    bool good = plan && json_unpack(plan, "{s:{s:[I,I,I], s:s, s:I, s:I, s:I}}", "data", "shape",
                                    &channels, &height, &width, "pixels", &pixels, "classes",
                                    &classes, "train_samples", &train, "test_samples", &test) == 0;

    if (good)
        *out =
            (struct data_shape){.sample = {.channels = channels, .height = height, .width = width},
                                .classes = classes,
                                .train_samples = train,
                                .test_samples = test,
                                .real_pixels = strcmp(pixels, "float32") == 0};
    json_decref(plan);
    return good;
}

int64_t plan_bytes_from_text(const char *text)
{
    struct data_shape data = {.train_samples = 0};
    json_t *plan = json_loads(text, 0, NULL);
    json_int_t bytes = 0;

    if (json_unpack(plan, "{s:{s:I}}", "totals", "bytes", &bytes) != 0)
        bytes = 0;
    json_decref(plan);
    return bytes + (plan_data_from_text(text, &data) ? data_shape_bytes(&data) : 0);
}

json_t *plan_to_json(const struct plan_view *view, bool layers)
{
    const struct plan *plan = view->plan;
    json_t *object =
        json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o}, s:o}", "data",
                  data_to_json(&plan->data), "totals", totals_to_json(plan, view->bytes), "epochs",
                  (json_int_t)plan->epochs, "steps", (json_int_t)plan->steps, "steps_per_epoch",
                  (json_int_t)plan->steps_per_epoch, "batch_size", (json_int_t)plan->batch_size,
                  "train_samples", (json_int_t)plan->data.train_samples, "validation_samples",
                  (json_int_t)plan->data.validation_samples, "estimate", "seconds_per_epoch",
                  about(view->estimate.seconds_per_epoch), "seconds", about(view->estimate.seconds),
                  "warnings", warnings_to_json(view->warnings));

    if (!object || !layers)
        return object;
    if (json_object_set_new(object, "layers", layers_to_json(plan)) != 0 ||
        json_object_set_new(object, "schedule", curve_to_json(view->spec, plan)) != 0 ||
        json_object_set_new(object, "schedule_metric", schedule_metric(view->spec)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}
