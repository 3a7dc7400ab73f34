/* Strips of weights: see avx512_strip.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_strip.h"

#include "core/avx512.h"

enum { STRIPS_MAX = 8, PANELS_MAX = 2 };

/* The sums of a tile. Where a processor adds beside multiplying, those of dy cost nothing. */
struct sums {
    avx512_vector dw[STRIPS_MAX][AVX512_STRIP_MAX][PANELS_MAX], db[PANELS_MAX];
};

AVX512_INLINE void add_number(const struct avx512_strip_kind kind, const float *from,
                              const avx512_vector dy[PANELS_MAX], avx512_vector sums[PANELS_MAX])
{
    avx512_vector number;
    if (kind.panels == 1 && kind.numbers == AVX512_REALS) {
        avx512_add_spread(&sums[0], dy[0], from);
        return;
    }
    if (kind.panels == 1 && kind.numbers == AVX512_BF16) {
        avx512_add_bf16_spread(&sums[0], dy[0], from);
        return;
    }
    number = kind.numbers == AVX512_PAIRS ? avx512_spread_two(from) : avx512_spread(from);
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++)
        if (kind.numbers == AVX512_BF16)
            avx512_add_bf16(&sums[v], dy[v], number);
        else
            avx512_add(&sums[v], dy[v], number);
}

AVX512_INLINE void add_pixel(const struct avx512_strip_kind kind, const float *const x[STRIPS_MAX],
                             int64_t at, const avx512_vector dy[PANELS_MAX], struct sums *sums)
{
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++)
        if (kind.numbers != AVX512_BF16)
            sums->db[v] += dy[v];
    AVX512_UNROLL
    for (int s = 0; s < kind.strips; s++) {
        AVX512_UNROLL
        for (int i = 0; i < kind.length; i++)
            add_number(kind, x[s] + at + i, dy, sums->dw[s][i]);
    }
}

/* A row of pixels. */
struct strip_row {
    const float *x, *dy;
};

AVX512_INLINE void add_row(const struct avx512_strips *t, const struct strip_row row,
                           const struct avx512_strip_kind kind, struct sums *sums)
{
    const int width = kind.numbers == AVX512_PAIRS ? 2 : 1;
    const int64_t x_step = t->x_step * width;
    const float *x[STRIPS_MAX], *from = row.dy;
    avx512_vector dy[PANELS_MAX];
    int64_t at = 0;

    AVX512_UNROLL
    for (int s = 0; s < kind.strips; s++)
        x[s] = row.x + t->strips[s].x;
    for (int64_t left = t->pixels / width; left > 0; left--, at += x_step) {
        AVX512_UNROLL
        for (int v = 0; v < kind.panels; v++)
            dy[v] = avx512_load(from + v * t->dy_panel);
        if (width == 2)
            dy[0] = avx512_pair(dy[0], avx512_load(from + AVX512_LANES));
        add_pixel(kind, x, at, dy, sums);
        from += width * AVX512_LANES;
    }
    if (t->pixels % width != 0) {
        dy[0] = avx512_pair(avx512_load(from), (avx512_vector){0});
        add_pixel(kind, x, at, dy, sums);
    }
}

AVX512_INLINE void store_sum(const struct avx512_strip_kind kind, avx512_vector sum, float *to)
{
    if (kind.numbers == AVX512_PAIRS)
        sum = avx512_first_of_pair(sum) + avx512_second_of_pair(sum);
    avx512_store(to, avx512_load(to) + sum);
}

AVX512_INLINE void tile_run(const struct avx512_strips *t, const struct avx512_strip_kind kind)
{
    struct sums sums;
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++) {
        sums.db[v] = (avx512_vector){0};
        AVX512_UNROLL
        for (int i = 0; i < kind.strips * kind.length; i++)
            sums.dw[i / kind.length][i % kind.length][v] = (avx512_vector){0};
    }
    for (int64_t i = 0; i < t->images; i++) {
        struct strip_row row = {t->x + i * t->x_image, t->dy + i * t->dy_image};
        for (int64_t left = t->rows; left > 0; left--, row.x += t->x_row, row.dy += t->dy_row)
            add_row(t, row, kind, &sums);
    }
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++) {
        AVX512_UNROLL
        for (int i = 0; i < kind.strips * kind.length; i++) {
            int strip = i / kind.length, number = i % kind.length;
            store_sum(kind, sums.dw[strip][number][v],
                      t->dw + t->strips[strip].dw + number * AVX512_LANES + v * t->dw_panel);
        }
        if (kind.numbers != AVX512_BF16 && t->db)
            store_sum(kind, sums.db[v], t->db + v * AVX512_LANES);
    }
}

