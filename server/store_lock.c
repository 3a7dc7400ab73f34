/* Store's directory and the lock that keeps a second daemon out of it. Knows nothing of the
 * database. */
#include "server/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *path, const char *what, int code, struct error *error)
{
    char buffer[96];

    return error_set(error, code == ENOMEM ? ERROR_MEMORY : ERROR_IO, path, "%s %s: %s", what, path,
                     strerror_r(code, buffer, sizeof(buffer)));
}

/* A new directory survives a power cut once its parent is synced. */
static bool sync_parent(const char *path, struct error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = !slash ? 1 : slash == path ? 1 : (int)(slash - path);

    snprintf(parent, sizeof(parent), "%.*s", length, slash ? path : ".");
    int file = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return fail(parent, "cannot open", errno, error);
    /* Some file systems cannot sync a directory and say EINVAL: then there is nothing to do. */
    bool good = fsync(file) == 0 || errno == EINVAL || fail(parent, "cannot sync", errno, error);
    close(file);
    return good;
}

static bool make_one(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0)
        return sync_parent(path, error);
    return errno == EEXIST || fail(path, "cannot make the directory", errno, error);
}

bool store_make_directory(const char *dir, struct error *error)
{
    char path[PATH_MAX];
    struct stat found;
    size_t length = strlen(dir);

    if (length == 0)
        return error_set(error, ERROR_INVALID, "", "the data directory has no name");
    if (length >= sizeof(path))
        return error_set(error, ERROR_INVALID, dir, "the name of the data directory is too long");
    memcpy(path, dir, length + 1);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool good = make_one(path, error);
        *slash = '/';
        if (!good)
            return false;
    }
    if (!make_one(path, error))
        return false;
    if (stat(path, &found) != 0)
        return fail(path, "cannot look at", errno, error);
    return S_ISDIR(found.st_mode) || fail(path, "cannot use", ENOTDIR, error);
}

/* The owner writes its number after it has the lock, so for a moment there may be none. */
static bool busy(int file, const char *path, struct error *error)
{
    char text[32];
    ssize_t length = pread(file, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    long process = strtol(text, NULL, 10);
    if (process > 0)
        return error_set(error, ERROR_BUSY, path,
                         "another traind (process %ld) uses this data directory", process);
    return error_set(error, ERROR_BUSY, path, "another traind uses this data directory");
}

/* The file is never removed: whoever waits with it open would then lock a file that nobody else
 * sees. */
bool store_take_lock(const char *dir, int *out, struct error *error)
{
    char path[PATH_MAX + 8];
    char text[32];

    *out = -1;
    snprintf(path, sizeof(path), "%s/lock", dir);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return fail(path, "cannot open", errno, error);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            busy(file, path, error);
        else
            fail(path, "cannot lock", errno, error);
        close(file);
        return false;
    }
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    /* The number is for the other daemon's message only; on a full disk the lock holds without it.
     */
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)length, 0) != length)
        errno = 0;
    *out = file;
    return true;
}

void store_drop_lock(int lock_file)
{
    if (lock_file < 0)
        return;
    if (ftruncate(lock_file, 0) != 0)
        errno = 0; /* an old number in a free lock file is harmless */
    close(lock_file);
}
