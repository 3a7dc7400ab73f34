/* Submission: a job object on its way to be a job: read, planned, its memory and time reckoned, its
 * initial weights at hand. Knows nothing of how it is answered or stored. */
#ifndef SERVER_SUBMISSION_H
#define SERVER_SUBMISSION_H

#include "server/api.h"
#include "server/idempotency.h"
#include "server/initial.h"
#include "server/spec_json.h"

/* What there is, for who named what there is not: data sets, or weights. */
struct submission_allowed {
    struct dataset_row *datasets;
    int dataset_count;
    struct weights_row *weights;
    const char **names; /* of the one or the other */
};

struct submission {
    struct spec spec;
    struct job_meta meta;
    struct plan plan;
    bool planned;
    struct plan_warnings warnings;
    struct problems problems;
    int64_t bytes; /* of memory that training takes; −1: unknown */
    int threads;   /* that it would have */
    struct estimate estimate;
    struct initial initial;
    const struct api_fork *fork; /* NULL: it is none */
    struct idempotency idempotency;
    struct submission_allowed allowed;
};

struct submission *submission_new(struct error *error); /* NULL: ERROR_MEMORY */
void submission_free(struct submission *submission);

/* Everything that is wrong goes to submission->problems; without any it is planned and may be
 * queued. False only when the server fails. */
bool submission_check(struct submission *submission, const json_t *json,
                      const struct http_request *request, struct error *error) MUST_CHECK;

#endif
