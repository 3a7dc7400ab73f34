/* dropout and dropout2d, in any layout. What becomes zero is a function of (seed, layer, epoch,
 * place in the epoch) alone, so neither the cut of a batch nor threads, layout or a resumed run
 * change it. */
#include "core/kernels.h"
#include "core/layer.h"
#include "core/rng.h"

#include <stdlib.h>
#include <string.h>

struct dropout_state {
    struct shape shape;
    bool channels; /* one draw for each channel, not for each number */
    int64_t draws; /* of one sample */
    uint64_t seed;
    uint32_t stream;
    uint64_t least; /* a word below it drops */
    real factor;    /* of what is kept */
    uint8_t *kept;  /* (keepers, keeper_count): what the forward pass drew, in plain order */
    int64_t keeper_count;
};

/* Draw g of an epoch, counted through its samples in order and each one's numbers or channels in
 * plain order, is word g mod 4 of block ⌊g / 4⌋. Part of every stored run, as rng.h is. */
static void draw(const struct dropout_state *s, const struct op_call *call, uint8_t *kept)
{
    const struct rng rng = {s->seed, s->stream, call->epoch};
    uint64_t first = (uint64_t)(call->first * s->draws);
    int64_t count = call->samples * s->draws, i = 0;

    while (i < count) {
        uint64_t g = first + (uint64_t)i;
        struct rng_block block = rng_draw(&rng, g / 4);
        for (uint64_t word = g % 4; word < 4 && i < count; word++)
            kept[i++] = block.word[word] >= s->least;
    }
}

/* A factor of 0 and not a zero put in a number's place, so that a NaN stays one. Channels that fill
 * up a block get it too. */
static inline __attribute__((always_inline)) void apply_to(const struct op *op,
                                                           const struct op_call *call,
                                                           const void *in, void *out,
                                                           const enum number number)
{
    const struct dropout_state *s = op->state;
    const uint8_t *kept = s->kept + call->keeper * s->keeper_count, none = 0;
    int64_t pixels = s->shape.height * s->shape.width, lanes = op->x.block;

    for (int64_t n = 0; n < call->samples; n++, kept += s->draws)
        for (int64_t c = 0; c < op->x.count / pixels; c++) {
            int64_t at = n * op->x.count + c / lanes * lanes * pixels + c % lanes;
            bool missing = c >= s->shape.channels;
            int64_t step = missing || s->channels ? 0 : 1; /* to the next pixel's draw */
            const uint8_t *draws = missing ? &none : kept + c * (s->channels ? 1 : pixels);
            for (int64_t p = 0; p < pixels; p++)
                number_put(number, out, at + p * lanes,
                           number_get(number, in, at + p * lanes) *
                               ((real)draws[p * step] * s->factor));
        }
}

static void apply(const struct op *op, const struct op_call *call, const void *in, void *out)
{
    if (op->x.number == NUMBER_BF16)
        apply_to(op, call, in, out, NUMBER_BF16);
    else
        apply_to(op, call, in, out, NUMBER_REAL);
}

static void copy(const struct op *op, const struct op_call *call, const void *in, void *out)
{
    if (in != out)
        memcpy(out, in, (size_t)(call->samples * op->x.count) * number_size(op->x.number));
}

static void forward(struct op *op, const struct op_call *call)
{
    const struct dropout_state *s = op->state;
    if (!call->train) {
        copy(op, call, call->x, call->y);
        return;
    }
    draw(s, call, s->kept + call->keeper * s->keeper_count);
    apply(op, call, call->x, call->y);
}

static void backward(struct op *op, const struct op_call *call)
{
    if (!call->dx)
        return;
    if (call->train)
        apply(op, call, call->dy, call->dx);
    else
        copy(op, call, call->dy, call->dx);
}

static void drop(struct op *op)
{
    free(op->state);
}

bool dropout_make(const struct op_setup *setup, struct op *op, struct error *error)
{
    const struct plan_layer *layer = setup->layer;
    double p = ((const struct dropout_options *)layer->options)->p;
    int64_t count = op_count(&layer->input, setup->block);
    struct dropout_state *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(error, ERROR_MEMORY, layer->pointer, "no memory for the layer");
    *s = (struct dropout_state){
        .shape = layer->input,
        .channels = layer->kind == &layer_dropout2d.kind,
        .seed = setup->seed,
        .stream = RNG_DROPOUT | (uint32_t)(layer - setup->plan->layers) << 8,
        .least = (uint64_t)ceil(p * 0x1p32),
        .factor = p < 1 ? (real)(1 / (1 - p)) : 0,
    };
    s->draws = s->channels ? s->shape.channels : shape_elements(&s->shape);
    s->keeper_count = saturating_product(setup->cut.shard_size, s->draws);
    block_reserve(setup->memory, &s->kept, saturating_product(setup->cut.keepers, s->keeper_count),
                  1);
    *op = (struct op){.kernel = setup->keep_x ? "any layout" : "in place, any layout",
                      .x.count = count,
                      .y.count = count,
                      .x.block = setup->block,
                      .y.block = setup->block,
                      .x.number = setup->number,
                      .y.number = setup->number,
                      .traits = setup->keep_x ? 0 : OP_IN_PLACE,
                      .state = s,
                      .forward = forward,
                      .backward = backward,
                      .drop = drop};
    return true;
}
