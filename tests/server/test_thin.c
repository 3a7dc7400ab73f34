/* Thinning of curves, without a server. */
#include "server/thin.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>

static struct thin thinned(const double *values, int64_t count, int64_t stride, size_t most)
{
    struct thin thin;

    thin_init(&thin, most, 1);
    for (int64_t i = 0; i < count; i++)
        CHECK(thin_add(&thin, 1 + i * stride, values[i]));
    CHECK(thin_finish(&thin));
    return thin;
}

static const struct thin_point *point_at(const struct thin *thin, int64_t step)
{
    for (size_t i = 0; i < thin->count; i++)
        if (thin->points[i].step == step)
            return &thin->points[i];
    return NULL;
}

TEST("thinning keeps first, last and every spike, never more points than wanted, in order")
{
    enum { ROWS = 20000 };
    double *values = calloc(ROWS, sizeof(*values));
    unsigned seed = 5;

    CHECK(values);
    for (int round = 0; round < 60; round++) {
        size_t most = 5 + (size_t)(rand_r(&seed) % 300);
        int64_t count = 1 + rand_r(&seed) % ROWS;
        int64_t stride = round % 3 == 0 ? 1 + rand_r(&seed) % 5000 : 1;
        int64_t low = rand_r(&seed) % count, high = rand_r(&seed) % count;

        for (int64_t i = 0; i < count; i++)
            values[i] = sin((double)i / 50);
        values[low] = -9;
        values[high] = 9;
        struct thin thin = thinned(values, count, stride, most);
        CHECK(thin.count <= most);
        CHECK_INT(thin.points[0].step, 1);
        CHECK_INT(thin.points[thin.count - 1].step, 1 + (count - 1) * stride);
        if (low != high)
            CHECK(point_at(&thin, 1 + low * stride)->value == -9);
        CHECK(point_at(&thin, 1 + high * stride)->value == 9);
        CHECK(point_at(&thin, 1 + high * stride)->max == 9);
        for (size_t i = 1; i < thin.count; i++)
            CHECK(thin.points[i].step > thin.points[i - 1].step);
        thin_drop(&thin);
    }
    free(values);
}

TEST("a curve that is short enough is not changed, and one that is asked for whole never")
{
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i == 50 ? NAN : 1.0 / (1 + i);
    for (int whole = 0; whole < 2; whole++) {
        struct thin thin = thinned(values, 100, 1, whole ? 0 : 102);
        CHECK_INT((int64_t)thin.count, 100);
        for (int i = 0; i < 100; i++) {
            CHECK_INT(thin.points[i].step, i + 1);
            CHECK(i == 50 ? isnan(thin.points[i].value) : thin.points[i].value == values[i]);
        }
        thin_drop(&thin);
    }
}

TEST("a value that is not finite survives thinning and is nobody's extreme")
{
    enum { ROWS = 5000 };
    double *values = calloc(ROWS, sizeof(*values));
    int64_t odd[] = {0, 777, 2500, ROWS - 1};

    CHECK(values);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < ROWS; i++)
            values[i] = i;
        values[odd[k]] = k % 2 ? INFINITY : NAN;
        struct thin thin = thinned(values, ROWS, 1, 20);
        const struct thin_point *point = point_at(&thin, odd[k] + 1);
        CHECK(point && !isfinite(point->value));
        for (size_t i = 0; i < thin.count; i++)
            CHECK(isfinite(thin.points[i].min) && isfinite(thin.points[i].max));
        thin_drop(&thin);
    }
    for (int i = 0; i < ROWS; i++)
        values[i] = NAN;
    struct thin thin = thinned(values, ROWS, 1, 20);
    CHECK(thin.count <= 20 && thin.count >= 2);
    thin_drop(&thin);
    free(values);
}

TEST("thinning nothing gives nothing, and one row itself")
{
    double one = 3;
    struct thin thin = thinned(&one, 0, 1, 10);
    CHECK_INT((int64_t)thin.count, 0);
    thin_drop(&thin);
    thin = thinned(&one, 1, 1, 10);
    CHECK_INT((int64_t)thin.count, 1);
    CHECK(thin.points[0].value == 3);
    thin_drop(&thin);
}
