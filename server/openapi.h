/* OpenAPI: the description of the server for programs, an OpenAPI 3.1 document made of the tables
 * that the server works by: the routes, their query parameters, the fields of a job, the states.
 * Knows no route by name. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include "server/http.h"

#include <jansson.h>

/* The document; NULL: memory is gone. *missing (may be NULL): the first thing that no row describes
 * and that is therefore not in it, or NULL. Routes that are not in this version are left out. */
json_t *openapi_document(const struct route *routes, size_t count, const char **missing);

#endif
