/* NPY: a header is a magic, a version, its length, and a Python dictionary in text. Read strictly:
 * what NumPy would not write is refused. */
#include "core/npy.h"

#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

enum { MAGIC_SIZE = 6, TEXT_MAX = 64 * 1024, WORD_MAX = 32, WRITE_ALIGN = 64 };

static const uint8_t magic[MAGIC_SIZE] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

struct npy_type {
    const char *code; /* without the byte order */
    const char *name;
    enum npy_kind kind;
    int item; /* 0: known, and not read */
};

static const struct npy_type types[] = {
    {"u1", "uint8", NPY_UNSIGNED, 1},  {"u2", "uint16", NPY_UNSIGNED, 2},
    {"u4", "uint32", NPY_UNSIGNED, 4}, {"u8", "uint64", NPY_UNSIGNED, 8},
    {"i1", "int8", NPY_SIGNED, 1},     {"i2", "int16", NPY_SIGNED, 2},
    {"i4", "int32", NPY_SIGNED, 4},    {"i8", "int64", NPY_SIGNED, 8},
    {"f4", "float32", NPY_REAL, 4},    {"f8", "float64", NPY_REAL, 8},
    {"f2", "float16", NPY_REAL, 0},    {"b1", "bool", NPY_UNSIGNED, 0},
    {"c8", "complex64", NPY_REAL, 0},  {"c16", "complex128", NPY_REAL, 0},
    {"O", "objects", NPY_REAL, 0},
};

/* The dictionary's text on its way. */
struct reader {
    const char *name; /* the file's, for messages */
    const char *next;
    struct npy_header *header;
    bool type_seen, order_seen, shape_seen;
};

static bool fail(const struct reader *reader, const char *wanted, struct error *error)
{
    char found[24];

    text_show(found, sizeof(found), reader->next);
    return error_set(error, ERROR_CORRUPT, reader->name,
                     "the header is not that of an NPY file: %s is expected where \"%s\" stands",
                     wanted, found);
}

static void skip_spaces(struct reader *reader)
{
    reader->next += strspn(reader->next, " ");
}

static bool take(struct reader *reader, char sign)
{
    skip_spaces(reader);
    if (*reader->next != sign)
        return false;
    reader->next++;
    skip_spaces(reader);
    return true;
}

static bool take_string(struct reader *reader, char word[WORD_MAX], struct error *error)
{
    char quote = *reader->next;
    size_t length;

    if (quote != '\'' && quote != '"')
        return fail(reader, "a string", error);
    length = strcspn(reader->next + 1, quote == '\'' ? "'\\" : "\"\\");
    if (reader->next[1 + length] != quote || length >= WORD_MAX)
        return fail(reader, "a short string", error);
    memcpy(word, reader->next + 1, length);
    word[length] = '\0';
    reader->next += length + 2;
    return true;
}

static bool take_type(struct reader *reader, struct error *error)
{
    char word[WORD_MAX], shown[WORD_MAX];
    bool ordered;

    if (*reader->next == '[')
        return error_set(error, ERROR_UNSUPPORTED, reader->name,
                         "the file holds records of several fields; only plain numbers are read");
    if (!take_string(reader, word, error))
        return false;
    ordered = word[0] != '\0' && strchr("<>|=", word[0]) != NULL;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct npy_type *type = &types[i];

        if (!ordered || strcmp(word + 1, type->code) != 0)
            continue;
        if (type->item == 0)
            return error_set(error, ERROR_UNSUPPORTED, reader->name,
                             "the file holds %s, which is not read", type->name);
        /* "|" says that there is no order, "=" that it is the writer's, which nobody knows. */
        if ((word[0] == '|' && type->item > 1) || (word[0] == '=' && type->item > 1))
            break;
        reader->header->kind = type->kind;
        reader->header->item = type->item;
        reader->header->big_endian = word[0] == '>' && type->item > 1;
        return true;
    }
    text_show(shown, sizeof(shown), word);
    return error_set(error, ERROR_UNSUPPORTED, reader->name,
                     "the file holds numbers of the type '%s', which is not read", shown);
}

