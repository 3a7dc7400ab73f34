/* Support for tests: an optimizer alone, and the golden numbers of optimizers.txt. */
#include "tests/core/support_optimizer.h"

#include "core/clip.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct optimizer_kind *kind_of(const struct optimizer_run *run)
{
    return (const struct optimizer_kind *)run->optimizer.kind;
}

void optimizer_open(struct optimizer_run *run, const char *words, int64_t count)
{
    *run = (struct optimizer_run){.count = count};
    variant_from_words(&run->arena, &optimizer_kinds, words, &run->optimizer);
    CHECK(count <= OPTIMIZER_WEIGHTS_MAX);
    CHECK(kind_of(run)->slots(run->optimizer.options) <= OPTIMIZER_SLOTS_MAX);
    run->base_lr = kind_of(run)->base_lr(run->optimizer.options);
    optimizer_begin(&run->optimizer, run->state, OPTIMIZER_WEIGHTS_MAX);
}

void optimizer_step(struct optimizer_run *run, double factor)
{
    const struct update update = {.options = run->optimizer.options,
                                  .base_lr = optimizer_base_lr(&run->optimizer),
                                  .w = run->w,
                                  .g = run->g,
                                  .state = run->state,
                                  .slot_stride = OPTIMIZER_WEIGHTS_MAX,
                                  .count = run->count,
                                  .step = ++run->step,
                                  .lr = run->base_lr * factor};

    kind_of(run)->update(&update);
}

void optimizer_close(struct optimizer_run *run)
{
    arena_drop(&run->arena);
}

/* Each golden weight stands many times in the arrays, so that the whole width of a vector is looked
 * at and what is left behind the last one too. */
enum { GOLDEN_MAX = 8, COPIES_END = 67 };

static void golden_start(struct optimizer_run *run, int64_t weights, uint64_t number)
{
    real start[GOLDEN_MAX];

    CHECK(weights <= GOLDEN_MAX);
    fill_symmetric(start, weights, number, 0);
    for (int64_t i = 0; i < run->count; i++)
        run->w[i] = start[i % weights] + (start[i % weights] < 0 ? -1 : 1);
}

/* As the trainer does it, of gradients that are there once and not many times. */
static void golden_clip(struct optimizer_run *run, int64_t weights, const struct spec_run *clips)
{
    double squares = 0;

    for (int64_t i = 0; i < weights; i++)
        squares += (double)run->g[i] * (double)run->g[i];
    struct clip clip = clip_for(clips, sqrt(squares));
    clip_apply(&clip, run->g, run->count);
}

/* The gradients and the rate that make.py gives its optimizers at the run's next step. */
static void golden_step(struct optimizer_run *run, int64_t weights, uint64_t number,
                        const struct spec_run *clips)
{
    static const real scales[] = {1, (real)0.25, (real)(1.0 / 4096), 1};
    real gradient[GOLDEN_MAX];

    CHECK_INT(weights, COUNT_OF(scales));
    fill_symmetric(gradient, weights, number, (uint32_t)run->step + 1);
    for (int64_t i = 0; i < run->count; i++)
        run->g[i] = gradient[i % weights] * scales[i % weights];
    golden_clip(run, weights, clips);
    optimizer_step(run, 1 - (double)run->step / 64);
}

static void check_weights(const struct optimizer_run *run, const char *words, char *text,
                          double tolerance)
{
    double wanted[GOLDEN_MAX];
    int64_t weights = golden_numbers(text, wanted, GOLDEN_MAX);

    for (int64_t i = 0; i < run->count; i++) {
        double got = (double)run->w[i], want = wanted[i % weights];

        if (!(fabs(got - want) <= tolerance * fabs(want)))
            FAIL("%s, step %" PRId64 ": weight %" PRId64 " is %.15g, not %.15g (relative %.2g)",
                 words, run->step, i, got, want, got / want - 1);
    }
}

/* A file of optimizers; in seen[i] whether it has the i-th row of their table. */
static void check_golden_file(const char *name, double tolerance, bool *seen)
{
    struct golden golden;
    struct optimizer_run run = {0};
    struct spec_run clips = {.clip_grad_norm = NAN, .clip_grad_value = NAN};
    char words[300] = "", *rest;
    int64_t weights = 0, steps = 0;
    uint64_t number = 0;

    golden_open(&golden, name);
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "optimizer")) != NULL) {
            snprintf(words, sizeof(words), "%s", rest);
        } else if ((rest = golden_rest(&golden, "clip")) != NULL) {
            CHECK_INT(
                sscanf(rest, "norm=%lf value=%lf", &clips.clip_grad_norm, &clips.clip_grad_value),
                2);
        } else if ((rest = golden_rest(&golden, "size")) != NULL) {
            weights = golden_value(rest, "weights");
            steps = golden_value(rest, "steps");
            optimizer_open(&run, words, COPIES_END);
            golden_start(&run, weights, number);
        } else if ((rest = golden_rest(&golden, "w")) != NULL) {
            golden_step(&run, weights, number, &clips);
            check_weights(&run, words, rest, tolerance);
        } else if (strcmp(golden.line, "end") == 0) {
            CHECK_INT(run.step, steps);
            for (size_t i = 0; i < optimizer_kinds.count; i++)
                seen[i] |= optimizer_kinds.rows[i] == run.optimizer.kind;
            optimizer_close(&run);
            number++;
        }
    }
    golden_close(&golden);
    CHECK(number > 0);
}

void check_golden_optimizers(double tolerance)
{
    bool seen[64] = {false};

    CHECK(optimizer_kinds.count <= COUNT_OF(seen));
    check_golden_file("optimizers.txt", tolerance, seen);
    for (size_t i = 0; i < optimizer_kinds.count; i++)
        if (!seen[i])
            FAIL("optimizers.txt has no %s", optimizer_kinds.rows[i]->name);
}

void check_golden_clips(double tolerance)
{
    bool seen[64] = {false};

    check_golden_file("clips.txt", tolerance, seen);
}
