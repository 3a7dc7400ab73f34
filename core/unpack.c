/* Unpack: libarchive's callbacks, codes and texts turned into ours. Knows nothing of files' names.
 */
#include "core/unpack.h"

#include "core/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

struct unpack {
    struct archive *archive;
    struct unpack_below below;
    struct error failure; /* what `below` said, on its way through libarchive */
    const char *name;
    locale_t utf8; /* names are read as UTF-8, whatever the process's locale is; may be 0 */
    bool ended;
};

static bool fail(const struct unpack *unpack, struct error *error)
{
    int number = archive_errno(unpack->archive);
    const char *reason = archive_error_string(unpack->archive);
    char text[160];

    if (unpack->failure.kind != ERROR_NONE)
        return error_set(error, unpack->failure.kind, unpack->failure.where, "%s",
                         unpack->failure.text);
    text_show(text, sizeof(text), reason != NULL ? reason : "unknown reason");
    if (number == ENOMEM)
        return error_set(error, ERROR_MEMORY, unpack->name, "no memory to read the file");
    if (number == EIO || number == EBADF || number == ESTALE)
        return error_set(error, ERROR_IO, unpack->name, "the file cannot be read: %s", text);
    return error_set(error, ERROR_CORRUPT, unpack->name, "the file cannot be decoded: %s", text);
}

static la_ssize_t read_below(struct archive *archive, void *context, const void **bytes)
{
    struct unpack *unpack = context;
    size_t size = 0;

    if (unpack->below.pull(unpack->below.context, bytes, &size, &unpack->failure))
        return (la_ssize_t)size;
    archive_set_error(archive, EINVAL, "%s", unpack->failure.text);
    return -1;
}

static bool make(const char *name, struct unpack **out, struct error *error)
{
    struct unpack *unpack = calloc(1, sizeof(*unpack));

    if (unpack != NULL)
        unpack->archive = archive_read_new();
    if (unpack == NULL || unpack->archive == NULL) {
        free(unpack);
        return error_set(error, ERROR_MEMORY, name, "no memory to read the file");
    }
    unpack->name = name;
    *out = unpack;
    return true;
}

/* Closes what could not be opened. `unknown`: what to say when libarchive did not even know the
 * format, which it looks at when it opens. */
static bool give_up(struct unpack *unpack, enum error_kind kind, const char *unknown,
                    struct error *error)
{
    if (archive_format(unpack->archive) == 0 && unpack->failure.kind == ERROR_NONE &&
        archive_errno(unpack->archive) != ENOMEM && unknown != NULL)
        error_set(error, kind, unpack->name, "%s", unknown);
    fail(unpack, error);
    unpack_close(unpack);
    return false;
}

