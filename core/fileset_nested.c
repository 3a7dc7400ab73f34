/* Fileset's archives inside: a zip archive that is a file of another fileset. Knows nothing of what
 * is in it. */
#include "core/fileset_inside.h"

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

static int copy_out(const struct fileset_view *view, size_t index, struct error *error)
{
    bool *wanted = calloc(view->count, sizeof(*wanted));
    int file = memfd_create("archive", MFD_CLOEXEC);
    bool good = wanted != NULL && file >= 0;

    if (!good)
        error_set(error, ERROR_MEMORY, "", "no memory to open an archive inside the %s",
                  fileset_noun(view->fileset));
    if (good) {
        wanted[index] = true;
        good = fileset_visit(view, wanted, spool, &file, error);
    }
    free(wanted);
    if (good)
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

static int open_member(const struct fileset_view *view, size_t index, struct error *error)
{
    int file = openat(view->fileset->file, view->files[index].name,
                      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    char name[96];

    text_show(name, sizeof(name), fileset_name(view, index));
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

bool fileset_open_inside(const struct fileset_view *view, size_t index, struct fileset **out,
                         struct error *error)
{
    int file =
        view->fileset->folder ? open_member(view, index, error) : copy_out(view, index, error);
    struct fileset *fileset;

    if (file < 0)
        return false;
    fileset = fileset_make(file, fileset_name(view, index), error);
    if (fileset == NULL)
        return false;
    fileset->zip = fileset_is_zip(file);
    if (!fileset->zip)
        error_set(error, ERROR_CORRUPT, fileset->name, "this is no zip archive");
    if (!fileset->zip || !fileset_list(fileset, error)) {
        fileset_close(fileset);
        return false;
    }
    *out = fileset;
    return true;
}
