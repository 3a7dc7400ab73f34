/* Clip: see clip.h. */
#include "core/clip.h"

#include <math.h>

struct clip clip_for(const struct spec_run *run, double norm)
{
    struct clip clip = {.scale = 1, .limit = INFINITY};
    if (!isnan(run->clip_grad_norm))
        clip.scale = fmin(1, run->clip_grad_norm / (norm + 1e-6));
    if (!isnan(run->clip_grad_value))
        clip.limit = run->clip_grad_value;
    return clip;
}

VECTOR_CLONES static void scale(real *g, int64_t count, real factor)
{
    for (int64_t i = 0; i < count; i++)
        g[i] *= factor;
}

VECTOR_CLONES static void limit(real *g, int64_t count, real bound)
{
    for (int64_t i = 0; i < count; i++) {
        real low = g[i] < -bound ? -bound : g[i];
        g[i] = low > bound ? bound : low;
    }
}

void clip_apply(const struct clip *clip, real *gradients, int64_t count)
{
    if (clip->scale < 1)
        scale(gradients, count, (real)clip->scale);
    if (isfinite(clip->limit))
        limit(gradients, count, (real)clip->limit);
}
