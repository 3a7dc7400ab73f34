/* Store, what trained networks need and say: what a job knows of its data set, and evaluations. */
#ifndef SERVER_STORE_NETWORK_H
#define SERVER_STORE_NETWORK_H

#include "server/store.h"

/* What the job must know of its data set, as JSON text (see job_data.h); malloc'ed.
 * ERROR_NOT_FOUND while nothing is stored. */
bool store_job_data_get(struct db *db, int64_t job, char **out, struct error *error) MUST_CHECK;
/* Stored once: a later text is left. For a write. */
bool store_job_data_put(struct db *db, int64_t job, const char *text,
                        struct error *error) MUST_CHECK;

/* What a checkpoint makes of a split, as JSON texts. */
struct evaluation_row {
    char *data;  /* an object: all but … */
    char *worst; /* … a list: samples that it does worst on, of all and of each cell */
    int64_t created_at;
};
void evaluation_row_drop(struct evaluation_row *row); /* a zeroed one is allowed */
/* ERROR_NOT_FOUND while there is none. */
bool store_evaluation_get(struct db *db, int64_t checkpoint, const char *split,
                          struct evaluation_row *out, struct error *error) MUST_CHECK;
/* Nothing happens when there is one already, or when the checkpoint is no longer there. For a
 * write. */
bool store_evaluation_put(struct db *db, int64_t checkpoint, const char *split,
                          const struct evaluation_row *row, struct error *error) MUST_CHECK;

#endif
