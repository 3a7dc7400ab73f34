/* Fileset: the named files of a data set, which lie in a folder or in an archive (tar, plain or
 * packed by gzip or zstd, or zip; told by content, not by name). Knows nothing of what the files
 * mean.
 *
 * A fileset is listed once, when it is opened, and its files are sorted by name, byte by byte; so
 * whatever is made of them does not depend on how they lie. Parts of a name are parted by '/'.
 * Names with a part that begins with '.' are left out.
 *
 * An archive is hostile. It is read to its end when it is opened: so sizes are those of what is
 * really there, checksums fit, and it does not unpack to far more than any honest one. A name that
 * is absolute or holds "..", a link, a device, a name that occurs twice: all refused with the name.
 * Nothing is ever written to a path. Not for two threads at a time. */
#ifndef CORE_FILESET_H
#define CORE_FILESET_H

#include "core/stream.h"

enum {
    FILESET_FILES_MAX = 1 << 20,
    FILESET_NAMES_MAX = 128 << 20, /* bytes of all names */
    FILESET_NAME_MAX = 1024,
    FILESET_DEPTH = 5 /* parts of a name; what lies deeper in a folder is not looked at */
};
/* What an archive may unpack to, however well it is packed; see also STREAM_RATIO. */
#define FILESET_BYTES_MAX (INT64_C(48) << 30)

enum fileset_type {
    FILESET_FILE,
    FILESET_FOLDER, /* an archive need not list its folders */
    FILESET_CLOSED  /* a folder that could not be listed */
};

struct fileset_file {
    const char *name;
    int64_t size;
    enum fileset_type type;
};

struct fileset;

/* ERROR_NOT_FOUND when `path` is not there, ERROR_INVALID when it is neither a folder nor an
 * archive or holds what it must not, ERROR_TOO_LARGE, ERROR_CORRUPT, ERROR_UNSUPPORTED, ERROR_IO,
 * ERROR_MEMORY. No error names `path`. */
bool fileset_open(const char *path, struct fileset **out, struct error *error) MUST_CHECK;
void fileset_close(struct fileset *fileset); /* NULL is allowed */

const char *fileset_noun(const struct fileset *fileset); /* "folder" or "archive" */

/* All files of a fileset, or those in one of its folders. Borrowed from the fileset. */
struct fileset_view {
    struct fileset *fileset;
    const struct fileset_file *files; /* sorted by name */
    size_t count;
    size_t prefix; /* so much of each name is the folder */
};

struct fileset_view fileset_all(struct fileset *fileset);
/* What lies below `folder`, which is a name in `view`. May be empty. */
struct fileset_view fileset_below(const struct fileset_view *view, const char *folder);

/* The name inside the view. */
const char *fileset_name(const struct fileset_view *view, size_t index);
bool fileset_find(const struct fileset_view *view, const char *name, size_t *index);
/* What a user finds in the view, for messages: the names of its first files and folders, without
 * `ending`, and how many more there are; "nothing" when it is empty. Clean UTF-8. */
void fileset_print_names(const struct fileset_view *view, const char *ending, char *out,
                         size_t size);
/* Bytes of an archive as it came, which bound what an honest one holds; INT64_MAX for a folder. */
int64_t fileset_packed(const struct fileset *fileset);

/* Calls `each` once for every file i of the view with wanted[i], in no promised order, until one
 * says false. The stream is called by the name inside the view, and closed by the fileset. */
typedef bool fileset_each(void *context, size_t index, struct stream *stream, struct error *error);
bool fileset_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                   void *context, struct error *error) MUST_CHECK;

/* Opens a zip archive that is itself file `index` of the view. Inside an archive it is first copied
 * into memory. */
bool fileset_open_inside(const struct fileset_view *view, size_t index, struct fileset **out,
                         struct error *error) MUST_CHECK;

#endif
