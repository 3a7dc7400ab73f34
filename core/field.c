/* Field tables: looking up and defaults. Knows nothing of JSON. */
#include "core/field.h"

#include <string.h>

const struct field *fields_find(const struct fields *fields, const char *name)
{
    if (!fields)
        return NULL;
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->rows[i].name, name) == 0)
            return &fields->rows[i];
    return NULL;
}

const struct kind *kinds_find(const struct kinds *kinds, const char *name)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->rows[i]->name, name) == 0)
            return kinds->rows[i];
    return NULL;
}

static void default_numbers(const struct field *field, void *value)
{
    bool absent = (field->flags & FIELD_OPTIONAL) != 0;
    double *reals = value;
    int64_t *integers = value;

    switch (field->type) {
    case FIELD_INT:
        integers[0] = absent ? FIELD_ABSENT : (int64_t)field->fallback;
        break;
    case FIELD_PAIR:
        integers[0] = integers[1] = absent ? FIELD_ABSENT : (int64_t)field->fallback;
        break;
    case FIELD_REAL:
        reals[0] = absent ? NAN : field->fallback;
        break;
    case FIELD_REALS2:
        reals[0] = absent ? NAN : field->fallback;
        reals[1] = absent ? NAN : field->fallback2;
        break;
    default:
        break;
    }
}

static void default_object(const struct field *field, void *value)
{
    fields_defaults(field->fields, value);
    if (field->flags & FIELD_OPTIONAL)
        *(bool *)value = false;
}

static void default_choice(const struct field *field, void *value)
{
    int choice = field->flags & FIELD_OPTIONAL ? -1 : (int)field->fallback;

    if (field->type == FIELD_EITHER)
        *(struct either *)value = (struct either){.choice = choice, .number = NAN};
    else
        *(int *)value = choice;
}

static void default_pair_or(const struct field *field, struct pair_or *value)
{
    bool absent = (field->flags & FIELD_OPTIONAL) != 0;

    value->choice = -1;
    value->pair[0] = value->pair[1] = absent ? FIELD_ABSENT : (int64_t)field->fallback;
}

void fields_defaults(const struct fields *fields, void *base)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->rows[i];
        void *value = field_at(field, base);

        switch (field->type) {
        case FIELD_BOOL:
            *(bool *)value = field->fallback != 0;
            break;
        case FIELD_INT:
        case FIELD_REAL:
        case FIELD_PAIR:
        case FIELD_REALS2:
            default_numbers(field, value);
            break;
        case FIELD_TEXT:
            memset(value, 0, (size_t)field->max + 1);
            break;
        case FIELD_CHOICE:
        case FIELD_EITHER:
            default_choice(field, value);
            break;
        case FIELD_OBJECT:
            default_object(field, value);
            break;
        case FIELD_VARIANT:
            *(struct variant *)value = (struct variant){0};
            break;
        case FIELD_VARIANTS:
            *(struct variants *)value = (struct variants){0};
            break;
        case FIELD_VARIANT_LISTS:
            *(struct variant_lists *)value = (struct variant_lists){0};
            break;
        case FIELD_PAIR_OR:
            default_pair_or(field, value);
            break;
        case FIELD_LIST:
            *(struct list *)value = (struct list){0};
            break;
        case FIELD_LABELS:
            *(struct labels *)value = (struct labels){0};
            break;
        }
    }
}
