/* Store's backup: see store.h. The copy gets its name when it is complete, and was read. */
#include "server/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *path, const char *what, struct error *error)
{
    char buffer[96];

    return error_set(error, errno == ENOSPC || errno == EDQUOT ? ERROR_FULL : ERROR_IO, path,
                     "%s: %s", what, strerror_r(errno, buffer, sizeof(buffer)));
}

/* The daemon's own file, by whatever name, would be lost with all that is in it. */
static bool check_target(const char *dir, const char *file, struct error *error)
{
    char path[PATH_MAX];
    struct stat own, target;

    if (stat(file, &target) != 0)
        return errno == ENOENT || fail(file, "cannot look at it", error);
    if (!S_ISREG(target.st_mode))
        return error_set(error, ERROR_INVALID, file, "is there and no file");
    (void)snprintf(path, sizeof(path), "%s/traind.db", dir);
    if (stat(path, &own) == 0 && own.st_dev == target.st_dev && own.st_ino == target.st_ino)
        return error_set(error, ERROR_INVALID, file, "is the database itself");
    return true;
}

/* The name is on the disk, as its content is. */
static bool publish(const char *draft, const char *file, struct error *error)
{
    char path[PATH_MAX];

    if (rename(draft, file) != 0)
        return fail(file, "cannot be named so", error);
    (void)snprintf(path, sizeof(path), "%s", file);
    int folder = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);
    if (!good)
        (void)fail(file, "cannot be brought to the disk", error);
    if (folder >= 0)
        close(folder);
    return good;
}

static bool copy(struct db *db, const char *file, struct error *error)
{
    char draft[PATH_MAX];

    if ((size_t)snprintf(draft, sizeof(draft), "%s.XXXXXX", file) >= sizeof(draft))
        return error_set(error, ERROR_INVALID, file, "the path is too long");
    int handle = mkostemp(draft, O_CLOEXEC);
    if (handle < 0)
        return fail(file, "cannot be made", error);
    bool good = sql_backup(&db->sql, draft, error);
    if (good && fsync(handle) != 0)
        good = fail(file, "cannot be written", error);
    close(handle);
    good = good && publish(draft, file, error);
    if (!good)
        (void)unlink(draft);
    return good;
}

bool store_backup(const char *dir, const char *file, struct error *error)
{
    struct db *db = NULL;

    if (!check_target(dir, file, error) || !store_peek(dir, &db, error))
        return false;
    if (!db)
        return error_set(error, ERROR_NOT_FOUND, dir, "there is no database here");
    bool good = copy(db, file, error);
    db_close(db);
    return good;
}
