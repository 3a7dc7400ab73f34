/* What reading, writing and documenting a spec share, inside spec_*.c. Knows no field by name. */
#ifndef SERVER_SPEC_WALK_H
#define SERVER_SPEC_WALK_H

#include "server/spec_json.h"

enum {
    LIST_MAX = 256, /* items, where the row gives no bound */
    LABELS_MAX = 64,
    LABEL_KEY_MAX = 64, /* bytes */
    LABEL_VALUE_MAX = 256
};

/* The rows of struct job_meta. */
extern const struct fields job_meta_fields;

struct spec_reader {
    struct arena *arena;
    struct problems *problems;
    int lists; /* of variants, that enclose what is being read */
    bool memory_gone;
};

/* One value that a row describes: where it stands in the JSON, and where it goes. */
struct spec_value {
    const struct field *field;
    const json_t *json;
    void *at;
    const char *pointer;
};

/* One JSON object may fill several structs: a layer's own options and those of every layer. */
struct spec_block {
    const struct fields *fields; /* NULL: none */
    void *base;
};

struct spec_object {
    const json_t *json; /* NULL: no key is given (a bare string) */
    const char *pointer;
    const char *owner; /* whose keys these are, for messages */
    bool has_type;     /* "type" is the caller's */
    struct spec_block blocks[2];
};

/* Reads every key by the rows of the blocks, whose structs hold their defaults. Unknown and missing
 * keys become problems. */
void spec_read_object(struct spec_reader *reader, const struct spec_object *object);

/* Read VARIANT, VARIANTS, VARIANT_LISTS. A variant that is wrong keeps no kind. */
void spec_read_variant(struct spec_reader *reader, const struct spec_value *value);
void spec_read_variants(struct spec_reader *reader, const struct spec_value *value);
void spec_read_variant_lists(struct spec_reader *reader, const struct spec_value *value);

/* The other ways, of any table: the struct at `base` as JSON, and the schema of an object with the
 * keys of one or both tables (NULL: none). New references; NULL when memory is gone. */
json_t *spec_fields_to_json(const struct fields *fields, const void *base);
json_t *spec_fields_schema(const struct fields *first, const struct fields *second,
                           const char *title);

/* spec_from_json without spec_complete: what rows alone say, which is also what the schema says. */
bool spec_read_rows(const json_t *job, struct spec *spec, struct job_meta *meta,
                    struct problems *problems, struct error *error) MUST_CHECK;

/* Reads BOOL, INT, REAL, TEXT, CHOICE, PAIR, REALS2, EITHER, PAIR_OR. What is wrong becomes a
 * problem, and the value keeps its default. */
void spec_read_scalar(struct spec_reader *reader, const struct spec_value *value);
void spec_read_labels(struct spec_reader *reader, const struct spec_value *value);

/* "found 3.5; want an integer from 1 to 4096", with the allowed names where there are some. */
struct problem *spec_wrong(struct spec_reader *reader, const struct spec_value *value);

/* How many bytes or items a row allows: its own maximum, or the usual one. */
size_t spec_list_max(const struct field *field);

/* What was found, shortened for a message: `the string "0.001"`, `true`, `a list of 3`. */
void spec_describe_found(const json_t *json, char *out, size_t size);
/* What a row wants: "a number above 0 and up to 1". */
void spec_describe_wanted(const struct field *field, char *out, size_t size);
/* What a variant of a family may look like: "an object {"type": …} or a name alone". */
void spec_describe_variant(const struct kinds *kinds, char *out, size_t size);
/* How an item of a list is written that has several values: "[step, lr]". */
void spec_describe_item(const struct fields *fields, char *out, size_t size);

#endif
