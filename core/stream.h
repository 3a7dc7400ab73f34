/* Stream: a file's content from begin to end, decompressed when its first bytes say so (gzip). The
 * one module that includes libarchive. Knows nothing of what the content means.
 *
 * The file is hostile: opening never blocks on a pipe, memory grows with what really arrives and
 * never with what a header claims, and a gzip file's checksum is compared at its end. Errors name
 * the file without its folder. Not for two threads at a time. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "core/error.h"

#include <stdint.h>

struct stream;

/* Opens file `name` inside the open folder `dir` (or AT_FDCWD). A symbolic link to a regular file
 * is fine. ERROR_NOT_FOUND, ERROR_INVALID when it is no regular file, ERROR_CORRUPT, ERROR_IO,
 * ERROR_MEMORY. */
bool stream_open(int dir, const char *name, struct stream **out, struct error *error) MUST_CHECK;
void stream_close(struct stream *stream); /* NULL is allowed */

/* The file's name, for messages. */
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

#endif
