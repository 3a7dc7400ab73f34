/* Scopes: their names. */
#include "server/scope.h"

#include <string.h>

static const char *const names[SCOPES] = {
    [SCOPE_NONE] = "none",
    [SCOPE_READ] = "read",
    [SCOPE_SUBMIT] = "submit",
    [SCOPE_ADMIN] = "admin",
};

const char *scope_name(enum scope scope)
{
    return names[scope];
}

enum scope scope_find(const char *name)
{
    for (int scope = SCOPE_READ; scope < SCOPES; scope++)
        if (strcmp(names[scope], name) == 0)
            return (enum scope)scope;
    return SCOPE_NONE;
}
