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

bool api_jobs_get(const struct http_request *request, struct http_response *response,
                  struct error *error)
{
    struct job_row row = {0};
    bool good =
        api_find_job(request, &row, error) && answer_job(request->db, &row, response, error);

    /* What is measured changes between two revisions. */
    http_response_etag(response, "%" PRId64 ".", row.revision);
    job_row_drop(&row);
    return good;
}
