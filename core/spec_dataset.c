/* The part of a spec that says what is learned from: its rows, and the rules between them. */
#include "core/augment.h"
#include "core/dataset_synthetic.h"
#include "core/normalize.h"
#include "core/spec.h"

#include <string.h>

static const char *const validations[] = {"test", "none", NULL};

/* clang-format off */
static const struct field side_rows[] = {
    {.name = "size", .type = FIELD_INT, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct spec_side, size), .min = 1, .max = SYNTHETIC_SIDE_MAX,
     .help = "channels, height or width"},
};
static const struct fields side_fields = {side_rows, 1, sizeof(struct spec_side)};

#define MADE(member) offsetof(struct spec_synthetic, member)

static const struct field synthetic_rows[] = {
    {.name = "shape", .type = FIELD_LIST, .flags = FIELD_REQUIRED, .offset = MADE(shape),
     .min = 3, .max = 3, .fields = &side_fields, .help = "[channels, height, width]"},
    {.name = "classes", .type = FIELD_INT, .flags = FIELD_REQUIRED, .offset = MADE(classes),
     .min = 2, .max = SYNTHETIC_CLASSES_MAX, .help = "the classes take turns"},
    {.name = "samples", .type = FIELD_INT, .flags = FIELD_REQUIRED, .offset = MADE(samples),
     .min = 2, .max = SYNTHETIC_BYTES_MAX, .help = "training samples; not fewer than classes"},
    {.name = "test_samples", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = MADE(test_samples), .min = 0, .max = SYNTHETIC_BYTES_MAX,
     .help = "default: a quarter of samples, rounded up; 0: no test split"},
};
static const struct fields synthetic_fields = {synthetic_rows, COUNT_OF(synthetic_rows),
                                               sizeof(struct spec_synthetic)};

static const struct field dataset_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec_dataset, name), .min = 1, .max = 64,
     .help = "a registered data set; this or synthetic must be given"},
    {.name = "synthetic", .type = FIELD_OBJECT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec_dataset, synthetic), .fields = &synthetic_fields,
     .help = "learnable images drawn from the seed, for trials and benchmarks"},
    {.name = "shuffle", .type = FIELD_BOOL, .offset = offsetof(struct spec_dataset, shuffle),
     .fallback = 1, .help = "a new order of the training samples each epoch"},
    {.name = "limit", .type = FIELD_INT, .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct spec_dataset, limit), .min = 1, .max = FIELD_INT_MAX,
     .help = "use the first N training samples only"},
    {.name = "validation", .type = FIELD_EITHER,
     .flags = FIELD_OPTIONAL | FIELD_ABOVE_MIN | FIELD_BELOW_MAX,
     .offset = offsetof(struct spec_dataset, validation), .min = 0, .max = 1,
     .choices = validations,
     .help = "what the network is evaluated on: the test split (default where there is one), "
             "nothing, or a share of the training samples, held out by the seed"},
    {.name = "normalize", .type = FIELD_VARIANT,
     .offset = offsetof(struct spec_dataset, normalize), .kinds = &normalize_kinds,
     .help = "how pixels become input numbers; default scale, and none where they are reals"},
    {.name = "augment", .type = FIELD_VARIANTS, .offset = offsetof(struct spec_dataset, augment),
     .min = 0, .max = AUGMENT_MAX, .kinds = &augment_kinds,
     .help = "chance changes to training samples, in this order, before normalization"},
};
/* clang-format on */
const struct fields spec_dataset_fields = {dataset_rows, COUNT_OF(dataset_rows),
                                           sizeof(struct spec_dataset)};

/* What could not be read is a problem already, and is not missing. */
static bool blamed(const struct problems *problems)
{
    static const char *const starts[] = {"/dataset/name", "/dataset/synthetic"};
    if (problems->dropped > 0)
        return true; /* who knows */
    for (size_t i = 0; i < problems->count; i++) {
        const char *pointer = problems->items[i].pointer;
        if (strcmp(pointer, "/dataset") == 0 || pointer[0] == '\0')
            return true;
        for (size_t k = 0; k < COUNT_OF(starts); k++)
            if (strncmp(pointer, starts[k], strlen(starts[k])) == 0)
                return true;
    }
    return false;
}

void spec_dataset_complete(struct spec_dataset *dataset, struct problems *problems)
{
    if (dataset->synthetic.given && dataset->name[0] != '\0')
        problem_add(problems, "/dataset/synthetic",
                    "name and synthetic both say what to learn from: give one of them");
    else if (!dataset->synthetic.given && dataset->name[0] == '\0' && !blamed(problems))
        problem_add(problems, "/dataset/name",
                    "is required: the name of a registered data set, unless there is synthetic");
    if (dataset->synthetic.given)
        synthetic_complete(&dataset->synthetic, problems);
    augment_check(&dataset->augment, problems);
}
