/* Scopes: what the bearer of an access token may do. Each holds those before it. */
#ifndef SERVER_SCOPE_H
#define SERVER_SCOPE_H

enum scope {
    SCOPE_NONE,
    SCOPE_READ,   /* look: jobs, metrics, streams, checkpoints, data sets */
    SCOPE_SUBMIT, /* make jobs and steer them, let networks predict */
    SCOPE_ADMIN,  /* store data sets and weights, delete anything */
    SCOPES
};

/* "read", "submit", "admin"; "none". */
const char *scope_name(enum scope scope);
/* SCOPE_NONE for what is no scope that a token can have. */
enum scope scope_find(const char *name);

#endif
