/* Weights: see weights.h. */
#include "server/weights.h"

#include "core/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".safetensors"

enum { READ_BYTES = 1 << 20, DRAWN_BYTES = 16 };

static void folder_path(const char *dir, char out[WEIGHTS_PATH_SIZE])
{
    (void)snprintf(out, WEIGHTS_PATH_SIZE, "%s/weights", dir);
}

void weights_path(const char *dir, const char *file, char out[WEIGHTS_PATH_SIZE])
{
    (void)snprintf(out, WEIGHTS_PATH_SIZE, "%s/weights/%s", dir, file);
}

static bool fail(const char *what, struct error *error)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

    return error_set(error, full ? ERROR_FULL : ERROR_IO, what, "cannot be kept: %s",
                     strerror(errno));
}

void weights_remove(const char *dir, const char *file)
{
    char path[WEIGHTS_PATH_SIZE];

    weights_path(dir, file, path);
    (void)unlink(path);
}

bool weights_there(const char *dir, const char *file)
{
    char path[WEIGHTS_PATH_SIZE];

    weights_path(dir, file, path);
    return access(path, F_OK) == 0;
}

/* ---- the start ---- */

/* What a person has put there has another name, and is left alone. */
static bool is_ours(const char *name)
{
    return strspn(name, "0123456789abcdef") == 2 * DRAWN_BYTES &&
           strcmp(name + 2 * DRAWN_BYTES, ENDING) == 0;
}

static bool remove_strays(const char *folder, struct db *db, struct error *error)
{
    DIR *open = opendir(folder);
    bool good = open || error_set(error, ERROR_IO, folder, "cannot be read: %s", strerror(errno));
    bool known;

    for (const struct dirent *entry = good ? readdir(open) : NULL; entry && good;
         entry = readdir(open)) {
        if (!is_ours(entry->d_name))
            continue;
        good = store_weights_has_file(db, entry->d_name, &known, error);
        if (good && !known)
            (void)unlinkat(dirfd(open), entry->d_name, 0);
    }
    if (open)
        (void)closedir(open);
    return good;
}

/* As after a backup of the database alone was put back. */
static bool tell_missing(const char *dir, struct db *db, const struct log *log, struct error *error)
{
    enum { PAGE = 64 };
    struct weights_row rows[PAGE];
    char after[WEIGHTS_NAME_SIZE] = "";
    int count = PAGE;

    while (count == PAGE) {
        if (!store_weights_list(db, after, rows, PAGE, &count, error))
            return false;
        for (int i = 0; i < count; i++)
            if (!weights_there(dir, rows[i].file))
                log_line(log, LOG_WARNING, "weights %s: their file is gone; upload them again",
                         rows[i].name);
        if (count > 0)
            memcpy(after, rows[count - 1].name, sizeof(after));
    }
    return true;
}

bool weights_sweep(const char *dir, struct db *db, const struct log *log, struct error *error)
{
    char folder[WEIGHTS_PATH_SIZE];

    folder_path(dir, folder);
    return store_make_directory(folder, error) && remove_strays(folder, db, error) &&
           tell_missing(dir, db, log, error);
}

/* ---- one file ---- */

bool weights_digest(int file, char sha256[65], struct error *error)
{
    struct digest_sum digest;
    uint8_t *bytes = malloc(READ_BYTES), out[DIGEST_BYTES];
    bool good = bytes || error_set(error, ERROR_MEMORY, "", "no memory for a digest");
    off_t at = 0;

    digest_begin(&digest);
    for (ssize_t got = 1; good && got != 0;) {
        got = pread(file, bytes, READ_BYTES, at);
        good = got >= 0 || errno == EINTR ||
               error_set(error, ERROR_IO, "weights", "a file cannot be read: %s", strerror(errno));
        if (got > 0)
            digest_add(&digest, bytes, (size_t)got);
        at += got > 0 ? got : 0;
    }
    digest_end(&digest, out);
    free(bytes);
    if (good)
        digest_hex(out, sha256);
    return good;
}

bool weights_look(const char *path, struct weights_row *row, struct safetensors_reader *reader,
                  struct error *error)
{
    struct stat status;

    if (!safetensors_reader_open(path, reader, error))
        return false;
    row->tensors = reader->count;
    row->parameters = 0;
    for (int i = 0; i < reader->count; i++)
        row->parameters += reader->entries[i].count;
    if (fstat(reader->file, &status) != 0)
        return fail("weights", error);
    row->bytes = status.st_size;
    return weights_digest(reader->file, row->sha256, error);
}

/* A name that was never used. */
static bool draw_name(char out[WEIGHTS_FILE_SIZE], struct error *error)
{
    unsigned char bits[DRAWN_BYTES];

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        return fail("weights", error);
    for (size_t i = 0; i < sizeof(bits); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bits[i]);
    (void)snprintf(out + 2 * sizeof(bits), WEIGHTS_FILE_SIZE - 2 * sizeof(bits), ENDING);
    return true;
}

static bool sync_path(const char *path, int flags, struct error *error)
{
    int file = open(path, flags | O_RDONLY | O_CLOEXEC);
    bool good = (file >= 0 && (fsync(file) == 0 || errno == EINVAL)) || fail("weights", error);

    if (file >= 0)
        (void)close(file);
    return good;
}

bool weights_keep(const char *dir, const char *path, struct weights_row *row, struct error *error)
{
    char folder[WEIGHTS_PATH_SIZE], target[WEIGHTS_PATH_SIZE];

    folder_path(dir, folder);
    if (!draw_name(row->file, error) || !sync_path(path, 0, error))
        return false;
    weights_path(dir, row->file, target);
    if (rename(path, target) != 0)
        return fail("weights", error);
    if (sync_path(folder, O_DIRECTORY, error))
        return true;
    weights_remove(dir, row->file);
    return false;
}
