/* Batch: see batch.h. */
#include "core/batch.h"

#include "core/augment.h"

void batch_reserve(struct batch_input *input, const struct spec *spec, const struct plan *plan,
                   int members, struct block *block)
{
    const struct shape *shape = &plan->data.sample;
    *input = (struct batch_input){
        .shape = *shape, .augment = &spec->dataset.augment, .seed = (uint64_t)spec->run.seed};
    normalization_reserve(&input->normalization, shape->channels, block);
    if (spec->dataset.augment.count > 0)
        block_reserve(block, &input->scratch, saturating_product(members, shape_elements(shape)),
                      sizeof *input->scratch);
}

VECTOR_CLONES static void load_bytes(const uint8_t *restrict from, real *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (real)from[i];
}

VECTOR_CLONES static void load_reals(const float *restrict from, real *restrict to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (real)from[i];
}

static real *augment(const struct batch_part *part, int64_t index, real *pixels)
{
    const struct batch_input *input = part->input;
    bool bytes = part->split->images != NULL;
    struct augment_call call = {.shape = &input->shape,
                                .lowest = bytes ? 0 : -(real)INFINITY,
                                .highest = bytes ? 255 : (real)INFINITY,
                                .pixels = pixels,
                                .spare =
                                    input->scratch + part->member * shape_elements(&input->shape)};
    const struct augment_sample sample = {input->seed, part->epoch, index};
    return augment_apply(input->augment, &sample, &call);
}

void batch_fill(const struct batch_part *part, real *x, uint16_t *labels)
{
    const struct batch_input *input = part->input;
    int64_t elements = shape_elements(&input->shape);
    for (int64_t i = 0; i < part->samples; i++, x += elements) {
        int64_t index = part->order ? part->order[part->first + i] : part->first + i;
        const real *pixels = x;
        if (part->split->images)
            load_bytes(part->split->images + index * elements, x, elements);
        else
            load_reals(part->split->reals + index * elements, x, elements);
        if (part->train && input->augment->count > 0)
            pixels = augment(part, index, x);
        normalization_apply(&input->normalization, pixels, x,
                            input->shape.height * input->shape.width);
        labels[i] = part->split->labels[index];
    }
}
