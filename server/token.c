/* Token: the file. One line each: name, scope, SHA-256, time. It is written beside and renamed, so
 * a reader sees all of it or all of what was there before. */
#include "server/token.h"

#include "server/clock.h"
#include "server/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum { LINE_SIZE = 256, PATH_SIZE = 1200 };

static const char prefix[] = "trnd_";
static const char title[] = "# traind's access tokens: name, scope, SHA-256, Unix milliseconds\n";

static bool fail(const char *path, const char *what, struct error *error)
{
    return error_set(error, errno == ENOSPC || errno == EDQUOT ? ERROR_FULL : ERROR_IO, path,
                     "%s: %s", what, strerror(errno));
}

static bool path_of(const char *dir, const char *file, char out[PATH_SIZE], struct error *error)
{
    if (snprintf(out, PATH_SIZE, "%s/%s", dir, file) >= PATH_SIZE)
        return error_set(error, ERROR_INVALID, dir, "the name of the data directory is too long");
    return true;
}

void token_list_drop(struct token_list *list)
{
    free(list->rows);
    *list = (struct token_list){0};
}

/* ---- reading ---- */

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < TOKEN_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

static bool read_hex(const char *text, uint8_t out[DIGEST_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(text) != DIGEST_HEX - 1 || strspn(text, digits) != DIGEST_HEX - 1)
        return false;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        out[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) * 16 +
                           (strchr(digits, text[2 * i + 1]) - digits));
    return true;
}

static bool read_line(const char *line, struct token_row *out)
{
    char scope[16], hex[DIGEST_HEX], rest;

    if (sscanf(line, "%64s %15s %64s %" SCNd64 " %c", out->name, scope, hex, &out->created_at,
               &rest) != 4)
        return false;
    out->scope = scope_find(scope);
    return name_is_good(out->name) && out->scope != SCOPE_NONE && read_hex(hex, out->sha256);
}

static bool read_lines(FILE *file, const char *path, struct token_list *out, struct error *error)
{
    char line[LINE_SIZE];

    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        if (out->count == TOKENS_MOST || !strchr(line, '\n') ||
            !read_line(line, &out->rows[out->count]))
            return error_set(error, ERROR_CORRUPT, path,
                             "a line is not of the form that `traind token add` writes");
        out->count++;
    }
    return !ferror(file) || fail(path, "cannot be read", error);
}

bool token_list_read(const char *dir, struct token_list *out, struct error *error)
{
    char path[PATH_SIZE];
    FILE *file;
    bool good;

    *out = (struct token_list){0};
    if (!path_of(dir, "tokens", path, error))
        return false;
    file = fopen(path, "re");
    if (!file)
        return errno == ENOENT || fail(path, "cannot be opened", error);
    out->rows = calloc(TOKENS_MOST, sizeof(*out->rows));
    good = out->rows ? read_lines(file, path, out, error)
                     : error_set(error, ERROR_MEMORY, path, "no memory for the tokens");
    (void)fclose(file);
    return good;
}

/* ---- writing ---- */

static bool write_rows(FILE *file, const struct token_list *list)
{
    char hex[DIGEST_HEX];
    bool good = fputs(title, file) >= 0;

    for (int i = 0; i < list->count && good; i++) {
        const struct token_row *row = &list->rows[i];

        digest_hex(row->sha256, hex);
        good = fprintf(file, "%s %s %s %" PRId64 "\n", row->name, scope_name(row->scope), hex,
                       row->created_at) > 0;
    }
    return good && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

static bool sync_folder(const char *dir, struct error *error)
{
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);

    if (!good)
        (void)fail(dir, "cannot be synced", error);
    if (folder >= 0)
        (void)close(folder);
    return good;
}

