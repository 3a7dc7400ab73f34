/* Catalog's additions: a data set is written into a folder with a hidden name, which becomes its
 * name when everything is on the disk. What a crash leaves has a hidden name still, and the next
 * addition or start removes it. */
#include "server/catalog_info.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCOMING ".incoming-"

/* ---- leftovers ---- */

/* Nothing in such a folder is a folder. */
static void remove_folder(int sets, const char *name)
{
    int dir = openat(sets, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *list = dir >= 0 ? fdopendir(dir) : NULL;
    if (!list) {
        if (dir >= 0)
            close(dir);
        return;
    }
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        (void)unlinkat(dir, entry->d_name, 0);
    closedir(list);
    (void)unlinkat(sets, name, AT_REMOVEDIR);
}

static void remove_incoming(int sets)
{
    int copy = openat(sets, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (!list) {
        if (copy >= 0)
            close(copy);
        return;
    }
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (strncmp(entry->d_name, INCOMING, sizeof(INCOMING) - 1) == 0)
            remove_folder(sets, entry->d_name);
    closedir(list);
}

/* Who adds holds this lock together with others that add; who has it alone knows that every hidden
 * folder was left behind. Removes those. The lock, or −1. */
static int lock_sets(int sets)
{
    int lock = openat(sets, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return -1;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        remove_incoming(sets);
    while (flock(lock, LOCK_SH) != 0)
        if (errno != EINTR) {
            close(lock);
            return -1;
        }
    return lock;
}

void catalog_sweep(const char *dir)
{
    char path[4096];
    if (!catalog_added_path(dir, "", path, NULL))
        return;
    int sets = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sets < 0)
        return;
    int lock = lock_sets(sets);
    if (lock >= 0)
        close(lock);
    close(sets);
}

/* ---- what has the name already ---- */

/* Whether the row's content is the data set's; else the name belongs to other content. */
static bool compare(const struct dataset_row *row, const struct dataset *dataset,
                    struct error *error)
{
    struct catalog_info info;
    if (!catalog_info_read(row, &info, error))
        return false;
    return strcmp(info.sha256, dataset_digest(dataset)) == 0 ||
           error_set(error, ERROR_CONFLICT, row->name,
                     "there is a data set of this name with other content (sha256 %.16s…); "
                     "choose another name",
                     info.sha256);
}

/* A registered set whose files are gone is none. */
static bool look_in_store(const char *dir, const char *name, struct dataset_row *row, bool *there,
                          struct error *error)
{
    struct db *db = NULL;
    struct error missing = {0};
    *there = false;
    if (!store_peek(dir, &db, error))
        return false;
    if (!db)
        return true;
    bool good = store_dataset_get(db, name, row, &missing);
    db_close(db);
    if (good)
        *there = access(row->path, F_OK) == 0;
    if (good && !*there)
        dataset_row_drop(row);
    return good || missing.kind == ERROR_NOT_FOUND ||
           error_set(error, missing.kind, missing.where, "%s", missing.text);
}

/* *there: the name has this content already. */
static bool look_at_name(const char *dir, const char *name, struct catalog_addition *out,
                         struct error *error)
{
    struct dataset_row row = {0};
    struct error missing = {0};
    bool there = catalog_added_get(dir, name, &row, &missing);
    if (!there && missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    if (!there && !look_in_store(dir, name, &row, &there, error))
        return false;
    if (!there)
        return true;
    bool good = compare(&row, out->dataset, error);
    out->there = good;
    (void)snprintf(out->path, sizeof(out->path), "%s", row.path);
    dataset_row_drop(&row);
    return good;
}

/* ---- writing ---- */

static bool fail(const char *what, struct error *error)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return error_set(error, full ? ERROR_FULL : ERROR_IO, what, "cannot be written: %s",
                     strerror(errno));
}

static bool write_info(int folder, const char *text, struct error *error)
{
    size_t size = strlen(text);
    int file = openat(folder, CATALOG_INFO_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0;
    for (size_t at = 0; good && at < size;) {
        ssize_t count = write(file, text + at, size - at);
        good = count >= 0 || errno == EINTR;
        at += count > 0 ? (size_t)count : 0;
    }
    good = good && fsync(file) == 0;
    if (!good)
        fail(CATALOG_INFO_FILE, error);
    if (file >= 0 && close(file) != 0 && good)
        good = fail(CATALOG_INFO_FILE, error);
    return good;
}

/* Writes everything into the hidden folder, then reads it again: a disk that does not keep what it
 * was given is found out now. out->dataset becomes what was read. */
static bool write_folder(const char *path, struct memory *memory, struct catalog_addition *out,
                         struct error *error)
{
    struct dataset *again = NULL;
    char *info = catalog_info_text(out->dataset, out->format, NULL);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = info ? folder >= 0 || fail(path, error)
                     : error_set(error, ERROR_MEMORY, "", "no memory to add the data set");
    char digest[DIGEST_HEX];
    (void)snprintf(digest, sizeof(digest), "%s", dataset_digest(out->dataset));
    good = good && dataset_write(out->dataset, folder, error) && write_info(folder, info, error) &&
           (fsync(folder) == 0 || errno == EINVAL || fail("the folder", error));
    dataset_release(out->dataset);
    out->dataset = NULL;
    good = good && dataset_open_within(path, memory, &again, error);
    if (good && strcmp(dataset_digest(again), digest) != 0) {
        dataset_release(again);
        good = error_set(error, ERROR_CORRUPT, "", "what was written is not what is read back");
    }
    if (good)
        out->dataset = again;
    if (folder >= 0)
        close(folder);
    free(info);
    return good;
}

/* One stroke: afterwards it is there. */
static bool publish(int sets, const char *incoming, const char *name, struct error *error)
{
    if (renameat(sets, incoming, sets, name) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
            return error_set(error, ERROR_CONFLICT, name,
                             "a data set of this name has appeared at the same time");
        return fail(name, error);
    }
    return fsync(sets) == 0 || errno == EINVAL || fail(name, error);
}

static bool store_set(int sets, const char *path, const char *name, struct memory *memory,
                      struct catalog_addition *out, struct error *error)
{
    char folder[4096];
    int length = snprintf(folder, sizeof(folder), "%s/" INCOMING "XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(folder) || !mkdtemp(folder))
        return fail("the folder of a new data set", error);
    const char *incoming = strrchr(folder, '/') + 1;
    if (write_folder(folder, memory, out, error) && publish(sets, incoming, name, error))
        return true;
    remove_folder(sets, incoming);
    return false;
}

/* The folder of the sets, locked. */
static bool open_sets(const char *dir, char path[4096], int *sets, int *lock, struct error *error)
{
    if (!catalog_added_path(dir, "", path, error) || !store_make_directory(path, error))
        return false;
    *sets = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *lock = *sets >= 0 ? lock_sets(*sets) : -1;
    return *lock >= 0 || fail(path, error);
}

bool catalog_add(const char *dir, const char *name, const char *path, struct memory *memory,
                 struct catalog_addition *out, struct error *error)
{
    char sets_path[4096];
    int sets = -1, lock = -1;
    memset(out, 0, sizeof(*out));
    if (!catalog_name_good(name, error) || !dataset_open_within(path, memory, &out->dataset, error))
        return false;
    out->read = true;
    out->format = dataset_format(out->dataset);
    bool good = catalog_added_path(dir, name, out->path, error) &&
                open_sets(dir, sets_path, &sets, &lock, error) &&
                look_at_name(dir, name, out, error);
    if (good && !out->there)
        good = store_set(sets, sets_path, name, memory, out, error);
    if (lock >= 0)
        close(lock);
    if (sets >= 0)
        close(sets);
    if (!good)
        dataset_release(out->dataset);
    return good;
}

/* ---- deleting ---- */

static int open_folder(const char *dir)
{
    char path[4096];
    return catalog_added_path(dir, "", path, NULL) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                                   : -1;
}

/* An empty folder with a fresh hidden name, whose place a set can take. */
static bool make_hidden(const char *dir, char hidden[CATALOG_HIDDEN], struct error *error)
{
    char folder[4096];
    int length = snprintf(folder, sizeof(folder), "%s/datasets/" INCOMING "XXXXXX", dir);
    if (length < 0 || (size_t)length >= sizeof(folder) || !mkdtemp(folder))
        return fail("the folder of the data sets", error);
    (void)snprintf(hidden, CATALOG_HIDDEN, "%s", strrchr(folder, '/') + 1);
    return true;
}

bool catalog_hide(const char *dir, const char *name, char hidden[CATALOG_HIDDEN],
                  struct error *error)
{
    hidden[0] = '\0';
    if (!catalog_added_there(dir, name))
        return error_set(error, ERROR_NOT_FOUND, "", "there is no data set %s", name);
    int sets = open_folder(dir);
    bool good = sets >= 0 ? make_hidden(dir, hidden, error) : fail("the data sets", error);
    if (good && renameat(sets, name, sets, hidden) != 0) {
        good = fail(name, error);
        (void)unlinkat(sets, hidden, AT_REMOVEDIR);
    } else if (good && fsync(sets) != 0 && errno != EINVAL) {
        good = fail(name, error);
        (void)renameat(sets, hidden, sets, name);
    }
    if (sets >= 0)
        close(sets);
    return good;
}

void catalog_unhide(const char *dir, const char *hidden, const char *name)
{
    int sets = open_folder(dir);
    if (sets < 0)
        return;
    (void)renameat(sets, hidden, sets, name);
    close(sets);
}

void catalog_remove(const char *dir, const char *hidden)
{
    int sets = open_folder(dir);
    if (sets < 0)
        return;
    remove_folder(sets, hidden);
    close(sets);
}
