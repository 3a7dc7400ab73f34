/* Products: see avx512_product.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512_product.h"

#include "core/avx512.h"

#include <string.h>

/* NEAR: numbers that stay in the nearest cache beside weights and what is written. PAIRED: channels
 * of two pixels that fit into a vector. */
enum { NEAR = 6000, PAIRED = 8 };

static int64_t whole_blocks(int64_t count)
{
    return (count + AVX512_LANES - 1) / AVX512_LANES;
}

/* Numbers of all weights of a panel. */
static int64_t panel_size(const struct avx512_product *p)
{
    return p->wish.padding.windows[0].kernel * p->runs.weights;
}

/* The kind whose tiles read the least: all taps of a row at once where they lie as far apart as the
 * pixels, else two panels. */
static bool choose_kind(struct avx512_product *p)
{
    const struct sliding *columns = &p->wish.padding.windows[1];
    int lanes = p->wish.padding.lanes;
    bool pairs = lanes == 1 && p->wish.filters <= PAIRED;

    p->kind = (struct avx512_row_kind){(int)columns->kernel, 1, lanes, pairs};
    if (columns->stride != 1)
        return false;
    if (columns->kernel > 1 && columns->dilation == 1 &&
        avx512_row_cut(&p->kind, p->width, &p->cut))
        return true;
    p->kind = (struct avx512_row_kind){1, 1, lanes, false};
    if (!avx512_row_cut(&p->kind, p->width, &p->last))
        return false;
    p->kind.panels = p->panels > 1 ? 2 : 1;
    return avx512_row_cut(&p->kind, p->width, &p->cut);
}

/* Other padding than zeros wants a copy of the whole image. Pairs may read a number behind the
 * last.
 */
static void measure_stage(struct avx512_product *p)
{
    const struct padding *padding = &p->wish.padding;
    const struct sliding *rows = &padding->windows[0], *columns = &padding->windows[1];
    bool zeros = rows->mode == PADDING_ZEROS, left_out = zeros && padding->lanes > 1;
    int64_t beside = columns->before + columns->behind, around = rows->before + rows->behind;
    struct avx512_stage *stage = &p->stage;

    *stage = (struct avx512_stage){
        .used = beside > 0 || (!left_out && around > 0) || (p->kind.pairs && p->cut.odd),
        .above = left_out ? rows->before : 0,
        .rows = rows->size + (left_out ? 0 : around),
        .row = (beside + columns->size) * padding->lanes,
        .bare_row = columns->size * padding->lanes,
        .bare_plane = padding_bare(padding),
    };
    int64_t row = saturating_product(p->planes, stage->row), extent = window_extent(rows);
    p->rows_at_once = (NEAR / row - extent) / rows->stride + 1;
    if (p->rows_at_once < 1)
        p->rows_at_once = 1;
    if (p->rows_at_once > p->height || !zeros)
        p->rows_at_once = p->height;
    int64_t read = zeros ? (p->rows_at_once - 1) * rows->stride + extent : stage->rows;
    stage->plane = stage->used ? saturating_product(read, stage->row) : stage->bare_plane;
    stage->image = saturating_product(p->planes, stage->plane) + p->kind.pairs;
}

bool avx512_product_make(const struct avx512_wish *wish, struct avx512_product *out)
{
    const struct sliding *rows = &wish->padding.windows[0], *columns = &wish->padding.windows[1];
    struct avx512_product *p = out;
    bool plain = wish->padding.lanes == 1, few = wish->channels < AVX512_LANES;

    *p = (struct avx512_product){
        .wish = *wish,
        .planes = plain ? wish->channels : whole_blocks(wish->channels),
        .panels = whole_blocks(wish->filters),
        .height = window_output(rows),
        .width = window_output(columns),
    };
    if (columns->before < 0 || columns->behind < 0 || !choose_kind(p))
        return false;
    measure_stage(p);
    p->runs.run = plain ? 1 : few ? wish->channels : AVX512_LANES;
    p->runs.count = p->planes * columns->kernel / p->kind.taps;
    p->runs.weights = p->runs.count * p->runs.run * p->kind.taps * AVX512_LANES;
    return true;
}

void avx512_product_reserve(struct avx512_product *p, struct block *memory)
{
    const struct sliding *rows = &p->wish.padding.windows[0];
    int64_t width = p->kind.pairs ? 2 : 1;
    if (p->stage.used)
        block_reserve(memory, &p->stage.numbers,
                      saturating_product(p->wish.members, p->stage.image), sizeof(real));
    block_reserve(memory, &p->runs.at, rows->kernel * p->runs.count, sizeof *p->runs.at);
    block_reserve(memory, &p->w, saturating_product(p->panels * width, panel_size(p)),
                  sizeof(real));
    block_reserve(memory, &p->start, p->panels * AVX512_LANES, sizeof(real));
}

void avx512_product_fill(struct avx512_product *p)
{
    const struct padding *padding = &p->wish.padding;
    const struct sliding *rows = &padding->windows[0], *columns = &padding->windows[1];
    int64_t each = p->runs.count / p->planes; /* runs of a row of taps in a plane */

    for (int64_t i = 0; i < rows->kernel * p->runs.count; i++)
        p->runs.at[i] = i / p->runs.count * rows->dilation * p->stage.row +
                        i % p->runs.count / each * p->stage.plane +
                        i % each * columns->dilation * padding->lanes;
}

/* ---- weights ---- */

