/* Job's network: see job_network.h. */
#include "server/job_network.h"

#include "core/sampling.h"
#include "server/job_plan.h"

/* A job that waits, or was submitted with weights to begin with, has not looked at its data yet. */
static bool look_at_data(const struct job_data_source *source, struct job_data *out,
                         struct error *error)
{
    struct dataset *dataset = NULL;
    struct sampling sampling = {.block = {0}};
    bool good = catalog_open_spec(source->catalog, source->db, source->spec, &dataset, error) &&
                sampling_make(&sampling, source->spec, source->plan, dataset, error) &&
                job_data_make(dataset, &sampling.normalization, out, error);

    sampling_drop(&sampling);
    catalog_close(source->catalog, dataset);
    return good;
}

bool job_data_find(const struct job_data_source *source, const struct job_row *job,
                   struct job_data *out, struct error *error)
{
    struct error cause = {0};

    if (job_data_read(source->db, job->number, out, &cause))
        return true;
    if (cause.kind != ERROR_NOT_FOUND)
        return error_set(error, cause.kind, cause.where, "%s", cause.text);
    return look_at_data(source, out, error);
}

bool job_network_open(struct catalog *catalog, struct db *db, const struct job_row *job,
                      struct job_network *out, struct error *error)
{
    const struct job_data_source source = {catalog, db, &out->spec, &out->plan};
    struct error cause = {0};

    *out = (struct job_network){.data = {.class_names = NULL}};
    if (job_plan(job, db, &out->spec, &out->plan, &cause) &&
        job_data_find(&source, job, &out->data, &cause))
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
