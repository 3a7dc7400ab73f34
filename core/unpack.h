/* Unpack: libarchive, as little of it as data sets need; the one module that includes it.
 * Decompresses content and walks through tar and zip archives. Writes no file and follows no name:
 * what entries are called, and how much is unpacked, is its callers' business.
 *
 * What is read is hostile. Not for two threads at a time. */
#ifndef CORE_UNPACK_H
#define CORE_UNPACK_H

#include "core/error.h"

#include <stdint.h>

/* How much is read, or handed on, in one piece. */
enum { UNPACK_BLOCK = 64 * 1024 };

/* Where bytes come from. *size 0: the end. A piece is valid until the next call. */
struct unpack_below {
    bool (*pull)(void *context, const void **bytes, size_t *size, struct error *error);
    void *context;
};

struct unpack;

/* `name` is for messages and must outlive the unpack. Errors: ERROR_INVALID when this is no such
 * archive, ERROR_CORRUPT, ERROR_UNSUPPORTED (encrypted), ERROR_MEMORY, ERROR_IO, and whatever
 * `below` says. */

/* Content, decompressed (gzip, zstd) when its first bytes say so. *compressed tells. Read it
 * without unpack_next. */
bool unpack_content(const struct unpack_below *below, const char *name, struct unpack **out,
                    bool *compressed, struct error *error) MUST_CHECK;
/* The entries of a tar archive that was decompressed already. */
bool unpack_tar(const struct unpack_below *below, const char *name, struct unpack **out,
                struct error *error) MUST_CHECK;
/* The entries of the zip archive that is in `file`, an open descriptor that can seek; borrowed, its
 * position moves. Each entry's checksum is compared. */
bool unpack_zip(int file, const char *name, struct unpack **out, struct error *error) MUST_CHECK;
void unpack_close(struct unpack *unpack); /* NULL is allowed */

enum unpack_type { UNPACK_FILE, UNPACK_FOLDER, UNPACK_LINK, UNPACK_DEVICE };

struct unpack_entry {
    const char *name; /* as it stands there; valid until the next call */
    enum unpack_type type;
};

/* The next entry, whose content unpack_read then gives; *more false after the last one. */
bool unpack_next(struct unpack *unpack, struct unpack_entry *out, bool *more,
                 struct error *error) MUST_CHECK;
/* Reads `size` bytes, or fewer when the content ends before; *got says how many. */
bool unpack_read(struct unpack *unpack, void *bytes, size_t size, size_t *got,
                 struct error *error) MUST_CHECK;

#endif
