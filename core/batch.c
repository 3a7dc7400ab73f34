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
        block_reserve(block, &input->scratch,
                      saturating_product(2 * (int64_t)members, shape_elements(shape)),
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

static const real *augment(const struct batch_part *part, int64_t index, real *pixels)
{
    const struct batch_input *input = part->input;
    bool bytes = part->split->images != NULL;
    struct augment_call call = {.shape = &input->shape,
                                .lowest = bytes ? 0 : -(real)INFINITY,
                                .highest = bytes ? 255 : (real)INFINITY,
                                .pixels = pixels,
                                .spare = pixels + shape_elements(&input->shape)};
    const struct augment_sample sample = {input->seed, part->epoch, index};
    return augment_apply(input->augment, &sample, &call);
}

static int64_t sample_index(const struct batch_part *part, int64_t i)
{
    return part->order ? part->order[part->first + i] : part->first + i;
}

static const void *sample_place(const struct batch_part *part, int64_t index, int64_t elements)
{
    const struct dataset_split *split = part->split;
    return split->images ? (const void *)(split->images + index * elements)
                         : (const void *)(split->reals + index * elements);
}

/* A shuffled epoch jumps through a data set that is far larger than a cache: the next sample comes
 * nearer while this one is worked on. */
static void call_sample(const struct batch_part *part, int64_t i, int64_t elements)
{
    enum { LINE = 64, MOST = 16384 };
    if (i >= part->samples)
        return;
    const char *place = sample_place(part, sample_index(part, i), elements);
    int64_t bytes = elements * (part->split->images ? 1 : (int64_t)sizeof(float));
    for (int64_t at = 0; at < bytes && at < MOST; at += LINE)
        __builtin_prefetch(place + at, 0, 2);
}

void batch_fill(const struct batch_part *part, real *x, uint16_t *labels)
{
    const struct batch_input *input = part->input;
    int64_t elements = shape_elements(&input->shape);
    bool augmented = part->train && input->augment->count > 0;
    call_sample(part, 0, elements);
    for (int64_t i = 0; i < part->samples; i++, x += elements) {
        int64_t index = sample_index(part, i);
        const void *from = sample_place(part, index, elements);
        real *loaded = augmented ? input->scratch + 2 * part->member * elements : x;
        call_sample(part, i + 1, elements);
        if (part->split->images)
            load_bytes(from, loaded, elements);
        else
            load_reals(from, loaded, elements);
        const real *pixels = augmented ? augment(part, index, loaded) : loaded;
        normalization_apply(&input->normalization, pixels, x,
                            input->shape.height * input->shape.width);
        labels[i] = part->split->labels[index];
    }
}
