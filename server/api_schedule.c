/* GET /v1/jobs/{id}/schedule: the rates that the job has really used, whatever made them, as a
 * piecewise schedule. A point stands where the rate changes and its rate is the used one to the
 * last bit, so that the job's spec with this schedule in place of its own takes the same steps. */
#include "server/api.h"

#include <inttypes.h>

struct points {
    struct body *out;
    double rate; /* of the newest point */
    int64_t count;
};

static bool add_step(void *context, const struct metric_row *row)
{
    struct points *points = context;

    if (points->count > 0 && row->value == points->rate)
        return true;
    body_print(points->out, "%s[%" PRId64 ",", points->count > 0 ? "," : "", row->step);
    body_real(points->out, row->value);
    body_text(points->out, "]");
    points->rate = row->value;
    points->count++;
    return !points->out->failed;
}

bool api_jobs_schedule(const struct http_request *request, struct http_response *response,
                       struct error *error)
{
    static const char *const names[] = {"lr", NULL};
    struct body body = {0};
    struct points points = {.out = &body};
    struct job_row row = {0};

    body_text(&body, "{\"type\":\"piecewise\",\"unit\":\"step\",\"points\":[");
    bool good = api_find_job(request, &row, error);
    const struct metric_query query = {.job = row.number, .names = names, .from = 1};
    good = good && store_metrics_read(request->db, &query, add_step, &points, error);
    if (good && points.count == 0)
        good = error_set(error, ERROR_CONFLICT, "",
                         "the job is %s and has not taken a step yet: it has used no rate",
                         job_state_name(row.state));
    body_text(&body, "]}");
    good = good && http_response_json(response, 200, &body, error);
    body_drop(&body);
    job_row_drop(&row);
    return good;
}
