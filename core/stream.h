/* Stream: one file's content from begin to end, decompressed when its first bytes say so (gzip,
 * zstd). The file lies in a folder, or comes from elsewhere, as an archive's entry does. Knows
 * nothing of what the content means.
 *
 * The file is hostile: opening never blocks on a pipe, memory grows with what really arrives and
 * never with what a header claims, a gzip file's checksum is compared at its end, and what unpacks
 * to far more than any honest file is given up (ERROR_TOO_LARGE). Not for two threads at a time. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "core/unpack.h"

/* Compressed content may have STREAM_FREE bytes, and from there on STREAM_RATIO times the bytes
 * that it was packed into. Images of one colour come to some hundreds. */
#define STREAM_FREE (INT64_C(16) << 20)
enum { STREAM_RATIO = 500 };

struct stream;

/* Opens file `name` inside the open folder `dir` (or AT_FDCWD); errors name it without its folder.
 * A symbolic link to a regular file is fine. ERROR_NOT_FOUND, ERROR_INVALID when it is no regular
 * file, ERROR_CORRUPT, ERROR_IO, ERROR_MEMORY. */
bool stream_open(int dir, const char *name, size_t prefix, struct stream **out,
                 struct error *error) MUST_CHECK;

/* The same for an open regular file, read from its beginning whatever its position is. Borrowed. */
bool stream_open_file(int file, const char *name, struct stream **out,
                      struct error *error) MUST_CHECK;

/* The same for `size` bytes that come from `below`. Borrowed. */
bool stream_open_below(const struct unpack_below *below, int64_t size, const char *name,
                       struct stream **out, struct error *error) MUST_CHECK;

void stream_close(struct stream *stream); /* NULL is allowed */

/* The file's name, for messages: clean UTF-8, perhaps cut. */
const char *stream_name(const struct stream *stream);
/* Bytes of content still to come when that is known, as for a plain file; −1 when compressed. */
int64_t stream_left(const struct stream *stream);

/* Reads `size` bytes, or fewer when the content ends before; *got says how many. */
bool stream_read(struct stream *stream, void *bytes, size_t size, size_t *got,
                 struct error *error) MUST_CHECK;

/* Reads exactly `size` bytes, after which the content must end, into *out (free it). ERROR_CORRUPT
 * when there are fewer or more. */
bool stream_take(struct stream *stream, int64_t size, uint8_t **out,
                 struct error *error) MUST_CHECK;

/* Reads everything that is left, at most `most` bytes (ERROR_TOO_LARGE), into *out (free it). One
 * more byte, a NUL, follows what *size counts. */
bool stream_take_all(struct stream *stream, size_t most, uint8_t **out, size_t *size,
                     struct error *error) MUST_CHECK;

#endif
