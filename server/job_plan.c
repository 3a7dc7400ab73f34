/* Job's plan: see job_plan.h. */
#include "server/job_plan.h"

#include "server/catalog.h"
#include "server/spec_json.h"

#include <stdlib.h>

bool job_plan(const struct job_row *job, struct db *db, struct spec *spec, struct plan *plan,
              struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct data_shape shape;
    struct error cause = {0};

    *plan = (struct plan){0};
    spec_init(spec);
    if (!problems)
        return error_set(error, ERROR_MEMORY, job->id, "no memory to plan the job");
    bool good = spec_from_stored(job->spec, spec, &cause);
    if (!good)
        error_set(error, cause.kind == ERROR_INVALID ? ERROR_CONFLICT : cause.kind, cause.where,
                  "this version no longer understands the job: %s", cause.text);
    good =
        good &&
        (plan_data_from_text(job->plan, &shape) || catalog_shape_spec(db, spec, &shape, error)) &&
        spec_settle(spec, &shape, NULL, error) &&
        plan_make(spec, &shape, plan, problems, NULL, error);
    if (good && problems->count > 0)
        good =
            error_set(error, ERROR_CONFLICT, problems->items[0].pointer,
                      "this version no longer understands the job: %s", problems->items[0].detail);
    free(problems);
    return good;
}