/* Panels that stand together with that one, and its number among them. */
static int64_t together(const struct avx512_product *p, int64_t panel, int64_t *number)
{
    int64_t first = panel / p->kind.panels * p->kind.panels, left = p->panels - first;
    *number = panel - first;
    return left < p->kind.panels ? left : p->kind.panels;
}

int64_t avx512_product_place(const struct avx512_product *p, const struct avx512_weight *at)
{
    int64_t taps = p->kind.taps, each = p->runs.count / p->planes, number;
    int64_t panel = at->filter / AVX512_LANES, lane = at->filter % AVX512_LANES;
    int64_t group = together(p, panel, &number);
    int64_t block = p->wish.padding.lanes;
    int64_t run = at->row * p->runs.count + at->channel / block * each + at->column / taps;
    int64_t vector = (run * p->runs.run + at->channel % block) * taps + at->column % taps;

    return (panel - number) * panel_size(p) + (vector * group + number) * AVX512_LANES +
           (p->kind.pairs ? 2 * lane : lane);
}

/* ---- images ---- */

/* What stands beside the rows is zero already. */
static void stage_row(const struct avx512_product *p, const real *image, int64_t row, real *to)
{
    const struct avx512_stage *stage = &p->stage;
    const struct padding *padding = &p->wish.padding;
    size_t size = (size_t)stage->bare_row * sizeof *to;

    to += padding->windows[1].before * padding->lanes;
    for (int64_t i = 0; i < p->planes; i++, to += stage->plane, image += stage->bare_plane)
        if (row < 0 || row >= padding->windows[0].size)
            memset(to, 0, size);
        else
            memcpy(to, image + row * stage->bare_row, size);
}

struct avx512_rows avx512_product_rows(const struct avx512_product *p, int member,
                                       const real *image, int64_t first, int64_t end)
{
    const struct sliding *rows = &p->wish.padding.windows[0];
    int64_t from = first * rows->stride - p->stage.above;
    int64_t to = (end - 1) * rows->stride - p->stage.above + window_extent(rows);
    real *numbers = p->stage.numbers + member * p->stage.image;

    if (!p->stage.used)
        return (struct avx512_rows){image, 0};
    if (rows->mode != PADDING_ZEROS) {
        padding_put(&p->wish.padding, p->planes, image, numbers);
        return (struct avx512_rows){numbers, 0};
    }
    int64_t above = rows->before - p->stage.above; /* rows of zeros that are not left out */
    from = from > 0 ? from : 0;
    to = to < p->stage.rows ? to : p->stage.rows;
    for (int64_t row = from; row < to; row++)
        stage_row(p, image, row - above, numbers + (row - from) * p->stage.row);
    return (struct avx512_rows){numbers, from};
}

/* ---- rows ---- */

/* Panels from number `first` on that stand together. */
struct group {
    int64_t first, count;
    const struct avx512_row_cut *cut;
    const real *w;
};

static struct group group_at(const struct avx512_product *p, int64_t panel)
{
    int64_t number, count = together(p, panel, &number);
    return (struct group){panel, count, count < p->kind.panels ? &p->last : &p->cut,
                          p->w + panel * panel_size(p)};
}

/* What is the same for all rows of a group. */
static struct avx512_row row_of(const struct avx512_product *p, const struct group *group)
{
    return (struct avx512_row){
        .runs = p->runs.at, .run = p->runs.run, .start = p->start + group->first * AVX512_LANES};
}

/* One row, by those rows of taps that read rows of the image: from `first` up to `end`. */
static void run_row(const struct avx512_product *p, const struct group *group,
                    struct avx512_rows rows, int64_t row, struct avx512_row *work)
{
    const struct sliding *w = &p->wish.padding.windows[0];
    int64_t at = row * w->stride - p->stage.above, first = 0, end = w->kernel;
    while (first < end && at + first * w->dilation < 0)
        first++;
    while (end > first && at + (end - 1) * w->dilation >= p->stage.rows)
        end--;
    at += first * w->dilation - rows.first;
    work->run_count = (end - first) * p->runs.count;
    work->x = end > first ? rows.numbers + at * p->stage.row : rows.numbers;
    work->w = group->w + first * p->runs.weights * group->count;
    avx512_row_run(group->cut, work);
}

void avx512_product_row(const struct avx512_product *p, const real *image, int64_t row,
                        struct avx512_target target)
{
    for (int64_t panel = 0; panel < p->panels; panel += p->kind.panels) {
        struct group group = group_at(p, panel);
        struct avx512_row work = row_of(p, &group);
        work.y = target.y + panel * target.panel;
        work.y_step = target.step;
        work.y_panel = target.panel;
        run_row(p, &group, (struct avx512_rows){image, 0}, row, &work);
    }
}

void avx512_product_run(const struct avx512_product *p, int member, const real *image, real *y)
{
    int64_t row_size = p->width * AVX512_LANES;

    for (int64_t first = 0; first < p->height; first += p->rows_at_once) {
        int64_t end = first + p->rows_at_once < p->height ? first + p->rows_at_once : p->height;
        struct avx512_rows rows = avx512_product_rows(p, member, image, first, end);
        for (int64_t panel = 0; panel < p->panels; panel += p->kind.panels) {
            struct group group = group_at(p, panel);
            struct avx512_row work = row_of(p, &group);
            work.y_step = AVX512_LANES;
            work.y_panel = p->height * row_size;
            for (int64_t row = first; row < end; row++) {
                work.y = y + panel * work.y_panel + row * row_size;
                run_row(p, &group, rows, row, &work);
            }
        }
    }
}
#endif
