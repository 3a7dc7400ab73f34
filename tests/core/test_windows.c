/* Windows: what they read, counted by looking at every tap; and images with their padding. */
#include "tests/harness.h"

#include "core/padding.h"
#include "core/rng.h"
#include "tests/core/support_layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* PyTorch's padding of a row of 4 by 3 in front and 2 behind, by index. */
static const struct {
    int mode;
    int64_t wanted[9];
} padded_rows[] = {
    {PADDING_ZEROS, {-1, -1, -1, 0, 1, 2, 3, -1, -1}},
    {PADDING_REFLECT, {3, 2, 1, 0, 1, 2, 3, 2, 1}},
    {PADDING_REPLICATE, {0, 0, 0, 0, 1, 2, 3, 3, 3}},
    {PADDING_CIRCULAR, {1, 2, 3, 0, 1, 2, 3, 0, 1}},
};

TEST("a tap in the padding reads a zero, the mirrored pixel, the edge or the other side")
{
    for (size_t i = 0; i < sizeof(padded_rows) / sizeof(padded_rows[0]); i++) {
        const struct sliding w = {4, 1, 1, 1, 3, 2, padded_rows[i].mode, false};

        CHECK_INT(window_output(&w), 9);
        for (int64_t at = 0; at < 9; at++)
            CHECK_INT(window_reads(&w, at, 0), padded_rows[i].wanted[at]);
    }
}

enum { SIDE = 9, CASES = 200000 };

/* What window_never_reads counts without looking. */
static int64_t count_unread(const struct sliding *w)
{
    bool read[SIDE] = {false};
    int64_t missed = 0;

    for (int64_t i = 0; i < window_output(w); i++)
        for (int64_t tap = 0; tap < w->kernel; tap++) {
            int64_t at = window_reads(w, i, tap);

            CHECK(at >= -1 && at < w->size);
            if (at >= 0)
                read[at] = true;
        }
    for (int64_t at = 0; at < w->size; at++)
        missed += !read[at];
    return missed;
}

static int64_t part(uint64_t *draw, uint32_t count)
{
    const struct rng rng = {3, RNG_SYNTHETIC, 0};

    return rng_below(&rng, (*draw)++, count);
}

TEST("pixels that no tap reads are counted right, whatever stride, dilation and padding")
{
    uint64_t draw = 0;
    int64_t some = 0;

    for (int i = 0; i < CASES; i++) {
        struct sliding w = {.size = 1 + part(&draw, SIDE), .kernel = 1 + part(&draw, 4)};
        int64_t most;

        w.stride = 1 + part(&draw, 7);
        w.dilation = 1 + part(&draw, 6);
        w.mode = (int)part(&draw, 4);
        most = w.mode == PADDING_REFLECT ? w.size - 1 : w.mode == PADDING_CIRCULAR ? w.size : 6;
        w.before = part(&draw, (uint32_t)most + 1);
        w.behind = part(&draw, (uint32_t)most + 1);
        if (window_output(&w) == 0)
            continue;
        some += count_unread(&w) > 0;
        if (window_never_reads(&w, window_output(&w)) != count_unread(&w))
            FAIL("size %" PRId64 ", kernel %" PRId64 ", stride %" PRId64 ", dilation %" PRId64
                 ", padding %" PRId64 " and %" PRId64 ", mode %d: %" PRId64 ", not %" PRId64,
                 w.size, w.kernel, w.stride, w.dilation, w.before, w.behind, w.mode,
                 window_never_reads(&w, window_output(&w)), count_unread(&w));
    }
    CHECK(some > CASES / 20);
}

TEST("with dilation a window's output is floor((H + p − d(k − 1) − 1) / s) + 1, as counted")
{
    uint64_t draw = 0;

    for (int i = 0; i < CASES / 10; i++) {
        const struct sliding w = {.size = 1 + part(&draw, 12),
                                  .kernel = 1 + part(&draw, 5),
                                  .stride = 1 + part(&draw, 4),
                                  .dilation = 1 + part(&draw, 4),
                                  .before = part(&draw, 4),
                                  .behind = part(&draw, 4)};
        int64_t count = 0, first = -w.before;

        while (first + w.dilation * (w.kernel - 1) < w.size + w.behind) {
            count++;
            first += w.stride;
        }
        CHECK_INT(window_output(&w), count);
    }
}

/* ---- images with their padding ---- */

static real *drawn(int64_t count, uint64_t seed)
{
    real *values = malloc((size_t)count * sizeof(*values));

    CHECK(values != NULL);
    fill_symmetric(values, count, seed, 0);
    return values;
}

static double product(const real *a, const real *b, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void check_put(const struct padding *p, const real *bare, const real *whole)
{
    const struct sliding *y = &p->windows[0], *x = &p->windows[1];
    int64_t at = 0;

    for (int64_t row = 0; row < y->before + y->size + y->behind; row++)
        for (int64_t column = 0; column < x->before + x->size + x->behind; column++)
            for (int lane = 0; lane < p->lanes; lane++, at++) {
                int64_t from[2] = {window_reads(y, row, 0), window_reads(x, column, 0)};
                real wanted = from[0] < 0 || from[1] < 0
                                  ? 0
                                  : bare[(from[0] * x->size + from[1]) * p->lanes + lane];

                if (whole[at] != wanted)
                    FAIL("mode %d, row %" PRId64 ", column %" PRId64 ": %g, not %g", y->mode, row,
                         column, (double)whole[at], (double)wanted);
            }
    CHECK_INT(at, padding_whole(p));
}

TEST("an image with its padding holds what taps read there, and folding it back is the transpose")
{
    for (int i = 0; i < 4 * 3; i++) {
        struct padding p = {.lanes = (int[]){1, 8, 16}[i / 4]};
        int64_t whole_count, bare_count;
        real *bare, *whole, *other, *folded;

        p.windows[0] = (struct sliding){5, 1, 1, 1, 2, 4, i % 4, false};
        p.windows[1] = (struct sliding){3, 1, 1, 1, 1, 0, i % 4, false};
        bare_count = 2 * padding_bare(&p);
        whole_count = 2 * padding_whole(&p);
        bare = drawn(bare_count, 1);
        whole = drawn(whole_count, 2);
        other = drawn(whole_count, 3);
        folded = drawn(bare_count, 4);
        padding_put(&p, 2, bare, whole);
        check_put(&p, bare, whole);
        check_put(&p, bare + bare_count / 2, whole + whole_count / 2);
        padding_fold(&p, 2, other, folded);
        CHECK(fabs(product(whole, other, whole_count) - product(bare, folded, bare_count)) < 1e-4);
        free(bare);
        free(whole);
        free(other);
        free(folded);
    }
}
