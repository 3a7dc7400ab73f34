/* Models: networks that were asked not long ago, kept in memory so that the next question is
 * answered at once. Those that nobody has asked for longest go first. One user at a time for each;
 * others wait for him. Thread-safe. */
#ifndef SERVER_MODELS_H
#define SERVER_MODELS_H

#include "server/trained.h"

struct models;

/* `most`: bytes of those that nobody uses just now. */
bool models_new(int64_t most, struct models **out, struct error *error) MUST_CHECK;
/* When nobody borrows any more. NULL is allowed. */
void models_free(struct models *models);

/* The network of the checkpoint, until models_return. Errors as trained_open's. */
bool models_borrow(struct models *models, const struct trained_source *source,
                   const struct job_row *job, const struct checkpoint_row *checkpoint,
                   struct trained **out, struct error *error) MUST_CHECK;
void models_return(struct models *models, struct trained *network); /* NULL is allowed */

/* Bytes that are kept and not in use. */
int64_t models_bytes(struct models *models);

#endif
