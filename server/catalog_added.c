/* Catalog's folders of what was added: DIR/datasets/NAME, each with its info beside its files. Only
 * whole ones have such a name (see catalog_add.c). */
#include "server/catalog_info.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INFO_BYTES_MAX = 4 << 20 };

bool catalog_added_path(const char *dir, const char *name, char out[4096], struct error *error)
{
    int length = snprintf(out, 4096, "%s/datasets%s%s", dir, name[0] != '\0' ? "/" : "", name);
    return (length > 0 && length < 4096) ||
           error_set(error, ERROR_INVALID, "", "the name of the data directory is too long");
}

static int open_info(const char *dir, const char *name)
{
    char path[4096], file[4096 + sizeof("/" CATALOG_INFO_FILE)];
    if (!catalog_name_good(name, NULL) || !catalog_added_path(dir, name, path, NULL))
        return -1;
    (void)snprintf(file, sizeof(file), "%s/" CATALOG_INFO_FILE, path);
    return open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

bool catalog_added_there(const char *dir, const char *name)
{
    int file = open_info(dir, name);
    if (file >= 0)
        close(file);
    return file >= 0;
}

bool catalog_is_added(struct db *db, const char *name)
{
    return catalog_added_there(store_directory(db), name);
}

/* The file's text; malloc'ed. */
static char *read_info(int file, const struct stat *status)
{
    char *text = S_ISREG(status->st_mode) && status->st_size <= INFO_BYTES_MAX
                     ? malloc((size_t)status->st_size + 1)
                     : NULL;
    ssize_t got = text ? read(file, text, (size_t)status->st_size) : -1;
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[got] = '\0';
    return text;
}

bool catalog_added_get(const char *dir, const char *name, struct dataset_row *out,
                       struct error *error)
{
    char path[4096];
    struct stat status;
    int file = open_info(dir, name);
    *out = (struct dataset_row){0};
    if (file < 0)
        return error_set(error, ERROR_NOT_FOUND, "", "there is no data set %s", name);
    if (fstat(file, &status) == 0)
        out->info = read_info(file, &status);
    close(file);
    if (!out->info)
        return error_set(error, ERROR_IO, name,
                         "the data set's " CATALOG_INFO_FILE " cannot be read");
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    out->created_at = (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
    if (catalog_added_path(dir, name, path, error))
        out->path = strdup(path);
    if (out->path)
        return true;
    dataset_row_drop(out);
    return error_set(error, ERROR_MEMORY, name, "no memory for the list of data sets");
}

static bool append(struct dataset_row **rows, int *count, const struct dataset_row *row,
                   struct error *error)
{
    struct dataset_row *grown = realloc(*rows, ((size_t)*count + 1) * sizeof(*grown));
    if (!grown)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list of data sets");
    *rows = grown;
    grown[(*count)++] = *row;
    return true;
}

bool catalog_added_list(const char *dir, struct dataset_row **rows, int *count, struct error *error)
{
    char path[4096];
    struct dirent **members = NULL;
    if (!catalog_added_path(dir, "", path, error))
        return false;
    int found = scandir(path, &members, NULL, alphasort);
    bool good =
        found >= 0 || errno == ENOENT ||
        error_set(error, ERROR_IO, "", "the data sets cannot be listed: %s", strerror(errno));
    for (int i = 0; i < found; i++) {
        struct dataset_row row;
        struct error missing = {0};
        if (good && catalog_added_get(dir, members[i]->d_name, &row, &missing)) {
            good = append(rows, count, &row, error);
            if (!good)
                dataset_row_drop(&row);
        } else if (good && missing.kind != ERROR_NOT_FOUND) {
            good = error_set(error, missing.kind, missing.where, "%s", missing.text);
        }
        free(members[i]);
    }
    free(members);
    return good;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct dataset_row *)a)->name, ((const struct dataset_row *)b)->name);
}

/* Of two rows with one name the added one, which came in first, stays. */
static void drop_hidden(struct dataset_row *rows, int added, int *count)
{
    int kept = added;
    for (int i = added; i < *count; i++) {
        bool hidden = false;
        for (int k = 0; k < added && !hidden; k++)
            hidden = strcmp(rows[k].name, rows[i].name) == 0;
        if (hidden)
            dataset_row_drop(&rows[i]);
        else
            rows[kept++] = rows[i];
    }
    *count = kept;
}

bool catalog_list(struct db *db, struct dataset_row **rows, int *count, struct error *error)
{
    struct dataset_row *registered = NULL;
    int registered_count = 0;
    *rows = NULL;
    *count = 0;
    bool good = catalog_added_list(store_directory(db), rows, count, error);
    int added = *count;
    good = good && store_dataset_list(db, &registered, &registered_count, error);
    for (int i = 0; i < registered_count; i++) {
        good = good && append(rows, count, &registered[i], error);
        if (!good)
            dataset_row_drop(&registered[i]);
    }
    free(registered);
    if (good) {
        drop_hidden(*rows, added, count);
        if (*count > 0)
            qsort(*rows, (size_t)*count, sizeof(**rows), by_name);
        return true;
    }
    while (*count > 0)
        dataset_row_drop(&(*rows)[--*count]);
    free(*rows);
    *rows = NULL;
    return false;
}
