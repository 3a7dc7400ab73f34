/* Job's network: all that is to be known of a stored job's network but its numbers: spec, plan, and
 * what its data set has to do with it. */
#ifndef SERVER_JOB_NETWORK_H
#define SERVER_JOB_NETWORK_H

#include "server/catalog.h"
#include "server/job_data.h"

struct job_network {
    struct spec spec;
    struct plan plan;
    struct job_data data;
};

/* May read or make the data set, where the job has not looked at it yet: for slow handlers.
 * ERROR_CONFLICT when this version no longer understands the job, or when its data set has gone
 * before it was looked at. Drop it in any case. */
bool job_network_open(struct catalog *catalog, struct db *db, const struct job_row *job,
                      struct job_network *out, struct error *error) MUST_CHECK;
void job_network_drop(struct job_network *network);

struct job_data_source {
    struct catalog *catalog;
    struct db *db; /* the caller's */
    const struct spec *spec;
    const struct plan *plan;
};
/* The data alone, as the job found them or, where it has not looked yet, as it would. Drop them
 * where it is true. */
bool job_data_find(const struct job_data_source *source, const struct job_row *job,
                   struct job_data *out, struct error *error) MUST_CHECK;

#endif
