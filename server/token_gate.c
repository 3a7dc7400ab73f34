/* Token's gate: what the daemon asks at every request. It looks at the file's place and time each
 * time, and reads it again when somebody has changed it. When it cannot be read, nobody comes in.
 */
#include "server/token.h"

#include "server/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct token_gate {
    char dir[1100];
    char path[1200];
    bool loopback;
    bool shut; /* the file cannot be read */
    const struct log *log;
    struct token_list list;
    struct stat seen; /* when the list was read; zeroes: there was no file */
};

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_dev == other->st_dev &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

static bool read_again(struct token_gate *gate, const struct stat *now, struct error *error)
{
    struct token_list list;
    bool good = token_list_read(gate->dir, &list, error);

    token_list_drop(&gate->list);
    gate->list = list;
    gate->seen = *now;
    gate->shut = !good;
    if (!good)
        gate->list.count = 0;
    return good;
}

/* *good is false after a failure, this time or before. */
static bool look(struct token_gate *gate, struct error *error)
{
    struct stat now = {0};

    if (stat(gate->path, &now) != 0) {
        if (errno != ENOENT) {
            gate->shut = true;
            return error_set(error, ERROR_IO, gate->path, "cannot be looked at: %s",
                             strerror(errno));
        }
        now = (struct stat){0};
    }
    if (same_file(&now, &gate->seen))
        return true;
    return read_again(gate, &now, error);
}

bool token_gate_open(const struct token_gate_setup *setup, struct token_gate **out,
                     struct error *error)
{
    struct token_gate *gate = calloc(1, sizeof(*gate));

    *out = gate;
    if (!gate)
        return error_set(error, ERROR_MEMORY, "", "no memory for the tokens");
    gate->loopback = setup->loopback;
    gate->log = setup->log;
    if ((size_t)snprintf(gate->dir, sizeof(gate->dir), "%s", setup->dir) >= sizeof(gate->dir))
        return error_set(error, ERROR_INVALID, setup->dir,
                         "the name of the data directory is too long");
    (void)snprintf(gate->path, sizeof(gate->path), "%s/tokens", gate->dir);
    return look(gate, error);
}

void token_gate_close(struct token_gate *gate)
{
    if (!gate)
        return;
    token_list_drop(&gate->list);
    free(gate);
}

int token_gate_count(const struct token_gate *gate)
{
    return gate->list.count;
}

/* Every byte is looked at, whatever the first ones are. */
static bool equal(const uint8_t *one, const uint8_t *other)
{
    volatile uint8_t differing = 0;

    for (size_t i = 0; i < DIGEST_BYTES; i++)
        differing |= one[i] ^ other[i];
    return differing == 0;
}

/* And every row, whichever is the right one. */
static enum scope find(const struct token_gate *gate, const char *token, char name[TOKEN_NAME_SIZE])
{
    enum scope scope = SCOPE_NONE;
    uint8_t digest[DIGEST_BYTES];

    digest_sha256(token, strlen(token), digest);
    for (int i = 0; i < gate->list.count; i++) {
        const struct token_row *row = &gate->list.rows[i];

        if (equal(digest, row->sha256)) {
            scope = row->scope;
            memcpy(name, row->name, TOKEN_NAME_SIZE);
        }
    }
    return scope;
}

enum scope token_gate_admit(void *context, const char *token, char name[TOKEN_NAME_SIZE])
{
    struct token_gate *gate = context;
    struct error error = {0};

    name[0] = '\0';
    if (!look(gate, &error))
        log_line(gate->log, LOG_ERROR, "nobody is let in: %s: %s", error.where, error.text);
    if (gate->shut)
        return SCOPE_NONE;
    if (gate->list.count == 0)
        return gate->loopback ? SCOPE_ADMIN : SCOPE_NONE;
    return token ? find(gate, token, name) : SCOPE_NONE;
}
