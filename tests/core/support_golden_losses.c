/* Support for tests: golden losses. */
#include "tests/core/support_golden.h"

#include "core/loss.h"
#include "core/rng.h"
#include "tests/core/support_golden_file.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>

enum { SCORES_MAX = 64, KINDS_MAX = 64 };

/* Computes the loss that a "shape" line tells of; its sum comes back, dy is filled in. */
static double compute_loss(const struct variant *loss, const char *shape, uint64_t number, real *dy)
{
    int64_t samples = golden_value(shape, "samples"), classes = golden_value(shape, "classes");
    double factor = (double)golden_value(shape, "factor");
    const struct rng choice = {number, RNG_SPLIT, 0};
    uint16_t labels[SCORES_MAX];
    real y[SCORES_MAX];
    struct loss_call call = {.loss = loss,
                             .y = y,
                             .labels = labels,
                             .dy = dy,
                             .samples = samples,
                             .classes = classes,
                             .batch = samples};

    CHECK(samples * classes <= SCORES_MAX);
    fill_symmetric(y, samples * classes, number, 0);
    for (int64_t i = 0; i < samples * classes; i++)
        y[i] = (real)(float)(factor * (double)y[i]);
    for (int64_t i = 0; i < samples; i++)
        labels[i] = (uint16_t)((double)classes * rng_uniform(&choice, (uint64_t)i));
    loss_run(&call);
    return call.loss_sum;
}

static void check_all_seen(const bool *seen)
{
    for (size_t i = 0; i < loss_kinds.count; i++)
        if (!seen[i])
            FAIL("losses.txt has no %s", loss_kinds.rows[i]->name);
}

void check_golden_losses(const struct golden_tolerance *tolerance)
{
    struct golden golden;
    struct arena arena = {0};
    struct variant loss;
    real dy[SCORES_MAX];
    char what[200] = "", *rest;
    double sum = 0, wanted;
    uint64_t number = 0;
    bool seen[KINDS_MAX] = {false};

    CHECK(loss_kinds.count <= KINDS_MAX);
    golden_open(&golden, "losses.txt");
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "loss")) != NULL) {
            snprintf(what, sizeof(what), "the gradient of %s", rest);
            variant_from_words(&arena, &loss_kinds, rest, &loss);
            for (size_t i = 0; i < loss_kinds.count; i++)
                seen[i] |= loss.kind == loss_kinds.rows[i];
        } else if ((rest = golden_rest(&golden, "shape")) != NULL) {
            sum = compute_loss(&loss, rest, number++, dy);
        } else if ((rest = golden_rest(&golden, "sum")) != NULL) {
            golden_numbers(rest, &wanted, 1);
            if (!(fabs(sum - wanted) <= tolerance->losses * fabs(wanted)))
                FAIL("%s: the loss is %.12g, not %.12g", what, sum, wanted);
        } else if ((rest = golden_rest(&golden, "dy")) != NULL) {
            check_golden_values(what, dy, rest, tolerance);
        }
    }
    check_all_seen(seen);
    golden_close(&golden);
    arena_drop(&arena);
}
