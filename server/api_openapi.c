/* What may be asked, for programs: the OpenAPI document and the JSON Schema of a job. */
#include "server/api.h"

#include "server/openapi.h"
#include "server/spec_json.h"

#include <stdlib.h>

/* Takes `json`. */
static bool answer(json_t *json, const char *type, struct http_response *response,
                   struct error *error)
{
    char *text = json_text(json, NULL);
    struct body body = {0};

    json_decref(json);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the description");
    body_text(&body, text);
    free(text);
    if (!http_response_json(response, 200, &body, error))
        return false;
    response->content_type = type;
    return true;
}

bool api_schema(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    (void)request;
    return answer(spec_schema(), "application/schema+json", response, error);
}

bool api_openapi(const struct http_request *request, struct http_response *response,
                 struct error *error)
{
    (void)request;
    return answer(openapi_document(routes, route_count, NULL), "application/json", response, error);
}
