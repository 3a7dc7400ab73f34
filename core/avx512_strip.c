/* Strips of weights: see avx512_strip.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_strip.h"

#include "core/avx512.h"

enum { STRIPS_MAX = 8, PANELS_MAX = 2 };

/* The sums of a tile. Where a processor adds beside multiplying, those of dy cost nothing. */
struct sums {
    avx512_vector dw[STRIPS_MAX][AVX512_STRIP_MAX][PANELS_MAX], db[PANELS_MAX];
};

AVX512_INLINE void add_pixel(const struct avx512_strip_kind kind, const float *const x[STRIPS_MAX],
                             int64_t at, const avx512_vector dy[PANELS_MAX], struct sums *sums)
{
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++)
        sums->db[v] += dy[v];
    AVX512_UNROLL
    for (int s = 0; s < kind.strips; s++) {
        AVX512_UNROLL
        for (int i = 0; i < kind.length; i++) {
            const float *from = x[s] + at + i;
            if (kind.panels == 1 && !kind.pairs) {
                avx512_add_spread(&sums->dw[s][i][0], dy[0], from);
                continue;
            }
            avx512_vector number = kind.pairs ? avx512_spread_two(from) : avx512_spread(from);
            AVX512_UNROLL
            for (int v = 0; v < kind.panels; v++)
                avx512_add(&sums->dw[s][i][v], dy[v], number);
        }
    }
}

AVX512_INLINE void add_row(const struct avx512_strips *t, int64_t row,
                           const struct avx512_strip_kind kind, struct sums *sums)
{
    const int width = kind.pairs ? 2 : 1;
    const int64_t x_step = t->x_step * width;
    const float *x[STRIPS_MAX], *from = t->dy + row * t->dy_row;
    avx512_vector dy[PANELS_MAX];
    int64_t at = 0;

    AVX512_UNROLL
    for (int s = 0; s < kind.strips; s++)
        x[s] = t->x + t->strips[s].x + row * t->x_row;
    for (int64_t left = t->pixels / width; left > 0; left--, at += x_step) {
        AVX512_UNROLL
        for (int v = 0; v < kind.panels; v++)
            dy[v] = avx512_load(from + v * t->dy_panel);
        if (kind.pairs)
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
    if (kind.pairs)
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
    for (int64_t row = 0; row < t->rows; row++)
        add_row(t, row, kind, &sums);
    AVX512_UNROLL
    for (int v = 0; v < kind.panels; v++) {
        AVX512_UNROLL
        for (int i = 0; i < kind.strips * kind.length; i++) {
            int strip = i / kind.length, number = i % kind.length;
            store_sum(kind, sums.dw[strip][number][v],
                      t->dw + t->strips[strip].dw + number * AVX512_LANES + v * t->dw_panel);
        }
        if (t->db)
            store_sum(kind, sums.db[v], t->db + v * AVX512_LANES);
    }
}

/* ---- the kinds ---- */

/* What does not fit into the registers is empty, and never asked for. */
#define TILE(name, strips, length)                                                                 \
    AVX512_TARGET static void name##_##strips##_of_##length(const struct avx512_strips *t)         \
    {                                                                                              \
        const struct avx512_strip_kind kind = {strips, length, name##_panels, name##_pairs};       \
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
enum { one_panels = 1, one_pairs = false, one_sums = 30 };
enum { two_panels = 2, two_pairs = false, two_sums = 26 };
enum { pair_panels = 1, pair_pairs = true, pair_sums = 26 };

/* Of rows of taps: see avx512_row. */
#define EACH_ODD(to, name) EACH_OF(to, name, 3) EACH_OF(to, name, 5) EACH_OF(to, name, 7)

EACH(TILE, one)
EACH(TILE, two)
EACH_ODD(TILE, pair)

static avx512_strip_tile *const one[] = {EACH(LISTED, one)}, *const two[] = {EACH(LISTED, two)},
                                *const pair[] = {EACH_ODD(LISTED, pair)};

int avx512_strip_most(int length, int panels, bool pairs)
{
    int sums = pairs ? pair_sums : panels == 2 ? two_sums : one_sums;
    int most = sums / (length * panels);
    return most < STRIPS_MAX ? most : STRIPS_MAX;
}

avx512_strip_tile *avx512_strip_tile_of(const struct avx512_strip_kind *kind)
{
    int strip = kind->strips - 1;
    if (kind->pairs)
        return pair[(kind->length - 3) / 2 * STRIPS_MAX + strip];
    return (kind->panels == 2 ? two : one)[(kind->length - 1) * STRIPS_MAX + strip];
}
#endif
