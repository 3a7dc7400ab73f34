/* Network: a stored job's network with the numbers of one checkpoint, ready to answer. Knows no
 * request. */
#ifndef SERVER_NETWORK_H
#define SERVER_NETWORK_H

#include "core/predictor.h"
#include "server/catalog.h"
#include "server/job_data.h"

struct network {
    struct spec spec;
    struct plan plan; /* as the job's own */
    struct job_data data;
    struct predictor *predictor;
    int64_t bytes; /* of memory, nearly */
};

struct network_source {
    struct db *db; /* the caller's */
    struct catalog *catalog;
    enum kernel_choice kernels;
    bool as_trained; /* see predictor.h */
};

/* Reads the checkpoint, checks its digest and makes the network. ERROR_CONFLICT when this version
 * no longer understands the job, or when it has stored nothing of its data set, which is gone;
 * ERROR_CORRUPT, ERROR_MEMORY. network_free it. */
bool network_open(const struct network_source *source, const struct job_row *job,
                  const struct checkpoint_row *checkpoint, struct network **out,
                  struct error *error) MUST_CHECK;
void network_free(struct network *network); /* NULL is allowed */

#endif
