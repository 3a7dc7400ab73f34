/* Data sets: checks what all formats must fulfil, makes the digest, counts the references. Knows no
 * format by name. */
#include "core/dataset.h"

#include "core/dataset_format.h"
#include "core/digest.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct dataset {
    atomic_int references;
    const struct dataset_format *format;
    struct data_shape shape;
    struct dataset_content content;     /* owns the arrays */
    struct dataset_split splits[PARTS]; /* the same, as others may see them */
    char digest[DIGEST_HEX];
};

static int64_t largest_label(const struct dataset_content *content)
{
    uint16_t largest = 0;

    for (int i = 0; i < PARTS; i++)
        for (int64_t k = 0; k < content->parts[i].count; k++)
            if (content->parts[i].labels[k] > largest)
                largest = content->parts[i].labels[k];
    return largest;
}

static bool check_parts(const struct dataset_content *content, struct error *error)
{
    const struct dataset_part *train = &content->parts[PART_TRAIN],
                              *test = &content->parts[PART_TEST];
    const struct shape *one = &train->sample, *other = &test->sample;

    if (test->count == 0)
        return true;
    if (one->channels != other->channels || one->height != other->height ||
        one->width != other->width)
        return error_set(error, ERROR_CORRUPT, "",
                         "training images are %" PRId64 "×%" PRId64 "×%" PRId64
                         " and test images are %" PRId64 "×%" PRId64 "×%" PRId64,
                         one->channels, one->height, one->width, other->channels, other->height,
                         other->width);
    return train->real == test->real ||
           error_set(error, ERROR_CORRUPT, "", "training images are %s and test images are %s",
                     train->real ? "float32" : "uint8", test->real ? "float32" : "uint8");
}

/* The first sample that is not a number of this world. */
static bool check_finite(const struct dataset_part *part, const char *noun, struct error *error)
{
    int64_t size = shape_elements(&part->sample);

    for (int64_t i = 0; part->real && i < part->count * size; i++)
        if (!isfinite(part->reals[i]))
            return error_set(error, ERROR_CORRUPT, "",
                             "%s image %" PRId64 " (counted from 0) holds %s", noun, i / size,
                             isnan(part->reals[i]) ? "NaN" : "an infinite number");
    return true;
}

static bool describe(struct dataset *dataset, struct error *error)
{
    const struct dataset_content *content = &dataset->content;
    const struct dataset_part *train = &content->parts[PART_TRAIN];
    int64_t classes = largest_label(content) + 1;

    if (!check_parts(content, error) || !check_finite(train, "training", error) ||
        !check_finite(&content->parts[PART_TEST], "test", error))
        return false;
    if (content->class_names != NULL && content->class_name_count < classes)
        return error_set(error, ERROR_CORRUPT, "",
                         "there are %" PRId64 " names of classes, and the label %" PRId64 " occurs",
                         content->class_name_count, classes - 1);
    if (content->class_names != NULL)
        classes = content->class_name_count;
    if (classes < content->classes)
        classes = content->classes;
    dataset->shape = (struct data_shape){
        .sample = train->sample,
        .classes = classes < DATASET_CLASSES_MIN ? DATASET_CLASSES_MIN : classes,
        .train_samples = train->count,
        .test_samples = content->parts[PART_TEST].count,
        .real_pixels = train->real,
    };
    for (int i = 0; i < PARTS; i++)
        dataset->splits[i] = (struct dataset_split){.images = content->parts[i].images,
                                                    .reals = content->parts[i].reals,
                                                    .labels = content->parts[i].labels,
                                                    .count = content->parts[i].count};
    return true;
}

static struct digest_piece image_piece(const struct dataset *dataset, int part)
{
    const struct dataset_split *split = &dataset->splits[part];
    size_t numbers = (size_t)(split->count * shape_elements(&dataset->shape.sample));

    if (dataset->shape.real_pixels)
        return (struct digest_piece){split->reals, numbers * sizeof(float)};
    return (struct digest_piece){split->images, numbers};
}

static struct digest_piece label_piece(const struct dataset *dataset, int part)
{
    const struct dataset_split *split = &dataset->splits[part];

    return (struct digest_piece){split->labels, (size_t)split->count * sizeof(uint16_t)};
}

/* All names, each with the NUL behind it; malloc'ed. */
static char *join_names(const struct dataset_content *content, size_t *size)
{
    char *names, *next;

    *size = 0;
    for (int64_t i = 0; i < content->class_name_count; i++)
        *size += strlen(content->class_names[i]) + 1;
    names = next = malloc(*size > 0 ? *size : 1);
    for (int64_t i = 0; names != NULL && i < content->class_name_count; i++) {
        size_t length = strlen(content->class_names[i]) + 1;

        memcpy(next, content->class_names[i], length);
        next += length;
    }
    return names;
}

