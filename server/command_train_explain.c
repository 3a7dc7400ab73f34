/* traind train --explain: where a step's time goes, as a table and as JSON.
 *
 * All times are wall time of the mean step: what the threads spent, divided by their number, so
 * that the lines add up to the step. What remains is waiting: for other threads, and where one
 * thread works alone. A layer's backward time has its gathering in it, because that is where layers
 * over the whole batch compute the gradient of their weights. */
#include "server/command_train_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_BYTES = 80, SHAPES_BYTES = 164 };

/* One line: an op, or the sum of some. */
struct line {
    const char *name, *kernel;
    char kind[KIND_BYTES];          /* "batch_norm2d+relu": all layers that the op computes */
    double seconds[PROFILE_PHASES]; /* of the mean step */
    double work[2];                 /* multiply-adds of a step, forward and backward */
};

struct explanation {
    const struct training *training;
    double step; /* seconds */
    struct plan_work *work;
    struct line *ops, *kinds;
    int op_count, kind_count;
    double phases[PROFILE_PHASES], parts[PROFILE_PARTS], waiting;
};

static const char *const part_names[PROFILE_PARTS] = {[PROFILE_DATA] = "data",
                                                      [PROFILE_LOSS] = "loss",
                                                      [PROFILE_NORM] = "norm",
                                                      [PROFILE_UPDATE] = "update"};

static void kind_text(const struct plan *plan, const struct op_profile *op, char out[KIND_BYTES])
{
    size_t used = 0;

    snprintf(out, KIND_BYTES, "layout");
    for (int i = 0; i < op->layers && used < KIND_BYTES; i++)
        used += (size_t)snprintf(out + used, KIND_BYTES - used, "%s%s", i > 0 ? "+" : "",
                                 plan->layers[op->layer + i].kind->name);
}

static void read_op(struct explanation *e, int index)
{
    const struct training *training = e->training;
    struct op_profile op = trainer_profile_op(training->trainer, index);
    double samples = (double)training->plan.batch_size;
    struct line *line = &e->ops[index];

    *line = (struct line){.name = op.layers == 0 ? "-" : training->plan.layers[op.layer].path,
                          .kernel = op.kernel};
    kind_text(&training->plan, &op, line->kind);
    for (int phase = 0; phase < PROFILE_PHASES; phase++)
        line->seconds[phase] = op.seconds[phase];
    for (int i = op.layer; i < op.layer + op.layers; i++) {
        line->work[0] += (double)e->work[i].forward * samples;
        line->work[1] += (double)e->work[i].backward * samples;
    }
}

static void add_line(struct line *sum, const struct line *line)
{
    for (int phase = 0; phase < PROFILE_PHASES; phase++)
        sum->seconds[phase] += line->seconds[phase];
    for (int way = 0; way < 2; way++)
        sum->work[way] += line->work[way];
}

static void add_to_kind(struct explanation *e, const struct line *op)
{
    struct line *kind = e->kinds;

    while (kind < e->kinds + e->kind_count && strcmp(kind->kind, op->kind) != 0)
        kind++;
    if (kind == e->kinds + e->kind_count) {
        memcpy(kind->kind, op->kind, sizeof(kind->kind));
        e->kind_count++;
    }
    add_line(kind, op);
}

static double backward(const struct line *line)
{
    return line->seconds[PROFILE_BACKWARD] + line->seconds[PROFILE_GATHER];
}

static double passes(const struct line *line)
{
    return line->seconds[PROFILE_FORWARD] + backward(line);
}

static int by_time(const void *a, const void *b)
{
    double left = passes(a), right = passes(b);

    return (left < right) - (left > right);
}

static void drop_explanation(struct explanation *e)
{
    free(e->work);
    free(e->ops);
    free(e->kinds);
}

/* Seconds of all threads in all steps become seconds of the mean step. */
static void scale(struct explanation *e, const struct train_times *times)
{
    double each = 1 / ((double)times->steps * e->training->threads);

    e->step = e->waiting = times->mean;
    for (int i = 0; i < e->op_count; i++)
        for (int phase = 0; phase < PROFILE_PHASES; phase++) {
            e->ops[i].seconds[phase] *= each;
            e->phases[phase] += e->ops[i].seconds[phase];
            e->waiting -= e->ops[i].seconds[phase];
        }
    for (int part = 0; part < PROFILE_PARTS; part++) {
        e->parts[part] = each * trainer_profile_part(e->training->trainer, (enum profile_part)part);
        e->waiting -= e->parts[part];
    }
    e->waiting = fmax(e->waiting, 0);
}

