/* Rows of numbers for batch normalization: what is left of a row at the end, and the choice of the
 * loops. See batch_norm2d_rows.h. */
#include "core/batch_norm2d_kernel.h"
#include "core/isa.h"

#include <string.h>

const struct rows_kernel *rows_best(void)
{
#if defined(__x86_64__)
    if (isa_has_bf16())
        return &rows_avx512_bf16;
    if (isa_best() == ISA_AVX512)
        return &rows_avx512;
    if (isa_best() == ISA_AVX2)
        return &rows_avx2;
#endif
    return &rows_baseline;
}

/* A row of either kind. */
union row {
    real reals[LANES];
    bf16 narrow[LANES];
};

/* The numbers that no whole row is left for, those at the end of `count`. */
struct rest {
    enum number number;
    int64_t at, count; /* where they begin, and how many they are */
};

static struct rest rest_of(enum number number, int64_t count)
{
    return (struct rest){number, count - count % LANES, count % LANES};
}

static const void *rest_take(const struct rest *rest, const void *from, union row *row)
{
    size_t size = number_size(rest->number);
    memcpy(row, (const unsigned char *)from + (size_t)rest->at * size, (size_t)rest->count * size);
    return row;
}

static void rest_give(const struct rest *rest, const union row *row, void *to)
{
    size_t size = number_size(rest->number);
    memcpy((unsigned char *)to + (size_t)rest->at * size, row, (size_t)rest->count * size);
}

/* Where its row's words are, and which bit of them. */
static int64_t rest_word(const struct rest *rest)
{
    return rest->at / LANES / WORD_ROWS * LANES;
}

static int rest_bit(const struct rest *rest)
{
    return (int)(rest->at / LANES % WORD_ROWS);
}

/* Lanes without a number hold what it is summed around, and add nothing. */
void rows_add_moments(const struct rows_kernel *kernel, enum number number,
                      const struct rows_moments *rows)
{
    const struct rest rest = rest_of(number, rows->count);
    struct rows_moments part = *rows;
    union row row;
    part.count = rest.at;
    kernel->moments[number](&part);
    if (rest.count == 0)
        return;
    for (int64_t lane = 0; lane < LANES; lane++)
        number_put(number, &row, lane, (real)rows->to->around.value[lane]);
    part.count = LANES;
    part.x = rest_take(&rest, rows->x, &row);
    kernel->moments[number](&part);
}

void rows_normalize(const struct rows_kernel *kernel, enum number number,
                    const struct rows_normal *rows)
{
    const struct rest rest = rest_of(number, rows->count);
    rows_normal_run *run = kernel->normal[number][rows->other != NULL][rows->passed != NULL];
    union row x = {{0}}, other = {{0}}, y;
    struct rows_normal part = *rows;
    part.count = rest.at;
    run(&part, 0);
    if (rest.count == 0)
        return;
    part.count = LANES;
    part.x = rest_take(&rest, rows->x, &x);
    part.other = rows->other ? rest_take(&rest, rows->other, &other) : NULL;
    part.passed = rows->passed ? rows->passed + rest_word(&rest) : NULL;
    part.y = &y;
    run(&part, rest_bit(&rest));
    rest_give(&rest, &y, rows->y);
}

void rows_add_slopes(const struct rows_kernel *kernel, enum number number,
                     const struct rows_slopes *rows)
{
    const struct rest rest = rest_of(number, rows->count);
    union row x = {{0}}, dy = {{0}};
    struct rows_slopes part = *rows;
    part.count = rest.at;
    kernel->slopes[number](&part, 0);
    if (rest.count == 0)
        return;
    part.count = LANES;
    part.x = rest_take(&rest, rows->x, &x);
    part.dy = rest_take(&rest, rows->dy, &dy);
    part.passed = rows->passed ? rows->passed + rest_word(&rest) : NULL;
    kernel->slopes[number](&part, rest_bit(&rest));
}

void rows_gradient(const struct rows_kernel *kernel, enum number number,
                   const struct rows_gradient *rows)
{
    const struct rest rest = rest_of(number, rows->count);
    rows_gradient_run *run = kernel->gradient[number][rows->dx != NULL][rows->dother != NULL];
    union row x = {{0}}, dy = {{0}}, dx, dother;
    struct rows_gradient part = *rows;
    if (!run)
        return;
    part.count = rest.at;
    run(&part, 0);
    if (rest.count == 0)
        return;
    part.count = LANES;
    part.x = rest_take(&rest, rows->x, &x);
    part.dy = rest_take(&rest, rows->dy, &dy);
    part.passed = rows->passed ? rows->passed + rest_word(&rest) : NULL;
    part.dx = &dx;
    part.dother = &dother;
    run(&part, rest_bit(&rest));
    if (rows->dx)
        rest_give(&rest, &dx, rows->dx);
    if (rows->dother)
        rest_give(&rest, &dother, rows->dother);
}