static bool write_list(const char *dir, const struct token_list *list, struct error *error)
{
    char path[PATH_SIZE], draft[PATH_SIZE];
    int handle;
    FILE *file;
    bool good;

    if (!path_of(dir, "tokens", path, error) || !path_of(dir, "tokens.new", draft, error))
        return false;
    handle = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    file = handle >= 0 ? fdopen(handle, "w") : NULL;
    if (!file)
        return fail(draft, "cannot be made", error);
    good = write_rows(file, list) || fail(draft, "cannot be written", error);
    if (fclose(file) != 0 && good)
        good = fail(draft, "cannot be written", error);
    if (good && rename(draft, path) != 0)
        good = fail(path, "cannot be replaced", error);
    return good && sync_folder(dir, error);
}

/* ---- changing ---- */

struct change {
    const char *dir;
    struct token_list list;
    int lock; /* a file that is there for this alone */
};

static bool change_begin(struct change *change, const char *dir, struct error *error)
{
    char path[PATH_SIZE];

    *change = (struct change){.dir = dir, .lock = -1};
    if (!store_make_directory(dir, error) || !path_of(dir, "tokens.lock", path, error))
        return false;
    change->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (change->lock < 0 || flock(change->lock, LOCK_EX) != 0)
        return fail(path, "cannot be locked", error);
    if (!token_list_read(dir, &change->list, error))
        return false;
    if (!change->list.rows)
        change->list.rows = calloc(TOKENS_MOST, sizeof(*change->list.rows));
    return change->list.rows || error_set(error, ERROR_MEMORY, dir, "no memory for the tokens");
}

static void change_end(struct change *change)
{
    token_list_drop(&change->list);
    if (change->lock >= 0)
        (void)close(change->lock);
}

static struct token_row *find_row(const struct token_list *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].name, name) == 0)
            return &list->rows[i];
    return NULL;
}

static bool make_secret(char out[TOKEN_SIZE], struct error *error)
{
    uint8_t random[DIGEST_BYTES];
    char hex[DIGEST_HEX];

    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return error_set(error, ERROR_IO, "", "the system gives no random bits: %s",
                         strerror(errno));
    digest_hex(random, hex);
    (void)snprintf(out, TOKEN_SIZE, "%s%s", prefix, hex);
    return true;
}

static bool add_row(struct change *change, const struct token_row *row, struct error *error)
{
    if (find_row(&change->list, row->name))
        return error_set(error, ERROR_CONFLICT, row->name,
                         "there is a token of this name; remove it first, or take another name");
    if (change->list.count == TOKENS_MOST)
        return error_set(error, ERROR_TOO_LARGE, row->name, "there are %d tokens already",
                         TOKENS_MOST);
    change->list.rows[change->list.count++] = *row;
    return write_list(change->dir, &change->list, error);
}

bool token_add(const char *dir, const char *name, enum scope scope, char out[TOKEN_SIZE],
               struct error *error)
{
    struct token_row row = {.scope = scope, .created_at = clock_milliseconds()};
    struct change change;
    bool good;

    if (!name_is_good(name))
        return error_set(error, ERROR_INVALID, name,
                         "a token's name is 1 to %d letters, digits, '.', '_' and '-'",
                         TOKEN_NAME_SIZE - 1);
    (void)snprintf(row.name, sizeof(row.name), "%s", name);
    if (!make_secret(out, error))
        return false;
    digest_sha256(out, strlen(out), row.sha256);
    good = change_begin(&change, dir, error) && add_row(&change, &row, error);
    change_end(&change);
    return good;
}

bool token_remove(const char *dir, const char *name, struct error *error)
{
    struct change change;
    struct token_row *row = NULL;
    bool good = change_begin(&change, dir, error);

    if (good) {
        row = find_row(&change.list, name);
        good = row || error_set(error, ERROR_NOT_FOUND, name, "there is no token of this name");
    }
    if (good) {
        *row = change.list.rows[--change.list.count];
        good = write_list(dir, &change.list, error);
    }
    change_end(&change);
    return good;
}
