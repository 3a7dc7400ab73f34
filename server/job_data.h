/* Job's data: what a job's network must know of its data set to be used: the shape of the samples,
 * what they were normalized with, the names of the classes. Kept with the job from its first
 * checkpoint on, so that a network outlives its data set. */
#ifndef SERVER_JOB_DATA_H
#define SERVER_JOB_DATA_H

#include "core/digest.h"
#include "core/normalize.h"
#include "server/store.h"

#include <jansson.h>

struct job_data {
    struct data_shape shape; /* of the data set as the job found it */
    char digest[DIGEST_HEX]; /* of its content */
    struct block block;      /* owns the arrays of … */
    struct normalization normalization;
    json_t *class_names; /* a list of strings; NULL: they have none, or are too many */
};
/* A zeroed one is allowed. */
void job_data_drop(struct job_data *data);

/* From a data set that is at hand. */
bool job_data_make(const struct dataset *dataset, const struct normalization *normalization,
                   struct job_data *out, struct error *error) MUST_CHECK;
/* ERROR_NOT_FOUND while the job has stored nothing. */
bool job_data_read(struct db *db, int64_t job, struct job_data *out,
                   struct error *error) MUST_CHECK;
/* As JSON, for store_job_data_put; malloc'ed. */
bool job_data_text(const struct dataset *dataset, const struct normalization *normalization,
                   char **out, struct error *error) MUST_CHECK;

/* NULL: the class has no name. */
const char *job_data_class(const struct job_data *data, int64_t class);

#endif
