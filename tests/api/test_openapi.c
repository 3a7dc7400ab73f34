/* The OpenAPI document: that it is whole. Whether it is true is tests/contract's matter. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include "server/openapi.h"
#include "server/route_doc.h"
#include "server/routes.h"

#include <string.h>

TEST("every route is described, and nothing that the description refers to is missing")
{
    const char *missing = NULL;
    json_t *document = openapi_document(routes, route_count, &missing);

    CHECK(document);
    if (missing)
        FAIL("%s is not described", missing);
    for (size_t i = 0; i < route_count; i++)
        for (size_t k = 0; k < i; k++)
            if (routes[i].doc && routes[k].doc && strcmp(routes[i].doc->id, routes[k].doc->id) == 0)
                FAIL("two routes are called %s", routes[i].doc->id);
    json_decref(document);
}

TEST("a route without a description is told, and so is a name that no row has")
{
    static const struct route_answer done[] = {{200, "application/json", "Job"}, {0, NULL, NULL}};
    static const struct route_doc odd = {.id = "odd",
                                         .tag = "jobs",
                                         .summary = "does odd things",
                                         .request_headers = "X-Odd",
                                         .answers = done};
    const struct route bare[] = {{.method = "GET", .pattern = "/bare", .handle = routes[0].handle}};
    const struct route wild[] = {{.method = "GET", .pattern = "/{wild}", .doc = &odd}};
    const char *missing = NULL;

    json_decref(openapi_document(bare, 1, &missing));
    CHECK_TEXT(missing, "/bare");
    missing = NULL;
    json_decref(openapi_document(wild, 1, &missing));
    CHECK_TEXT(missing, "/{wild}");
}

TEST("the rows of queries and routes are in the document that the daemon gives")
{
    struct api api;

    api_start(&api);
    json_t *document = api_get(&api, "/openapi.json", 200);
    const json_t *paths = json_object_get(document, "paths");
    const json_t *list = json_object_get(json_object_get(paths, "/v1/jobs"), "get");
    bool found = false;
    for (size_t i = 0; i < json_array_size(json_object_get(list, "parameters")); i++) {
        const json_t *row = json_array_get(json_object_get(list, "parameters"), i);

        if (strcmp(text_at(row, "name"), "limit") != 0)
            continue;
        found = true;
        CHECK_TEXT(text_at(row, "in"), "query");
        CHECK_INT(integer_at(row, "schema.maximum"), 200);
    }
    CHECK(found);
    CHECK_TEXT(text_at(document, "openapi"), "3.1.0");
    json_decref(document);
    api_stop(&api);
}
