/* How gradients of weights are computed: which strips there are, and how images are read. See
 * avx512_gradient.h. */
#if defined(__x86_64__) && TRAIND_ONEDNN
#include "core/avx512.h"
#include "core/avx512_gradient.h"

/* ALONE: channels of a tap whose sums fill the registers. NEAR: numbers of x and dy that one tile
 * after the other reads, so that they stay in the second cache. */
enum { ALONE = 9, NEAR = 65536 };

static int64_t whole_blocks(int64_t count)
{
    return (count + AVX512_LANES - 1) / AVX512_LANES;
}

/* The weights of a panel, group by group: each has runs of weights whose numbers lie side by side.
 * Where planes have few of 16 channels, a group is a row of the kernel. With more it is a tap, of
 * which pixels of zeros are left out: then no padding is needed. Of planes of one channel, there is
 * one group: the taps of a row are a run. */
struct outline {
    bool taps;
    int64_t groups, runs, run;
};

static struct outline outline_of(const struct avx512_gradient *g)
{
    int64_t rows = g->padding.windows[0].kernel, columns = g->padding.windows[1].kernel;
    if (g->padding.lanes == 1)
        return (struct outline){false, 1, rows * g->shape.planes, columns};
    if (g->shape.run < ALONE)
        return (struct outline){false, rows, columns * g->shape.planes, g->shape.run};
    return (struct outline){true, rows * columns, g->shape.planes, g->shape.run};
}

/* A run is cut into strips of much the same length. */
static int64_t cuts_of(int64_t run)
{
    return (run + AVX512_STRIP_MAX - 1) / AVX512_STRIP_MAX;
}

/* ---- how images are read ---- */

/* So many images at once, or else rows, that they stay near. */
static void choose_part(struct avx512_gradient *g)
{
    int64_t row = g->shape.planes * g->x.row + g->shape.panels * g->dy.row;
    int64_t rows = row < NEAR ? NEAR / row : 1, images = rows / g->shape.height;
    g->at_once.rows = rows < g->shape.height ? rows : g->shape.height;
    g->at_once.images = images > 1 ? images : 1;
}

static void read_bare(struct avx512_gradient *g)
{
    for (int axis = 0; axis < 2; axis++) {
        g->size[axis] = g->padding.windows[axis].size;
        g->lead[axis] = g->padding.windows[axis].before;
    }
    g->x.row = g->size[1] * g->padding.lanes;
    g->x.plane = padding_bare(&g->padding);
    choose_part(g);
}

static void read_staged(struct avx512_gradient *g)
{
    const struct avx512_stage *stage = &g->product->stage;
    g->x.row = stage->row;
    g->x.plane = stage->plane;
    g->size[0] = stage->rows;
    g->size[1] = stage->row / g->padding.lanes;
    g->lead[0] = stage->above;
    g->at_once.rows = g->product->rows_at_once;
    g->at_once.images = 1;
}

/* Only the rows that are read at once are words. */
static void read_paired(struct avx512_gradient *g)
{
    const struct sliding *w = &g->padding.windows[0];
    int64_t rows;
    read_bare(g);
    rows = (g->at_once.rows - 1) * w->stride + window_extent(w);
    g->x.plane = (rows < w->size ? rows : w->size) * g->x.row;
    g->dy.plane = g->at_once.rows * g->dy.row;
    g->words.x = saturating_product(g->at_once.images * g->shape.planes, g->x.plane);
    g->words.dy = saturating_product(g->at_once.images * g->shape.panels, g->dy.plane);
}

/* Of blocks, zeros around x are left out, unless those beside it would be left out of a part of a
 * batch's strips alone. */
static bool choose_source(struct avx512_gradient *g)
{
    const struct sliding *w = g->padding.windows;
    bool beside = w[1].before + w[1].behind > 0, around = w[0].before + w[0].behind > 0;
    bool zeros = w[0].mode == PADDING_ZEROS, blocks = g->padding.lanes > 1;

    if (g->padding.number == NUMBER_BF16) {
        g->source = AVX512_PAIRED;
        return blocks && (zeros || !(beside || around));
    }
    g->source = g->product && g->product->stage.used ? AVX512_STAGED : AVX512_BARE;
    if (blocks && zeros && (outline_of(g).taps || !beside))
        g->source = AVX512_BARE;
    else if (!g->product && (beside || around))
        return false;
    return true;
}

bool avx512_gradient_make(const struct avx512_task *task, struct avx512_gradient *out)
{
    static void (*const read[])(struct avx512_gradient *) = {
        [AVX512_BARE] = read_bare, [AVX512_STAGED] = read_staged, [AVX512_PAIRED] = read_paired};
    const struct sliding *w = task->padding.windows;
    bool blocks = task->padding.lanes > 1, bf16s = task->padding.number == NUMBER_BF16;
    struct avx512_gradient *g = out;

    *g = (struct avx512_gradient){
        .padding = task->padding,
        .product = task->product,
        .numbers = bf16s                                        ? AVX512_BF16
                   : task->product && task->product->kind.pairs ? AVX512_PAIRS
                                                                : AVX512_REALS,
        .shape = {blocks ? whole_blocks(task->channels) : task->channels,
                  bf16s || task->channels > AVX512_LANES ? AVX512_LANES : task->channels,
                  whole_blocks(task->filters), window_output(&w[0]), window_output(&w[1])},
        .x.step = w[1].stride * task->padding.lanes,
        .batches.complete = -1,
    };
    g->dy.row = g->shape.width * AVX512_LANES;
    g->dy.plane = g->shape.height * g->dy.row;
    g->dy.step = AVX512_LANES;
    if (!choose_source(g))
        return false;
    read[g->source](g);
    g->x.image = g->shape.planes * g->x.plane;
    g->dy.image = g->shape.panels * g->dy.plane;
    struct outline outline = outline_of(g);
    g->panel = outline.groups * outline.runs * outline.run * AVX512_LANES;
    g->slot = avx512_gradient_biases(g) + g->shape.panels * AVX512_LANES;
    g->batches.strip_count = outline.groups * outline.runs * cuts_of(outline.run);
    return true;
}

