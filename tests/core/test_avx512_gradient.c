/* Weight gradients by AVX-512, reals and bf16: against sums one by one, in double. */
#include "tests/harness.h"

#include "core/isa.h"
#include "core/rng.h"
#include "tests/core/support_lot.h"

#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_gradient.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16 };

/* A convolution without groups, and samples of it in the kernel's layouts. */
struct work {
    struct avx512_task task;
    int64_t count, planes, panels, x_image, y_image, height, width;
    real *x, *dy;
};

static int64_t blocks(int64_t channels)
{
    return (channels + LANES - 1) / LANES;
}

/* Draws that bf16 holds; the lanes behind the channels are zero. */
static real *drawn(const struct rng *rng, int64_t images, int64_t pixels, int64_t channels)
{
    int64_t planes = blocks(channels), count = images * planes * pixels * LANES;
    real *values = calloc((size_t)count, sizeof(*values));

    CHECK(values != NULL);
    for (int64_t i = 0; i < count; i++) {
        int64_t channel = i / LANES / pixels % planes * LANES + i % LANES;

        if (channel < channels)
            values[i] = bf16_widen(bf16_round((real)(2 * rng_uniform(rng, (uint64_t)i) - 1)));
    }
    return values;
}

static void work_roll(struct work *work, uint64_t number)
{
    struct dice dice = {{number, RNG_SYNTHETIC, 3}, 0};
    const struct rng rngs[] = {{number, RNG_SYNTHETIC, 4}, {number, RNG_SYNTHETIC, 5}};
    struct sliding *w = work->task.padding.windows;

    *work = (struct work){.task = {.padding.lanes = LANES}};
    work->task.channels = roll(&dice, 0, 2) == 0 ? roll(&dice, 1, 40) : LANES * roll(&dice, 1, 4);
    work->task.filters = roll(&dice, 1, 40);
    work->count = roll(&dice, 1, 20);
    for (int axis = 0; axis < 2; axis++) {
        w[axis].kernel = roll(&dice, 1, 5);
        w[axis].dilation = roll(&dice, 0, 2) == 0 ? roll(&dice, 1, 3) : 1;
        w[axis].stride = roll(&dice, 0, 2) == 0 ? roll(&dice, 1, 3) : 1;
        w[axis].before = roll(&dice, 0, 4);
        w[axis].behind = roll(&dice, 0, 4);
        w[axis].size = roll(&dice, 1, number % 8 == 0 ? 70 : 14) + window_extent(&w[axis]) -
                       (w[axis].before + w[axis].behind) / 2;
        if (w[axis].size < 1 || window_output(&w[axis]) == 0)
            w[axis].size = window_extent(&w[axis]);
    }
    work->height = window_output(&w[0]);
    work->width = window_output(&w[1]);
    work->planes = blocks(work->task.channels);
    work->panels = blocks(work->task.filters);
    work->x_image = work->planes * w[0].size * w[1].size * LANES;
    work->y_image = work->panels * work->height * work->width * LANES;
    work->x = drawn(&rngs[0], work->count, w[0].size * w[1].size, work->task.channels);
    work->dy = drawn(&rngs[1], work->count, work->height * work->width, work->task.filters);
}

static void work_drop(struct work *work)
{
    free(work->x);
    free(work->dy);
}

/* The gradient of one weight, and the mass of its products; of a bias where `at` is NULL. */
static double sum_of(const struct work *work, int64_t filter, const struct avx512_weight *at,
                     double *mass)
{
    const struct sliding *w = work->task.padding.windows;
    int64_t pixels = work->height * work->width;
    double sum = 0;

    for (int64_t i = 0; i < work->count * pixels; i++) {
        int64_t n = i / pixels, row = i % pixels / work->width, column = i % work->width;
        double x = 1, dy = (double)work->dy[n * work->y_image + filter / LANES * pixels * LANES +
                                            i % pixels * LANES + filter % LANES];

        if (at != NULL) {
            int64_t y = window_reads(&w[0], row, at->row),
                    z = window_reads(&w[1], column, at->column);
            int64_t place = ((at->channel / LANES * w[0].size + y) * w[1].size + z) * LANES;

            x = y < 0 || z < 0 ? 0
                               : (double)work->x[n * work->x_image + place + at->channel % LANES];
        }
        sum += x * dy;
        *mass += fabs(x * dy);
    }
    return sum;
}

