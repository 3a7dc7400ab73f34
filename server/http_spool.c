/* Spool: a request's body on its way into a file, because memory is no place for it. Knows nothing
 * of what the bytes mean. Belongs to one exchange; `write` runs at the desk, the rest in the HTTP
 * thread. */
#include "server/http_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPOOL_PREFIX "body-"

/* Pieces are gathered up to this size: each trip to the desk costs some microseconds. */
enum { SPOOL_GATHER = 256 * 1024, SPOOL_PATH_MAX = 1200 };

struct http_spool {
    char path[SPOOL_PATH_MAX];
    int file;
    size_t used, room; /* of the buffer */
    char buffer[];
};

/* What a daemon left that died while it took a body. */
static bool remove_old(const char *folder, struct error *error)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;

    if (!open)
        return error_set(error, ERROR_IO, folder, "cannot be read: %s", strerror(errno));
    while ((entry = readdir(open)))
        if (strncmp(entry->d_name, SPOOL_PREFIX, strlen(SPOOL_PREFIX)) == 0)
            (void)unlinkat(dirfd(open), entry->d_name, 0);
    (void)closedir(open);
    return true;
}

bool spool_prepare(const char *folder, struct error *error)
{
    return store_make_directory(folder, error) && remove_old(folder, error);
}

static enum error_kind kind_of(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG ? ERROR_FULL : ERROR_IO;
}

struct http_spool *spool_open(const char *folder, struct error *error)
{
    size_t room = SPOOL_GATHER + HTTP_CONNECTION_MEMORY;
    struct http_spool *spool = calloc(1, sizeof(*spool) + room);

    if (!spool) {
        error_set(error, ERROR_MEMORY, "", "no memory for the body just now");
        return NULL;
    }
    spool->room = room;
    if ((size_t)snprintf(spool->path, sizeof(spool->path), "%s/" SPOOL_PREFIX "XXXXXX", folder) >=
        sizeof(spool->path))
        spool->file = -1;
    else
        spool->file = mkostemp(spool->path, O_CLOEXEC);
    if (spool->file < 0) {
        error_set(error, kind_of(errno), spool->path, "cannot make a file for the body: %s",
                  strerror(errno));
        free(spool);
        return NULL;
    }
    return spool;
}

bool spool_add(struct http_spool *spool, const char *bytes, size_t size)
{
    if (size > spool->room - spool->used) /* libmicrohttpd's pieces fit its connection's memory */
        return false;
    memcpy(spool->buffer + spool->used, bytes, size);
    spool->used += size;
    return true;
}

bool spool_is_full(const struct http_spool *spool)
{
    return spool->used >= SPOOL_GATHER;
}

bool spool_write(struct http_spool *spool, struct error *error)
{
    for (size_t done = 0; done < spool->used;) {
        ssize_t wrote = write(spool->file, spool->buffer + done, spool->used - done);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return error_set(error, kind_of(errno), "", "the body cannot be stored: %s",
                             strerror(errno));
        done += (size_t)wrote;
    }
    spool->used = 0;
    return true;
}

const char *spool_path(const struct http_spool *spool)
{
    return spool->path;
}

void spool_drop(struct http_spool *spool)
{
    if (!spool)
        return;
    (void)close(spool->file);
    (void)unlink(spool->path); /* whoever wanted it has renamed it */
    free(spool);
}