static bool make_explanation(const struct training *training, const struct train_times *times,
                             struct explanation *e)
{
    int ops = trainer_profile_ops(training->trainer);

    *e = (struct explanation){.training = training, .op_count = ops};
    e->work = calloc((size_t)training->plan.layer_count, sizeof(*e->work));
    e->ops = calloc((size_t)ops, sizeof(*e->ops));
    e->kinds = calloc((size_t)ops, sizeof(*e->kinds));
    if (!e->work || !e->ops || !e->kinds) {
        drop_explanation(e);
        return false;
    }
    plan_work(&training->plan, e->work);
    for (int i = 0; i < ops; i++)
        read_op(e, i);
    scale(e, times);
    for (int i = 0; i < ops; i++)
        add_to_kind(e, &e->ops[i]);
    qsort(e->kinds, (size_t)e->kind_count, sizeof(*e->kinds), by_time);
    return true;
}

double train_step_work(const struct training *training)
{
    const struct plan *plan = &training->plan;
    struct plan_work *work = calloc((size_t)plan->layer_count, sizeof(*work));
    double sum = 0;

    if (!work)
        return -1;
    plan_work(plan, work);
    for (int i = 0; i < plan->layer_count; i++)
        sum += (double)work[i].forward + (double)work[i].backward;
    free(work);
    return sum * (double)plan->batch_size;
}

/* ---- the table ---- */

static void shape_text(const struct shape *shape, char *out, size_t size)
{
    if (shape->flat)
        snprintf(out, size, "%" PRId64, shape->channels);
    else
        snprintf(out, size, "%" PRId64 "x%" PRId64 "x%" PRId64, shape->channels, shape->height,
                 shape->width);
}

static void shapes_text(const struct shape *input, const struct shape *output,
                        char out[SHAPES_BYTES])
{
    char from[80], to[80];

    shape_text(input, from, sizeof(from));
    shape_text(output, to, sizeof(to));
    snprintf(out, SHAPES_BYTES, "%s -> %s", from, to);
}

/* GFLOP/s of one thread, or a dash where nothing is multiplied. */
static void rate_text(const struct explanation *e, const struct line *line, int way, char out[16])
{
    double seconds = way == 0 ? line->seconds[PROFILE_FORWARD] : backward(line);

    seconds *= e->training->threads;
    snprintf(out, 16, "-");
    if (line->work[way] > 0 && seconds > 0)
        snprintf(out, 16, "%.1f", 2e-9 * line->work[way] / seconds);
}

static void print_head(const char *what)
{
    printf("\n%7s %10s %10s %9s %9s %9s  %s\n", "share", "forward", "backward", "Mmul-adds", "GF/s",
           "GF/s back", what);
}

static void print_line(const struct explanation *e, const struct line *line, const char *what)
{
    char there[16], back[16];

    rate_text(e, line, 0, there);
    rate_text(e, line, 1, back);
    printf("%6.2f%% %7.3f ms %7.3f ms %9.1f %9s %9s  %s\n", 100 * passes(line) / e->step,
           line->seconds[PROFILE_FORWARD] * 1e3, backward(line) * 1e3,
           (line->work[0] + line->work[1]) * 1e-6, there, back, what);
}

static void print_op(const struct explanation *e, int index)
{
    struct op_profile op = trainer_profile_op(e->training->trainer, index);
    const struct line *line = &e->ops[index];
    const struct plan_layer *layers = e->training->plan.layers;
    char shapes[SHAPES_BYTES] = "", what[512];

    if (op.layers > 0)
        shapes_text(&layers[op.layer].input, &layers[op.layer + op.layers - 1].output, shapes);
    snprintf(what, sizeof(what), "%-18s %-26s %-24s %s", line->name, line->kind, shapes,
             line->kernel);
    print_line(e, line, what);
}

