/* Rows of pixels in tiles: see avx512_row.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_row.h"

#include "core/avx512.h"
#include "core/field.h"

/* TILE_MAX: pixels or pairs whose sums fit into the registers beside the weights of a row of taps;
 * TILE_LESS: with two panels, and with pairs, which want places as well. */
enum { TILE_MAX = 16, TILE_LESS = 14, TAPS_MAX = 7, PANELS_MAX = 2 };

AVX512_INLINE void tile_add(const struct avx512_row_kind kind, const int count, const float *x,
                            const float *w, avx512_vector sums[TILE_MAX][PANELS_MAX])
{
    const int width = kind.pairs ? 2 : 1;
    avx512_vector weights[TAPS_MAX * PANELS_MAX], number;

    AVX512_UNROLL
    for (int i = 0; i < kind.taps * kind.panels; i++)
        weights[i] = avx512_load(w + i * AVX512_LANES);
    AVX512_UNROLL
    for (int at = 0; at < width * (count - 1) + kind.taps; at++) {
        if (kind.taps * kind.panels == 1) {
            avx512_add_spread(&sums[at][0], weights[0], x + at * kind.step);
            continue;
        }
        number = kind.pairs ? avx512_spread_two(x + at) : avx512_spread(x + at * kind.step);
        AVX512_UNROLL
        for (int tap = 0; tap < kind.taps; tap++) {
            if (at < tap || (at - tap) % width != 0 || (at - tap) / width >= count)
                continue;
            AVX512_UNROLL
            for (int v = 0; v < kind.panels; v++)
                avx512_add(&sums[(at - tap) / width][v], weights[tap * kind.panels + v], number);
        }
    }
}

AVX512_INLINE void store_pair(float *y, int64_t y_step, avx512_vector pair, bool both)
{
    avx512_store(y, avx512_first_of_pair(pair));
    if (both)
        avx512_store(y + y_step, avx512_second_of_pair(pair));
}

AVX512_INLINE void tile_run(const struct avx512_row *row, const int count,
                            const struct avx512_row_kind kind)
{
    const int64_t y_step = row->y_step;
    avx512_vector sums[TILE_MAX][PANELS_MAX];
    const float *w = row->w;

    AVX512_UNROLL
    for (int i = 0; i < count; i++) {
        AVX512_UNROLL
        for (int v = 0; v < kind.panels; v++)
            sums[i][v] = avx512_load(row->start + v * AVX512_LANES);
    }
    for (int64_t r = 0; r < row->run_count; r++) {
        const float *x = row->x + row->runs[r];
        for (int64_t left = row->run; left > 0; left--, x++) {
            tile_add(kind, count, x, w, sums);
            w += kind.taps * kind.panels * AVX512_LANES;
        }
    }
    AVX512_UNROLL
    for (int i = 0; i < count; i++) {
        if (kind.pairs) {
            store_pair(row->y + 2 * i * y_step, y_step, sums[i][0], i < count - 1 || !row->odd);
            continue;
        }
        AVX512_UNROLL
        for (int v = 0; v < kind.panels; v++)
            avx512_store(row->y + i * y_step + v * row->y_panel, sums[i][v]);
    }
}

/* ---- the kinds ---- */

static inline int most_of(const struct avx512_row_kind kind)
{
    return kind.panels > 1 || kind.pairs ? TILE_LESS : TILE_MAX;
}

/* What does not fit into the registers is empty, and never asked for. */
#define TILE(name, count)                                                                          \
    AVX512_TARGET static void name##_of_##count(const struct avx512_row *row)                      \
    {                                                                                              \
        if (count <= most_of(name##_kind))                                                         \
            tile_run(row, count, name##_kind);                                                     \
    }
/* clang-format off */
#define EACH(to, name)                                                                             \
    to(name, 1) to(name, 2) to(name, 3) to(name, 4) to(name, 5) to(name, 6) to(name, 7)            \
    to(name, 8) to(name, 9) to(name, 10) to(name, 11) to(name, 12) to(name, 13) to(name, 14)       \
    to(name, 15) to(name, 16)
/* clang-format on */
#define TILES(name, taps, panels, step, pairs)                                                     \
    static const struct avx512_row_kind name##_kind = {taps, panels, step, pairs};                 \
    EACH(TILE, name)

/* clang-format off */
TILES(plain_3,       3, 1,  1, false)
TILES(plain_5,       5, 1,  1, false)
TILES(plain_7,       7, 1,  1, false)
TILES(pairs_3,       3, 1,  1, true)
TILES(pairs_5,       5, 1,  1, true)
TILES(pairs_7,       7, 1,  1, true)
TILES(block,         1, 1, 16, false)
TILES(block_3,       3, 1, 16, false)
TILES(block_5,       5, 1, 16, false)
TILES(block_7,       7, 1, 16, false)
TILES(panels,        1, 2, 16, false)
/* clang-format on */

#define LISTED(name, count) name##_of_##count,
#define ROW(name)                                                                                  \
    {                                                                                              \
        &name##_kind,                                                                              \
        {                                                                                          \
            EACH(LISTED, name)                                                                     \
        }                                                                                          \
    }

static const struct row {
    const struct avx512_row_kind *kind;
    avx512_row_tile *tiles[TILE_MAX];
} rows[] = {
    ROW(plain_3), ROW(plain_5), ROW(plain_7), ROW(pairs_3), ROW(pairs_5), ROW(pairs_7),
    ROW(block_3), ROW(block_5), ROW(block_7), ROW(block),   ROW(panels),
};

bool avx512_row_cut(const struct avx512_row_kind *kind, int64_t pixels, struct avx512_row_cut *out)
{
    int width = kind->pairs ? 2 : 1;
    int64_t units = (pixels + width - 1) / width, most = most_of(*kind);
    int64_t count = (units + most - 1) / most;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct avx512_row_kind *k = rows[i].kind;
        if (k->taps != kind->taps || k->panels != kind->panels || k->step != kind->step ||
            k->pairs != kind->pairs)
            continue;
        *out = (struct avx512_row_cut){.tiles = rows[i].tiles,
                                       .count = count,
                                       .size = units / count,
                                       .longer = units % count,
                                       .x_step = (int64_t)width * kind->step,
                                       .width = width,
                                       .odd = pixels % width != 0};
        return true;
    }
    return false;
}

void avx512_row_run(const struct avx512_row_cut *cut, struct avx512_row *row)
{
    for (int64_t i = 0; i < cut->count; i++) {
        int64_t size = cut->size + (i < cut->longer);
        row->odd = cut->odd && i == cut->count - 1;
        cut->tiles[size - 1](row);
        row->x += size * cut->x_step;
        row->y += size * cut->width * row->y_step;
    }
}
#endif
