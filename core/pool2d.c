/* Pooling, alone or together with a ReLU in front of it or behind it. Serves max_pool2d, avg_pool2d
 * and adaptive_avg_pool2d in any layout and for either kind of numbers, by loops of the best
 * instruction set that there is.
 *
 * oneDNN's max pooling is as fast but lets a NaN vanish, and a diverged run would look healthy.
 * Same rules as the reference: the first of equals wins, a NaN wins over everything and the last
 * NaN over the others. A ReLU lets no gradient through where y is not above 0. */
#include "core/isa.h"
#include "core/kernels.h"
#include "core/layer.h"
#include "core/pool2d_kernel.h"

#include <stdlib.h>

/* One direction: what loops there are, and what the special one does of a plane. */
struct pass {
    enum pool2d_work work;
    struct pool2d_part all, inner;        /* of outputs or inputs */
    const struct pool2d_special *special; /* does the inner part, … */
    struct pool2d_part special_part;      /* … which it may count in cells; NULL: there is none */
};

struct pool2d_state {
    struct pool2d_windows windows;
    const struct pool2d_kernel *kernel;
    struct pass ahead, back;
    int64_t channels; /* rounded up to whole blocks */
    uint8_t *winners; /* max: (keepers, shard_count) */
    int64_t shard_count;
    real *scratch; /* (members, scratch_count) */
    int64_t scratch_count;
};

/* ---- one plane ---- */

static bool is_empty(const struct pool2d_part *part)
{
    return part->rows.first >= part->rows.end || part->columns.first >= part->columns.end;
}

/* The inner part by special loops, what lies above, left, right and below by those for any windows.
 */
static void run_pass(const struct pool2d_plane *plane, const struct pool2d_kernel *kernel,
                     const struct pass *pass, enum number number)
{
    pool2d_part_run *any = kernel->works[pass->work].any[number];
    const struct pool2d_part *all = &pass->all, *inner = &pass->inner;
    const struct pool2d_part around[] = {
        {{0, inner->rows.first}, all->columns},
        {inner->rows, {0, inner->columns.first}},
        {inner->rows, {inner->columns.end, all->columns.end}},
        {{inner->rows.end, all->rows.end}, all->columns},
    };
    for (size_t i = 0; i < COUNT_OF(around); i++)
        if (!is_empty(&around[i]))
            any(plane, &around[i]);
    if (!is_empty(inner) && !pass->special->run[number](plane, &pass->special_part))
        any(plane, inner);
}

static void run_blocks(const struct op *op, const struct pool2d_plane *plane, bool ahead)
{
    const struct pool2d_state *s = op->state;
    if (!ahead && s->back.work == POOL2D_MEAN_BACK)
        s->kernel->works[POOL2D_SHARES].any[op->x.number](plane, &s->ahead.all);
    run_pass(plane, s->kernel, ahead ? &s->ahead : &s->back, op->x.number);
}

static void run_plane(const struct op *op, const struct pool2d_plane *plane, bool ahead)
{
    const struct pool2d_state *s = op->state;
    bool adaptive = s->windows.columns.kernel == 0;
    if (plane->block > 1)
        run_blocks(op, plane, ahead);
    else if (adaptive)
        (ahead ? pool2d_adaptive : pool2d_adaptive_back)(plane, op->x.number);
    else
        s->kernel->works[(ahead ? &s->ahead : &s->back)->work].single[op->x.number](plane);
}

/* ---- one shard ---- */

