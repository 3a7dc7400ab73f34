/* Jobs: the list, and one of them. */
#include "server/api.h"

#include "server/job_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- GET /v1/jobs ---- */

/* Whether a page after this one would hold anything. */
static bool more_below(struct db *db, const struct job_query *query, int64_t number, bool *more,
                       struct error *error)
{
    struct job_query next = {.state = query->state, .below = number, .limit = 1};
    struct job_row row;
    int count = 0;

    if (!store_job_list(db, &next, &row, &count, error))
        return false;
    *more = count > 0;
    if (count > 0)
        job_row_drop(&row);
    return true;
}

static bool put_page(struct body *body, struct db *db, const struct job_query *query,
                     struct job_row *rows, struct error *error)
{
    int count = 0;
    bool more = false;
    bool good = store_job_list(db, query, rows, &count, error);

    body_text(body, "{\"items\":[");
    for (int i = 0; i < count && good; i++) {
        body_text(body, i > 0 ? "," : "");
        good = job_json_put(body, db, &rows[i], error);
    }
    if (good && count == query->limit)
        good = more_below(db, query, rows[count - 1].number, &more, error);
    if (more)
        body_print(body, "],\"next_cursor\":\"%" PRId64 "\"}", rows[count - 1].number);
    else
        body_text(body, "],\"next_cursor\":null}");
    for (int i = 0; i < count; i++)
        job_row_drop(&rows[i]);
    return good;
}

bool api_jobs_list(const struct http_request *request, struct http_response *response,
                   struct error *error)
{
    struct job_query query = {
        .state = http_query_choice(request, "state", -1),
        .below = http_query_integer(request, "cursor", 0),
        .limit = (int)http_query_integer(request, "limit", API_PAGE_DEFAULT),
    };
    struct job_row *rows = calloc((size_t)query.limit, sizeof(*rows));
    struct body body = {0};
    bool good;

    if (!rows)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list");
    good = put_page(&body, request->db, &query, rows, error) &&
           http_response_json(response, 200, &body, error);
    body_drop(&body);
    free(rows);
    return good;
}

/* ---- GET /v1/jobs/{id} ---- */

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
