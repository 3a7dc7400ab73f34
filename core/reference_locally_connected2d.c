/* locally_connected2d by its definition, a matrix product for each output pixel: what the pixel
 * reads in each sample is a row of a patch X (samples, K), its own weights are W (N, K), and
 * Y = X·Wᵀ + b, dX = dY·W, dW = dYᵀ·X with K = C·k₁·k₂. Plain layout.
 *
 * No weight is shared, so there are as many of them as a shard has multiply-adds: a gradient in a
 * slot for each shard would be most of a job's memory. The weight gradient is taken over the whole
 * batch at once instead, by ranges of pixels. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/matrix.h"

#include <stdlib.h>
#include <string.h>

enum {
    GATHER_TASKS = 16,
    PATCH_SAMPLES = 16 /* of one matrix product: weights are read once for all of them */
};

struct local_state {
    struct sliding windows[2];
    struct shape in, out;
    int64_t k, taps, pixels;
    int64_t weight, bias; /* offsets into the flat arrays; bias −1: none */
    int members;
    const real *parameters;
    real *patches;   /* (users, PATCH_SAMPLES, K) */
    real *outputs;   /* (users, PATCH_SAMPLES, N): Y or dY of one pixel */
    int64_t *places; /* (users, taps): where in a channel each tap reads; −1: a zero */
};

/* Of one member or one gather task: the tasks come behind the members. */
struct scratch {
    real *patch, *output;
    int64_t *places;
};

static struct scratch scratch_of(const struct local_state *s, int user)
{
    return (struct scratch){.patch = s->patches + user * PATCH_SAMPLES * s->k,
                            .output = s->outputs + user * PATCH_SAMPLES * s->out.channels,
                            .places = s->places + user * s->taps};
}

static void find_places(const struct local_state *s, int64_t pixel, int64_t *places)
{
    for (int64_t tap = 0; tap < s->taps; tap++) {
        int64_t width = s->windows[1].kernel;
        int64_t y = window_reads(&s->windows[0], pixel / s->out.width, tap / width);
        int64_t x = window_reads(&s->windows[1], pixel % s->out.width, tap % width);
        places[tap] = y < 0 || x < 0 ? -1 : y * s->in.width + x;
    }
}

static void read_patch(const struct local_state *s, const struct scratch *scratch, const real *x,
                       int64_t samples)
{
    int64_t channel = s->in.height * s->in.width;
    real *patch = scratch->patch;
    for (int64_t c = 0; c < samples * s->in.channels; c++, x += channel, patch += s->taps)
        for (int64_t tap = 0; tap < s->taps; tap++)
            patch[tap] = scratch->places[tap] < 0 ? 0 : x[scratch->places[tap]];
}

/* The transpose of read_patch. */
static void add_patch(const struct local_state *s, const struct scratch *scratch, real *dx,
                      int64_t samples)
{
    int64_t channel = s->in.height * s->in.width;
    const real *patch = scratch->patch;
    for (int64_t c = 0; c < samples * s->in.channels; c++, dx += channel, patch += s->taps)
        for (int64_t tap = 0; tap < s->taps; tap++)
            if (scratch->places[tap] >= 0)
                dx[scratch->places[tap]] += patch[tap];
}

/* One pixel's dY out of the plain layout, where it lies scattered. */
static void read_output(const struct local_state *s, const real *dy, int64_t samples, real *output)
{
    for (int64_t i = 0; i < samples * s->out.channels; i++)
        output[i] = dy[i * s->pixels];
}

