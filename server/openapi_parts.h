/* What the openapi*.c files share. */
#ifndef SERVER_OPENAPI_PARTS_H
#define SERVER_OPENAPI_PARTS_H

#include "server/openapi.h"

struct openapi {
    json_t *root;
    bool failed;         /* memory is gone */
    const char *missing; /* static text, or a row's: the first thing that no row describes */
};

/* Both take `value`; NULL fails the document. */
void openapi_set(struct openapi *out, json_t *object, const char *key, json_t *value);
void openapi_append(struct openapi *out, json_t *list, json_t *value);
void openapi_miss(struct openapi *out, const char *what);
/* {"$ref": "#/components/KIND/NAME"} */
json_t *openapi_reference(const char *kind, const char *name);

/* openapi_components.c: everything that routes refer to. */
json_t *openapi_components(struct openapi *out);
/* The parameter {name} of an address, a header of requests, a header of answers; each NULL where
 * there is no such row. */
json_t *openapi_path_parameter(struct openapi *out, const char *name, size_t size);
json_t *openapi_request_header(struct openapi *out, const char *name, size_t size);
json_t *openapi_answer_header(struct openapi *out, const char *name, size_t size);
json_t *openapi_tags(struct openapi *out);

#endif
