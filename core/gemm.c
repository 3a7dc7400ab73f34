/* Matrix products over views: see gemm.h. */
#include "core/gemm_kernel.h"

#include "core/isa.h"

#include <string.h>

const struct gemm_kernel *gemm_best(void)
{
#if defined(__x86_64__)
    if (isa_best() == ISA_AVX512)
        return &gemm_avx512;
    if (isa_best() == ISA_AVX2)
        return &gemm_avx2;
#endif
    return &gemm_baseline;
}

const char *gemm_name(const struct gemm_kernel *kernel)
{
    return kernel->name;
}

/* Which panels are being computed. */
struct part {
    const struct gemm_kernel *kernel;
    const struct gemm *gemm;
    int64_t panel;
    int panels;
    int64_t narrow; /* columns of C where it has no whole panel left; 0: it has */
};

/* A row of C on its way along the axis. */
struct cursor {
    int64_t place, step;
};

static int least(int64_t a, int b)
{
    return a < b ? (int)a : b;
}

/* The next rows of the axis, `most` at most; returns how many there are. */
static int take_rows(const struct gemm_axis *rows, struct cursor *at, int most,
                     struct gemm_place *out)
{
    int count = 0;
    for (; count < most && at->place < rows->count; count++) {
        const struct gemm_place *place = &rows->places[at->place];
        out[count].a = place->a + at->step * rows->a_step;
        out[count].other = place->other + at->step * rows->other_step;
        if (++at->step == place->run) {
            at->step = 0;
            at->place++;
        }
    }
    return count;
}

/* A tile whose panel is not all there in C: by way of one that is. */
static void run_narrow(gemm_tile_run *run, struct gemm_tile *tile, int count, int64_t columns)
{
    real panel[GEMM_ROWS_MAX][GEMM_LANES] = {{0}}, *c[GEMM_ROWS_MAX];
    size_t bytes = (size_t)columns * sizeof(real);
    for (int i = 0; i < count; i++) {
        c[i] = tile->c[i];
        tile->c[i] = panel[i];
        if (tile->add)
            memcpy(panel[i], c[i], bytes);
    }
    run(tile);
    for (int i = 0; i < count; i++)
        memcpy(c[i], panel[i], bytes);
}

/* All rows of C for one block of the sum: `tile` holds everything but the rows. */
static void run_rows(const struct part *part, struct gemm_tile *tile)
{
    const struct gemm *g = part->gemm;
    gemm_tile_run *const *tiles =
        g->lanewise ? part->kernel->lanewise : part->kernel->tiles[part->panels - 1];
    real *c = g->c + part->panel * g->c_panel;
    struct gemm_place rows[GEMM_ROWS_MAX];
    struct cursor at = {0, 0};
    int count;
    while ((count = take_rows(&g->rows, &at, part->kernel->rows, rows)) > 0) {
        for (int i = 0; i < count; i++) {
            tile->a[i] = g->a + rows[i].a;
            tile->c[i] = c + rows[i].other;
        }
        if (part->narrow > 0)
            run_narrow(tiles[count - 1], tile, count, part->narrow);
        else
            tiles[count - 1](tile);
    }
    tile->add = true;
}

/* A run longer than a block, cut into blocks. */
static void run_long(const struct part *part, struct gemm_tile *tile, struct gemm_place place)
{
    const struct gemm_axis *inner = &part->gemm->inner;
    int64_t left = place.run;
    tile->places = &place;
    tile->count = 1;
    for (; left > 0; left -= GEMM_BLOCK) {
        place.run = least(left, GEMM_BLOCK);
        run_rows(part, tile);
        place.a += GEMM_BLOCK * inner->a_step;
        place.other += GEMM_BLOCK * inner->other_step;
    }
}

/* The whole sum, block by block. */
static void run_part(const struct part *part)
{
    static const real zeros[GEMM_PANELS_MAX * GEMM_LANES];
    const struct gemm *g = part->gemm;
    const struct gemm_place *place = g->inner.places, *end = place + g->inner.count;
    struct gemm_tile tile = {.a_step = g->inner.a_step,
                             .b = g->b + part->panel * g->b_panel,
                             .b_step = g->inner.other_step,
                             .b_panel = g->b_panel,
                             .c_panel = g->c_panel,
                             .add = g->add,
                             .start = g->start ? g->start + part->panel * GEMM_LANES : zeros};
    while (place < end) {
        int64_t length = place->run;
        if (length > GEMM_BLOCK) {
            run_long(part, &tile, *place++);
            continue;
        }
        tile.places = place++;
        while (place < end && length + place->run <= GEMM_BLOCK)
            length += place++->run;
        tile.count = place - tile.places;
        run_rows(part, &tile);
    }
}

void gemm_run(const struct gemm_kernel *kernel, const struct gemm *gemm)
{
    int64_t whole = gemm->columns / GEMM_LANES, panel = 0;
    while (panel < whole) {
        struct part part = {kernel, gemm, panel, least(whole - panel, kernel->panels), 0};
        run_part(&part);
        panel += part.panels;
    }
    if (gemm->columns % GEMM_LANES > 0)
        run_part(&(struct part){kernel, gemm, panel, 1, gemm->columns % GEMM_LANES});
}
