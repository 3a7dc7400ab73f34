/* Support for tests: variants and networks from words. */
#include "tests/core/support_words.h"

#include "core/layer.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

/* Where the words up to a mark outside of all brackets end. */
static size_t length_to(const char *words, char mark)
{
    int depth = 0;

    for (size_t i = 0;; i++) {
        if (words[i] == '(')
            depth++;
        if (words[i] == ')')
            depth--;
        if (words[i] == '\0' || (words[i] == mark && depth == 0)) {
            CHECK_INT(depth, 0);
            return i;
        }
    }
}

/* A copy that lives as long as the arena. */
static char *piece(struct arena *arena, const char *words, size_t length)
{
    char *copy = arena_take(arena, length + 1);

    CHECK(copy != NULL);
    memcpy(copy, words, length);
    return copy;
}

static int choice_index(const struct field *field, const char *value)
{
    for (int i = 0; field->choices[i] != NULL; i++)
        if (strcmp(field->choices[i], value) == 0)
            return i;
    FAIL("%s is none of the choices of %s", value, field->name);
}

/* "(…)": what is inside; *value moves behind it. */
static char *bracket(struct arena *arena, const char **value)
{
    size_t length = 0;
    int depth = 0;
    char *inside;

    CHECK(**value == '(');
    do {
        depth += (*value)[length] == '(' ? 1 : (*value)[length] == ')' ? -1 : 0;
        length++;
    } while (depth > 0);
    inside = piece(arena, *value + 1, length - 2);
    *value += length;
    return inside;
}

static void set_lists(struct arena *arena, const char *value, struct variant_lists *out)
{
    out->items = arena_take_array(arena, LAYER_BRANCHES_MAX, sizeof(*out->items));
    CHECK(out->items != NULL);
    while (*value != '\0') {
        CHECK(out->count < LAYER_BRANCHES_MAX);
        layers_from_words(arena, bracket(arena, &value), &out->items[out->count++]);
    }
}

static void set_pair(int64_t *pair, const char *value)
{
    char *end = NULL;

    pair[0] = strtoll(value, &end, 10);
    pair[1] = *end == ',' ? strtoll(end + 1, NULL, 10) : pair[0];
}

static void set_plain(const struct field *field, void *at, const char *value)
{
    char *end = NULL;
    double first = strtod(value, &end), second = *end == ',' ? strtod(end + 1, NULL) : first;

    switch (field->type) {
    case FIELD_BOOL:
        *(bool *)at = strcmp(value, "true") == 0;
        break;
    case FIELD_INT:
        *(int64_t *)at = (int64_t)first;
        break;
    case FIELD_REAL:
        *(double *)at = first;
        break;
    case FIELD_PAIR:
        set_pair(at, value);
        break;
    case FIELD_REALS2:
        ((double *)at)[0] = first;
        ((double *)at)[1] = second;
        break;
    case FIELD_CHOICE:
        *(int *)at = choice_index(field, value);
        break;
    default:
        FAIL("no test has set a field of the type of %s yet", field->name);
    }
}

/* Items of several numbers stand one behind the other. */
static void set_list(struct arena *arena, const struct fields *fields, const char *value,
                     struct list *out)
{
    size_t room = 1, each = fields->count;

    for (const char *comma = strchr(value, ','); comma != NULL; comma = strchr(comma + 1, ','))
        room++;
    CHECK(room % each == 0);
    out->count = room / each;
    out->items = arena_take_array(arena, out->count, fields->size);
    CHECK(out->items != NULL);
    for (size_t i = 0; i < room; i++) {
        const struct field *row = &fields->rows[i % each];

        set_plain(row, field_at(row, (char *)out->items + i / each * fields->size), value);
        value += strcspn(value, ",") + 1;
    }
}

static void set_field(struct arena *arena, const struct field *field, void *base, const char *value)
{
    void *at = field_at(field, base);
    bool number = strchr("0123456789-", value[0]) != NULL;

    switch (field->type) {
    case FIELD_PAIR_OR:
        *(struct pair_or *)at =
            (struct pair_or){.choice = number ? -1 : choice_index(field, value)};
        if (number)
            set_pair(((struct pair_or *)at)->pair, value);
        break;
    case FIELD_VARIANT:
        variant_from_words(arena, field->kinds, value[0] == '(' ? bracket(arena, &value) : value,
                           at);
        break;
    case FIELD_VARIANTS:
        variants_from_words(arena, field->kinds, bracket(arena, &value), at);
        break;
    case FIELD_LIST:
        set_list(arena, field->fields, value, at);
        break;
    case FIELD_VARIANT_LISTS:
        set_lists(arena, value, at);
        break;
    default:
        set_plain(field, at, value);
    }
}

void variant_from_words(struct arena *arena, const struct kinds *kinds, const char *words,
                        struct variant *out)
{
    const struct kind *kind = NULL;

    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        size_t length = length_to(words, ' ');
        char *word = piece(arena, words, length), *equals = strchr(word, '=');
        const struct field *field;

        words += length;
        if (kind == NULL) {
            kind = kinds_find(kinds, word);
            if (kind == NULL)
                FAIL("there is no %s %s", kinds->noun, word);
            CHECK(variant_make(arena, kinds, kind, out));
            continue;
        }
        CHECK(equals != NULL);
        *equals = '\0';
        field = fields_find(&kind->options, word);
        if (field == NULL && fields_find(kinds->common, word) == NULL)
            FAIL("%s has no option %s", kind->name, word);
        if (field != NULL)
            set_field(arena, field, out->options, equals + 1);
        else
            set_field(arena, fields_find(kinds->common, word), out->common, equals + 1);
    }
    CHECK(kind != NULL);
}

void layers_from_words(struct arena *arena, const char *words, struct variants *out)
{
    variants_from_words(arena, &layer_kinds, words, out);
}

void variants_from_words(struct arena *arena, const struct kinds *kinds, const char *words,
                         struct variants *out)
{
    size_t room = 1;

    *out = (struct variants){0};
    if (words[strspn(words, " ")] == '\0')
        return;
    for (const char *bar = strchr(words, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        room++;
    out->items = arena_take_array(arena, room, sizeof(*out->items));
    CHECK(out->items != NULL);
    for (;;) {
        size_t length = length_to(words, '|');

        variant_from_words(arena, kinds, piece(arena, words, length), &out->items[out->count++]);
        words += length;
        if (*words == '\0')
            return;
        words++;
    }
}
