#include "tests/server/trial.h"

#include "core/layer.h"
#include "tests/harness.h"

#include <string.h>

/* clang-format off */

/* ---- where numbers start: a family as usual, a default kind of which is everywhere ---- */

static const struct field even_rows[] = {
    {.name = "bound", .type = FIELD_REAL, .offset = offsetof(struct trial_even, bound), .min = 0,
     .max = 10, .fallback = 1, .help = "how far from zero"},
};
static const struct kind plain = {"plain", "all zero", {NULL, 0, 0}};
static const struct kind even = {"even", "spread", {even_rows, COUNT_OF(even_rows),
                                                    sizeof(struct trial_even)}};
static const struct kind *const start_rows[] = {&plain, &even};
static const struct kinds start_kinds = {"start", start_rows, COUNT_OF(start_rows), NULL, NULL};

/* ---- blocks that hold blocks; the noun is two words ---- */

static const char *const paddings[] = {"same", "valid", NULL};
static const struct kinds block_kinds;

static const struct field leaf_rows[] = {
    {.name = "padding", .type = FIELD_PAIR_OR, .offset = offsetof(struct trial_leaf, padding),
     .min = 0, .max = 9, .fallback = 0, .choices = paddings, .help = "room around it"},
};
static const struct field nest_rows[] = {
    {.name = "body", .type = FIELD_VARIANTS, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct trial_nest, body), .min = 1, .max = 8, .kinds = &block_kinds,
     .help = "what it holds"},
    {.name = "shortcut", .type = FIELD_VARIANTS, .offset = offsetof(struct trial_nest, shortcut),
     .max = 8, .kinds = &block_kinds, .help = "the way around it"},
};
static const struct field fan_rows[] = {
    {.name = "branches", .type = FIELD_VARIANT_LISTS, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct trial_fan, branches), .min = 1, .max = 4, .kinds = &block_kinds,
     .help = "ways beside each other"},
};
static const struct kind leaf = {"leaf", "holds none", {leaf_rows, COUNT_OF(leaf_rows),
                                                        sizeof(struct trial_leaf)}};
static const struct kind nest = {"nest", "holds two lists", {nest_rows, COUNT_OF(nest_rows),
                                                             sizeof(struct trial_nest)}};
static const struct kind fan = {"fan", "holds a list of lists", {fan_rows, COUNT_OF(fan_rows),
                                                                 sizeof(struct trial_fan)}};
static const struct kind bare = {"bare", "has no options", {NULL, 0, 0}};
static const struct kind *const block_rows[] = {&leaf, &nest, &fan, &bare};

static const struct field common_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct trial_common, name), .max = 8, .help = "a name"},
    {.name = "start", .type = FIELD_VARIANT, .offset = offsetof(struct trial_common, start),
     .kinds = &start_kinds, .fallback_kind = "plain", .help = "its first numbers"},
};
static const struct fields common = {common_rows, COUNT_OF(common_rows),
                                     sizeof(struct trial_common)};
static const struct kinds block_kinds = {"trial block", block_rows, COUNT_OF(block_rows), &common,
                                         NULL};

/* ---- families with a kind that needs no "type" ---- */

struct given {
    struct list mean, std;
};
struct real {
    double value;
};
static const struct field real_rows[] = {
    {.name = "value", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct real, value), .min = -10, .max = 10, .help = "one channel's"},
};
static const struct fields reals = {real_rows, COUNT_OF(real_rows), sizeof(struct real)};
static const struct field given_rows[] = {
    {.name = "mean", .type = FIELD_LIST, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct given, mean), .min = 1, .max = 4, .fields = &reals,
     .help = "of each channel"},
    {.name = "std", .type = FIELD_LIST, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct given, std), .min = 1, .max = 4, .fields = &reals,
     .help = "of each channel"},
};
static const struct kind by_scale = {"scale", "by the largest", {NULL, 0, 0}};
static const struct kind by_given = {"given", "by numbers of your own",
                                     {given_rows, COUNT_OF(given_rows), sizeof(struct given)}};
static const struct kind *const scale_rows[] = {&by_scale, &by_given, &plain};
static const struct kinds scale_kinds = {"scale", scale_rows, COUNT_OF(scale_rows), NULL,
                                         &by_given};