static bf16 *rounded(const real *values, int64_t count)
{
    bf16 *all = malloc((size_t)count * sizeof(*all));

    CHECK(all != NULL);
    bf16_round_all(values, all, count);
    return all;
}

/* The slot of all samples. */
static void compute(struct work *work, enum number number, real **slot,
                    struct avx512_gradient *gradient)
{
    struct avx512_samples samples = {work->x, work->dy, work->count, 0, NULL};
    bf16 *x = rounded(work->x, work->count * work->x_image);
    bf16 *dy = rounded(work->dy, work->count * work->y_image);
    struct block memory = {0};
    struct error error = {0};

    work->task.padding.number = number;
    CHECK(avx512_gradient_make(&work->task, gradient));
    avx512_gradient_reserve(gradient, &memory);
    CHECK(block_take(&memory, &error));
    avx512_gradient_fill(gradient);
    *slot = malloc((size_t)gradient->slot * sizeof(**slot));
    CHECK(*slot != NULL);
    if (number == NUMBER_BF16) {
        int64_t words = gradient->words.x + gradient->words.dy;

        samples.words = malloc((size_t)words * sizeof(*samples.words));
        CHECK(samples.words != NULL);
        memset(samples.words, 0xff, (size_t)words * sizeof(*samples.words)); /* not a number */
        samples.x = x;
        samples.dy = dy;
    }
    avx512_gradient_run(gradient, &samples, *slot, true);
    block_drop(&memory);
    free(samples.words);
    free(x);
    free(dy);
}

static void check(const char *what, double is, double wanted, double mass)
{
    if (!(fabs(is - wanted) <= 1e-30 + 3e-6 * mass))
        FAIL("%s is %.9g, not %.9g", what, is, wanted);
}

static real *taken(const struct avx512_gradient *gradient, const real *slot)
{
    real *plain = malloc((size_t)avx512_gradient_biases(gradient) * sizeof(*plain));

    CHECK(plain != NULL);
    avx512_gradient_take(gradient, slot, plain);
    return plain;
}

/* Some weights of each, drawn; all biases. */
static void check_lot(uint64_t number, enum number numbers)
{
    struct dice dice = {{number, RNG_SYNTHETIC, 6}, 0};
    struct avx512_gradient gradient;
    struct work work;
    real *slot, *plain = NULL;

    work_roll(&work, number);
    if (numbers == NUMBER_REAL && work.task.channels < 9)
        work.task.channels = 16;
    compute(&work, numbers, &slot, &gradient);
    if (numbers == NUMBER_BF16)
        plain = taken(&gradient, slot);
    for (int i = 0; i < 40; i++) {
        const struct sliding *w = work.task.padding.windows;
        struct avx512_weight at = {
            roll(&dice, 0, work.task.filters - 1), roll(&dice, 0, work.task.channels - 1),
            roll(&dice, 0, w[0].kernel - 1), roll(&dice, 0, w[1].kernel - 1)};
        double mass = 0, wanted = sum_of(&work, at.filter, &at, &mass);

        check("a weight's gradient", (double)slot[avx512_gradient_place(&gradient, &at)], wanted,
              mass);
        if (plain) {
            int64_t place = (at.filter * work.planes * LANES + at.channel) * w[0].kernel + at.row;

            check("in the plain order it", (double)plain[place * w[1].kernel + at.column], wanted,
                  mass);
        }
    }
    for (int64_t f = 0; f < work.task.filters; f++) {
        double mass = 0, wanted = sum_of(&work, f, NULL, &mass);

        check("a bias's gradient", (double)slot[avx512_gradient_biases(&gradient) + f], wanted,
              mass);
    }
    free(slot);
    free(plain);
    work_drop(&work);
}

TEST_SLOW("weight gradients of reals are sums over all pixels", 120)
{
    if (isa_best() != ISA_AVX512)
        SKIP("no AVX-512");
    for (uint64_t number = 0; number < 300; number++)
        check_lot(number, NUMBER_REAL);
}

TEST_SLOW("weight gradients of bf16 are sums of exact products over all pixels", 120)
{
    if (!isa_has_bf16())
        SKIP("no AVX512-BF16");
    for (uint64_t number = 0; number < 300; number++)
        check_lot(number, NUMBER_BF16);
}
#endif
