/* Query errors: a wrong parameter as an entry of a problem document's `errors`. */
#ifndef SERVER_QUERY_ERRORS_H
#define SERVER_QUERY_ERRORS_H

#include "server/body.h"
#include "server/query.h"

struct query_fault {
    const char *name, *value; /* as they came */
    const char *detail;
};

/* {"pointer":"","parameter":…,"detail":…}, and "allowed" and "suggestion" where there are any.
 * `rows`: the route's, or NULL. */
void query_error_put(struct body *out, const struct query *rows, const struct query_fault *fault);

#endif
