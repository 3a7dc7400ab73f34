/* Source's archives inside: a zip archive that is a file of another source. Knows nothing of what
 * is in it. */
#include "core/source_inside.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies the stream into the memory file. A zip archive's list of entries is at its end, so it
 * cannot be read as it comes. */
static bool spool(void *context, size_t index, struct stream *stream, struct error *error)
{
    const int *file = context;
    uint8_t block[16 * 1024];
    size_t got = sizeof(block);

    (void)index;
    while (got == sizeof(block)) {
        if (!stream_read(stream, block, sizeof(block), &got, error))
            return false;
        if (write(*file, block, got) != (ssize_t)got)
            return error_set(error, ERROR_MEMORY, stream_name(stream),
                             "the archive cannot be held in memory: %s", strerror(errno));
    }
    return true;
}

static int copy_out(const struct source_view *view, size_t index, struct error *error)
{
    bool *wanted = calloc(view->count, sizeof(*wanted));
    int file = memfd_create("archive", MFD_CLOEXEC);
    bool good = wanted != NULL && file >= 0;

    if (!good)
        error_set(error, ERROR_MEMORY, "", "no memory to open an archive inside the %s",
                  source_noun(view->source));
    if (good) {
        wanted[index] = true;
        good = source_visit(view, wanted, spool, &file, error);
    }
    free(wanted);
    if (good)
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

static int open_member(const struct source_view *view, size_t index, struct error *error)
{
    int file = openat(view->source->file, view->files[index].name,
                      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    char name[96];

    text_show(name, sizeof(name), source_name(view, index));
    if (file < 0) {
        error_set(error, ERROR_IO, name, "the file cannot be opened: %s", strerror(errno));
        return -1;
    }
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        return file;
    error_set(error, ERROR_INVALID, name, "this is not a regular file");
    close(file);
    return -1;
}

bool source_open_inside(const struct source_view *view, size_t index, struct source **out,
                        struct error *error)
{
    int file =
        view->source->folder ? open_member(view, index, error) : copy_out(view, index, error);
    struct source *source;

    if (file < 0)
        return false;
    source = source_make(file, source_name(view, index), error);
    if (source == NULL)
        return false;
    source->zip = source_is_zip(file);
    if (!source->zip)
        error_set(error, ERROR_CORRUPT, source->name, "this is no zip archive");
    if (!source->zip || !source_list(source, error)) {
        source_close(source);
        return false;
    }
    *out = source;
    return true;
}