static bool take_order(struct reader *reader, struct error *error)
{
    if (strncmp(reader->next, "True", 4) == 0)
        return error_set(error, ERROR_UNSUPPORTED, reader->name,
                         "the array is in Fortran order; numpy.ascontiguousarray brings it into C "
                         "order, which is read");
    if (strncmp(reader->next, "False", 5) != 0)
        return fail(reader, "True or False", error);
    reader->next += 5;
    return true;
}

static bool take_size(struct reader *reader, int64_t *out, struct error *error)
{
    const char *digits = reader->next;
    size_t length = strspn(digits, "0123456789");

    if (length == 0 || (length > 1 && digits[0] == '0'))
        return fail(reader, "a number", error);
    *out = 0;
    for (size_t i = 0; i < length; i++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, digits[i] - '0', out))
            return error_set(error, ERROR_TOO_LARGE, reader->name,
                             "the header has a size that no array has");
    reader->next += length;
    return true;
}

/* (3, 4), (3, 4,), (3,), (): a lone number without a comma is no tuple. */
static bool take_shape(struct reader *reader, struct error *error)
{
    struct npy_header *header = reader->header;
    bool comma = true;

    if (!take(reader, '('))
        return fail(reader, "(", error);
    while (!take(reader, ')')) {
        if (!comma)
            return fail(reader, ", or )", error);
        if (header->dims == NPY_DIMS_MAX)
            return error_set(error, ERROR_UNSUPPORTED, reader->name,
                             "the array has more than %d dimensions", NPY_DIMS_MAX);
        if (!take_size(reader, &header->size[header->dims], error))
            return false;
        header->dims++;
        comma = take(reader, ',');
    }
    return header->dims != 1 || comma || fail(reader, "a tuple", error);
}

struct npy_key {
    const char *name;
    size_t seen; /* offset of a bool in struct reader */
    bool (*take)(struct reader *reader, struct error *error);
};

static const struct npy_key keys[] = {
    {"descr", offsetof(struct reader, type_seen), take_type},
    {"fortran_order", offsetof(struct reader, order_seen), take_order},
    {"shape", offsetof(struct reader, shape_seen), take_shape},
};

static bool take_member(struct reader *reader, struct error *error)
{
    const struct reader before = *reader;
    char word[WORD_MAX];

    if (!take_string(reader, word, error))
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        bool *seen = (bool *)((char *)reader + keys[i].seen);

        if (strcmp(keys[i].name, word) != 0)
            continue;
        if (*seen)
            return fail(&before, "a key that did not stand there before", error);
        *seen = true;
        return take(reader, ':') ? keys[i].take(reader, error) : fail(reader, ":", error);
    }
    return fail(&before, "'descr', 'fortran_order' or 'shape'", error);
}

static bool parse(struct reader *reader, struct error *error)
{
    bool comma = true;

    if (!take(reader, '{'))
        return fail(reader, "{", error);
    while (!take(reader, '}')) {
        if (!comma)
            return fail(reader, ", or }", error);
        if (!take_member(reader, error))
            return false;
        comma = take(reader, ',');
    }
    if (strcmp(reader->next, "\n") != 0)
        return fail(reader, "the end of the line", error);
    if (!reader->type_seen || !reader->order_seen || !reader->shape_seen)
        return error_set(error, ERROR_CORRUPT, reader->name,
                         "the header lacks descr, fortran_order or shape");
    return true;
}

static bool read_exactly(struct stream *stream, void *bytes, size_t size, struct error *error)
{
    size_t got;

    if (!stream_read(stream, bytes, size, &got, error))
        return false;
    return got == size ||
           error_set(error, ERROR_CORRUPT, stream_name(stream), "the file ends inside its header");
}

