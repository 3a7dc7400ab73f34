/* Fileset's archives: each is walked once to list it, which reads all of it, and once more for what
 * is wanted of it. Knows nothing of libarchive. */
#include "core/fileset_inside.h"

#include "core/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TAR_END = 1024 }; /* a tar archive ends in two blocks of zeros */

struct walk {
    const struct fileset *fileset;
    struct stream *stream; /* of a tar archive */
    struct unpack *unpack;
    int64_t zeros;                   /* at the end of what was read of a tar archive */
    int64_t left;                    /* bytes that may still be unpacked */
    char name[FILESET_NAME_MAX + 1]; /* of the entry, cleaned */
    uint8_t packed[UNPACK_BLOCK], content[UNPACK_BLOCK];
};

static bool pull_tar(void *context, const void **bytes, size_t *size, struct error *error)
{
    struct walk *walk = context;

    if (!stream_read(walk->stream, walk->packed, sizeof(walk->packed), size, error))
        return false;
    *bytes = walk->packed;
    for (size_t i = 0; i < *size; i++)
        walk->zeros = walk->packed[i] == 0 ? walk->zeros + 1 : 0;
    return true;
}

static void walk_close(struct walk *walk)
{
    if (walk == NULL)
        return;
    unpack_close(walk->unpack);
    stream_close(walk->stream);
    free(walk);
}

static struct walk *walk_open(const struct fileset *fileset, struct error *error)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    const struct unpack_below tar = {.pull = pull_tar, .context = walk};
    bool good;

    if (walk == NULL) {
        error_set(error, ERROR_MEMORY, fileset->name, "no memory to read the archive");
        return NULL;
    }
    walk->fileset = fileset;
    if (fileset->zip)
        good = unpack_zip(fileset->file, fileset->name, &walk->unpack, error);
    else
        good = stream_open_file(fileset->file, fileset->name, &walk->stream, error) &&
               unpack_tar(&tar, fileset->name, &walk->unpack, error);
    if (good)
        return walk;
    walk_close(walk);
    return NULL;
}

static bool refuse(const char *name, const char *text, struct error *error)
{
    char shown[96];

    text_show(shown, sizeof(shown), name);
    return error_set(error, ERROR_INVALID, shown, "%s", text);
}

/* The entry's name without "." and doubled slashes. *hidden: it is left out of the list. */
static bool clean_name(struct walk *walk, const char *raw, bool *hidden, struct error *error)
{
    const char *next = raw;
    size_t used = 0;

    *hidden = false;
    if (raw[0] == '/')
        return refuse(raw, "the archive holds an absolute path", error);
    while (*next != '\0') {
        size_t length = strcspn(next, "/");

        if (length == 2 && next[0] == '.' && next[1] == '.')
            return refuse(raw, "the archive holds a path with '..'", error);
        if (used + length + 1 > FILESET_NAME_MAX)
            return refuse(raw, "the archive holds a name that is too long", error);
        if (length > 1 || (length == 1 && next[0] != '.')) {
            *hidden = *hidden || next[0] == '.';
            if (used > 0)
                walk->name[used++] = '/';
            memcpy(walk->name + used, next, length);
            used += length;
        }
        next += length;
        next += strspn(next, "/");
    }
    walk->name[used] = '\0';
    *hidden = *hidden || used == 0;
    return true;
}

/* The next entry that is listed. */
static bool walk_next(struct walk *walk, struct unpack_entry *entry, bool *more,
                      struct error *error)
{
    bool hidden = true;

    *more = true;
    while (hidden && *more) {
        if (!unpack_next(walk->unpack, entry, more, error))
            return false;
        if (!*more)
            break;
        if (!clean_name(walk, entry->name, &hidden, error))
            return false;
        if (entry->type == UNPACK_LINK)
            return refuse(entry->name, "the archive holds a link", error);
        if (entry->type == UNPACK_DEVICE)
            return refuse(entry->name,
                          "the archive holds something that is neither a file nor a folder", error);
    }
    return true;
}

