/* A job as users see it: one row of the store with its newest and best metrics, as JSON. Knows no
 * request. */
#ifndef SERVER_JOB_JSON_H
#define SERVER_JOB_JSON_H

#include "server/body.h"
#include "server/store.h"

/* Appends the job object. Reads the metrics' summary through `db`. */
bool job_json_put(struct body *out, struct db *db, const struct job_row *row,
                  struct error *error) MUST_CHECK;

#endif
