/* Plan: what a training step's arithmetic amounts to. See plan.h. */
#include "core/plan.h"

static bool learned_before(const struct plan_layer *layer, const struct plan_work *work)
{
    for (int i = 0; i < layer->source_count; i++)
        if (layer->sources[i] >= 0 && work[layer->sources[i]].learned)
            return true;
    return false;
}

void plan_work(const struct plan *plan, struct plan_work *work)
{
    for (int i = 0; i < plan->layer_count; i++) {
        const struct plan_layer *layer = &plan->layers[i];
        bool data = learned_before(layer, work), weights = layer->parameters > 0;
        work[i] = (struct plan_work){
            .forward = layer->multiply_adds,
            .backward = saturating_product(layer->multiply_adds, (int64_t)data + weights),
            .learned = data || weights};
    }
}
