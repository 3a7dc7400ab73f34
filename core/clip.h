/* Clip: gradients kept from being too large, as torch.nn.utils.clip_grad_norm_ and after it
 * clip_grad_value_. Knows nothing of how the norm is taken. */
#ifndef CORE_CLIP_H
#define CORE_CLIP_H

#include "core/spec.h"
#include "core/tensor.h"

struct clip {
    double scale; /* every number times this; 1: none is changed */
    double limit; /* then kept in [−limit, limit]; INFINITY: none is */
};

/* For gradients whose norm, over all parameters, is `norm`: scale is
 * min(1, clip_grad_norm / (norm + 1e-6)). */
struct clip clip_for(const struct spec_run *run, double norm);
/* Any range of them. */
void clip_apply(const struct clip *clip, real *gradients, int64_t count);

#endif
