/* Thin: rows fall into buckets of equal width in steps; when the buckets hold too many points,
 * neighbours become one and the width doubles. So memory is bounded by the points wanted, and
 * nothing need be known before. */
#include "server/thin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void thin_init(struct thin *thin, size_t most, int64_t width)
{
    *thin = (struct thin){.most = most, .width = width};
}

void thin_drop(struct thin *thin)
{
    free(thin->buckets);
    free(thin->points);
    *thin = (struct thin){0};
}

/* A bucket of twice the width begins at an even one. */
static void halve(struct thin *thin)
{
    size_t odd = thin->base & 1, half = (thin->bucket_count + odd + 1) / 2;

    for (size_t i = 0; i < thin->bucket_count; i++) {
        size_t to = (i + odd) / 2;
        struct stretch old = thin->buckets[i];

        if (i == 0 || (i + odd) % 2 == 0)
            thin->buckets[to] = old;
        else
            stretch_join(&thin->buckets[to], &old);
    }
    thin->bucket_count = half;
    thin->base /= 2;
    thin->width *= 2;
    thin->kept = 0;
    for (size_t i = 0; i < half; i++)
        thin->kept += stretch_count(&thin->buckets[i]);
}

/* Room for bucket `index`; those in between are empty. */
static bool grow_buckets(struct thin *thin, size_t index)
{
    size_t room = thin->bucket_room ? thin->bucket_room : 64;
    struct stretch *grown;

    while (room <= index)
        room *= 2;
    if (room != thin->bucket_room) {
        grown = realloc(thin->buckets, room * sizeof(*grown));
        if (!grown)
            return false;
        thin->buckets = grown;
        thin->bucket_room = room;
    }
    while (thin->bucket_count <= index)
        thin->buckets[thin->bucket_count++] = (struct stretch){0};
    return true;
}

static bool append_point(struct thin *thin, struct thin_point point)
{
    if (thin->count == thin->room) {
        size_t room = thin->room ? 2 * thin->room : 256;
        struct thin_point *grown = realloc(thin->points, room * sizeof(*grown));

        if (!grown)
            return false;
        thin->points = grown;
        thin->room = room;
    }
    thin->points[thin->count++] = point;
    return true;
}

static int64_t any_step(const struct stretch *stretch)
{
    return stretch->min.step != 0 ? stretch->min.step : stretch->odd.step;
}

bool thin_add_stretch(struct thin *thin, const struct stretch *stretch)
{
    int64_t step = any_step(stretch);
    struct stretch *bucket;

    if (step == 0)
        return true;
    if (thin->bucket_count == 0)
        thin->base = step / thin->width;
    /* Sparse series would want a bucket for every step between two rows: widen until they fit. */
    while ((uint64_t)(step / thin->width - thin->base) >= 4 * thin->most)
        halve(thin);
    if (!grow_buckets(thin, (size_t)(step / thin->width - thin->base)))
        return false;
    bucket = &thin->buckets[thin->bucket_count - 1];
    thin->kept -= stretch_count(bucket);
    stretch_join(bucket, stretch);
    thin->kept += stretch_count(bucket);
    while (thin->kept > thin->most - 2 && thin->bucket_count > 1)
        halve(thin);
    return true;
}

bool thin_add(struct thin *thin, int64_t step, double value)
{
    double extreme = isfinite(value) ? value : NAN;
    struct stretch stretch = {0};

    if (thin->most == 0)
        return append_point(thin, (struct thin_point){step, value, extreme, extreme});
    thin->last = (struct stretch_row){step, value};
    if (thin->first.step == 0)
        thin->first = thin->last;
    stretch_take(&stretch, thin->last);
    return thin_add_stretch(thin, &stretch);
}

void thin_ends(struct thin *thin, struct stretch_row first, struct stretch_row last)
{
    thin->first = first;
    thin->last = last;
}

/* Appends a row of `bucket` unless it is there already. */
static bool keep(struct thin *thin, struct stretch_row row, const struct stretch *bucket)
{
    bool finite = bucket->min.step != 0;
    struct thin_point point = {row.step, row.value, finite ? bucket->min.value : NAN,
                               finite ? bucket->max.value : NAN};

    if (row.step == 0 || (thin->count > 0 && thin->points[thin->count - 1].step >= row.step))
        return true;
    return append_point(thin, point);
}

static int by_step(const void *left, const void *right)
{
    const struct stretch_row *a = left, *b = right;

    return (a->step > b->step) - (a->step < b->step);
}

bool thin_finish(struct thin *thin)
{
    if (thin->most == 0 || thin->bucket_count == 0)
        return true;
    if (!keep(thin, thin->first, &thin->buckets[0]))
        return false;
    for (size_t i = 0; i < thin->bucket_count; i++) {
        const struct stretch *bucket = &thin->buckets[i];
        struct stretch_row rows[] = {bucket->min, bucket->max, bucket->odd};

        qsort(rows, 3, sizeof(rows[0]), by_step);
        for (int k = 0; k < 3; k++)
            if (!keep(thin, rows[k], bucket))
                return false;
    }
    return keep(thin, thin->last, &thin->buckets[thin->bucket_count - 1]);
}
