/* GET /v1/jobs/{id}. */
#include "server/api.h"

#include "server/job_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool answer_job(struct db *db, const struct job_row *row, struct http_response *response,
                       struct error *error)
{
    struct body body = {0};
    bool good =
        job_json_put(&body, db, row, error) && http_response_json(response, 200, &body, error);

    body_drop(&body);
    return good;
}

/* ?wait: not before the job has another revision than the one that the client has seen. */
static bool wants_to_wait(const struct http_request *request, const struct job_row *row,
                          struct http_response *response)
{
    const struct http_waited *waited = &request->waited;
    int64_t seconds = http_query_integer(request, "wait", 0);
    int64_t after =
        waited->again ? waited->note : http_query_integer(request, "after", row->revision);

    if (seconds == 0 || waited->late || row->revision > after)
        return false;
    response->later =
        (struct http_later){.milliseconds = (int)seconds * 1000, .key = row->number, .note = after};
    return true;
}

bool api_jobs_get(const struct http_request *request, struct http_response *response,
                  struct error *error)
{
    struct job_row row = {0};
    bool good = api_find_job(request, &row, error);

    if (good && !wants_to_wait(request, &row, response)) {
        good = answer_job(request->db, &row, response, error);
        /* What is measured changes between two revisions. */
        http_response_etag(response, "%" PRId64 ".", row.revision);
    }
    job_row_drop(&row);
    return good;
}
