/* Catalog's registry side: checking a data set's files fully before its name appears, once. At
 * start only the files' names, sizes and times are looked at, so that a daemon with many sets
 * starts at once. */
#include "server/catalog_info.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct registration {
    const char *name, *path, *info;
};

static bool registration_write(struct db *db, void *context, struct error *error)
{
    const struct registration *row = context;
    return store_dataset_put(db, row->name, row->path, row->info, error);
}

bool catalog_name_good(const char *name, struct error *error)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    if (length > 0 && length <= 64 && name[0] != '.' && strspn(name, allowed) == length)
        return true;
    return error_set(
        error, ERROR_INVALID, "",
        "a data set's name has at most 64 letters, digits, '.', '_', '-' and no '.' in front");
}

bool catalog_register(struct catalog *catalog, const char *name, const char *path,
                      struct error *error)
{
    struct dataset *dataset = NULL;
    char files[DIGEST_HEX];
    if (!catalog_name_good(name, error))
        return false;
    /* Listed before they are read: files that change in between are then read again at the next
     * start. */
    if (!catalog_files(path, files, error) || !dataset_open(path, &dataset, error))
        return false;
    char *info = catalog_info_text(dataset, dataset_format(dataset), files);
    dataset_release(dataset);
    if (!info)
        return error_set(error, ERROR_MEMORY, name, "no memory to register the data set");
    struct registration row = {.name = name, .path = path, .info = info};
    bool good = store_write(catalog_store(catalog), registration_write, &row, error);
    free(info);
    return good;
}

enum standing { STANDING_NEW, STANDING_CHANGED, STANDING_KNOWN, STANDING_TAKEN };

/* How the registry stands to this name and path. */
static bool standing_of(struct db *db, const char *name, const char *path, enum standing *out,
                        struct error *error)
{
    struct dataset_row row = {0};
    struct catalog_info info;
    char files[DIGEST_HEX];
    struct error missing = {0};
    *out = STANDING_TAKEN;
    if (catalog_added_there(store_directory(db), name))
        return true;
    *out = STANDING_NEW;
    if (!store_dataset_get(db, name, &row, &missing)) {
        if (missing.kind == ERROR_NOT_FOUND)
            return true;
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    }
    if (strcmp(row.path, path) != 0)
        *out = STANDING_TAKEN;
    else if (catalog_info_read(&row, &info, NULL) && catalog_files(path, files, NULL) &&
             strcmp(files, info.files) == 0)
        *out = STANDING_KNOWN;
    else
        *out = STANDING_CHANGED;
    dataset_row_drop(&row);
    return true;
}

static void member_register(struct catalog *catalog, struct db *db, const char *name,
                            const char *path, const struct log *log)
{
    enum standing standing;
    struct error error = {0};
    if (!standing_of(db, name, path, &standing, &error)) {
        log_line(log, LOG_ERROR, "data set %s: %s", name, error.text);
        return;
    }
    if (standing == STANDING_KNOWN)
        return;
    if (standing == STANDING_TAKEN)
        log_line(log, LOG_INFO, "data set %s: the name is taken, %s is left out", name, path);
    else if (catalog_register(catalog, name, path, &error))
        log_line(log, LOG_INFO, "data set %s: %s and registered from %s", name,
                 standing == STANDING_NEW ? "checked" : "files changed: checked again", path);
    else
        log_line(log, error.kind == ERROR_NOT_FOUND ? LOG_INFO : LOG_WARNING,
                 "no data set %s: %s%s%s", name, error.where, error.where[0] != '\0' ? ": " : "",
                 error.text);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

void catalog_register_folder(struct catalog *catalog, struct db *db, const char *folder,
                             const struct log *log)
{
    struct dirent **members = NULL;
    /* Absolute, so that the registry holds for a daemon started elsewhere. */
    char *root = realpath(folder, NULL);
    int count = root ? scandir(root, &members, NULL, alphasort) : -1;
    if (count < 0)
        log_line(log, errno == ENOENT ? LOG_INFO : LOG_WARNING, "no data sets from %s: %s", folder,
                 strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", root, members[i]->d_name);
        if (catalog_name_good(members[i]->d_name, NULL) && (size_t)length < sizeof(path) &&
            is_folder(path))
            member_register(catalog, db, members[i]->d_name, path, log);
        free(members[i]);
    }
    free(members);
    free(root);
}
