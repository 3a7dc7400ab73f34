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
    int64_t rows;
};

/* A row of C on its way along the axis. */
struct cursor {
    int64_t place, step;
};

static int least(int64_t a, int b)
{
    return a < b ? (int)a : b;
}

/* The next rows into the tile. */
static void take_rows(const struct part *part, struct cursor *at, int rows, struct gemm_tile *tile)
{
    const struct gemm *g = part->gemm;
    for (int count = 0; count < rows;) {
        const struct gemm_place *place = &g->rows.places[at->place];
        int taken = least(place->run - at->step, rows - count);
        const real *a = g->a + place->a + at->step * g->rows.a_step;
        real *c = g->c + part->panel * g->c_panel + place->other + at->step * g->rows.other_step;
        for (int end = count + taken; count < end; count++) {
            tile->a[count] = a;
            tile->c[count] = c;
            a += g->rows.a_step;
            c += g->rows.other_step;
        }
        at->step += taken;
        if (at->step == place->run) {
            at->step = 0;
            at->place++;
        }
    }
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
    struct cursor at = {0, 0};
    int64_t left = part->rows, most = part->kernel->rows;
    for (int64_t pieces = (left + most - 1) / most; pieces > 0; pieces--) {
        int rows = (int)((left + pieces - 1) / pieces); /* all of about the same height */
        take_rows(part, &at, rows, tile);
        if (part->narrow > 0)
            run_narrow(tiles[rows - 1], tile, rows, part->narrow);
        else
            tiles[rows - 1](tile);
        left -= rows;
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
    int64_t whole = gemm->columns / GEMM_LANES;
    struct part part = {.kernel = kernel, .gemm = gemm};
    for (int64_t i = 0; i < gemm->rows.count; i++)
        part.rows += gemm->rows.places[i].run;
    for (; part.panel < whole; part.panel += part.panels) {
        part.panels = least(whole - part.panel, kernel->panels);
        run_part(&part);
    }
    part.narrow = gemm->columns % GEMM_LANES;
    part.panels = 1;
    if (part.narrow > 0)
        run_part(&part);
}
