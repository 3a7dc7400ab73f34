/* Field tables: the description of every option a user may write, once, for parsing, validating,
 * writing back and documenting. Knows nothing of JSON; server/spec_json walks these rows.
 *
 * A row says where its value lives in a plain struct (`offset`) and what is allowed. How each type
 * is stored stands beside the type. */
#ifndef CORE_FIELD_H
#define CORE_FIELD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_BOOL, /* bool */
    FIELD_INT,  /* int64_t; FIELD_ABSENT when optional and not given */
    FIELD_REAL, /* double; NAN when optional and not given */
    FIELD_TEXT, /* char[max + 1], NUL-terminated UTF-8; "" when absent; min and max bound its bytes
                 */
    FIELD_CHOICE,  /* int: index into `choices` */
    FIELD_PAIR,    /* int64_t[2]: an integer k means [k, k] (height, width) */
    FIELD_REALS2,  /* double[2]: a list of exactly two reals */
    FIELD_EITHER,  /* struct either: one of `choices`, or a real in [min, max] */
    FIELD_OBJECT,  /* the nested struct that `fields` describes; optional ones start with `bool
                      given` */
    FIELD_VARIANT, /* struct variant: {"type": KIND, …options} out of `kinds`; a bare string means
                      no options */
    FIELD_VARIANTS,      /* struct variants: a list of the above; min and max bound their number */
    FIELD_VARIANT_LISTS, /* struct variant_lists: a list of such lists, which may be empty each; min
                            and max bound the number of lists */
    FIELD_PAIR_OR,       /* struct pair_or: one of `choices`, or a pair as in FIELD_PAIR */
    FIELD_LIST,  /* struct list of the items that `fields` describes; min and max bound their
                    number. An item is written as the list of its values in the order of the
                    rows, or, where there is one row, as that value. Its rows are plain values
                    and REQUIRED. */
    FIELD_LABELS /* struct labels: an object of strings */
};

enum field_flag {
    FIELD_REQUIRED = 1,  /* must be given */
    FIELD_OPTIONAL = 2,  /* may be absent, and then is not written back; otherwise `fallback` is */
    FIELD_ABOVE_MIN = 4, /* min itself is not allowed */
    FIELD_BELOW_MAX = 8, /* max itself is not allowed */
    FIELD_ONE_KEY = 16   /* OBJECT: exactly one of its fields must be given */
};

#define FIELD_ABSENT INT64_MIN
/* The largest integer that every JSON reader keeps exactly. */
#define FIELD_INT_MAX 9007199254740991.0

struct fields;
struct kinds;

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t offset;    /* into the struct of the table */
    double min, max;  /* inclusive unless a flag says otherwise */
    double fallback;  /* default of BOOL, INT, REAL, CHOICE, PAIR and PAIR_OR (both numbers);
                         EITHER: a choice's index */
    double fallback2; /* second default of REALS2 */
    const char *fallback_kind;   /* default kind of VARIANT, or NULL */
    const char *const *choices;  /* CHOICE, EITHER, PAIR_OR: NULL-ended names */
    const struct fields *fields; /* OBJECT, LIST */
    const struct kinds *kinds;   /* VARIANT, VARIANTS, VARIANT_LISTS */
    const char *help;            /* one sentence */
};

struct fields {
    const struct field *rows;
    size_t count;
    size_t size; /* bytes of the struct that the rows describe; 0 where there are no rows */
};

/* One member of a family: a layer, an optimizer, a schedule … Wider rows (struct layer_kind, …)
 * have it as their first member `kind`, so that a pointer to the one is a pointer to the other. */
struct kind {
    const char *name;
    const char *help;
    struct fields options;
};

struct kinds {
    const char *noun; /* "layer", "optimizer": for messages */
    const struct kind *const *rows;
    size_t count;
    const struct fields *common; /* options that every kind takes beside its own, or NULL */
    /* NULL, or: an object without "type" means this kind, whose options do not need the word. A
     * family with such a kind is written back as briefly as it is read: this kind without its
     * "type", the others, which have no options, as bare strings. */
    const struct kind *untyped;
};

/* A chosen kind with its options. Both blocks live in the arena that the spec owns. */
struct variant {
    const struct kind *kind;
    void *options; /* the struct that kind->options describes; NULL when that has no rows */
    void *common;  /* the struct that kinds->common describes; NULL when there is none */
};

struct variants {
    struct variant *items;
    size_t count;
};

struct variant_lists {
    struct variants *items;
    size_t count;
};

struct pair_or {
    int choice; /* index into choices; −1: `pair` holds the value */
    int64_t pair[2];
};

struct list {
    void *items; /* count structs of fields->size bytes each */
    size_t count;
};

struct either {
    int choice; /* index into choices; −1: `number` holds the value, NAN when absent */
    double number;
};
static inline bool either_is_number(const struct either *either)
{
    return either->choice < 0 && !isnan(either->number);
}
static inline bool either_is_absent(const struct either *either)
{
    return either->choice < 0 && isnan(either->number);
}

struct label {
    char *key, *value;
};

struct labels {
    struct label *items;
    size_t count;
};

/* Row by name; NULL when there is none. */
const struct field *fields_find(const struct fields *fields, const char *name);
const struct kind *kinds_find(const struct kinds *kinds, const char *name);

/* Writes every row's default into the struct at `base` (nested objects too). FIELD_VARIANT rows get
 * kind = NULL: who owns the arena fills in `fallback_kind`. Absent optional objects get given =
 * false. */
void fields_defaults(const struct fields *fields, void *base);

/* Where row `field` lives inside `base`. */
static inline void *field_at(const struct field *field, const void *base)
{
    return (char *)base + field->offset;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