struct rollback {
    bool rollback;
    double factor;
    int64_t most;
};
static const struct field rollback_rows[] = {
    {.name = "rollback", .type = FIELD_BOOL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct rollback, rollback), .help = "go back"},
    {.name = "factor", .type = FIELD_REAL, .offset = offsetof(struct rollback, factor), .min = 0,
     .max = 1, .flags = FIELD_ABOVE_MIN, .fallback = 0.5, .help = "slower by"},
};
static const struct kind stop = {"stop", "go no further", {NULL, 0, 0}};
static const struct kind rollback = {"rollback", "try once more",
                                     {rollback_rows, COUNT_OF(rollback_rows),
                                      sizeof(struct rollback)}};
static const struct kind *const remedy_rows[] = {&stop, &rollback};
static const struct kinds remedy_kinds = {"remedy", remedy_rows, COUNT_OF(remedy_rows), NULL,
                                          &rollback};

/* The kind without "type" takes no option that must be given, and there are others with options. */
static const struct field some_rows[] = {
    {.name = "most", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct rollback, most), .min = 1, .max = 5, .help = "at most"},
};
static const struct kind some = {"some", "a few", {some_rows, COUNT_OF(some_rows),
                                                   sizeof(struct rollback)}};
static const struct kind *const rest_rows[] = {&some, &even, &stop};
static const struct kinds rest_kinds = {"rest", rest_rows, COUNT_OF(rest_rows), NULL, &some};

/* ---- the table ---- */

static const struct field part_rows[] = {
    {.name = "start", .type = FIELD_VARIANT, .offset = offsetof(struct trial_part, start),
     .kinds = &start_kinds, .fallback_kind = "even", .help = "the first numbers"},
};
static const struct fields part_fields = {part_rows, COUNT_OF(part_rows),
                                          sizeof(struct trial_part)};

#define AT(member) offsetof(struct trial, member)
static const struct field rows[] = {
    {.name = "blocks", .type = FIELD_VARIANTS, .flags = FIELD_REQUIRED, .offset = AT(blocks),
     .min = 1, .max = 16, .kinds = &block_kinds, .help = "blocks"},
    {.name = "lists", .type = FIELD_VARIANT_LISTS, .flags = FIELD_OPTIONAL, .offset = AT(lists),
     .kinds = &block_kinds, .help = "more of them"},
    {.name = "layers", .type = FIELD_VARIANTS, .offset = AT(layers), .kinds = &layer_kinds,
     .help = "layers"},
    {.name = "padding", .type = FIELD_PAIR_OR, .offset = AT(padding), .min = 0, .max = 9,
     .fallback = 3, .choices = paddings, .help = "room"},
    {.name = "absent_padding", .type = FIELD_PAIR_OR, .flags = FIELD_OPTIONAL,
     .offset = AT(absent_padding), .min = 1, .max = 9, .choices = paddings, .help = "room or none"},
    {.name = "always", .type = FIELD_OBJECT, .offset = AT(always), .fields = &part_fields,
     .help = "a part that is there"},
    {.name = "perhaps", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL, .offset = AT(perhaps),
     .fields = &part_fields, .help = "a part that may be missing"},
    {.name = "scale", .type = FIELD_VARIANT, .offset = AT(scale), .kinds = &scale_kinds,
     .fallback_kind = "scale", .help = "how numbers are made small"},
    {.name = "remedy", .type = FIELD_VARIANT, .offset = AT(remedy), .kinds = &remedy_kinds,
     .fallback_kind = "stop", .help = "what helps"},
    {.name = "rest", .type = FIELD_VARIANT, .offset = AT(rest), .kinds = &rest_kinds,
     .fallback_kind = "some", .help = "what is left"},
};
/* clang-format on */

const struct fields trial_fields = {rows, COUNT_OF(rows), sizeof(struct trial)};

void trial_read(const json_t *json, struct trial *trial, struct problems *problems)
{
    struct spec_reader reader = {.arena = &trial->arena, .problems = problems};
    struct spec_object object = {
        .json = json, .pointer = "", .owner = "a trial", .blocks = {{&trial_fields, trial}}};

    *problems = (struct problems){0};
    *trial = (struct trial){0};
    fields_defaults(&trial_fields, trial);
    spec_read_object(&reader, &object);
    CHECK(!reader.memory_gone);
}

void trial_read_text(const char *text, struct trial *trial)
{
    static struct problems problems;
    struct error error = {0};
    json_t *json;

    if (!json_parse_strict(text, strlen(text), &json, &problems, &error))
        FAIL("%s", error.text);
    trial_read(json, trial, &problems);
    json_decref(json);
    if (problems.count > 0)
        FAIL("%s: %s", problems.items[0].pointer, problems.items[0].detail);
    CHECK(spec_complete_rows(&trial->arena, &trial_fields, trial));
}

void trial_drop(struct trial *trial)
{
    arena_drop(&trial->arena);
}
