/* linear for every processor: its products by gemm.h. W is brought into panels once a step, as it
 * is and transposed. Its gradient is taken over the whole batch at once, by ranges of inputs, and
 * goes straight into the flat array. */
#include "core/gemm.h"
#include "core/kernels.h"
#include "core/linear.h"

#include <stdio.h>
#include <string.h>

/* HELD: panels of x that a gather task holds at a time. */
enum { HELD = 2, GATHER_TASKS = 16 };

struct portable_linear {
    struct linear_state shared; /* first, as linear.h wants it */
    const struct gemm_kernel *gemm;
    int64_t batch;
    real *packed;      /* (⌈out / lanes⌉, in, lanes): Wᵀ in panels */
    real *packed_back; /* (⌈in / lanes⌉, out, lanes): W in panels; NULL: dx is not wanted */
    real *start;       /* the bias in whole panels; NULL: none */
    real *held;        /* (tasks, HELD, batch, lanes): columns of x, panel by panel */
    char kernel[48];
};

static int64_t panels_of(int64_t columns)
{
    return (columns + GEMM_LANES - 1) / GEMM_LANES;
}

/* Rows of `width` numbers from `columns` on, where there are so many, into rows of a panel. The
 * rest of the panel is zero already or made so. */
static void take_panel(const real *rows, int64_t width, int64_t count, int64_t column, real *panel)
{
    int64_t left = width - column, taken = left < GEMM_LANES ? left : GEMM_LANES;
    for (int64_t i = 0; i < count; i++) {
        memcpy(panel + i * GEMM_LANES, rows + i * width + column, (size_t)taken * sizeof *panel);
        memset(panel + i * GEMM_LANES + taken, 0, (size_t)(GEMM_LANES - taken) * sizeof *panel);
    }
}

static void pack(struct op *op, const real *parameters)
{
    struct portable_linear *s = op->state;
    const real *w = parameters + s->shared.weight;
    int64_t in = s->shared.in, out = s->shared.out;

    for (int64_t panel = 0; panel < panels_of(out); panel++) {
        real *to = s->packed + panel * in * GEMM_LANES;
        int64_t first = panel * GEMM_LANES, left = out - first;
        int64_t lanes = left < GEMM_LANES ? left : GEMM_LANES;
        for (int64_t i = 0; i < in; i++)
            for (int64_t lane = 0; lane < lanes; lane++)
                to[i * GEMM_LANES + lane] = w[(first + lane) * in + i];
    }
    for (int64_t panel = 0; s->packed_back && panel < panels_of(in); panel++)
        take_panel(w, in, out, panel * GEMM_LANES, s->packed_back + panel * out * GEMM_LANES);
    if (s->start)
        memcpy(s->start, parameters + s->shared.bias, (size_t)out * sizeof *s->start);
}

/* An axis of a plain matrix: one run. */
static struct gemm_axis straight(const struct gemm_place *run, int64_t a_step, int64_t other_step)
{
    return (struct gemm_axis){run, 1, a_step, other_step};
}

static struct gemm_place run_of(int64_t count)
{
    return (struct gemm_place){0, 0, count};
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct portable_linear *s = op->state;
    const struct gemm_place samples = run_of(call->samples), inputs = run_of(s->shared.in);
    int64_t in = s->shared.in, out = s->shared.out;
    gemm_run(s->gemm, &(struct gemm){.rows = straight(&samples, in, out),
                                     .inner = straight(&inputs, 1, GEMM_LANES),
                                     .a = call->x,
                                     .b = s->packed,
                                     .c = call->y,
                                     .columns = out,
                                     .b_panel = in * GEMM_LANES,
                                     .c_panel = GEMM_LANES,
                                     .start = s->start});
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct portable_linear *s = op->state;
    const struct gemm_place samples = run_of(call->samples), outputs = run_of(s->shared.out);
    int64_t in = s->shared.in, out = s->shared.out;
    if (call->dx)
        gemm_run(s->gemm, &(struct gemm){.rows = straight(&samples, out, in),
                                         .inner = straight(&outputs, 1, GEMM_LANES),
                                         .a = call->dy,
                                         .b = s->packed_back,
                                         .c = call->dx,
                                         .columns = in,
                                         .b_panel = out * GEMM_LANES,
                                         .c_panel = GEMM_LANES});
}

/* A task takes a range of inputs, so that only its own columns of x need be brought into panels. */
static void gather(struct op *op, const struct op_gather *gather)
{
    const struct portable_linear *s = op->state;
    const struct gemm_place outputs = run_of(s->shared.out), samples = run_of(gather->samples);
    int64_t in = s->shared.in, panel = s->batch * GEMM_LANES, panels = panels_of(in);
    int64_t first = panels * gather->task / op->gather_tasks * GEMM_LANES,
            end = panels * (gather->task + 1) / op->gather_tasks * GEMM_LANES;
    real *held = s->held + gather->task * HELD * panel;

    for (end = end < in ? end : in; first < end; first += HELD * GEMM_LANES) {
        int64_t left = end - first, columns = left < HELD * GEMM_LANES ? left : HELD * GEMM_LANES;
        for (int64_t i = 0; i < panels_of(columns); i++)
            take_panel(gather->x, in, gather->samples, first + i * GEMM_LANES, held + i * panel);
        gemm_run(s->gemm, &(struct gemm){.rows = straight(&outputs, 1, in),
                                         .inner = straight(&samples, s->shared.out, GEMM_LANES),
                                         .a = gather->dy,
                                         .b = held,
                                         .c = gather->gradients + s->shared.weight + first,
                                         .columns = columns,
                                         .b_panel = panel,
                                         .c_panel = GEMM_LANES});
    }
    linear_gather_bias(op, gather);
}

static void reserve(struct portable_linear *s, const struct op_setup *setup, int tasks)
{
    int64_t in = s->shared.in, out = s->shared.out;
    block_reserve(setup->memory, &s->packed, saturating_product(panels_of(out) * GEMM_LANES, in),
                  sizeof(real));
    if (setup->want_dx)
        block_reserve(setup->memory, &s->packed_back,
                      saturating_product(panels_of(in) * GEMM_LANES, out), sizeof(real));
    if (s->shared.bias >= 0)
        block_reserve(setup->memory, &s->start, panels_of(out) * GEMM_LANES, sizeof(real));
    block_reserve(setup->memory, &s->held, saturating_product(tasks * HELD * GEMM_LANES, s->batch),
                  sizeof(real));
}

bool portable_linear_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    if (!linear_make(setup, sizeof(struct portable_linear), op, error))
        return false;
    struct portable_linear *s = op->state;
    int64_t panels = panels_of(s->shared.in);
    op->gather_tasks = panels < GATHER_TASKS ? (int)panels : GATHER_TASKS;
    s->gemm = gemm_best();
    s->batch = saturating_product(setup->cut.shards, setup->cut.shard_size);
    reserve(s, setup, op->gather_tasks);
    snprintf(s->kernel, sizeof s->kernel, "own matrix product, %s", gemm_name(s->gemm));
    op->kernel = s->kernel;
    op->pack = pack;
    op->forward = forward;
    op->backward = backward;
    op->gather = gather;
    return true;
}
