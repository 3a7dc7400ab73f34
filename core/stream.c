/* Stream: plain and gzip files by libarchive's raw format. Knows nothing of what they mean. */
#include "core/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_BLOCK = 64 * 1024,
    FIRST_PIECE = 1024 * 1024, /* memory taken before a byte of the content has been seen */
    GZIP_TRAILER = 8           /* CRC-32 and length of the content, each 4 bytes little-endian */
};

struct stream {
    int file;
    struct archive *archive;
    char name[96];
    int64_t file_size;
    uint64_t delivered; /* bytes of content handed out */
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
    return stream->compressed ? -1 : stream->file_size - (int64_t)stream->delivered;
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

static bool gzip_is_whole(const struct stream *stream, struct error *error)
{
    uint8_t trailer[GZIP_TRAILER];

    if (pread(stream->file, trailer, sizeof(trailer), stream->file_size - GZIP_TRAILER) !=
        GZIP_TRAILER)
        return error_set(error, ERROR_CORRUPT, stream->name,
                         "the file is cut off before its checksum");
    if (little_endian(trailer) != ~stream->crc ||
        little_endian(trailer + 4) != (uint32_t)stream->delivered)
        return error_set(
            error, ERROR_CORRUPT, stream->name,
            "the gzip checksum does not fit the content: the file is damaged, or not one "
            "single gzip stream");
    return true;
}

static bool fail_as_archive(const struct stream *stream, struct error *error)
{
    int number = archive_errno(stream->archive);
    const char *text = archive_error_string(stream->archive);

    if (text == NULL)
        text = "unknown reason";
    if (number == ENOMEM)
        return error_set(error, ERROR_MEMORY, stream->name, "no memory to read the file");
    if (number == EIO || number == EBADF || number == ESTALE)
        return error_set(error, ERROR_IO, stream->name, "the file cannot be read: %s", text);
    return error_set(error, ERROR_CORRUPT, stream->name, "the file cannot be decoded: %s", text);
}

bool stream_read(struct stream *stream, void *bytes, size_t size, size_t *got, struct error *error)
{
    uint8_t *next = bytes;

    *got = 0;
    while (*got < size && !stream->ended) {
        ssize_t count = archive_read_data(stream->archive, next + *got, size - *got);

        if (count < 0)
            return fail_as_archive(stream, error);
        if (count == 0) {
            stream->ended = true;
            return !stream->compressed || gzip_is_whole(stream, error);
        }
        if (stream->compressed)
            crc_add(stream, next + *got, (size_t)count);
        stream->delivered += (uint64_t)count;
        *got += (size_t)count;
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

static bool open_file(struct stream *stream, int dir, const char *name, struct error *error)
{
    struct stat status;

    /* Without O_NONBLOCK the open of a pipe would wait for a writer. */
    stream->file = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (stream->file < 0)
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, stream->name,
                         "the file cannot be opened: %s", strerror(errno));
    if (fstat(stream->file, &status) != 0)
        return error_set(error, ERROR_IO, stream->name, "the file cannot be looked at: %s",
                         strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INVALID, stream->name, "this is not a regular file");
    stream->file_size = status.st_size;
    return true;
}

static bool open_archive(struct stream *stream, struct error *error)
{
    struct archive_entry *entry;
    int result;

    stream->archive = archive_read_new();
    if (stream->archive == NULL)
        return error_set(error, ERROR_MEMORY, stream->name, "no memory to read the file");
    if (archive_read_support_filter_gzip(stream->archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(stream->archive) != ARCHIVE_OK ||
        /* No content at all is a format of its own for libarchive. */
        archive_read_support_format_empty(stream->archive) != ARCHIVE_OK ||
        archive_read_open_fd(stream->archive, stream->file, READ_BLOCK) != ARCHIVE_OK)
        return fail_as_archive(stream, error);
    result = archive_read_next_header(stream->archive, &entry);
    stream->ended = result == ARCHIVE_EOF;
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
        return fail_as_archive(stream, error);
    stream->compressed = archive_filter_code(stream->archive, 0) == ARCHIVE_FILTER_GZIP;
    return true;
}

bool stream_open(int dir, const char *name, struct stream **out, struct error *error)
{
    const char *slash = strrchr(name, '/');
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return error_set(error, ERROR_MEMORY, name, "no memory to open the file");
    stream->file = -1;
    strncpy(stream->name, slash != NULL ? slash + 1 : name, sizeof(stream->name) - 1);
    crc_begin(stream);
    if (!open_file(stream, dir, name, error) || !open_archive(stream, error)) {
        stream_close(stream);
        return false;
    }
    *out = stream;
    return true;
}

void stream_close(struct stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->archive != NULL)
        archive_read_free(stream->archive);
    if (stream->file >= 0)
        close(stream->file);
    free(stream);
}