/* The size of the entry's content, by reading it. */
static bool measure(struct walk *walk, int64_t *size, struct error *error)
{
    size_t got = sizeof(walk->content);

    *size = 0;
    while (got == sizeof(walk->content)) {
        if (!unpack_read(walk->unpack, walk->content, sizeof(walk->content), &got, error))
            return false;
        *size += (int64_t)got;
        walk->left -= (int64_t)got;
        if (walk->left < 0)
            return error_set(error, ERROR_TOO_LARGE, walk->fileset->name,
                             "the archive unpacks to more than %d times its size, or more than "
                             "%" PRId64 " GiB",
                             STREAM_RATIO, FILESET_BYTES_MAX >> 30);
    }
    return true;
}

/* What stands behind the last entry: a checksum of all, and the end mark that a cut archive lacks.
 */
static bool check_end(struct walk *walk, struct error *error)
{
    const void *bytes;
    size_t size = 1;

    if (walk->fileset->zip)
        return true;
    while (size > 0)
        if (!pull_tar(walk, &bytes, &size, error))
            return false;
    return walk->zeros >= TAR_END || error_set(error, ERROR_CORRUPT, walk->fileset->name,
                                               "the archive is cut off: its end mark is missing");
}

static bool list_entries(struct fileset *fileset, struct walk *walk, struct error *error)
{
    struct unpack_entry entry;
    bool more = true;

    for (;;) {
        struct fileset_file file = {.name = walk->name};

        if (!walk_next(walk, &entry, &more, error))
            return false;
        if (!more)
            return check_end(walk, error);
        file.type = entry.type == UNPACK_FOLDER ? FILESET_FOLDER : FILESET_FILE;
        if (!measure(walk, &file.size, error) || !fileset_add(fileset, &file, error))
            return false;
    }
}

bool fileset_archive_list(struct fileset *fileset, struct error *error)
{
    struct walk *walk = walk_open(fileset, error);
    struct stat status;
    bool good;

    if (walk == NULL)
        return false;
    walk->left = FILESET_BYTES_MAX;
    if (fstat(fileset->file, &status) == 0 &&
        status.st_size < (FILESET_BYTES_MAX - STREAM_FREE) / STREAM_RATIO)
        walk->left = STREAM_FREE + STREAM_RATIO * status.st_size;
    good = list_entries(fileset, walk, error);
    walk_close(walk);
    return good;
}

static bool pull_entry(void *context, const void **bytes, size_t *size, struct error *error)
{
    struct walk *walk = context;

    *bytes = walk->content;
    return unpack_read(walk->unpack, walk->content, sizeof(walk->content), size, error);
}

/* Whether the entry is a wanted file, and which. *known false: it was not there before. */
static bool entry_wanted(const struct walk *walk, const struct fileset_view *view,
                         const bool *wanted, size_t *index, bool *known)
{
    size_t prefix = view->prefix;

    *known = true;
    if (strlen(walk->name) < prefix || view->count == 0 ||
        strncmp(walk->name, view->files[0].name, prefix) != 0)
        return false;
    *known = fileset_find(view, walk->name + prefix, index);
    return *known && wanted[*index];
}

static size_t count_wanted(const struct fileset_view *view, const bool *wanted)
{
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++)
        count += wanted[i];
    return count;
}

static bool visit_entries(const struct fileset_view *view, const bool *wanted, struct walk *walk,
                          fileset_each *each, void *context, struct error *error)
{
    const struct unpack_below below = {.pull = pull_entry, .context = walk};
    size_t missing = count_wanted(view, wanted), index = 0;
    struct unpack_entry entry;
    bool more = true, known = true;

    while (missing > 0 && more && known) {
        struct stream *stream = NULL;
        bool good;

        if (!walk_next(walk, &entry, &more, error))
            return false;
        if (!more || !entry_wanted(walk, view, wanted, &index, &known))
            continue;
        if (!stream_open_below(&below, view->files[index].size, fileset_name(view, index), &stream,
                               error))
            return false;
        good = each(context, index, stream, error);
        stream_close(stream);
        if (!good)
            return false;
        missing--;
    }
    return missing == 0 || error_set(error, ERROR_CORRUPT, view->fileset->name,
                                     "the archive changed while it was read");
}

bool fileset_archive_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                           void *context, struct error *error)
{
    struct walk *walk = walk_open(view->fileset, error);
    bool good = walk != NULL && visit_entries(view, wanted, walk, each, context, error);

    walk_close(walk);
    return good;
}