bool unpack_content(const struct unpack_below *below, const char *name, struct unpack **out,
                    bool *compressed, struct error *error)
{
    struct archive_entry *entry;
    struct unpack *unpack = NULL;
    int result;

    if (!make(name, &unpack, error))
        return false;
    unpack->below = *below;
    if (archive_read_support_filter_gzip(unpack->archive) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(unpack->archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(unpack->archive) != ARCHIVE_OK ||
        /* No content at all is a format of its own for libarchive. */
        archive_read_support_format_empty(unpack->archive) != ARCHIVE_OK ||
        archive_read_open(unpack->archive, unpack, NULL, read_below, NULL) != ARCHIVE_OK)
        return give_up(unpack, ERROR_CORRUPT, NULL, error);
    result = archive_read_next_header(unpack->archive, &entry);
    unpack->ended = result == ARCHIVE_EOF;
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
        return give_up(unpack, ERROR_CORRUPT, NULL, error);
    *compressed = archive_filter_count(unpack->archive) > 1; /* the last one is always "none" */
    if (archive_filter_count(unpack->archive) > 2) {
        error_set(error, ERROR_INVALID, name, "the file is compressed more than once");
        unpack_close(unpack);
        return false;
    }
    *out = unpack;
    return true;
}

bool unpack_tar(const struct unpack_below *below, const char *name, struct unpack **out,
                struct error *error)
{
    struct unpack *unpack = NULL;

    if (!make(name, &unpack, error))
        return false;
    unpack->below = *below;
    unpack->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (archive_read_support_format_tar(unpack->archive) != ARCHIVE_OK ||
        /* What stands behind the first end mark is looked at too, not passed over in silence. */
        archive_read_set_format_option(unpack->archive, "tar", "read_concatenated_archives", "1") !=
            ARCHIVE_OK ||
        archive_read_open(unpack->archive, unpack, NULL, read_below, NULL) != ARCHIVE_OK)
        return give_up(unpack, ERROR_INVALID,
                       "this is no archive: tar, tar.gz, tar.zst and zip are read", error);
    *out = unpack;
    return true;
}

bool unpack_zip(int file, const char *name, struct unpack **out, struct error *error)
{
    struct unpack *unpack = NULL;

    if (!make(name, &unpack, error))
        return false;
    unpack->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (lseek(file, 0, SEEK_SET) != 0 ||
        archive_read_support_format_zip_seekable(unpack->archive) != ARCHIVE_OK ||
        archive_read_open_fd(unpack->archive, file, UNPACK_BLOCK) != ARCHIVE_OK)
        return give_up(unpack, ERROR_CORRUPT,
                       "the zip archive is cut off or damaged: its list of entries is not there",
                       error);
    *out = unpack;
    return true;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    archive_read_free(unpack->archive);
    if (unpack->utf8 != (locale_t)0)
        freelocale(unpack->utf8);
    free(unpack);
}

static enum unpack_type type_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL)
        return UNPACK_LINK;
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return UNPACK_FILE;
    case AE_IFDIR:
        return UNPACK_FOLDER;
    case AE_IFLNK:
        return UNPACK_LINK;
    default:
        return UNPACK_DEVICE;
    }
}

/* Reads the entry's head and its name as UTF-8 where the archive says what they are. */
static int next_header(struct unpack *unpack, struct archive_entry **entry, const char **name)
{
    locale_t before = unpack->utf8 != (locale_t)0 ? uselocale(unpack->utf8) : (locale_t)0;
    int result = archive_read_next_header(unpack->archive, entry);

    *name = NULL;
    if (result == ARCHIVE_OK || result == ARCHIVE_WARN) {
        *name = archive_entry_pathname_utf8(*entry);
        if (*name == NULL)
            *name = archive_entry_pathname(*entry);
    }
    if (before != (locale_t)0)
        uselocale(before);
    return result;
}

bool unpack_next(struct unpack *unpack, struct unpack_entry *out, bool *more, struct error *error)
{
    struct archive_entry *entry = NULL;
    const char *name;
    int result = next_header(unpack, &entry, &name);

    *more = result != ARCHIVE_EOF;
    if (!*more)
        return true;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
        return fail(unpack, error);
    if (name == NULL)
        return error_set(error, ERROR_CORRUPT, unpack->name,
                         "the name of entry %d of the archive cannot be read",
                         archive_file_count(unpack->archive));
    if (archive_entry_is_encrypted(entry))
        return error_set(error, ERROR_UNSUPPORTED, unpack->name, "the archive is encrypted");
    *out = (struct unpack_entry){.name = name, .type = type_of(entry)};
    unpack->ended = false;
    return true;
}

bool unpack_read(struct unpack *unpack, void *bytes, size_t size, size_t *got, struct error *error)
{
    uint8_t *next = bytes;

    *got = 0;
    while (*got < size && !unpack->ended) {
        la_ssize_t count = archive_read_data(unpack->archive, next + *got, size - *got);

        if (count < 0)
            return fail(unpack, error);
        unpack->ended = count == 0;
        *got += (size_t)count;
    }
    return true;
}
