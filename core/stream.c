/* Stream: content by unpack, its checksum and its measure of expansion by ourselves. Knows nothing
 * of what the bytes mean. */
#include "core/stream.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FIRST_PIECE = 1024 * 1024, /* memory taken before a byte of the content has been seen */
    GZIP_TRAILER = 8,          /* CRC-32 and length of the content, each 4 bytes little-endian */
    GZIP_FIRST = 0x1f
};

/* The packed bytes on their way up. */
struct stream_source {
    struct unpack_below below; /* pull NULL: they come from `file` */
    int file;
    bool own_file;
    uint8_t *block;             /* of UNPACK_BLOCK bytes, for `file` */
    int64_t size;               /* of all */
    int64_t pulled;             /* so far */
    uint8_t tail[GZIP_TRAILER]; /* the last of them */
    uint8_t first;              /* the first of them */
};

struct stream {
    struct stream_source source;
    struct unpack *unpack;
    char name[96];
    int64_t delivered; /* bytes of content handed out */
    bool compressed;
    bool ended;
    uint32_t crc; /* of what was delivered, kept inverted as the algorithm has it */
    uint32_t crc_table[256];
};

const char *stream_name(const struct stream *stream)
{
    return stream->name;
}

int64_t stream_left(const struct stream *stream)
{
    return stream->compressed ? -1 : stream->source.size - stream->delivered;
}

/* CRC-32 of IEEE 802.3, as RFC 1952 has it. libarchive skips a gzip file's checksum without looking
 * at it, so without this a damaged file would train on damaged images. */
static void crc_begin(struct stream *stream)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
        stream->crc_table[i] = crc;
    }
    stream->crc = UINT32_MAX;
}

static void crc_add(struct stream *stream, const uint8_t *bytes, size_t size)
{
    uint32_t crc = stream->crc;

    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ stream->crc_table[(crc ^ bytes[i]) & 255];
    stream->crc = crc;
}

static uint32_t little_endian(const uint8_t bytes[4])
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Keeps the last bytes of all that went by. */
static void tail_add(struct stream_source *source, const uint8_t *bytes, size_t size)
{
    size_t fresh = size < GZIP_TRAILER ? size : GZIP_TRAILER;

    if (size == 0)
        return;
    if (source->pulled == 0)
        source->first = bytes[0];
    memmove(source->tail, source->tail + fresh, GZIP_TRAILER - fresh);
    memcpy(source->tail + GZIP_TRAILER - fresh, bytes + size - fresh, fresh);
    source->pulled += (int64_t)size;
}

static bool read_file(struct stream *stream, const void **bytes, size_t *size, struct error *error)
{
    struct stream_source *source = &stream->source;
    ssize_t count;

    do
        count = pread(source->file, source->block, UNPACK_BLOCK, source->pulled);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_set(error, ERROR_IO, stream->name, "the file cannot be read: %s",
                         strerror(errno));
    *bytes = source->block;
    *size = (size_t)count;
    return true;
}

static bool pull(void *context, const void **bytes, size_t *size, struct error *error)
{
    struct stream *stream = context;
    const struct unpack_below *below = &stream->source.below;
    bool good = below->pull != NULL ? below->pull(below->context, bytes, size, error)
                                    : read_file(stream, bytes, size, error);

    if (good)
        tail_add(&stream->source, *bytes, *size);
    return good;
}

/* What the decompressor left unread belongs to the file too. */
static bool drain(struct stream *stream, struct error *error)
{
    const void *bytes;
    size_t size;

    do
        if (!pull(stream, &bytes, &size, error))
            return false;
    while (size > 0);
    return true;
}

/* The content has ended: whether all of the file did, and fits its checksum. */
static bool gzip_is_whole(struct stream *stream, struct error *error)
{
    const struct stream_source *source = &stream->source;

    if (!drain(stream, error))
        return false;
    if (source->first != GZIP_FIRST)
        return true; /* zstd: the library compares its checksum */
    if (source->pulled < GZIP_TRAILER)
        return error_set(error, ERROR_CORRUPT, stream->name,
                         "the file is cut off before its checksum");
    if (little_endian(source->tail) != ~stream->crc ||
        little_endian(source->tail + 4) != (uint32_t)stream->delivered)
        return error_set(
            error, ERROR_CORRUPT, stream->name,
            "the gzip checksum does not fit the content: the file is damaged, or not one "
            "single gzip stream");
    return true;
}

static bool is_bomb(const struct stream *stream)
{
    return stream->compressed && stream->delivered > STREAM_FREE &&
           (stream->delivered - STREAM_FREE) / STREAM_RATIO > stream->source.pulled;
}

bool stream_read(struct stream *stream, void *bytes, size_t size, size_t *got, struct error *error)
{
    uint8_t *next = bytes;

    *got = 0;
    while (*got < size && !stream->ended) {
        /* In pieces, so that a bomb is seen before a large buffer is full of it. */
        size_t most = size - *got < FIRST_PIECE ? size - *got : FIRST_PIECE;
        size_t count;

        if (!unpack_read(stream->unpack, next + *got, most, &count, error))
            return false;
        if (stream->compressed)
            crc_add(stream, next + *got, count);
        stream->delivered += (int64_t)count;
        *got += count;
        if (is_bomb(stream))
            return error_set(error, ERROR_TOO_LARGE, stream->name,
                             "the file unpacks to more than %d times its size", STREAM_RATIO);
        if (count < most) {
            stream->ended = true;
            return !stream->compressed || gzip_is_whole(stream, error);
        }
    }
    return true;
}