static void run_planes(const struct op *op, const struct op_call *call, bool ahead)
{
    const struct pool2d_state *s = op->state;
    int64_t planes = call->samples * s->channels / op->x.block;
    int64_t x_count = op->x.count * op->x.block / s->channels;
    int64_t y_count = op->y.count * op->y.block / s->channels;
    int64_t size = (int64_t)number_size(op->x.number);
    for (int64_t i = 0; i < planes; i++) {
        struct pool2d_plane plane = {.windows = &s->windows,
                                     .block = op->x.block,
                                     .x_room = (planes - i) * x_count,
                                     .y_room = (planes - i) * y_count};
        if (s->winners)
            plane.winners = s->winners + call->keeper * s->shard_count + i * y_count;
        if (s->scratch)
            plane.scratch = s->scratch + call->member * s->scratch_count;
        if (ahead) {
            plane.x = (const unsigned char *)call->x + i * x_count * size;
            plane.y = (unsigned char *)call->y + i * y_count * size;
        } else {
            plane.dy = (const unsigned char *)call->dy + i * y_count * size;
            plane.dx = (unsigned char *)call->dx + i * x_count * size;
        }
        run_plane(op, &plane, ahead);
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    run_planes(op, call, true);
}

static void backward(struct op *op, const struct op_call *call)
{
    if (call->dx)
        run_planes(op, call, false);
}

/* ---- making ---- */

static void drop(struct op *op)
{
    struct pool2d_state *s = op->state;
    pool2d_windows_drop(&s->windows);
    free(s);
}

/* The widest vectors that a block is made of. */
static const struct pool2d_kernel *find_kernel(int block)
{
    static const struct pool2d_kernel *const kernels[] = {
        [ISA_BASELINE] = &pool2d_baseline,
#if defined(__x86_64__)
        [ISA_AVX2] = &pool2d_avx2,
        [ISA_AVX512] = &pool2d_avx512,
#endif
    };
    enum isa isa = isa_best();
    while (isa > ISA_BASELINE && block > 1 && block % kernels[isa]->lanes != 0)
        isa--;
    return kernels[isa];
}

static const struct pool2d_special *find_special(const struct pool2d_loops *loops, int64_t first,
                                                 int64_t second)
{
    for (size_t i = 0; i < COUNT_OF(loops->special); i++)
        if (loops->special[i].run[0] && loops->special[i].size[0] == first &&
            loops->special[i].size[1] == second)
            return &loops->special[i];
    return NULL;
}

static void choose(struct pool2d_state *s, int block, bool max, bool relu)
{
    const struct pool2d_axis *rows = &s->windows.rows, *columns = &s->windows.columns;
    struct pass *ahead = &s->ahead, *back = &s->back;
    s->kernel = find_kernel(block);
    ahead->work = max ? relu ? POOL2D_MAX_RELU : POOL2D_MAX : POOL2D_MEAN;
    ahead->all = (struct pool2d_part){{0, rows->out}, {0, columns->out}};
    ahead->special = find_special(&s->kernel->works[ahead->work], rows->kernel, columns->kernel);
    if (ahead->special)
        ahead->inner = ahead->special_part = (struct pool2d_part){rows->whole, columns->whole};
    back->work = max ? POOL2D_MAX_BACK : POOL2D_MEAN_BACK;
    back->all = (struct pool2d_part){{0, rows->in}, {0, columns->in}};
    back->special = find_special(&s->kernel->works[back->work], columns->kernel, columns->stride);
    if (back->special) {
        struct pool2d_range cells = columns->cells;
        back->special_part = (struct pool2d_part){back->all.rows, cells};
        back->inner = back->special_part;
        if (cells.first < cells.end)
            back->inner.columns =
                (struct pool2d_range){cells.first * columns->stride - columns->padding,
                                      cells.end * columns->stride - columns->padding};
    }
}

static void reserve(struct pool2d_state *s, const struct op_setup *setup, int64_t y_count)
{
    bool max = s->ahead.work != POOL2D_MEAN;
    s->shard_count = saturating_product(setup->cut.shard_size, y_count);
    if (max)
        block_reserve(setup->memory, &s->winners,
                      saturating_product(setup->cut.keepers, s->shard_count), 1);
    if (setup->block == 1)
        s->scratch_count = s->windows.lines.scratch;
    else if (!max)
        s->scratch_count = s->windows.rows.out * s->windows.columns.out * setup->block;
    if (s->scratch_count > 0)
        block_reserve(setup->memory, &s->scratch,
                      saturating_product(setup->cut.members, s->scratch_count), sizeof(real));
}

/* Of layer `pool`, in an op that computes `layers`. */
static bool make(const struct op_setup *setup, const struct plan_layer *pool, int layers,
                 struct op *op, struct error *error)
{
    const struct pool2d_options *options = pool->options;
    bool max = pool->kind == &layer_max_pool2d.kind;
    int block = setup->block;
    if (max && saturating_product(options->kernel_size[0], options->kernel_size[1]) > POOL2D_TAPS)
        return false;
    struct pool2d_state *s = calloc(1, sizeof *s);
    if (!s || !pool2d_windows_make(pool, &s->windows)) {
        free(s);
        return error_set(error, ERROR_MEMORY, pool->pointer, "no memory for the layer");
    }
    s->channels = (pool->input.channels + block - 1) / block * block;
    choose(s, block, max, layers > 1);
    reserve(s, setup, op_count(&pool->output, block));
    *op = (struct op){.kernel = block > 1 ? "own: lanes of channels" : "own: lanes of pixels",
                      .x.count = op_count(&pool->input, block),
                      .y.count = op_count(&pool->output, block),
                      .x.block = block,
                      .y.block = block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .layers = layers,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}

bool pool2d_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    return make(setup, setup->layer, 1, op, error);
}

/* Either order gives the same: the largest of what is above 0 is what is above 0 of the largest,
 * and the first one to reach it is the first one in both. */
bool pool2d_relu_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    if (setup->chain < 2)
        return false;
    bool first = layer[0].kind == &layer_relu.kind && layer[1].kind == &layer_max_pool2d.kind;
    bool last = layer[0].kind == &layer_max_pool2d.kind && layer[1].kind == &layer_relu.kind;
    if (!(first || last) || !make(setup, &layer[first], 2, op, error))
        return false;
    op->kernel = setup->block > 1 ? "own: relu and max in one, lanes of channels"
                                  : "own: relu and max in one, lanes of pixels";
    return true;
}
