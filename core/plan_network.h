/* Plan of a network: layers in the order they are computed, what reads what, shapes and tensors.
 * Knows nothing of data sets' sizes, optimizers or schedules. For plan.c only. */
#ifndef CORE_PLAN_NETWORK_H
#define CORE_PLAN_NETWORK_H

#include "core/layer.h"

/* Fills in planning->plan's layers, sources and tensors. False when what is wrong keeps the
 * network's end from being known. When memory is gone planning->memory_gone is set. */
bool plan_network(struct layer_planning *planning, const struct variants *model);

#endif