static void print_part(const struct explanation *e, const char *name, double seconds)
{
    printf("%6.2f%% %7.3f ms  %s\n", 100 * seconds / e->step, seconds * 1e3, name);
}

static void print_parts(const struct explanation *e)
{
    printf("\n%7s %10s\n", "share", "time");
    print_part(e, "forward", e->phases[PROFILE_FORWARD]);
    print_part(e, "backward", e->phases[PROFILE_BACKWARD]);
    print_part(e, "pack: weights into the kernels' layouts", e->phases[PROFILE_PACK]);
    print_part(e, "gather: gradients of all shards into one", e->phases[PROFILE_GATHER]);
    print_part(e, "norm of the gradient", e->parts[PROFILE_NORM]);
    print_part(e, "update of the weights", e->parts[PROFILE_UPDATE]);
    print_part(e, "data: samples read, augmented, normalized", e->parts[PROFILE_DATA]);
    print_part(e, "loss", e->parts[PROFILE_LOSS]);
    print_part(e, "waiting for other threads, and the rest", e->waiting);
}

bool train_explain(const struct training *training, const struct train_times *times,
                   struct error *error)
{
    struct explanation e;

    if (!make_explanation(training, times, &e))
        return error_set(error, ERROR_MEMORY, "--explain", "no memory for the table");
    printf("%s%sbatch %" PRId64 " in %" PRId64 " shards, %d thread%s, %s\n", training->meta.name,
           training->meta.name[0] ? ": " : "", training->plan.batch_size, training->plan.cut.shards,
           training->threads, training->threads == 1 ? "" : "s",
           kernels_describe(training->options->kernels));
    printf("a step takes %.3f ms (mean of %" PRId64 "; median %.3f, least %.3f): %.1f GFLOP/s; the "
           "layers' GF/s are those of one thread\n",
           times->mean * 1e3, times->steps, times->median * 1e3, times->least * 1e3,
           2e-9 * train_step_work(training) / times->mean);
    print_head("layers             kind                       shape                    kernel");
    for (int i = 0; i < e.op_count; i++)
        print_op(&e, i);
    print_head("kind");
    for (int i = 0; i < e.kind_count; i++)
        print_line(&e, &e.kinds[i], e.kinds[i].kind);
    print_parts(&e);
    drop_explanation(&e);
    return true;
}

/* ---- JSON ---- */

static double milliseconds(double seconds)
{
    return round(seconds * 1e8) / 1e5;
}

static json_t *op_json(const struct explanation *e, int op)
{
    const struct line *line = &e->ops[op];

    return json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:I, s:I}", "layer", line->name, "type", line->kind,
        "kernel", line->kernel, "pack_ms", milliseconds(line->seconds[PROFILE_PACK]), "forward_ms",
        milliseconds(line->seconds[PROFILE_FORWARD]), "backward_ms",
        milliseconds(line->seconds[PROFILE_BACKWARD]), "gather_ms",
        milliseconds(line->seconds[PROFILE_GATHER]), "multiply_adds", (json_int_t)line->work[0],
        "backward_multiply_adds", (json_int_t)line->work[1]);
}

json_t *train_profile_json(const struct training *training, const struct train_times *times)
{
    struct explanation e;
    json_t *ops = json_array(), *parts;

    if (!make_explanation(training, times, &e)) {
        json_decref(ops);
        return NULL;
    }
    for (int i = 0; i < e.op_count; i++)
        if (json_array_append_new(ops, op_json(&e, i)) != 0) {
            json_decref(ops);
            ops = NULL;
        }
    parts = json_pack("{s:f, s:f, s:f}", "pack", milliseconds(e.phases[PROFILE_PACK]), "gather",
                      milliseconds(e.phases[PROFILE_GATHER]), "waiting", milliseconds(e.waiting));
    for (int part = 0; part < PROFILE_PARTS; part++)
        if (json_object_set_new(parts, part_names[part], json_real(milliseconds(e.parts[part]))) !=
            0) {
            json_decref(parts);
            parts = NULL;
        }
    drop_explanation(&e);
    return json_pack("{s:o, s:o}", "ops", ops, "parts_ms", parts);
}