/* The weights of one pixel: rows of K numbers, one for each filter, this far apart. */
static int64_t weight_step(const struct local_state *s)
{
    return s->pixels * s->k;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Y of one pixel = b, or 0. */
static void fill_bias(const struct local_state *s, const struct scratch *scratch, int64_t samples,
                      int64_t pixel)
{
    int64_t filters = s->out.channels;
    for (int64_t f = 0; f < filters; f++) {
        real bias = s->bias < 0 ? 0 : s->parameters[s->bias + f * s->pixels + pixel];
        for (int64_t n = 0; n < samples; n++)
            scratch->output[n * filters + f] = bias;
    }
}

static void forward_pixel(const struct local_state *s, const struct scratch *scratch,
                          const struct op_call *call, int64_t pixel)
{
    int64_t filters = s->out.channels;
    for (int64_t n = 0; n < call->samples; n += PATCH_SAMPLES) {
        int64_t samples = least(call->samples - n, PATCH_SAMPLES);
        real *y = (real *)call->y + n * filters * s->pixels + pixel;
        read_patch(s, scratch, (const real *)call->x + n * shape_elements(&s->in), samples);
        fill_bias(s, scratch, samples, pixel);
        matrix_add_abt(scratch->patch, s->parameters + s->weight + pixel * s->k, scratch->output,
                       (struct matrix_size){samples, filters, s->k, .b_step = weight_step(s)});
        for (int64_t i = 0; i < samples * filters; i++)
            y[i * s->pixels] = scratch->output[i];
    }
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct local_state *s = op->state;
    struct scratch scratch = scratch_of(s, call->member);
    for (int64_t pixel = 0; pixel < s->pixels; pixel++) {
        find_places(s, pixel, scratch.places);
        forward_pixel(s, &scratch, call, pixel);
    }
}

static void backward_pixel(const struct local_state *s, const struct scratch *scratch,
                           const struct op_call *call, int64_t pixel)
{
    int64_t filters = s->out.channels;
    for (int64_t n = 0; n < call->samples; n += PATCH_SAMPLES) {
        int64_t samples = least(call->samples - n, PATCH_SAMPLES);
        read_output(s, (const real *)call->dy + n * filters * s->pixels + pixel, samples,
                    scratch->output);
        memset(scratch->patch, 0, (size_t)(samples * s->k) * sizeof *scratch->patch);
        matrix_add_ab(scratch->output, s->parameters + s->weight + pixel * s->k, scratch->patch,
                      (struct matrix_size){samples, s->k, filters, .b_step = weight_step(s)});
        add_patch(s, scratch, (real *)call->dx + n * shape_elements(&s->in), samples);
    }
}

static void backward(struct op *op, const struct op_call *call)
{
    const struct local_state *s = op->state;
    struct scratch scratch = scratch_of(s, call->member);
    if (!call->dx)
        return;
    memset(call->dx, 0, (size_t)(call->samples * op->x.count) * sizeof(real));
    for (int64_t pixel = 0; pixel < s->pixels; pixel++) {
        find_places(s, pixel, scratch.places);
        backward_pixel(s, &scratch, call, pixel);
    }
}

static void gather_pixel(const struct local_state *s, const struct scratch *scratch,
                         const struct op_gather *gather, int64_t pixel)
{
    int64_t filters = s->out.channels;
    real *dw = gather->gradients + s->weight + pixel * s->k;
    real *db = gather->gradients + s->bias + pixel;
    for (int64_t f = 0; f < filters; f++) {
        memset(dw + f * weight_step(s), 0, (size_t)s->k * sizeof *dw);
        if (s->bias >= 0)
            db[f * s->pixels] = 0;
    }
    for (int64_t n = 0; n < gather->samples; n += PATCH_SAMPLES) {
        int64_t samples = least(gather->samples - n, PATCH_SAMPLES);
        read_patch(s, scratch, (const real *)gather->x + n * shape_elements(&s->in), samples);
        read_output(s, (const real *)gather->dy + n * filters * s->pixels + pixel, samples,
                    scratch->output);
        matrix_add_atb(scratch->output, scratch->patch, dw,
                       (struct matrix_size){filters, s->k, samples, .c_step = weight_step(s)});
        for (int64_t f = 0; s->bias >= 0 && f < filters; f++)
            for (int64_t i = 0; i < samples; i++)
                db[f * s->pixels] += scratch->output[i * filters + f];
    }
}

/* Task number by shape alone; each sums over the samples in order. */
static void gather(struct op *op, const struct op_gather *gather)
{
    const struct local_state *s = op->state;
    struct scratch scratch = scratch_of(s, s->members + gather->task);
    int64_t end = s->pixels * (gather->task + 1) / op->gather_tasks;
    for (int64_t pixel = s->pixels * gather->task / op->gather_tasks; pixel < end; pixel++) {
        find_places(s, pixel, scratch.places);
        gather_pixel(s, &scratch, gather, pixel);
    }
}

static void pack(struct op *op, const real *parameters)
{
    ((struct local_state *)op->state)->parameters = parameters;
}

static void drop(struct op *op)
{
    free(op->state);
}

static void reserve(struct local_state *s, const struct op_setup *setup, int tasks)
{
    int64_t users = setup->cut.members + tasks;
    block_reserve(setup->memory, &s->patches, saturating_product(users * PATCH_SAMPLES, s->k),
                  sizeof(real));
    block_reserve(setup->memory, &s->outputs, users * PATCH_SAMPLES * s->out.channels,
                  sizeof(real));
    block_reserve(setup->memory, &s->places, users * s->taps, sizeof(int64_t));
}

bool reference_locally_connected2d_make(const struct op_setup *setup, struct op *op,
                                        struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    const struct conv2d_options *options = layer->options;
    const struct plan_tensor *tensors = setup->plan->tensors + layer->first_tensor;
    if (setup->block != 1)
        return false;
    struct local_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    conv2d_windows(options, &layer->input, s->windows);
    s->in = layer->input;
    s->out = layer->output;
    s->taps = s->windows[0].kernel * s->windows[1].kernel;
    s->k = s->in.channels * s->taps;
    s->pixels = s->out.height * s->out.width;
    s->weight = tensors[0].offset;
    s->bias = options->bias ? tensors[1].offset : -1;
    s->members = setup->cut.members;
    *op = (struct op){.kernel = "reference: a matrix product for each pixel",
                      .x.count = shape_elements(&s->in),
                      .y.count = shape_elements(&s->out),
                      .x.block = 1,
                      .y.block = 1,
                      .traits = OP_WHOLE_BATCH,
                      .gather_tasks = (int)least(s->pixels, GATHER_TASKS),
                      .state = s,
                      .pack = pack,
                      .forward = forward,
                      .backward = backward,
                      .gather = gather,
                      .drop = drop};
    reserve(s, setup, op->gather_tasks);
    return true;
}
