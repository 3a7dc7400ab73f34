/* Checkpoint choice: which of a job's checkpoints a query parameter means. Knows no route. */
#ifndef SERVER_CHECKPOINT_CHOICE_H
#define SERVER_CHECKPOINT_CHOICE_H

#include "server/store.h"

/* `text`: "best", "last" or a step; NULL: `absent` (CHECKPOINT_BEST or CHECKPOINT_NEWEST), and
 * where none was ever the best the newest. ERROR_CONFLICT when the job has no checkpoint at all,
 * ERROR_NOT_FOUND when it has not that one, ERROR_INVALID when it is no such text. Drop the row. */
bool checkpoint_choose(struct db *db, const struct job_row *job, const char *text, int64_t absent,
                       struct checkpoint_row *out, struct error *error) MUST_CHECK;

#endif
