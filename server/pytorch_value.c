/* PyTorch: options as Python writes them, by the rows of their tables. */
#include "server/pytorch.h"

#include <inttypes.h>
#include <strings.h>

static void put_pair(struct body *out, const int64_t pair[2])
{
    if (pair[0] == pair[1])
        body_print(out, "%" PRId64, pair[0]);
    else
        body_print(out, "(%" PRId64 ", %" PRId64 ")", pair[0], pair[1]);
}

static void put_list(struct body *out, const struct field *field, const struct list *list)
{
    const struct field *item = &field->fields->rows[0];

    body_text(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        body_text(out, i > 0 ? ", " : "");
        pytorch_value(out, item, (const char *)list->items + i * field->fields->size);
    }
    body_text(out, "]");
}

void pytorch_value(struct body *out, const struct field *field, const void *base)
{
    const void *at = field_at(field, base);
    const struct pair_or *pair_or = at;
    const double *reals = at;

    switch (field->type) {
    case FIELD_BOOL:
        body_text(out, *(const bool *)at ? "True" : "False");
        break;
    case FIELD_INT:
        body_print(out, "%" PRId64, *(const int64_t *)at);
        break;
    case FIELD_REAL:
        body_real(out, reals[0]);
        break;
    case FIELD_REALS2:
        body_text(out, "(");
        body_real(out, reals[0]);
        body_text(out, ", ");
        body_real(out, reals[1]);
        body_text(out, ")");
        break;
    case FIELD_CHOICE:
        body_string(out, field->choices[*(const int *)at]);
        break;
    case FIELD_PAIR:
        put_pair(out, at);
        break;
    case FIELD_PAIR_OR:
        if (pair_or->choice < 0)
            put_pair(out, pair_or->pair);
        else
            body_string(out, field->choices[pair_or->choice]);
        break;
    case FIELD_LIST:
        put_list(out, field, at);
        break;
    default:
        body_text(out, "None");
        break;
    }
}

bool pytorch_is_default(const struct field *field, const void *base)
{
    const void *at = field_at(field, base);
    const struct pair_or *pair_or = at;
    const int64_t *integers = at;
    const double *reals = at;

    switch (field->type) {
    case FIELD_BOOL:
        return *(const bool *)at == (field->fallback != 0);
    case FIELD_INT:
        return integers[0] == FIELD_ABSENT || (double)integers[0] == field->fallback;
    case FIELD_REAL:
        return isnan(reals[0]) || reals[0] == field->fallback;
    case FIELD_REALS2:
        return reals[0] == field->fallback && reals[1] == field->fallback2;
    case FIELD_CHOICE:
        return *(const int *)at == (int)field->fallback;
    case FIELD_PAIR:
        return (double)integers[0] == field->fallback && (double)integers[1] == field->fallback;
    case FIELD_PAIR_OR:
        return pair_or->choice < 0 && (double)pair_or->pair[0] == field->fallback &&
               (double)pair_or->pair[1] == field->fallback;
    default:
        return false;
    }
}

/* PyTorch writes some with large letters. */
static const struct field *find(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->rows[i].name, name) == 0)
            return &fields->rows[i];
    return NULL;
}

void pytorch_options(struct body *out, const struct fields *fields, const void *base,
                     const char *const *names, const char *lead)
{
    for (; names && *names; names++) {
        const struct field *field = find(fields, *names);
        bool required = field && (field->flags & FIELD_REQUIRED);

        if (!field || (!required && pytorch_is_default(field, base)))
            continue;
        body_print(out, "%s%s=", lead, *names);
        pytorch_value(out, field, base);
        lead = ", ";
    }
}
