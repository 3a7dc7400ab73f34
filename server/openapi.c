/* OpenAPI: see openapi.h. Addresses, methods, parameters and scopes come from the rows of the
 * routes; what rows do not say is in their docs. */
#include "server/openapi_parts.h"

#include "server/route_doc.h"
#include "server/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char about[] =
    "Training of convolutional networks as a service. Every GET can be asked as HEAD. Errors are "
    "problem documents (RFC 9457) whose `errors` tell by JSON pointers everything that is wrong. "
    "Times are RFC 3339 in UTC; steps and epochs count from 1.";

void openapi_miss(struct openapi *out, const char *what)
{
    if (!out->missing)
        out->missing = what;
}

void openapi_set(struct openapi *out, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        out->failed = true;
}

void openapi_append(struct openapi *out, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        out->failed = true;
}

json_t *openapi_reference(const char *kind, const char *name)
{
    char target[128];

    (void)snprintf(target, sizeof(target), "#/components/%s/%s", kind, name);
    return json_pack("{s:s}", "$ref", target);
}

/* ---- parameters ---- */

static json_t *names_of(struct openapi *out, const char *const *choices)
{
    json_t *list = json_array();

    for (; *choices; choices++)
        openapi_append(out, list, json_string(*choices));
    return list;
}

/* Without a bound of its own a number is as large as numbers get, which many readers of JSON cannot
 * hold. */
static json_t *integer_schema(struct openapi *out, const struct query *row)
{
    json_t *schema = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)row->min);

    if (row->max < QUERY_INTEGER_MAX)
        openapi_set(out, schema, "maximum", json_integer((json_int_t)row->max));
    return schema;
}

static json_t *query_schema(struct openapi *out, const struct query *row)
{
    switch (row->kind) {
    case QUERY_INTEGER:
        return integer_schema(out, row);
    case QUERY_CHOICE:
        return json_pack("{s:s, s:o}", "type", "string", "enum", names_of(out, row->choices));
    case QUERY_CHOICES:
        return json_pack("{s:s, s:{s:s, s:o}}", "type", "array", "items", "type", "string", "enum",
                         names_of(out, row->choices));
    case QUERY_TRUTH:
        return json_pack("{s:s}", "type", "boolean");
    case QUERY_TEXT:
        break;
    }
    return json_pack("{s:s}", "type", "string");
}

static void put_queries(struct openapi *out, const struct query *rows, json_t *list)
{
    for (; rows && rows->name; rows++) {
        json_t *row = json_pack("{s:s, s:s, s:s, s:o}", "name", rows->name, "in", "query",
                                "description", rows->about, "schema", query_schema(out, rows));

        if (rows->kind == QUERY_CHOICES)
            openapi_set(out, row, "explode", json_false());
        if (rows->kind == QUERY_TEXT)
            openapi_set(out, row, "allowEmptyValue", json_true());
        openapi_append(out, list, row);
    }
}

/* The {…} of an address. */
static void put_path(struct openapi *out, const char *pattern, json_t *list)
{
    for (const char *at = strchr(pattern, '{'); at; at = strchr(at, '{')) {
        size_t size = strcspn(++at, "}");
        json_t *parameter = openapi_path_parameter(out, at, size);

        if (!parameter)
            openapi_miss(out, pattern);
        else
            openapi_append(out, list, parameter);
    }
}

/* Calls `each` for the names between the spaces. */
static void put_names(struct openapi *out, const char *names,
                      void (*each)(struct openapi *out, const char *name, size_t size,
                                   json_t *into),
                      json_t *into)
{
    while (names && *names) {
        size_t size = strcspn(names, " ");

        each(out, names, size, into);
        names += size;
        names += *names == ' ';
    }
}

static void put_request_header(struct openapi *out, const char *name, size_t size, json_t *list)
{
    json_t *header = openapi_request_header(out, name, size);

    if (!header)
        openapi_miss(out, name);
    else
        openapi_append(out, list, header);
}

static void put_answer_header(struct openapi *out, const char *name, size_t size, json_t *object)
{
    json_t *header = openapi_answer_header(out, name, size);
    char key[64];

    (void)snprintf(key, sizeof(key), "%.*s", (int)size, name);
    if (!header)
        openapi_miss(out, name);
    else
        openapi_set(out, object, key, header);
}

/* ---- bodies ---- */

static void put_body_type(struct openapi *out, const char *name, size_t size, json_t *content)
{
    char key[64];

    (void)snprintf(key, sizeof(key), "%.*s", (int)size, name);
    openapi_set(out, content, key, json_object());
}

static json_t *body_of(struct openapi *out, const struct route *route)
{
    const struct route_doc *doc = route->doc;
    json_t *content = json_object();

    put_names(out, doc->body_types, put_body_type, content);
    if (doc->body)
        openapi_set(out, content, "application/json",
                    json_pack("{s:o}", "schema", openapi_reference("schemas", doc->body)));
    if (doc->body && (route->flags & ROUTE_BODY_PATCH))
        openapi_set(out, content, "application/merge-patch+json",
                    json_pack("{s:o}", "schema", openapi_reference("schemas", doc->body)));
    if (json_object_size(content) == 0)
        openapi_miss(out, doc->id);
    return json_pack("{s:o, s:b}", "content", content, "required",
                     !(route->flags & ROUTE_BODY_MAY));
}

/* ---- answers ---- */

