/* Health, and the description of what may be asked. */
#include "server/api.h"

#include "server/spec_json.h"
#include "server/version.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool api_livez(const struct http_request *request, struct http_response *response,
               struct error *error)
{
    struct body body = {0};

    (void)request;
    body_text(&body, "{\"status\":\"ok\"}");
    return http_response_json(response, 200, &body, error);
}

/* Ready: the store can be read and work is taken. */
bool api_readyz(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    const struct app *app = request->app;
    int64_t counts[JOB_STATES] = {0};
    struct body body = {0};

    if (atomic_load(&app->stopping))
        return error_set(error, ERROR_BUSY, "", "the server is stopping");
    if (!store_job_counts(request->db, counts, error)) {
        http_problem(response, 503, NULL, "the store cannot be read; the server's log says why");
        log_line(app->log, LOG_ERROR, "not ready: %s: %s", error->where, error->text);
        return true;
    }
    if (request->scope < SCOPE_READ) { /* who may not look hears no numbers */
        body_text(&body, "{\"status\":\"ok\"}");
        return http_response_json(response, 200, &body, error);
    }
    body_print(&body, "{\"status\":\"ok\",\"version\":\"%s\",\"workers\":%d,\"busy\":%d,\"jobs\":{",
               TRAIND_VERSION, pool_workers(app->pool), pool_busy(app->pool));
    for (int state = 0; state < JOB_STATES; state++)
        body_print(&body, "%s\"%s\":%" PRId64, state > 0 ? "," : "",
                   job_state_name((enum job_state)state), counts[state]);
    body_text(&body, "}}");
    return http_response_json(response, 200, &body, error);
}

bool api_schema(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    json_t *schema = spec_schema();
    char *text = json_text(schema, NULL);
    struct body body = {0};

    (void)request;
    json_decref(schema);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the schema");
    body_text(&body, text);
    free(text);
    if (!http_response_json(response, 200, &body, error))
        return false;
    response->content_type = "application/schema+json";
    return true;
}