bool stream_take(struct stream *stream, int64_t size, uint8_t **out, struct error *error)
{
    int64_t left = stream_left(stream), have = 0, room = 0;
    uint8_t *bytes = NULL, beyond;
    size_t got;

    if (left >= 0 && left != size)
        return error_set(error, ERROR_CORRUPT, stream->name,
                         "the header promises %" PRId64
                         " bytes of content and the file has %" PRId64,
                         size, left);
    while (have < size || bytes == NULL) {
        int64_t wanted = room == 0 ? FIRST_PIECE : room > size / 2 ? size : 2 * room;
        uint8_t *larger;

        room = wanted < size ? wanted : size;
        larger = realloc(bytes, room > 0 ? (size_t)room : 1);
        if (larger == NULL) {
            error_set(error, ERROR_MEMORY, stream->name, "no memory for %" PRId64 " bytes", room);
            goto fail;
        }
        bytes = larger;
        if (!stream_read(stream, bytes + have, (size_t)(room - have), &got, error))
            goto fail;
        have += (int64_t)got;
        if (have < room) {
            error_set(error, ERROR_CORRUPT, stream->name,
                      "the header promises %" PRId64
                      " bytes of content and there are only %" PRId64,
                      size, have);
            goto fail;
        }
    }
    if (!stream_read(stream, &beyond, 1, &got, error))
        goto fail;
    if (got > 0) {
        error_set(error, ERROR_CORRUPT, stream->name,
                  "there is more content than the %" PRId64 " bytes that the header promises",
                  size);
        goto fail;
    }
    *out = bytes;
    return true;

fail:
    free(bytes);
    return false;
}

bool stream_take_all(struct stream *stream, size_t most, uint8_t **out, size_t *size,
                     struct error *error)
{
    size_t room = 0, got;
    uint8_t *bytes = NULL;

    *size = 0;
    do {
        uint8_t *larger;

        /* A plain file tells what it has, and one byte more sees its end. */
        if (room == 0 && stream_left(stream) >= 0 && stream_left(stream) < FIRST_PIECE)
            room = (size_t)stream_left(stream) + 1;
        else
            room = room == 0 ? FIRST_PIECE : 2 * room;
        room = room < most + 1 ? room : most + 1;
        larger = realloc(bytes, room + 1);
        if (larger == NULL) {
            error_set(error, ERROR_MEMORY, stream->name, "no memory for %zu bytes", room);
            goto fail;
        }
        bytes = larger;
        if (!stream_read(stream, bytes + *size, room - *size, &got, error))
            goto fail;
        *size += got;
        if (*size > most) {
            error_set(error, ERROR_TOO_LARGE, stream->name,
                      "the file has more than the %zu bytes that are read", most);
            goto fail;
        }
    } while (*size == room);
    bytes[*size] = '\0';
    *out = bytes;
    return true;

fail:
    free(bytes);
    return false;
}

static struct stream *make(const char *name, struct error *error)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        error_set(error, ERROR_MEMORY, name, "no memory to open the file");
        return NULL;
    }
    stream->source.file = -1;
    text_show(stream->name, sizeof(stream->name), name);
    crc_begin(stream);
    return stream;
}

/* Takes the stream whatever comes of it. */
static bool finish(struct stream *stream, struct stream **out, struct error *error)
{
    const struct unpack_below packed = {.pull = pull, .context = stream};

    if (!unpack_content(&packed, stream->name, &stream->unpack, &stream->compressed, error)) {
        stream_close(stream);
        return false;
    }
    *out = stream;
    return true;
}

static bool look_at_file(struct stream *stream, struct error *error)
{
    struct stat status;

    if (fstat(stream->source.file, &status) != 0)
        return error_set(error, ERROR_IO, stream->name, "the file cannot be looked at: %s",
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, stream->name, "this is not a regular file");
    stream->source.size = status.st_size;
    stream->source.block = malloc(UNPACK_BLOCK);
    return stream->source.block != NULL ||
           error_set(error, ERROR_MEMORY, stream->name, "no memory to open the file");
}

bool stream_open_file(int file, const char *name, struct stream **out, struct error *error)
{
    struct stream *stream = make(name, error);

    if (stream == NULL)
        return false;
    stream->source.file = file;
    if (look_at_file(stream, error))
        return finish(stream, out, error);
    stream_close(stream);
    return false;
}

bool stream_open(int dir, const char *name, size_t prefix, struct stream **out, struct error *error)
{
    struct stream *stream = make(name + prefix, error);

    if (stream == NULL)
        return false;
    /* Without O_NONBLOCK the open of a pipe would wait for a writer. */
    stream->source.file = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    stream->source.own_file = true;
    if (stream->source.file < 0)
        error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, stream->name,
                  "the file cannot be opened: %s", strerror(errno));
    else if (look_at_file(stream, error))
        return finish(stream, out, error);
    stream_close(stream);
    return false;
}

bool stream_open_below(const struct unpack_below *below, int64_t size, const char *name,
                       struct stream **out, struct error *error)
{
    struct stream *stream = make(name, error);

    if (stream == NULL)
        return false;
    stream->source.below = *below;
    stream->source.size = size;
    return finish(stream, out, error);
}

void stream_close(struct stream *stream)
{
    if (stream == NULL)
        return;
    unpack_close(stream->unpack);
    if (stream->source.own_file && stream->source.file >= 0)
        close(stream->source.file);
    free(stream->source.block);
    free(stream);
}
