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

static void take_rows(const struct gemm_axis *rows, struct cursor *at, int count,
                      struct gemm_place *out)
{
    for (int i = 0; i < count; i++) {
        out[i].a = rows->places[at->place].a + at->step * rows->a_step;
        out[i].other = rows->places[at->place].other + at->step * rows->other_step;
        if (++at->step == rows->run) {
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
static void run_rows(const struct part *part, struct gemm_tile *tile, const real *a)
{
    const struct gemm *g = part->gemm;
    gemm_tile_run *const *tiles =
        g->lanewise ? part->kernel->lanewise : part->kernel->tiles[part->panels - 1];
    real *c = g->c + part->panel * g->c_panel;
    struct cursor at = {0, 0};
    for (int64_t left = g->rows.count * g->rows.run; left > 0;) {
        struct gemm_place rows[GEMM_ROWS_MAX];
        int count = least(left, part->kernel->rows);
        take_rows(&g->rows, &at, count, rows);
        for (int i = 0; i < count; i++) {
            tile->a[i] = a + rows[i].a;
            tile->c[i] = c + rows[i].other;
        }
        if (part->narrow > 0)
            run_narrow(tiles[count - 1], tile, count, part->narrow);
        else
            tiles[count - 1](tile);
        left -= count;
    }
}

/* The whole sum, block by block. */
static void run_part(const struct part *part)
{
    static const real zeros[GEMM_PANELS_MAX * GEMM_LANES];
    const struct gemm *g = part->gemm;
    const struct gemm_axis *inner = &g->inner;
    int64_t many = inner->run < GEMM_BLOCK ? GEMM_BLOCK / inner->run : 1;
    struct gemm_tile tile = {.a_step = inner->a_step,
                             .b_step = inner->other_step,
                             .b_panel = g->b_panel,
                             .c_panel = g->c_panel,
                             .add = g->add,
                             .start = g->start ? g->start + part->panel * GEMM_LANES : zeros};
    for (int64_t place = 0; place < inner->count; place += many)
        for (int64_t step = 0; step < inner->run; step += GEMM_BLOCK) {
            tile.places = inner->places + place;
            tile.count = least(inner->count - place, (int)many);
            tile.run = least(inner->run - step, GEMM_BLOCK);
            tile.b = g->b + part->panel * g->b_panel + step * inner->other_step;
            run_rows(part, &tile, g->a + step * inner->a_step);
            tile.add = true;
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
