/* DELETE /v1/jobs/{id}: a job that has ended goes, with all that was measured and stored of it. */
#include "server/api.h"

#include "server/store_control.h"

#include <stdlib.h>

static void aim_free(void *context)
{
    api_aim_drop(context);
    free(context);
}

static void sweep(struct app *app, int64_t number)
{
    (void)number;
    store_sweep(app->store);
}

static bool write_deletion(struct db *db, void *context, struct http_response *response,
                           struct error *error)
{
    const struct api_aim *aim = context;
    struct job_row row = {0};
    bool good = api_find_job_by(db, aim->id, &row, error);

    if (good && api_may_change(aim, &row, response)) {
        good = store_job_delete(db, row.number, error);
        response->status = 204;
        response->after = sweep;
    }
    job_row_drop(&row);
    return good;
}

bool api_jobs_delete(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    struct api_aim *aim = calloc(1, sizeof(*aim));

    if (!aim)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    if (!api_aim_take(request, aim, error)) {
        free(aim);
        return false;
    }
    response->write = (struct http_write){write_deletion, aim, aim_free};
    return true;
}
