/* Batch: see batch.h. */
#include "core/batch.h"

/* Division, not multiplication by 1/255: it is what PyTorch's ToTensor gives, to the last digit. */
VECTOR_CLONES static void fill_scaled(const uint8_t *restrict pixels, real *restrict x,
                                      int64_t count, real divisor)
{
    for (int64_t i = 0; i < count; i++)
        x[i] = (real)pixels[i] / divisor;
}

void batch_fill(const struct batch_part *part, real *x, uint16_t *labels)
{
    real divisor = part->normalize == NORMALIZE_SCALE ? 255 : 1;
    for (int64_t i = 0; i < part->samples; i++) {
        int64_t at = part->order ? part->order[part->first + i] : part->first + i;
        fill_scaled(part->split->images + at * part->sample_size, x + i * part->sample_size,
                    part->sample_size, divisor);
        labels[i] = part->split->labels[at];
    }
}
