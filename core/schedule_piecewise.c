/* piecewise: the rate of each point holds from that point to the next, and the last one to the end.
 * Before the first point it is the optimizer's. Points name steps (or epochs) as the rest of the
 * program does, counted from 1, so that a list of rates really taken can be given back as it is. */
#include "core/schedule.h"

#include <stdio.h>

struct piecewise_options {
    struct list points; /* of struct point, in the order of their steps */
};

struct point {
    int64_t step;
    double lr;
};

/* clang-format off */
static const struct field point_rows[] = {
    {.name = "step", .type = FIELD_INT, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct point, step), .min = 0, .max = 1e9,
     .fallback = (double)FIELD_ABSENT, .help = "step or epoch, counted from 1"},
    {.name = "lr", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct point, lr), .min = 0, .max = 1e6, .help = "rate from there on"},
};
static const struct fields point_fields = {point_rows, COUNT_OF(point_rows), sizeof(struct point)};

static const struct field rows[] = {
    {.name = "points", .type = FIELD_LIST, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct piecewise_options, points), .min = 1, .max = 100000,
     .fields = &point_fields,
     .help = "from each step on, counted from 1, its rate; before the first the optimizer's"},
};
/* clang-format on */

static void check(const void *options, const char *pointer, struct problems *problems)
{
    const struct piecewise_options *o = options;
    char place[sizeof problems->items[0].pointer];
    snprintf(place, sizeof place, "%s/points", pointer);
    schedule_check_order(&o->points, sizeof(struct point), place, problems);
}

static double lr(const void *options, const struct schedule_at *at)
{
    const struct piecewise_options *o = options;
    const struct point *points = o->points.items;
    size_t low = 0, high = o->points.count; /* points before `low` have come, from `high` on not */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points[middle].step <= at->t + 1)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? at->base_lr : points[low - 1].lr;
}

static int64_t own_from(const void *options)
{
    const struct point *first = ((const struct piecewise_options *)options)->points.items;
    return first->step > 0 ? first->step - 1 : 0;
}

const struct schedule_kind schedule_piecewise = {
    .kind = {"piecewise",
             "a rate of your own from each of some steps on",
             {rows, COUNT_OF(rows), sizeof(struct piecewise_options)}},
    .unit = UNIT_STEP,
    .check = check,
    .lr = lr,
    .own_from = own_from,
};
