/* Trained: a stored job's network with the numbers of one checkpoint, ready to answer. Knows no
 * request. */
#ifndef SERVER_TRAINED_H
#define SERVER_TRAINED_H

#include "core/predictor.h"
#include "server/catalog.h"
#include "server/job_data.h"

struct trained {
    struct spec spec;
    struct plan plan; /* as the job's own */
    struct job_data data;
    struct predictor *predictor;
    int64_t bytes; /* of memory, nearly */
};

struct trained_source {
    struct db *db; /* the caller's */
    struct catalog *catalog;
    enum kernel_choice kernels;
    bool as_trained; /* see predictor.h */
};

/* Reads the checkpoint, checks its digest and makes the network. ERROR_CONFLICT when this version
 * no longer understands the job, or when it has stored nothing of its data set, which is gone;
 * ERROR_CORRUPT, ERROR_MEMORY. trained_free it. */
bool trained_open(const struct trained_source *source, const struct job_row *job,
                  const struct checkpoint_row *checkpoint, struct trained **out,
                  struct error *error) MUST_CHECK;
void trained_free(struct trained *network); /* NULL is allowed */

#endif