void avx512_gradient_reserve(struct avx512_gradient *g, struct block *memory)
{
    block_reserve(memory, &g->batches.strips, g->batches.strip_count, sizeof *g->batches.strips);
    block_reserve(memory, &g->batches.list, g->batches.strip_count, sizeof *g->batches.list);
}

/* ---- strips ---- */

int64_t avx512_gradient_biases(const struct avx512_gradient *g)
{
    return g->shape.panels * g->panel;
}

int64_t avx512_gradient_place(const struct avx512_gradient *g, const struct avx512_weight *at)
{
    int64_t columns = g->padding.windows[1].kernel, lanes = g->padding.lanes, weight;
    if (lanes > 1)
        weight = ((at->row * columns + at->column) * g->shape.planes + at->channel / lanes) *
                     g->shape.run +
                 at->channel % lanes;
    else
        weight = (at->row * g->shape.planes + at->channel) * columns + at->column;
    return at->filter / AVX512_LANES * g->panel + weight * AVX512_LANES + at->filter % AVX512_LANES;
}

/* Where in x a run of a group begins: its row and column of taps, if it has, are the batch's. */
static int64_t place_in_x(const struct avx512_gradient *g, int64_t run)
{
    const struct sliding *w = g->padding.windows;
    int64_t lanes = g->padding.lanes;
    int64_t apart = lanes == 1 ? w[0].dilation * g->x.row : w[1].dilation * lanes;
    return run % g->shape.planes * g->x.plane + run / g->shape.planes * apart;
}

/* What of dy reads pixels of x by a tap. */
static void look_at_dy(const struct avx512_gradient *g, int axis, int64_t tap,
                       struct avx512_batch *batch)
{
    const struct sliding *w = &g->padding.windows[axis];
    int64_t first = g->lead[axis] - tap * w->dilation, end = g->size[axis] + first;
    first = first > 0 ? (first + w->stride - 1) / w->stride : 0;
    end = end > 0 ? (end + w->stride - 1) / w->stride : 0;
    batch->first[axis] = first;
    if (end < batch->end[axis])
        batch->end[axis] = end;
}

/* Batches of much the same size, of `count` strips from all->strip on. */
static void add_batches(struct avx512_gradient *g, const struct avx512_batch *all, int64_t count)
{
    int64_t most = avx512_strip_most(all->length, g->shape.panels > 1 ? 2 : 1, g->numbers);
    int64_t batches = (count + most - 1) / most;
    if (g->source != AVX512_PAIRED && all->first[0] + all->first[1] == 0 &&
        all->end[0] == g->shape.height && all->end[1] == g->shape.width)
        g->batches.complete = g->batches.count;
    for (int64_t i = 0; i < batches; i++) {
        struct avx512_batch batch = *all;
        batch.strip += count * i / batches;
        batch.strips = (int)(count * (i + 1) / batches - count * i / batches);
        g->batches.list[g->batches.count++] = batch;
    }
}

/* One batch of all strips of a group. */
static struct avx512_batch batch_of(const struct avx512_gradient *g, const struct outline *outline,
                                    int64_t group)
{
    const struct sliding *w = g->padding.windows;
    int64_t columns = outline->taps ? w[1].kernel : 1;
    int64_t row = group / columns, column = group % columns;
    struct avx512_batch batch = {.end = {g->shape.height, g->shape.width}};
    if (g->padding.lanes == 1)
        return batch;
    batch.x = row * w[0].dilation * g->x.row + column * w[1].dilation * AVX512_LANES;
    look_at_dy(g, 0, row, &batch);
    if (outline->taps && g->source != AVX512_STAGED)
        look_at_dy(g, 1, column, &batch);
    return batch;
}

/* The strips of a group, which batches of strips of one length take. */
static void fill_group(struct avx512_gradient *g, const struct outline *outline, int64_t group,
                       int64_t strip)
{
    struct avx512_batch all = batch_of(g, outline, group);
    int64_t cuts = cuts_of(outline->run), count = 0;

    for (int64_t cut = 0; cut < cuts; cut++) {
        int64_t begin = outline->run * cut / cuts, end = outline->run * (cut + 1) / cuts;
        if (end - begin != all.length && count > 0) {
            add_batches(g, &all, count);
            count = 0;
        }
        all.length = (int)(end - begin);
        all.strip = strip - count;
        for (int64_t run = 0; run < outline->runs; run++, strip++, count++)
            g->batches.strips[strip] = (struct avx512_strip){
                place_in_x(g, run) + begin,
                ((group * outline->runs + run) * outline->run + begin) * AVX512_LANES};
    }
    add_batches(g, &all, count);
}

void avx512_gradient_fill(struct avx512_gradient *g)
{
    struct outline outline = outline_of(g);
    for (int64_t group = 0; group < outline.groups; group++)
        fill_group(g, &outline, group, g->batches.strip_count / outline.groups * group);
}
#endif