static const char *status_about(int status)
{
    static const struct {
        int status;
        const char *about;
    } rows[] = {{200, "Done"},         {201, "Made"},
                {202, "Under way"},    {204, "Done; there is nothing to say"},
                {206, "A part of it"}, {304, "What the client has is still right"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return rows[i].about;
    return "Done";
}

static json_t *answer_of(struct openapi *out, const struct route_doc *doc, int status,
                         json_t *answers)
{
    char key[8];
    json_t *answer;

    (void)snprintf(key, sizeof(key), "%d", status);
    answer = json_object_get(answers, key);
    if (answer)
        return answer;
    answer = json_pack("{s:s}", "description", status_about(status));
    if (doc->answer_headers) {
        json_t *headers = json_object();

        put_names(out, doc->answer_headers, put_answer_header, headers);
        openapi_set(out, answer, "headers", headers);
    }
    openapi_set(out, answers, key, answer);
    return answer;
}

/* A media type that is JSON has a schema; another one's content is left open. */
static void put_answer(struct openapi *out, const struct route_doc *doc,
                       const struct route_answer *row, json_t *answers)
{
    json_t *answer = answer_of(out, doc, row->status, answers);
    json_t *content = json_object_get(answer, "content");
    json_t *media = json_object();

    if (!row->type) {
        json_decref(media);
        return;
    }
    if (!content) {
        content = json_object();
        openapi_set(out, answer, "content", content);
    }
    if (row->schema)
        openapi_set(out, media, "schema", openapi_reference("schemas", row->schema));
    openapi_set(out, content, row->type, media);
}

static void put_problem(struct openapi *out, int status, json_t *answers)
{
    char key[8];

    (void)snprintf(key, sizeof(key), "%d", status);
    openapi_set(out, answers, key, openapi_reference("responses", "Problem"));
}

/* What follows from the row. */
static void put_usual_problems(struct openapi *out, const struct route *route, json_t *answers)
{
    const bool body = route->body_limit > 0;
    const bool typed = route->flags & (ROUTE_BODY_JSON | ROUTE_BODY_PATCH);
    const struct {
        int status;
        bool there;
    } rows[] = {
        {400, true},
        {401, http_route_scope(route) != SCOPE_NONE},
        {403, http_route_scope(route) > SCOPE_READ},
        {404, route->pattern && strchr(route->pattern, '{') && strcmp(route->method, "PUT") != 0},
        {411, body && !(route->flags & ROUTE_BODY_MAY)},
        {413, body},
        {415, body && typed},
        {503, route->flags & (ROUTE_SLOW | ROUTE_BODY_FILE)},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].there)
            put_problem(out, rows[i].status, answers);
}

static json_t *answers_of(struct openapi *out, const struct route *route)
{
    const struct route_doc *doc = route->doc;
    json_t *answers = json_object();

    for (const struct route_answer *row = doc->answers; row->status != 0; row++)
        put_answer(out, doc, row, answers);
    put_usual_problems(out, route, answers);
    for (const int *status = doc->problems; status && *status != 0; status++)
        put_problem(out, *status, answers);
    openapi_set(out, answers, "default", openapi_reference("responses", "Problem"));
    return answers;
}

/* ---- operations ---- */

static json_t *security_of(struct openapi *out, const struct route *route)
{
    enum scope scope = http_route_scope(route);
    json_t *list = json_array();

    if (scope != SCOPE_NONE)
        openapi_append(out, list, json_pack("{s:[s]}", "bearer", scope_name(scope)));
    return list;
}

static json_t *operation_of(struct openapi *out, const struct route *route, const char *path)
{
    const struct route_doc *doc = route->doc;
    json_t *operation = json_pack("{s:s, s:s, s:[s]}", "operationId", doc->id, "summary",
                                  doc->summary, "tags", doc->tag);
    json_t *parameters = json_array();

    if (doc->about)
        openapi_set(out, operation, "description", json_string(doc->about));
    put_path(out, path, parameters);
    put_queries(out, route->queries, parameters);
    put_names(out, doc->request_headers, put_request_header, parameters);
    openapi_set(out, operation, "parameters", parameters);
    if (route->body_limit > 0)
        openapi_set(out, operation, "requestBody", body_of(out, route));
    openapi_set(out, operation, "responses", answers_of(out, route));
    openapi_set(out, operation, "security", security_of(out, route));
    return operation;
}

static void put_route(struct openapi *out, const struct route *route, json_t *paths)
{
    const char *path = route->pattern ? route->pattern : "/";
    json_t *item = json_object_get(paths, path);
    char method[16] = "";

    if (!route->doc) {
        if (route->handle)
            openapi_miss(out, path);
        return;
    }
    for (size_t i = 0; route->method[i] && i + 1 < sizeof(method); i++)
        method[i] = (char)(route->method[i] | 0x20); /* letters alone */
    if (!item) {
        item = json_object();
        openapi_set(out, paths, path, item);
    }
    openapi_set(out, item, method, operation_of(out, route, path));
}

json_t *openapi_document(const struct route *routes, size_t count, const char **missing)
{
    struct openapi out = {.root = json_object()};
    json_t *paths = json_object();

    openapi_set(&out, out.root, "openapi", json_string("3.1.0"));
    openapi_set(&out, out.root, "info",
                json_pack("{s:s, s:s, s:s}", "title", "traind", "version", TRAIND_VERSION,
                          "description", about));
    openapi_set(&out, out.root, "servers", json_pack("[{s:s}]", "url", "/"));
    openapi_set(&out, out.root, "tags", openapi_tags(&out));
    for (size_t i = 0; i < count; i++)
        put_route(&out, &routes[i], paths);
    openapi_set(&out, out.root, "paths", paths);
    openapi_set(&out, out.root, "components", openapi_components(&out));
    if (missing)
        *missing = out.missing;
    if (!out.failed)
        return out.root;
    json_decref(out.root);
    return NULL;
}
