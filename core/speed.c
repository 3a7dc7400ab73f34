/* Speed: see speed.h. */
#include "core/speed.h"

#include "core/optimizer.h"
#include "core/speed_probe.h"

#include <stdlib.h>

/* As many samples as a shard of a usual batch has, of images that fill a core's cache as those of
 * usual networks do. */
enum { CHANNELS = 32, SIDE = 28, FEATURES = 512, SAMPLES = 8, WINDOW = 3 };
enum { UPDATED = 32768, SLOTS_MAX = 8 };

/* The fastest of some runs counts: two of what takes long, more of what is over at once. */
enum { RUNS = 2, RUNS_MAX = 8 };
#define RUNS_SECONDS 1e-3

/* ---- work ---- */

static double padded(const struct shape *shape, int block)
{
    return (double)op_count(shape, shape->flat ? 1 : block);
}

/* How many numbers an output reads: its window, if it has one. */
static double window(const struct plan_layer *layer)
{
    const struct sliding *w = layer->windows;
    return w ? (double)w[0].kernel * (double)w[1].kernel : 1;
}

static double numbers_in(const struct plan *plan, const struct plan_layer *layer, int block)
{
    double sum = 0;
    for (int i = 0; i < layer->source_count; i++) {
        int source = layer->sources[i];
        sum += source < 0 ? (double)shape_elements(&plan->data.sample)
                          : padded(&plan->layers[source].output, block);
    }
    return sum;
}

double speed_numbers(const struct plan *plan, const struct plan_layer *layer, int block)
{
    return numbers_in(plan, layer, block) + padded(&layer->output, block);
}

double speed_work(const struct plan *plan, const struct plan_layer *layer, int block)
{
    double out = padded(&layer->output, block), in = numbers_in(plan, layer, block);
    if (layer->multiply_adds == 0)
        return fmax(window(layer) * out, in);
    return (double)layer->multiply_adds * (in / (double)shape_elements(&layer->input)) *
           (out / (double)shape_elements(&layer->output));
}

/* ---- measuring ---- */

/* One kind tried: its time, work and numbers, all samples together. */
struct measured {
    bool done, windows;
    double seconds, work, numbers, weights;
    struct layout y; /* of what comes out */
};

static double fastest(struct probe *probe)
{
    double least = INFINITY, spent = 0;
    for (int run = 0; run < RUNS || (run < RUNS_MAX && spent < RUNS_SECONDS); run++) {
        double seconds = probe_run(probe);
        least = fmin(least, seconds);
        spent += seconds;
    }
    return least;
}

static bool measure(const struct probe_words *words, struct measured *out, struct error *error)
{
    struct probe *probe = malloc(sizeof *probe);
    struct error inner = {.kind = ERROR_NONE};
    *out = (struct measured){.done = false};
    if (!probe)
        return error_set(error, ERROR_MEMORY, "speed", "no memory to try a layer");
    if (probe_make(probe, words, &inner)) {
        int block = probe->op.y.block;
        double samples = (double)words->samples;
        out->seconds = fastest(probe);
        out->work =
            samples * speed_work(&probe->plan, probe->layer, words->x.block > 1 ? block : 1);
        out->numbers = samples * speed_numbers(&probe->plan, probe->layer, block);
        out->weights = (double)probe->layer->parameters;
        out->y = (struct layout){block, probe->op.y.number};
        out->windows = probe->layer->windows != NULL;
        out->done = !atomic_load(&probe->failed);
    }
    probe_drop(probe);
    free(probe);
    if (inner.kind == ERROR_MEMORY)
        return error_set(error, inner.kind, inner.where, "%s", inner.text);
    return true;
}

/* Of images if the kind takes them, else of a flat vector. */
static bool measure_kind(const struct probe_words *like, struct measured *out, struct error *error)
{
    struct probe_words words = *like;
    words.sample = (struct shape){CHANNELS, SIDE, SIDE, 0};
    words.size = CHANNELS;
    if (!measure(&words, out, error))
        return false;
    if (out->done)
        return true;
    words.sample = (struct shape){FEATURES, 1, 1, 1};
    words.size = FEATURES;
    return measure(&words, out, error);
}

/* Multiply-adds cost by themselves, and beside them every number that is moved and every weight
 * that is packed and gathered: two runs with other shares of each tell them apart. Windows of one
 * pixel where the kind has windows, else a single sample. */