/* ---- the kinds ---- */

/* What does not fit into the registers is empty, and never asked for. */
#define TILE(name, strips, length)                                                                 \
    AVX512_TARGET static void name##_##strips##_of_##length(const struct avx512_strips *t)         \
    {                                                                                              \
        const struct avx512_strip_kind kind = {strips, length, name##_panels,                      \
                                               (enum avx512_strip_numbers)name##_numbers};         \
        if (strips * length * name##_panels <= name##_sums)                                        \
            tile_run(t, kind);                                                                     \
    }
#define LISTED(name, strips, length) name##_##strips##_of_##length,
/* clang-format off */
#define EACH_OF(to, name, length)                                                                  \
    to(name, 1, length) to(name, 2, length) to(name, 3, length) to(name, 4, length)                \
    to(name, 5, length) to(name, 6, length) to(name, 7, length) to(name, 8, length)
#define EACH(to, name)                                                                             \
    EACH_OF(to, name, 1) EACH_OF(to, name, 2) EACH_OF(to, name, 3) EACH_OF(to, name, 4)            \
    EACH_OF(to, name, 5) EACH_OF(to, name, 6) EACH_OF(to, name, 7) EACH_OF(to, name, 8)
/* clang-format on */

/* Sums: what the registers hold beside what else a pixel needs. */
enum { one_panels = 1, one_numbers = AVX512_REALS, one_sums = 30 };
enum { two_panels = 2, two_numbers = AVX512_REALS, two_sums = 26 };
enum { pair_panels = 1, pair_numbers = AVX512_PAIRS, pair_sums = 26 };
enum { bf16_panels = 1, bf16_numbers = AVX512_BF16, bf16_sums = 30 };
enum { bf16_two_panels = 2, bf16_two_numbers = AVX512_BF16, bf16_two_sums = 28 };

/* Of rows of taps: see avx512_row. */
#define EACH_ODD(to, name) EACH_OF(to, name, 3) EACH_OF(to, name, 5) EACH_OF(to, name, 7)

EACH(TILE, one)
EACH(TILE, two)
EACH_ODD(TILE, pair)
EACH_OF(TILE, bf16, 8)
EACH_OF(TILE, bf16_two, 8)

static avx512_strip_tile *const one[] = {EACH(LISTED, one)}, *const two[] = {EACH(LISTED, two)},
                                *const pair[] = {EACH_ODD(LISTED, pair)},
                                *const bf16_one[] = {EACH_OF(LISTED, bf16, 8)},
                                *const bf16_two[] = {EACH_OF(LISTED, bf16_two, 8)};

int avx512_strip_most(int length, int panels, enum avx512_strip_numbers numbers)
{
    static const int sums[][PANELS_MAX] = {[AVX512_REALS] = {one_sums, two_sums},
                                           [AVX512_PAIRS] = {pair_sums},
                                           [AVX512_BF16] = {bf16_sums, bf16_two_sums}};
    int most = sums[numbers][panels - 1] / (length * panels);
    return most < STRIPS_MAX ? most : STRIPS_MAX;
}

avx512_strip_tile *avx512_strip_tile_of(const struct avx512_strip_kind *kind)
{
    int strip = kind->strips - 1;
    if (kind->numbers == AVX512_PAIRS)
        return pair[(kind->length - 3) / 2 * STRIPS_MAX + strip];
    if (kind->numbers == AVX512_BF16)
        return (kind->panels == 2 ? bf16_two : bf16_one)[strip];
    return (kind->panels == 2 ? two : one)[(kind->length - 1) * STRIPS_MAX + strip];
}
#endif
