/* Rows of batch normalization: for every instruction set, length and kind of number what plain
 * loops give, to the last bit. */
#include "tests/harness.h"

#include "core/batch_norm2d_kernel.h"
#include "core/isa.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1300, WORDS = 48, GUARD = 7 };

/* Numbers of one kind, and behind them some that nobody may touch. */
union numbers {
    real reals[MOST + GUARD];
    bf16 narrow[MOST + GUARD];
};

struct row_set {
    enum number number;
    int64_t count;
    bool sum_with, relu;
    union numbers x, other, dy, y, dx, dother;
    uint32_t passed[WORDS];
    struct rows_sums moments, slopes;
    struct rows_affine affine;
    struct rows_slope slope;
};

static void draw_lanes(real *values, uint64_t seed, uint32_t epoch)
{
    fill_symmetric(values, LANES, seed, epoch);
}

static void draw_numbers(enum number number, union numbers *numbers, uint64_t seed, uint32_t epoch)
{
    static real drawn[MOST + GUARD];

    fill_symmetric(drawn, MOST + GUARD, seed, epoch);
    for (int64_t i = 0; i < MOST + GUARD; i++)
        number_put(number, numbers, i, drawn[i]);
}

static void draw_set(uint64_t seed, struct row_set *set)
{
    struct dice dice = {{seed, RNG_SYNTHETIC, 9}, 0};
    real drawn[LANES];

    memset(set, 0, sizeof(*set));
    set->count = roll(&dice, 0, roll(&dice, 0, 2) == 0 ? MOST : 40);
    set->number = roll(&dice, 0, 1) == 0 ? NUMBER_REAL : NUMBER_BF16;
    set->sum_with = roll(&dice, 0, 1) == 0;
    set->relu = roll(&dice, 0, 3) > 0;
    draw_numbers(set->number, &set->x, seed, 0);
    draw_numbers(set->number, &set->other, seed, 1);
    draw_numbers(set->number, &set->dy, seed, 2);
    draw_numbers(set->number, &set->y, seed, 3);
    memcpy(&set->dx, &set->y, sizeof(set->dx));
    memcpy(&set->dother, &set->y, sizeof(set->dother));
    if (roll(&dice, 0, 4) == 0)
        number_put(set->number, &set->x, roll(&dice, 0, MOST - 1), (real)NAN);
    draw_lanes(set->affine.mean.value, seed, 4);
    draw_lanes(set->affine.scale.value, seed, 5);
    draw_lanes(set->affine.shift.value, seed, 6);
    draw_lanes(set->slope.mean.value, seed, 7);
    draw_lanes(set->slope.same.value, seed, 8);
    draw_lanes(set->slope.lean.value, seed, 9);
    draw_lanes(set->slope.level.value, seed, 10);
    draw_lanes(drawn, seed, 11);
    for (int lane = 0; lane < LANES; lane++) {
        set->moments.around.value[lane] = (double)bf16_widen(bf16_round(drawn[lane]));
        set->slopes.around.value[lane] = (double)(drawn[lane] / 3);
        set->slopes.sums.value[lane] = (double)drawn[lane];
    }
}

/* ---- the oracle ---- */

static bool has_passed(const struct row_set *set, int64_t i)
{
    int64_t row = i / LANES, word = row / WORD_ROWS * LANES + i % LANES;

    return !set->relu || (set->passed[word] >> row % WORD_ROWS & 1) != 0;
}

/* Where sums of bf16 go into doubles: behind a piece, behind the last whole row and at the end. */
static bool ends_piece(const struct row_set *set, int64_t i)
{
    int64_t row = i / LANES, whole = set->count / LANES;

    return row >= whole || row % ROWS_PIECE == ROWS_PIECE - 1 || row == whole - 1;
}

/* One more of a lane's numbers: added in double, in bf16 by pieces of reals. */
struct plain_sum {
    real piece[LANES];
};

static void add_plainly(const struct row_set *set, struct plain_sum *sum, double *to, int64_t i,
                        double value)
{
    real *piece = &sum->piece[i % LANES];

    if (set->number == NUMBER_REAL) {
        to[i % LANES] += value;
        return;
    }
    *piece += (real)value;
    if (ends_piece(set, i)) {
        to[i % LANES] += (double)*piece;
        *piece = 0;
    }
}

/* a·b as the sums of that kind of numbers have it. */
static double multiply(const struct row_set *set, double a, double b)
{
    return set->number == NUMBER_REAL ? a * b : (double)((real)a * (real)b);
}

static double subtract(const struct row_set *set, double a, double b)
{
    return set->number == NUMBER_REAL ? a - b : (double)((real)a - (real)b);
}

static void run_forward_plainly(struct row_set *set)
{
    struct plain_sum sums = {{0}}, products = {{0}};

    for (int64_t i = 0; i < set->count; i++) {
        int64_t lane = i % LANES, row = i / LANES;
        real x = number_get(set->number, &set->x, i);
        double d = subtract(set, (double)x, set->moments.around.value[lane]);
        real value = (x - set->affine.mean.value[lane]) * set->affine.scale.value[lane] +
                     set->affine.shift.value[lane];

        add_plainly(set, &sums, set->moments.sums.value, i, d);
        add_plainly(set, &products, set->moments.products.value, i, multiply(set, d, d));
        if (set->sum_with)
            value += number_get(set->number, &set->other, i);
        if (set->relu && !(value <= 0))
            set->passed[row / WORD_ROWS * LANES + lane] |= (uint32_t)1 << row % WORD_ROWS;
        number_put(set->number, &set->y, i, set->relu && value <= 0 ? 0 : value);
    }
}

