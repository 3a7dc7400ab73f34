/* conv2d by oneDNN, in blocked layouts. Weights are brought into the primitives' orders once a
 * step; each shard leaves its weight gradient in the primitive's own order, the sum of the shards
 * is brought back into PyTorch's. How a layer becomes primitives is onednn_conv2d_make.c's matter.
 */
#if TRAIND_ONEDNN
#include "core/onednn_conv2d.h"

#include "core/matrix.h"

#include <stdlib.h>
#include <string.h>

static void pack_reader(struct onednn_conv2d *s, const struct onednn_reader *reader)
{
    if (reader->reorder.primitive)
        onednn_run(&s->shared, &reader->reorder, 0, (const void *[]){s->padded, reader->packed});
    else
        onednn_winograd_put(&reader->order, s->padded, reader->turned, reader->packed);
}

static void pack(struct op *op, const real *parameters)
{
    struct onednn_conv2d *s = op->state;
    conv2d_weights_put(&s->arranged, parameters + s->place.weight, s->padded);
    if (s->place.bias >= 0)
        memcpy(s->padded_bias, parameters + s->place.bias, (size_t)s->place.filters * sizeof(real));
    pack_reader(s, &s->forward);
    if (s->data.primitive.primitive)
        pack_reader(s, &s->data);
    if (s->own.used && !s->own.filled)
        avx512_gradient_fill(&s->own.gradient);
    s->own.filled = true;
}

/* ---- padding around x ---- */

static void *stage_of(const struct onednn_stage *stage, int member)
{
    int64_t bytes = stage->count * (int64_t)number_size(stage->padding.number);
    return (unsigned char *)stage->numbers + member * bytes;
}

/* What the primitives read. They read whole shards: samples that are missing become zero. */
static const void *staged(const struct onednn_conv2d *s, const struct op_call *call)
{
    const struct onednn_stage *stage = &s->stage;
    int64_t images = call->samples * stage->images,
            size = (int64_t)number_size(stage->padding.number);
    int64_t used = images * padding_whole(&stage->padding);
    if (stage->count == 0)
        return call->x;
    unsigned char *numbers = stage_of(stage, call->member);
    padding_put(&stage->padding, images, call->x, numbers);
    memset(numbers + used * size, 0, (size_t)((stage->count - used) * size));
    return numbers;
}

/* Where the data gradient of what the primitives read goes. */
static void *target(const struct onednn_conv2d *s, const struct op_call *call)
{
    const struct onednn_stage *stage = &s->stage;
    if (stage->count == 0)
        return call->dx;
    return stage->gradients ? (void *)(stage->gradients + call->member * stage->count)
                            : stage_of(stage, call->member);
}

static void fold(const struct onednn_stage *stage, const struct op_call *call, const real *whole)
{
    int64_t images = call->samples * stage->images, bare = padding_bare(&stage->padding);
    if (stage->padding.number == NUMBER_REAL) {
        padding_fold(&stage->padding, images, whole, call->dx);
        return;
    }
    real *folded = stage->folded + call->member * bare;
    for (int64_t i = 0; i < images; i++, whole += padding_whole(&stage->padding)) {
        padding_fold(&stage->padding, 1, whole, folded);
        bf16_round_all(folded, (bf16 *)call->dx + i * bare, bare);
    }
}

/* ---- the op's functions ---- */

static void forward(struct op *op, const struct op_call *call)
{
    struct onednn_conv2d *s = op->state;
    onednn_run(&s->shared, &s->forward.primitive, call->member,
               (const void *[]){staged(s, call), s->forward.packed, call->y, s->padded_bias});
}

static void find_weights(struct onednn_conv2d *s, const struct op_call *call, real *slot)
{
    const struct avx512_samples samples = {call->x, call->dy, call->samples, call->member,
                                           s->shared.scratch[call->member]};
    if (s->own.used)
        avx512_gradient_run(&s->own.gradient, &samples, slot, s->place.bias >= 0);
    else
        onednn_run(&s->shared, &s->weights, call->member,
                   (const void *[]){staged(s, call), call->dy, slot, slot + s->slots.bias_at});
}

static void backward(struct op *op, const struct op_call *call)
{
    struct onednn_conv2d *s = op->state;
    void *dx = target(s, call);
    find_weights(s, call, s->slots.shards + call->shard * s->slots.size);
    if (!call->dx)
        return;
    onednn_run(&s->shared, &s->data.primitive, call->member,
               (const void *[]){call->dy, s->data.packed, dx});
    if (s->stage.count)
        fold(&s->stage, call, dx);
}

static void gather(struct op *op, const struct op_gather *gather)
{
    struct onednn_conv2d *s = op->state;
    const struct onednn_slots *slots = &s->slots;
    shards_sum(slots->shards, slots->size, gather->shards, slots->sum, slots->size);
    if (s->own.used)
        avx512_gradient_take(&s->own.gradient, slots->sum, slots->plain);
    else
        onednn_run(&s->shared, &s->unpack, 0, (const void *[]){slots->sum, slots->plain});
    conv2d_weights_take(&s->arranged, slots->plain, gather->gradients + s->place.weight);
    if (s->place.bias >= 0)
        memcpy(gather->gradients + s->place.bias, slots->sum + slots->bias_at,
               (size_t)s->place.filters * sizeof(real));
}

static void drop(struct op *op)
{
    struct onednn_conv2d *s = op->state;
    struct onednn_primitive *all[] = {&s->forward.primitive, &s->forward.reorder,
                                      &s->data.primitive,    &s->data.reorder,
                                      &s->weights,           &s->unpack};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        onednn_drop(&s->shared, all[i]);
    onednn_end(&s->shared);
    free(s);
}

void onednn_conv2d_serve(struct op *op)
{
    op->pack = pack;
    op->forward = forward;
    op->backward = backward;
    op->gather = gather;
    op->drop = drop;
}

#endif
