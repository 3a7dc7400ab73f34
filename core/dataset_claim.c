/* Data sets' limits: what the readers of all formats check before they take memory, and the names
 * of classes. Knows no format. */
#include "core/dataset_format.h"

#include "core/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_BYTES_MAX = 16 << 20 };

static bool check_sides(const struct dataset_claim *claim, const char *where, struct error *error)
{
    static const char *const sides[] = {"channels", "rows", "columns"};

    for (int i = 0; i < 3; i++) {
        if (claim->sides[i] <= 0)
            return error_set(error, ERROR_CORRUPT, where, "images have no %s", sides[i]);
        if (claim->sides[i] > DATASET_SIDE_MAX)
            return error_set(error, ERROR_TOO_LARGE, where,
                             "images have %" PRId64 " %s; at most %d are read", claim->sides[i],
                             sides[i], DATASET_SIDE_MAX);
    }
    return true;
}

static int64_t part_bytes(const struct dataset_part *part)
{
    return part->count * shape_elements(&part->sample) * (part->real ? 4 : 1);
}

/* No more than could ever be held beside everything else. */
static int64_t most_bytes(void)
{
    int64_t most = memory_limit() / 4 * 3;

    return most < DATASET_BYTES_MAX ? most : DATASET_BYTES_MAX;
}

/* Both parts from the budget; what is taken already, as for the first part, is not taken again. */
static bool take(struct dataset_content *content, int64_t bytes, const char *where,
                 struct error *error)
{
    struct memory *memory = content->memory;
    int64_t more = bytes - content->taken;

    if (!memory || more <= 0)
        return true;
    if (bytes > memory->most)
        return error_set(error, ERROR_TOO_LARGE, where,
                         "the images take %" PRId64
                         " MiB; all that this server may use is %" PRId64,
                         bytes >> 20, memory->most >> 20);
    if (!memory_take(memory, more))
        return error_set(error, ERROR_BUSY, where,
                         "the images take %" PRId64 " MiB; running jobs leave %" PRId64
                         " MiB of memory: try again when they have ended",
                         bytes >> 20, (memory_left(memory) + content->taken) >> 20);
    content->taken = bytes;
    return true;
}

bool dataset_claim(struct dataset_content *content, int part, const struct dataset_claim *claim,
                   int64_t *bytes, const char *where, struct error *error)
{
    struct dataset_part *own = &content->parts[part], *other = &content->parts[1 - part];
    int64_t one;

    if (!check_sides(claim, where, error))
        return false;
    one = claim->sides[0] * claim->sides[1] * claim->sides[2] * (claim->real ? 4 : 1);
    /* One image has at most 2³⁸ bytes, so only the product with the count can overflow. */
    if (__builtin_mul_overflow(one, claim->count, bytes) ||
        *bytes > most_bytes() - part_bytes(other))
        return error_set(error, ERROR_TOO_LARGE, where,
                         "%" PRId64 " images of %" PRId64 " bytes each are more than the %" PRId64
                         " MiB that a data set may have here",
                         claim->count, one, most_bytes() >> 20);
    if (claim->count > DATASET_SAMPLES_MAX)
        return error_set(error, ERROR_TOO_LARGE, where,
                         "there are %" PRId64 " images; at most %" PRId64 " are read", claim->count,
                         DATASET_SAMPLES_MAX);
    if (!take(content, *bytes + part_bytes(other), where, error))
        return false;
    own->count = claim->count;
    own->real = claim->real;
    own->sample = (struct shape){
        .channels = claim->sides[0], .height = claim->sides[1], .width = claim->sides[2]};
    return true;
}

bool dataset_claim_labels(struct dataset_part *part, int64_t count, const char *where,
                          struct error *error)
{
    if (count > DATASET_SAMPLES_MAX)
        return error_set(error, ERROR_TOO_LARGE, where,
                         "there are %" PRId64 " labels; at most %" PRId64 " are read", count,
                         DATASET_SAMPLES_MAX);
    part->labels = calloc((size_t)count, sizeof(*part->labels));
    part->labels_count = count;
    return part->labels != NULL ||
           error_set(error, ERROR_MEMORY, where, "no memory for %" PRId64 " labels", count);
}

bool dataset_class_name_good(const char *name)
{
    return name[0] != '\0' && strlen(name) <= DATASET_CLASS_NAME_MAX && text_clean(name);
}

/* Lines of the text, and its size without empty lines at its end. */
static size_t count_lines(const char *text, size_t *size)
{
    size_t lines = 0;

    while (*size > 0 && (text[*size - 1] == '\n' || text[*size - 1] == '\r'))
        --*size;
    for (size_t i = 0; i < *size; i++)
        lines += text[i] == '\n';
    return *size > 0 ? lines + 1 : 0;
}

static bool keep_name(struct dataset_content *content, const char *name, const char *where,
                      struct error *error)
{
    int64_t *count = &content->class_name_count;

    if (!dataset_class_name_good(name))
        return error_set(error, ERROR_CORRUPT, where,
                         "line %" PRId64 " is no name of a class: 1 to %d bytes of UTF-8 without "
                         "control characters are",
                         *count + 1, DATASET_CLASS_NAME_MAX);
    content->class_names[*count] = arena_copy_text(&content->arena, name);
    return content->class_names[(*count)++] != NULL ||
           error_set(error, ERROR_MEMORY, where, "no memory for the classes' names");
}

static bool keep_names(struct dataset_content *content, char *text, size_t size, const char *where,
                       struct error *error)
{
    size_t lines = count_lines(text, &size);
    char *next = text;

    if (lines == 0 || lines > DATASET_CLASSES_MAX)
        return error_set(error, ERROR_CORRUPT, where,
                         "there are %zu names of classes; 1 to %d make sense", lines,
                         DATASET_CLASSES_MAX);
    content->class_names = arena_take_array(&content->arena, lines, sizeof(char *));
    if (content->class_names == NULL)
        return error_set(error, ERROR_MEMORY, where, "no memory for the classes' names");
    text[size] = '\n';
    for (size_t i = 0; i < lines; i++) {
        char *end = strchr(next, '\n');

        *end = '\0';
        if (end > next && end[-1] == '\r')
            end[-1] = '\0';
        if (!keep_name(content, next, where, error))
            return false;
        next = end + 1;
    }
    return true;
}

bool dataset_read_names(struct stream *stream, struct dataset_content *content, struct error *error)
{
    uint8_t *text;
    size_t size;
    bool good;

    if (!stream_take_all(stream, NAMES_BYTES_MAX, &text, &size, error))
        return false;
    good = memchr(text, '\0', size) == NULL
               ? keep_names(content, (char *)text, size, stream_name(stream), error)
               : error_set(error, ERROR_CORRUPT, stream_name(stream), "this is no text");
    free(text);
    return good;
}