static bool take_apart(const struct probe_words *words, const struct measured *whole,
                       struct speed *speed, struct speed_cost *cost, struct error *error)
{
    struct probe_words less = *words;
    struct measured other;
    less.window = 1;
    less.samples = whole->windows ? words->samples : 1;
    if (!measure_kind(&less, &other, error))
        return false;
    double each = (whole->seconds - other.seconds) / (whole->work - other.work);
    if (!other.done || !(each > 0))
        return true;
    double rest = fmax(0, other.seconds - other.work * each);
    *cost = (struct speed_cost){.unit = each, .number = whole->windows ? rest / other.numbers : 0};
    if (!whole->windows)
        speed->weight = rest / other.weights;
    return true;
}

static bool measure_layer(const struct probe_words *words, struct speed *speed,
                          struct speed_cost *cost, struct error *error)
{
    struct measured whole;
    if (!measure_kind(words, &whole, error))
        return false;
    if (!whole.done)
        return true;
    *cost = (struct speed_cost){.unit = whole.seconds / whole.work};
    if (whole.weights == 0 || whole.work <= whole.numbers)
        return true;
    return take_apart(words, &whole, speed, cost, error);
}

static void measure_update(const struct variant *optimizer, real *numbers, double *cost)
{
    const struct optimizer_kind *kind = (const struct optimizer_kind *)optimizer->kind;
    struct update update = {.options = optimizer->options,
                            .w = numbers,
                            .g = numbers + UPDATED,
                            .state = numbers + 2 * UPDATED,
                            .slot_stride = UPDATED,
                            .count = UPDATED,
                            .lr = 0.01};
    if (kind->slots(optimizer->options) > SLOTS_MAX)
        return;
    optimizer_begin(optimizer, update.state, UPDATED);
    for (int64_t i = 0; i < 2 * UPDATED; i++)
        numbers[i] = (real)(i * 7 % 16 - 8) / 8;
    *cost = INFINITY;
    for (int run = 0; run < RUNS_MAX; run++) {
        double start = probe_clock();
        update.step = run + 1;
        kind->update(&update);
        *cost = fmin(*cost, (probe_clock() - start) / UPDATED);
    }
}

static bool measure_updates(struct speed *speed, struct error *error)
{
    struct arena arena = {0};
    real *numbers = malloc((2 + SLOTS_MAX) * UPDATED * sizeof *numbers);
    bool good = numbers != NULL;
    for (size_t i = 0; good && i < optimizer_kinds.count && i < SPEED_OPTIMIZERS_MAX; i++) {
        struct variant optimizer;
        good = variant_make(&arena, &optimizer_kinds, optimizer_kinds.rows[i], &optimizer);
        if (good)
            measure_update(&optimizer, numbers, &speed->updates[i]);
    }
    arena_drop(&arena);
    free(numbers);
    return good || error_set(error, ERROR_MEMORY, "speed", "no memory to try the optimizers");
}

/* How convolutions leave their output: what most layers then work on. */
static bool find_layout(const struct probe_words *like, struct layout *layout, struct error *error)
{
    struct probe_words words = *like;
    struct measured measured;
    words.kind = &layer_conv2d.kind;
    if (!measure_kind(&words, &measured, error))
        return false;
    *layout = measured.done ? measured.y : like->x;
    return true;
}

/* Whether nothing more is to be tried. */
static bool over(double start, const atomic_bool *enough)
{
    return probe_clock() - start >= SPEED_LIMIT || (enough && atomic_load(enough));
}

bool speed_measure(enum kernel_choice kernels, enum spec_precision precision,
                   const atomic_bool *enough, struct speed *out, struct error *error)
{
    struct probe_words words = {.kernels = kernels,
                                .window = WINDOW,
                                .samples = SAMPLES,
                                .x = {1, NUMBER_REAL},
                                .precision = precision};
    double start = probe_clock();

    kernels_greet_thread();
    *out = (struct speed){.block = 1};
    for (int i = 0; i < SPEED_LAYERS_MAX; i++)
        out->layers[i].unit = NAN;
    for (int i = 0; i < SPEED_OPTIMIZERS_MAX; i++)
        out->updates[i] = NAN;
    if (over(start, enough))
        return true;
    if (!find_layout(&words, &words.x, error) || !measure_updates(out, error))
        return false;
    out->block = words.x.block;
    for (size_t i = 0; i < layer_kinds.count && i < SPEED_LAYERS_MAX; i++) {
        words.kind = layer_kinds.rows[i];
        if (!over(start, enough) && !measure_layer(&words, out, &out->layers[i], error))
            return false;
    }
    return true;
}
