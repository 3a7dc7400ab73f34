/* Completion of whatever rows describe: each variant that was left out gets its default kind, at
 * any depth. Knows no field by name; the rules between fields of a spec stand in spec.c. */
#include "core/layer.h"

static bool complete_variant(struct arena *arena, const struct kinds *kinds,
                             const struct variant *variant)
{
    const struct kind *kind = variant->kind;

    /* None where reading it failed, of which a problem tells. */
    if (!kind)
        return true;
    if (!spec_complete_rows(arena, &kind->options, variant->options) ||
        (kinds->common && !spec_complete_rows(arena, kinds->common, variant->common)))
        return false;
    if (kinds == &layer_kinds && ((const struct layer_kind *)kind)->complete)
        ((const struct layer_kind *)kind)->complete(variant->options);
    return true;
}

static bool complete_variants(struct arena *arena, const struct kinds *kinds,
                              const struct variants *variants)
{
    for (size_t i = 0; i < variants->count; i++)
        if (!complete_variant(arena, kinds, &variants->items[i]))
            return false;
    return true;
}

static bool complete_lists(struct arena *arena, const struct kinds *kinds,
                           const struct variant_lists *lists)
{
    for (size_t i = 0; i < lists->count; i++)
        if (!complete_variants(arena, kinds, &lists->items[i]))
            return false;
    return true;
}

static bool complete_choice(struct arena *arena, const struct field *field, struct variant *variant)
{
    const struct kinds *kinds = field->kinds;

    if (!variant->kind && field->fallback_kind &&
        !variant_make(arena, kinds, kinds_find(kinds, field->fallback_kind), variant))
        return false;
    return complete_variant(arena, kinds, variant);
}

static bool complete_value(struct arena *arena, const struct field *field, void *at)
{
    switch (field->type) {
    case FIELD_OBJECT:
        if ((field->flags & FIELD_OPTIONAL) && !*(const bool *)at)
            return true;
        return spec_complete_rows(arena, field->fields, at);
    case FIELD_VARIANT:
        return complete_choice(arena, field, at);
    case FIELD_VARIANTS:
        return complete_variants(arena, field->kinds, at);
    case FIELD_VARIANT_LISTS:
        return complete_lists(arena, field->kinds, at);
    default:
        return true;
    }
}

bool spec_complete_rows(struct arena *arena, const struct fields *fields, void *base)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!complete_value(arena, &fields->rows[i], field_at(&fields->rows[i], base)))
            return false;
    return true;
}
