/* residual: the sum of what two chains of layers make of the same input; an empty shortcut is the
 * identity. Options and shapes only. */
#include "core/layer.h"

#define AT(member) offsetof(struct residual_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "body", .type = FIELD_VARIANTS, .flags = FIELD_REQUIRED, .offset = AT(body), .min = 1,
     .max = 256, .kinds = &layer_kinds, .help = "the layers whose output is added"},
    {.name = "shortcut", .type = FIELD_VARIANTS, .offset = AT(shortcut), .min = 0, .max = 256,
     .kinds = &layer_kinds, .help = "layers on the other way; none: the input itself"},
};
/* clang-format on */

static void plan(struct layer_planning *planning)
{
    struct plan_layer *layer = planning->layer;
    const struct shape *body = plan_source_shape(planning, 0);
    const struct shape *shortcut = plan_source_shape(planning, 1);

    layer->output = *body;
    if (body->channels == shortcut->channels && body->height == shortcut->height &&
        body->width == shortcut->width && body->flat == shortcut->flat)
        return;
    problem_add(planning->problems, layer->pointer,
                "the body gives %lld × %lld × %lld and the shortcut %lld × %lld × %lld: they must "
                "be the same to be added",
                (long long)body->channels, (long long)body->height, (long long)body->width,
                (long long)shortcut->channels, (long long)shortcut->height,
                (long long)shortcut->width);
}

const struct layer_kind layer_residual = {
    .kind = {"residual",
             "the sum of a chain of layers and a shortcut around it",
             {rows, COUNT_OF(rows), sizeof(struct residual_options)}},
    .plan = plan,
};