/* Byte images without names of classes are digested without a word on either, as they were before
 * there was anything else. */
static bool take_digest(struct dataset *dataset, struct error *error)
{
    static const char real_mark[] = "float32", names_mark[] = "class names";
    const struct data_shape *shape = &dataset->shape;
    const int64_t numbers[] = {shape->sample.channels, shape->sample.height, shape->sample.width,
                               shape->classes,         shape->train_samples, shape->test_samples};
    bool named = dataset->content.class_names != NULL;
    size_t names_size;
    char *names = join_names(&dataset->content, &names_size);
    const struct digest_piece pieces[] = {
        {numbers, sizeof(numbers)},
        {real_mark, shape->real_pixels ? sizeof(real_mark) : 0},
        image_piece(dataset, PART_TRAIN),
        label_piece(dataset, PART_TRAIN),
        image_piece(dataset, PART_TEST),
        label_piece(dataset, PART_TEST),
        {names_mark, named ? sizeof(names_mark) : 0},
        {names, names_size},
    };
    uint8_t digest[DIGEST_BYTES];

    if (names == NULL)
        return error_set(error, ERROR_MEMORY, "", "no memory for a data set");
    digest_pieces(pieces, COUNT_OF(pieces), digest);
    digest_hex(digest, dataset->digest);
    free(names);
    return true;
}

void dataset_content_drop(struct dataset_content *content)
{
    for (int i = 0; i < PARTS; i++) {
        free(content->parts[i].images);
        free(content->parts[i].reals);
        free(content->parts[i].labels);
    }
    arena_drop(&content->arena);
    if (content->memory)
        memory_give(content->memory, content->taken);
    *content = (struct dataset_content){0};
}

bool dataset_adopt(const struct dataset_format *format, struct dataset_content *content,
                   struct dataset **out, struct error *error)
{
    struct dataset *dataset = calloc(1, sizeof(*dataset));

    if (dataset == NULL) {
        dataset_content_drop(content);
        return error_set(error, ERROR_MEMORY, "", "no memory for a data set");
    }
    atomic_init(&dataset->references, 1);
    dataset->format = format;
    dataset->content = *content;
    *content = (struct dataset_content){0};
    if (!describe(dataset, error) || !take_digest(dataset, error)) {
        dataset_release(dataset);
        return false;
    }
    *out = dataset;
    return true;
}

bool dataset_open(const char *path, struct dataset **out, struct error *error)
{
    return dataset_open_within(path, NULL, out, error);
}

bool dataset_open_within(const char *path, struct memory *memory, struct dataset **out,
                         struct error *error)
{
    const struct dataset_format *format = NULL;
    struct dataset_content content = {.memory = memory};
    struct fileset *fileset = NULL;
    struct fileset_view view;
    bool good;

    if (!fileset_open(path, &fileset, error))
        return false;
    good = dataset_find(fileset, &format, &view, error) && format->load(&view, &content, error);
    fileset_close(fileset);
    if (good)
        return dataset_adopt(format, &content, out, error);
    dataset_content_drop(&content);
    return false;
}

struct dataset *dataset_share(struct dataset *dataset)
{
    atomic_fetch_add_explicit(&dataset->references, 1, memory_order_relaxed);
    return dataset;
}

void dataset_release(struct dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->references, 1) > 1)
        return;
    dataset_content_drop(&dataset->content);
    free(dataset);
}

const struct data_shape *dataset_shape(const struct dataset *dataset)
{
    return &dataset->shape;
}

const struct dataset_split *dataset_train(const struct dataset *dataset)
{
    return &dataset->splits[PART_TRAIN];
}

const struct dataset_split *dataset_test(const struct dataset *dataset)
{
    return &dataset->splits[PART_TEST];
}

int64_t dataset_bytes(const struct dataset *dataset)
{
    size_t bytes = 0;

    for (int i = 0; i < PARTS; i++)
        bytes += image_piece(dataset, i).size + label_piece(dataset, i).size;
    return (int64_t)bytes;
}

const char *dataset_digest(const struct dataset *dataset)
{
    return dataset->digest;
}

const char *dataset_format(const struct dataset *dataset)
{
    return dataset->format->name;
}

const char *dataset_class_name(const struct dataset *dataset, int64_t class)
{
    return class >= 0 && class < dataset->content.class_name_count
               ? dataset->content.class_names[class]
               : NULL;
}