static void run_backward_plainly(struct row_set *set)
{
    struct plain_sum sums = {{0}}, products = {{0}};

    for (int64_t i = 0; i < set->count; i++) {
        int64_t lane = i % LANES;
        real x = number_get(set->number, &set->x, i);
        real dy = has_passed(set, i) ? number_get(set->number, &set->dy, i) : 0;
        double d = subtract(set, (double)x, set->slopes.around.value[lane]);

        add_plainly(set, &sums, set->slopes.sums.value, i, (double)dy);
        add_plainly(set, &products, set->slopes.products.value, i, multiply(set, (double)dy, d));
        number_put(set->number, &set->dx, i,
                   dy * set->slope.same.value[lane] -
                       (x - set->slope.mean.value[lane]) * set->slope.lean.value[lane] -
                       set->slope.level.value[lane]);
        if (set->sum_with)
            number_put(set->number, &set->dother, i, dy);
    }
}

/* ---- what is tested ---- */

static void run_forward(const struct rows_kernel *kernel, struct row_set *set)
{
    const struct rows_moments moments = {&set->x, set->count, &set->moments};
    const struct rows_normal normal = {.x = &set->x,
                                       .other = set->sum_with ? &set->other : NULL,
                                       .y = &set->y,
                                       .passed = set->relu ? set->passed : NULL,
                                       .count = set->count,
                                       .by = &set->affine};

    rows_add_moments(kernel, set->number, &moments);
    rows_normalize(kernel, set->number, &normal);
}

static void run_backward(const struct rows_kernel *kernel, struct row_set *set, bool want_dx)
{
    const uint32_t *passed = set->relu ? set->passed : NULL;
    const struct rows_slopes slopes = {&set->x, &set->dy, passed, set->count, &set->slopes};
    const struct rows_gradient gradient = {.x = &set->x,
                                           .dy = &set->dy,
                                           .passed = passed,
                                           .dx = want_dx ? &set->dx : NULL,
                                           .dother = set->sum_with ? &set->dother : NULL,
                                           .count = set->count,
                                           .by = &set->slope};

    rows_add_slopes(kernel, set->number, &slopes);
    rows_gradient(kernel, set->number, &gradient);
}

/* NaNs need not have the same bits. */
static void check_same(const char *what, const struct row_set *set, const union numbers *got,
                       const union numbers *wanted)
{
    for (int64_t i = 0; i < MOST + GUARD; i++) {
        real a = number_get(set->number, got, i), b = number_get(set->number, wanted, i);

        if (!(a == b || (isnan(a) && isnan(b))))
            FAIL("%s[%" PRId64 "] of %" PRId64 " is %g, not %g", what, i, set->count, (double)a,
                 (double)b);
    }
}

static void check_sums(const char *what, const struct rows_sums *got,
                       const struct rows_sums *wanted)
{
    const double *a = got->sums.value, *b = wanted->sums.value;

    for (int i = 0; i < 2 * LANES; i++, a++, b++) {
        if (i == LANES) {
            a = got->products.value;
            b = wanted->products.value;
        }
        if (!(*a == *b || (isnan(*a) && isnan(*b))))
            FAIL("%s of lane %d: %.17g, not %.17g", what, i, *a, *b);
    }
}

static struct row_set got, wanted, first;

static void check_set(const struct rows_kernel *kernel, bool want_dx)
{
    got = first;
    run_forward(kernel, &got);
    check_same("y", &first, &got.y, &wanted.y);
    check_sums("moments", &got.moments, &wanted.moments);
    for (int64_t i = 0; i < first.count; i++)
        CHECK(has_passed(&got, i) == has_passed(&wanted, i));
    for (int64_t i = rows_words(first.count); i < WORDS; i++)
        CHECK(got.passed[i] == 0);
    run_backward(kernel, &got, want_dx);
    check_same("dx", &first, &got.dx, want_dx ? &wanted.dx : &first.dx);
    check_same("dother", &first, &got.dother, &wanted.dother);
    check_same("dy", &first, &got.dy, &first.dy);
    check_sums("slopes", &got.slopes, &wanted.slopes);
}

TEST("rows of batch norm: every instruction set gives the digits of plain loops, in both kinds of "
     "numbers, whatever is left of the last row")
{
    const struct rows_kernel *kernels[4] = {&rows_baseline};
    int count = 1;

#if defined(__x86_64__)
    if (isa_best() >= ISA_AVX2)
        kernels[count++] = &rows_avx2;
    if (isa_best() >= ISA_AVX512)
        kernels[count++] = &rows_avx512;
#endif
    kernels[count++] = rows_best();
    for (uint64_t seed = 0; seed < 500; seed++) {
        draw_set(seed, &first);
        wanted = first;
        run_forward_plainly(&wanted);
        run_backward_plainly(&wanted);
        for (int k = 0; k < count; k++)
            check_set(kernels[k], seed % 5 > 0);
    }
}

TEST("the gradient of what is added may be written over the one it is made from")
{
    draw_set(1, &first);
    first.count = 700;
    first.sum_with = first.relu = true;
    wanted = first;
    run_forward_plainly(&wanted);
    run_backward_plainly(&wanted);
    got = wanted;
    rows_gradient(rows_best(), got.number,
                  &(struct rows_gradient){.x = &got.x,
                                          .dy = &got.dy,
                                          .passed = got.passed,
                                          .dx = &got.dx,
                                          .dother = &got.dy,
                                          .count = got.count,
                                          .by = &got.slope});
    for (int64_t i = 0; i < got.count; i++)
        CHECK(number_get(got.number, &got.dy, i) == number_get(got.number, &wanted.dother, i));
    check_same("dx", &got, &got.dx, &wanted.dx);
}
