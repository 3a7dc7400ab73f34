/* Losses against central differences, in double: every row of the loss table with options drawn
 * from its own rows. A new row is checked without a line here. */
#include "tests/harness.h"

#include "core/loss.h"
#include "core/rng.h"
#include "tests/core/support_layer.h"

#include <inttypes.h>
#include <math.h>

enum { DRAWS_OF_A_KIND = 40, CLASSES_MAX = 9, SAMPLES_MAX = 5 };

struct dice {
    struct rng rng;
    uint64_t next;
};

static int64_t roll(struct dice *dice, int64_t low, int64_t high)
{
    return low + rng_below(&dice->rng, dice->next++, (uint32_t)(high - low + 1));
}

/* Sometimes an end of what the row allows. */
static double roll_real(struct dice *dice, const struct field *field)
{
    double high = fmin(field->max, field->min + 3), part = rng_uniform(&dice->rng, dice->next++);

    if (roll(dice, 0, 3) == 0)
        part = (field->flags & FIELD_ABOVE_MIN) ? 1 : 0;
    return field->min + part * (high - field->min);
}

static void roll_options(struct dice *dice, const struct fields *fields, void *options)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->rows[i];
        double high = fmin(field->max, field->min + 3);

        if (field->type == FIELD_REAL)
            *(double *)field_at(field, options) = roll_real(dice, field);
        else if (field->type == FIELD_INT)
            *(int64_t *)field_at(field, options) = roll(dice, (int64_t)field->min, (int64_t)high);
        else if (field->type == FIELD_BOOL)
            *(bool *)field_at(field, options) = roll(dice, 0, 1) == 1;
        else
            FAIL("no test has drawn an option of the type of %s yet", field->name);
    }
}

static void check_differences(struct loss_call *call, real *y)
{
    const double h = 1e-5;
    real *dy = call->dy;

    loss_run(call);
    call->dy = NULL;
    for (int64_t i = 0; i < call->samples * call->classes; i++) {
        double kept = y[i], above, below, wanted;

        y[i] = kept + h;
        loss_run(call);
        above = call->loss_sum;
        y[i] = kept - h;
        loss_run(call);
        below = call->loss_sum;
        y[i] = kept;
        wanted = (above - below) / (2 * h) / (double)call->batch;
        if (!(fabs(dy[i] - wanted) <= 1e-8))
            FAIL("%s: d/dy[%" PRId64 "] is %.12g, by difference %.12g", call->loss->kind->name, i,
                 dy[i], wanted);
    }
}

TEST("the gradient of every loss, with options drawn from its rows, is its difference")
{
    for (size_t k = 0; k < loss_kinds.count; k++) {
        struct dice dice = {{k, RNG_SYNTHETIC, 5}, 0};

        for (int n = 0; n < DRAWS_OF_A_KIND; n++) {
            real y[SAMPLES_MAX * CLASSES_MAX], dy[SAMPLES_MAX * CLASSES_MAX];
            uint16_t labels[SAMPLES_MAX];
            struct arena arena = {0};
            struct variant loss;
            struct loss_call call = {.loss = &loss, .y = y, .labels = labels, .dy = dy};

            call.samples = roll(&dice, 1, SAMPLES_MAX);
            call.classes = roll(&dice, 1, CLASSES_MAX);
            call.batch = call.samples + roll(&dice, 0, 3);
            CHECK(variant_make(&arena, &loss_kinds, loss_kinds.rows[k], &loss));
            roll_options(&dice, &loss.kind->options, loss.options);
            fill_symmetric(y, call.samples * call.classes, (uint64_t)n, 7);
            for (int64_t i = 0; i < call.samples * call.classes; i++)
                y[i] *= 3;
            for (int64_t i = 0; i < call.samples; i++)
                labels[i] = (uint16_t)roll(&dice, 0, call.classes - 1);
            check_differences(&call, y);
            arena_drop(&arena);
        }
    }
}
