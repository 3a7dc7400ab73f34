/* Thin: rows fall into buckets of equal width in steps; when the buckets hold too many points,
 * neighbours become one and the width doubles. So memory is bounded by the points wanted, and
 * nothing need be known before. */
#include "server/thin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct thin_row {
    int64_t step;
    double value;
};

struct thin_bucket {
    struct thin_row min, max; /* of the finite rows; step 0: there is none */
    struct thin_row odd;      /* the first that is not finite; step 0: there is none */
};

void thin_init(struct thin *thin, size_t most)
{
    *thin = (struct thin){.most = most, .width = 1};
}

void thin_drop(struct thin *thin)
{
    free(thin->buckets);
    free(thin->points);
    *thin = (struct thin){0};
}

static size_t bucket_points(const struct thin_bucket *bucket)
{
    size_t finite = bucket->min.step == 0 ? 0 : bucket->min.step == bucket->max.step ? 1 : 2;

    return finite + (bucket->odd.step != 0);
}

/* Takes one row, or what another bucket kept, into the bucket; later rows last. */
static void bucket_take(struct thin_bucket *bucket, struct thin_row row)
{
    if (row.step == 0)
        return;
    if (!isfinite(row.value)) {
        if (bucket->odd.step == 0)
            bucket->odd = row;
        return;
    }
    if (bucket->min.step == 0 || row.value < bucket->min.value)
        bucket->min = row;
    if (bucket->max.step == 0 || row.value > bucket->max.value)
        bucket->max = row;
}

static void halve(struct thin *thin)
{
    size_t half = (thin->bucket_count + 1) / 2;

    thin->kept = 0;
    for (size_t i = 0; i < half; i++) {
        struct thin_bucket joined = thin->buckets[2 * i];

        if (2 * i + 1 < thin->bucket_count) {
            bucket_take(&joined, thin->buckets[2 * i + 1].min);
            bucket_take(&joined, thin->buckets[2 * i + 1].max);
            bucket_take(&joined, thin->buckets[2 * i + 1].odd);
        }
        thin->buckets[i] = joined;
        thin->kept += bucket_points(&joined);
    }
    thin->bucket_count = half;
    thin->width *= 2;
}

/* Room for bucket `index`; those in between are empty. */
static bool grow_buckets(struct thin *thin, size_t index)
{
    size_t room = thin->bucket_room ? thin->bucket_room : 64;
    struct thin_bucket *grown;

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
        thin->buckets[thin->bucket_count++] = (struct thin_bucket){0};
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

bool thin_add(struct thin *thin, int64_t step, double value)
{
    double extreme = isfinite(value) ? value : NAN;
    struct thin_point point = {step, value, extreme, extreme};
    struct thin_bucket *bucket;
    size_t before;

    if (thin->most == 0)
        return append_point(thin, point);
    if (thin->rows++ == 0) {
        thin->first = point;
        thin->origin = step;
    }
    thin->last = point;
    /* Sparse series would want a bucket for every step between two rows: widen until they fit. */
    while ((uint64_t)(step - thin->origin) / (uint64_t)thin->width >= 4 * thin->most)
        halve(thin);
    if (!grow_buckets(thin, (size_t)((step - thin->origin) / thin->width)))
        return false;
    bucket = &thin->buckets[thin->bucket_count - 1];
    before = bucket_points(bucket);
    bucket_take(bucket, (struct thin_row){step, value});
    thin->kept += bucket_points(bucket) - before;
    while (thin->kept > thin->most - 2 && thin->bucket_count > 1)
        halve(thin);
    return true;
}

/* Appends a row of `bucket` unless it is there already. */
static bool keep(struct thin *thin, struct thin_row row, const struct thin_bucket *bucket)
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
    const struct thin_row *a = left, *b = right;

    return (a->step > b->step) - (a->step < b->step);
}

bool thin_finish(struct thin *thin)
{
    if (thin->most == 0 || thin->rows == 0)
        return true;
    if (!keep(thin, (struct thin_row){thin->first.step, thin->first.value}, &thin->buckets[0]))
        return false;
    for (size_t i = 0; i < thin->bucket_count; i++) {
        const struct thin_bucket *bucket = &thin->buckets[i];
        struct thin_row rows[] = {bucket->min, bucket->max, bucket->odd};

        qsort(rows, 3, sizeof(rows[0]), by_step);
        for (int k = 0; k < 3; k++)
            if (!keep(thin, rows[k], bucket))
                return false;
    }
    return keep(thin, (struct thin_row){thin->last.step, thin->last.value},
                &thin->buckets[thin->bucket_count - 1]);
}
