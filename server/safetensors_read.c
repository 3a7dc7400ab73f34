/* Safetensors, the way in: see safetensors_read.h. */
#include "server/safetensors_read.h"

#include "core/text.h"
#include "server/spec_json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "numbers are read as they lie in the file");

enum { LENGTH_SIZE = 8, PIECE_NUMBERS = 8192 };

/* ---- number formats ---- */

static float from_f64(const uint8_t *bytes)
{
    double value;
    memcpy(&value, bytes, sizeof(value));
    return (float)value;
}

static float from_f32(const uint8_t *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
static float from_f16(const uint8_t *bytes)
{
    unsigned bits = bytes[0] | (unsigned)bytes[1] << 8;
    int exponent = (int)(bits >> 10 & 31);
    float fraction = (float)(bits & 1023), value;
    if (exponent == 31)
        value = fraction > 0 ? NAN : INFINITY;
    else if (exponent == 0)
        value = ldexpf(fraction, -24);
    else
        value = ldexpf(fraction + 1024, exponent - 25);
    return bits >> 15 ? -value : value;
}

/* The upper half of an fp32. */
static float from_bf16(const uint8_t *bytes)
{
    uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static const struct dtype {
    const char *name;
    int size;                            /* bytes of a number */
    float (*read)(const uint8_t *bytes); /* NULL: no real numbers */
} dtypes[] = {
    {"F32", 4, from_f32}, {"F64", 8, from_f64}, {"F16", 2, from_f16}, {"BF16", 2, from_bf16},
    {"I64", 8, NULL},     {"I32", 4, NULL},     {"I16", 2, NULL},     {"I8", 1, NULL},
    {"U64", 8, NULL},     {"U32", 4, NULL},     {"U16", 2, NULL},     {"U8", 1, NULL},
    {"BOOL", 1, NULL},    {"F8_E4M3", 1, NULL}, {"F8_E5M2", 1, NULL},
};

bool safetensors_is_real(const struct safetensors_entry *entry)
{
    return dtypes[entry->dtype].read != NULL;
}

const char *safetensors_dtype(const struct safetensors_entry *entry)
{
    return dtypes[entry->dtype].name;
}

static int find_dtype(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(dtypes); i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* ---- the header ---- */

static bool wrong(const char *path, const char *name, const char *what, struct error *error)
{
    char shown[SAFETENSORS_SHOWN];
    text_show(shown, sizeof(shown), name);
    return error_set(error, ERROR_INVALID, path, "tensor \"%s\": %s", shown, what);
}

static bool read_shape(const json_t *shape, struct safetensors_entry *out)
{
    if (!json_is_array(shape) || json_array_size(shape) > PLAN_RANK_MAX)
        return false;
    out->rank = (int)json_array_size(shape);
    out->count = 1;
    for (int i = 0; i < out->rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        out->dims[i] = json_integer_value(dim);
        if (!json_is_integer(dim) || out->dims[i] < 0 ||
            __builtin_mul_overflow(out->count, out->dims[i], &out->count))
            return false;
    }
    return true;
}

static bool read_offsets(const json_t *offsets, struct safetensors_entry *out)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return false;
    out->begin = (uint64_t)json_integer_value(begin);
    out->end = (uint64_t)json_integer_value(end);
    return true;
}

static bool read_entry(const char *path, const char *name, const json_t *json,
                       struct safetensors_entry *out, struct error *error)
{
    int64_t bytes;
    if (json_object_size(json) != 3)
        return wrong(path, name, "want \"dtype\", \"shape\" and \"data_offsets\", no more", error);
    out->dtype = find_dtype(json_string_value(json_object_get(json, "dtype")));
    if (out->dtype < 0)
        return wrong(path, name, "its dtype is not known", error);
    if (!read_shape(json_object_get(json, "shape"), out))
        return wrong(path, name, "its shape is none", error);
    if (!read_offsets(json_object_get(json, "data_offsets"), out))
        return wrong(path, name, "its offsets are none", error);
    if (__builtin_mul_overflow(out->count, (int64_t)dtypes[out->dtype].size, &bytes) ||
        (uint64_t)bytes != out->end - out->begin)
        return wrong(path, name, "its shape and its offsets do not agree", error);
    return true;
}

/* The word is taken: its member is no tensor, but texts. */
static bool check_metadata(const char *path, const json_t *metadata, struct error *error)
{
    const char *key;
    json_t *text;
    bool good = json_is_object(metadata);
    json_object_foreach ((json_t *)metadata, key, text)
        good = good && json_is_string(text);
    return good || error_set(error, ERROR_INVALID, path, "its __metadata__ are no texts");
}

static bool read_entries(const char *path, const json_t *header, struct safetensors_reader *reader,
                         struct error *error)
{
    size_t room = json_object_size(header);
    const char *name;
    json_t *json;
    if (room > SAFETENSORS_TENSORS_MAX)
        return error_set(error, ERROR_INVALID, path, "%zu tensors are too many", room);
    reader->entries = arena_take_array(&reader->arena, room, sizeof(*reader->entries));
    if (!reader->entries)
        return error_set(error, ERROR_MEMORY, path, "no memory for its tensors");
    json_object_foreach ((json_t *)header, name, json) {
        struct safetensors_entry *entry = &reader->entries[reader->count];
        if (strcmp(name, "__metadata__") == 0) {
            if (!check_metadata(path, json, error))
                return false;
            continue;
        }
        entry->name = arena_copy_text(&reader->arena, name);
        if (!entry->name)
            return error_set(error, ERROR_MEMORY, path, "no memory for its tensors");
        if (!read_entry(path, name, json, entry, error))
            return false;
        reader->count++;
    }
    return true;
}

static int by_begin(const void *a, const void *b)
{
    const struct safetensors_entry *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return left->end < right->end ? -1 : left->end > right->end;
}

/* Whether the tensors lie one behind the other from the first byte of the data to the last. */
static bool check_cover(const char *path, struct safetensors_reader *reader, uint64_t size,
                        struct error *error)
{
    uint64_t at = 0;
    qsort(reader->entries, (size_t)reader->count, sizeof(*reader->entries), by_begin);
    for (int i = 0; i < reader->count; i++) {
        if (reader->entries[i].begin != at)
            return wrong(path, reader->entries[i].name,
                         "it does not begin where the one before it ends", error);
        at = reader->entries[i].end;
    }
    return at == size ||
           error_set(error, ERROR_INVALID, path,
                     "its tensors have %" PRIu64 " bytes, its data %" PRIu64, at, size);
}

static bool read_all(int file, void *out, size_t size, uint64_t from)
{
    char *to = out;
    while (size > 0) {
        ssize_t got = pread(file, to, size, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        size -= (size_t)got;
        from += (uint64_t)got;
    }
    return true;
}

static bool parse_header(const char *path, const char *text, size_t length, json_t **out,
                         struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct error cause = {0};
    char shown[200];
    bool good = problems && json_parse_strict(text, length, out, problems, &cause);
    if (!problems || (!good && cause.kind == ERROR_MEMORY))
        error_set(error, ERROR_MEMORY, path, "no memory to read the header");
    text_show(shown, sizeof(shown), cause.text); /* what is wrong is quoted */
    if (problems && !good)
        error_set(error, ERROR_INVALID, path, "its header is no JSON: %s", shown);
    free(problems);
    return good;
}

static bool read_header(const char *path, struct safetensors_reader *reader, uint64_t size,
                        struct error *error)
{
    uint64_t length = 0;
    json_t *header = NULL;
    if (size < LENGTH_SIZE || !read_all(reader->file, &length, LENGTH_SIZE, 0))
        return error_set(error, ERROR_INVALID, path, "it is too short for a safetensors file");
    if (length > size - LENGTH_SIZE || length > SAFETENSORS_HEADER_MAX)
        return error_set(error, ERROR_INVALID, path,
                         "it says that its header has %" PRIu64 " bytes; it has %" PRIu64
                         " in all, and a header at most %d",
                         length, size, SAFETENSORS_HEADER_MAX);
    char *text = malloc(length + 1);
    if (!text)
        return error_set(error, ERROR_MEMORY, path, "no memory to read the header");
    bool good = (read_all(reader->file, text, length, LENGTH_SIZE) ||
                 error_set(error, ERROR_IO, path, "its header cannot be read")) &&
                parse_header(path, text, length, &header, error) &&
                read_entries(path, header, reader, error);
    reader->data = LENGTH_SIZE + length;
    good = good && check_cover(path, reader, size - reader->data, error);
    json_decref(header);
    free(text);
    return good;
}

/* ---- */

bool safetensors_reader_open(const char *path, struct safetensors_reader *out, struct error *error)
{
    struct stat status;
    *out = (struct safetensors_reader){.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (out->file < 0)
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, path,
                         "cannot be opened: %s", strerror(errno));
    if (fstat(out->file, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, path, "it is no regular file");
    return read_header(path, out, (uint64_t)status.st_size, error);
}

void safetensors_reader_close(struct safetensors_reader *reader)
{
    if (reader->file >= 0)
        close(reader->file);
    arena_drop(&reader->arena);
    *reader = (struct safetensors_reader){.file = -1};
}

bool safetensors_reader_take(const struct safetensors_reader *reader,
                             const struct safetensors_entry *entry, float *out, struct error *error)
{
    const struct dtype *dtype = &dtypes[entry->dtype];
    uint8_t piece[PIECE_NUMBERS * 8];
    uint64_t from = reader->data + entry->begin;
    for (int64_t done = 0; done < entry->count;) {
        int64_t left = entry->count - done, count = left < PIECE_NUMBERS ? left : PIECE_NUMBERS;
        size_t size = (size_t)(count * dtype->size);
        if (!read_all(reader->file, piece, size, from))
            return error_set(error, ERROR_IO, "", "the numbers of a tensor cannot be read");
        for (int64_t i = 0; i < count; i++)
            out[done + i] = dtype->read(piece + i * dtype->size);
        done += count;
        from += size;
    }
    return true;
}
