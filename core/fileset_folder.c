/* Fileset's folders: a walk a few levels deep. Links are followed: whoever may make them in the
 * folder may as well put the files there. */
#include "core/fileset_inside.h"

#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool walk(struct fileset *fileset, int dir, const char *path, int depth,
                 struct error *error);

/* Lists the folder `path`, and what is in it. */
static bool walk_folder(struct fileset *fileset, int dir, const char *path, int depth,
                        struct error *error)
{
    const char *slash = strrchr(path, '/');
    int folder = openat(dir, slash != NULL ? slash + 1 : path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    struct fileset_file row = {.name = path, .type = folder < 0 ? FILESET_CLOSED : FILESET_FOLDER};

    if (!fileset_add(fileset, &row, error)) {
        if (folder >= 0)
            close(folder);
        return false;
    }
    if (folder < 0)
        return true;
    if (depth < FILESET_DEPTH)
        return walk(fileset, folder, path, depth + 1, error);
    close(folder);
    return true;
}

static bool walk_member(struct fileset *fileset, int dir, const char *path, int depth,
                        struct error *error)
{
    const char *slash = strrchr(path, '/');
    struct fileset_file row = {.name = path};
    struct stat status;

    /* A link to nothing, or a file that has just gone: as if it were not there. */
    if (fstatat(dir, slash != NULL ? slash + 1 : path, &status, 0) != 0)
        return true;
    if (S_ISDIR(status.st_mode))
        return walk_folder(fileset, dir, path, depth, error);
    row.size = S_ISREG(status.st_mode) ? status.st_size : 0;
    return fileset_add(fileset, &row, error);
}

static bool fail(const char *path, enum error_kind kind, const char *text, struct error *error)
{
    char name[96];

    text_show(name, sizeof(name), path);
    return error_set(error, kind, name, "%s", text);
}

/* Lists the members of the open folder `dir`, which is closed here. `path`: its name in the
 * fileset,
 * "" for the fileset itself; `depth`: parts of its members' names. */
static bool walk(struct fileset *fileset, int dir, const char *path, int depth, struct error *error)
{
    DIR *list = fdopendir(dir);
    bool good = true;

    if (list == NULL) {
        close(dir);
        return fail(path, ERROR_IO, "the folder cannot be listed", error);
    }
    for (const struct dirent *entry = readdir(list); good && entry != NULL; entry = readdir(list)) {
        char member[FILESET_NAME_MAX + 1];
        int length;

        if (entry->d_name[0] == '.')
            continue;
        length = snprintf(member, sizeof(member), "%s%s%s", path, path[0] != '\0' ? "/" : "",
                          entry->d_name);
        if (length < 0 || (size_t)length >= sizeof(member))
            good = fail(path, ERROR_INVALID, "the folder holds a name that is too long", error);
        else
            good = walk_member(fileset, dirfd(list), member, depth, error);
    }
    closedir(list);
    return good;
}

bool fileset_folder_list(struct fileset *fileset, struct error *error)
{
    int dir = openat(fileset->file, ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);

    if (dir < 0)
        return error_set(error, ERROR_IO, "", "the folder cannot be listed: %s", strerror(errno));
    return walk(fileset, dir, "", 1, error);
}

bool fileset_folder_visit(const struct fileset_view *view, const bool *wanted, fileset_each *each,
                          void *context, struct error *error)
{
    for (size_t i = 0; i < view->count; i++) {
        struct stream *stream = NULL;
        bool good;

        if (!wanted[i])
            continue;
        if (!stream_open(view->fileset->file, view->files[i].name, view->prefix, &stream, error))
            return false;
        good = each(context, i, stream, error);
        stream_close(stream);
        if (!good)
            return false;
    }
    return true;
}
