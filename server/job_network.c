/* Job's network: see job_network.h. */
#include "server/job_network.h"

#include "core/sampling.h"
#include "server/job_plan.h"

/* A job that waits, or was submitted with weights to begin with, has not looked at its data yet. */
static bool look_at_data(struct catalog *catalog, struct db *db, struct job_network *network,
                         struct error *error)
{
    struct dataset *dataset = NULL;
    struct sampling sampling = {.block = {0}};
    bool good = catalog_open_spec(catalog, db, &network->spec, &dataset, error) &&
                sampling_make(&sampling, &network->spec, &network->plan, dataset, error) &&
                job_data_make(dataset, &sampling.normalization, &network->data, error);

    sampling_drop(&sampling);
    catalog_close(catalog, dataset);
    return good;
}

bool job_network_open(struct catalog *catalog, struct db *db, const struct job_row *job,
                      struct job_network *out, struct error *error)
{
    struct error missing = {0}, cause = {0};

    *out = (struct job_network){.data = {.class_names = NULL}};
    if (job_plan(job, db, &out->spec, &out->plan, &cause) &&
        (job_data_read(db, job->number, &out->data, &missing) ||
         (missing.kind == ERROR_NOT_FOUND
              ? look_at_data(catalog, db, out, &cause)
              : error_set(&cause, missing.kind, missing.where, "%s", missing.text))))
        return true;
    return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind,
                     cause.where, "%s", cause.text);
}

void job_network_drop(struct job_network *network)
{
    job_data_drop(&network->data);
    plan_drop(&network->plan);
    spec_drop(&network->spec);
}