/* Magic, version and the length of the text. */
static bool read_preamble(struct stream *stream, size_t *length, struct error *error)
{
    uint8_t bytes[MAGIC_SIZE + 2 + 4] = {0};
    bool first;

    if (!read_exactly(stream, bytes, MAGIC_SIZE + 2, error))
        return false;
    if (memcmp(bytes, magic, MAGIC_SIZE) != 0)
        return error_set(error, ERROR_CORRUPT, stream_name(stream),
                         "this is not an NPY file: it begins with %02x %02x, not 93 4e", bytes[0],
                         bytes[1]);
    first = bytes[MAGIC_SIZE] == 1;
    if (bytes[MAGIC_SIZE] < 1 || bytes[MAGIC_SIZE] > 3 || bytes[MAGIC_SIZE + 1] != 0)
        return error_set(error, ERROR_UNSUPPORTED, stream_name(stream),
                         "NPY version %d.%d is not known; 1.0, 2.0 and 3.0 are", bytes[MAGIC_SIZE],
                         bytes[MAGIC_SIZE + 1]);
    if (!read_exactly(stream, bytes + MAGIC_SIZE + 2, first ? 2 : 4, error))
        return false;
    *length = 0;
    for (int i = first ? 1 : 3; i >= 0; i--)
        *length = *length << 8 | bytes[MAGIC_SIZE + 2 + i];
    return *length <= TEXT_MAX ||
           error_set(error, ERROR_CORRUPT, stream_name(stream),
                     "the header says that it has %zu bytes; %d are enough", *length, TEXT_MAX);
}

bool npy_read_header(struct stream *stream, struct npy_header *out, struct error *error)
{
    struct reader reader = {.name = stream_name(stream), .header = out};
    size_t length = 0;
    char *text;
    bool good;

    *out = (struct npy_header){0};
    if (!read_preamble(stream, &length, error))
        return false;
    text = malloc(length + 1);
    if (text == NULL)
        return error_set(error, ERROR_MEMORY, stream_name(stream), "no memory for the header");
    text[length] = '\0';
    good = read_exactly(stream, text, length, error);
    reader.next = text;
    if (good && strlen(text) != length)
        good = error_set(error, ERROR_CORRUPT, stream_name(stream), "the header is no text");
    good = good && parse(&reader, error);
    free(text);
    return good;
}

static const struct npy_type *find_type(const struct npy_header *header)
{
    const struct npy_type *type = types;

    while (type->kind != header->kind || type->item != header->item)
        type++;
    return type;
}

const char *npy_type_name(const struct npy_header *header)
{
    return find_type(header)->name;
}

size_t npy_write_header(const struct npy_header *header, uint8_t out[NPY_HEADER_ROOM])
{
    char *text = (char *)out + MAGIC_SIZE + 4;
    size_t room = NPY_HEADER_ROOM - MAGIC_SIZE - 4, length, size;
    int used = snprintf(text, room, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                        header->item == 1 ? '|'
                        : HOST_BIG        ? '>'
                                          : '<',
                        find_type(header)->code);

    for (int i = 0; i < header->dims; i++)
        used += snprintf(text + used, room - (size_t)used, "%s%" PRId64, i > 0 ? ", " : "",
                         header->size[i]);
    used += snprintf(text + used, room - (size_t)used, "%s), }", header->dims == 1 ? "," : "");
    size = MAGIC_SIZE + 4 + (size_t)used + 1;
    size += (WRITE_ALIGN - size % WRITE_ALIGN) % WRITE_ALIGN;
    length = size - MAGIC_SIZE - 4;
    memset(text + used, ' ', length - (size_t)used);
    text[length - 1] = '\n';
    memcpy(out, magic, MAGIC_SIZE);
    out[MAGIC_SIZE] = 1;
    out[MAGIC_SIZE + 1] = 0;
    out[MAGIC_SIZE + 2] = (uint8_t)length;
    out[MAGIC_SIZE + 3] = (uint8_t)(length >> 8);
    return size;
}

void npy_order(const struct npy_header *header, void *numbers, int64_t count)
{
    uint8_t *bytes = numbers;
    size_t item = (size_t)header->item;

    if (item == 1 || header->big_endian == HOST_BIG)
        return;
    for (int64_t i = 0; i < count; i++, bytes += item)
        for (size_t k = 0; k < item / 2; k++) {
            uint8_t byte = bytes[k];

            bytes[k] = bytes[item - 1 - k];
            bytes[item - 1 - k] = byte;
        }
}
