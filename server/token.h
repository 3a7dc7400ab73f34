/* Token: secrets that stand for a scope. They are in the file `tokens` of the data directory, as
 * SHA-256 only: what is stored opens nothing. Any process may change the file, beside a running
 * daemon, which sees it at the next request. Knows nothing of HTTP. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "server/scope.h"

#include "core/digest.h"
#include "core/error.h"

#include <stdint.h>

enum { TOKEN_NAME_SIZE = 65, TOKEN_SIZE = 70, TOKENS_MOST = 1000 };

struct token_row {
    char name[TOKEN_NAME_SIZE]; /* letters, digits, '.', '_' and '-' */
    enum scope scope;
    int64_t created_at; /* Unix milliseconds */
    uint8_t sha256[DIGEST_BYTES];
};

struct token_list {
    struct token_row *rows;
    int count;
};

/* All tokens of a data directory; none where there is no file. ERROR_CORRUPT when a line is not one
 * of ours: then nobody's token counts. Drop it in every case. */
bool token_list_read(const char *dir, struct token_list *out, struct error *error) MUST_CHECK;
void token_list_drop(struct token_list *list);

/* Makes a token of 256 random bits and writes it to `out`, the only time that it can be seen. Makes
 * the directory when it is missing. ERROR_INVALID for the name, ERROR_CONFLICT when it is taken. */
bool token_add(const char *dir, const char *name, enum scope scope, char out[TOKEN_SIZE],
               struct error *error) MUST_CHECK;
/* ERROR_NOT_FOUND. */
bool token_remove(const char *dir, const char *name, struct error *error) MUST_CHECK;

/* ---- the daemon's door ---- */

struct token_gate;
struct log;

struct token_gate_setup {
    const char *dir;
    bool loopback; /* only this machine can ask: without any token everything is allowed */
    const struct log *log;
};

/* Reads the file. For one thread. */
bool token_gate_open(const struct token_gate_setup *setup, struct token_gate **out,
                     struct error *error) MUST_CHECK;
void token_gate_close(struct token_gate *gate); /* NULL is allowed */
int token_gate_count(const struct token_gate *gate);

/* What the bearer of `token` (NULL: there is none) may do, and his name, "" without one. The time
 * that it takes tells nothing of the tokens. An http_admit; `gate` is the token_gate. */
enum scope token_gate_admit(void *gate, const char *token, char name[TOKEN_NAME_SIZE]);

#endif
