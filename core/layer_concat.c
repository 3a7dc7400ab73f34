/* concat: what several chains of layers make of the same input, one after another by channel (by
 * feature for flat vectors). An empty branch is the input itself. Options and shapes only. */
#include "core/layer.h"

/* clang-format off */
static const struct field rows[] = {
    {.name = "branches", .type = FIELD_VARIANT_LISTS, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct concat_options, branches), .min = 1, .max = LAYER_BRANCHES_MAX,
     .kinds = &layer_kinds, .help = "lists of layers; an empty one is the input itself"},
};
/* clang-format on */

static void plan(struct layer_planning *planning)
{
    struct plan_layer *layer = planning->layer;
    const struct shape *first = plan_source_shape(planning, 0);

    layer->output = *first;
    for (int i = 1; i < layer->source_count; i++) {
        const struct shape *other = plan_source_shape(planning, i);
        layer->output.channels += other->channels;
        if (first->height == other->height && first->width == other->width &&
            first->flat == other->flat)
            continue;
        problem_add(planning->problems, layer->pointer,
                    "branch 0 gives images of %lld × %lld%s and branch %d %lld × %lld%s: they must "
                    "be the same to be joined",
                    (long long)first->height, (long long)first->width, first->flat ? " (flat)" : "",
                    i, (long long)other->height, (long long)other->width,
                    other->flat ? " (flat)" : "");
    }
}

const struct layer_kind layer_concat = {
    .kind = {"concat",
             "the outputs of several chains of layers, joined by channel",
             {rows, COUNT_OF(rows), sizeof(struct concat_options)}},
    .plan = plan,
};
