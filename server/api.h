/* The handlers behind the rows of routes.c, and what they share. Each follows the contract of
 * route.handle. */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "server/body.h"
#include "server/idempotency.h"
#include "server/routes.h"

#include <jansson.h>

/* How much of a list or a curve an answer has, unless asked otherwise, and at most. */
enum {
    API_PAGE_DEFAULT = 50,
    API_PAGE_MAX = 200,
    API_POINTS_DEFAULT = 2000,
    API_POINTS_MAX = 100000,
    API_SAMPLES_MAX = 1000,
    API_SAMPLE_SIDE_MAX = 4096,
    API_WAIT_MAX = 300 /* seconds */
};

typedef bool api_handler(const struct http_request *request, struct http_response *response,
                         struct error *error);

/* api_submit.c, api_list.c, api_jobs.c */
api_handler api_submit, api_jobs_list, api_jobs_get;
/* api_submit.c: a job that is made out of another one. */
struct api_fork {
    const char *job;              /* the other one's id */
    bool state;                   /* with what its optimizer remembers */
    const struct problems *found; /* what is wrong with the request already */
    const struct idempotency *idempotency;
};
/* Reads the request's Idempotency-Key, whose body is `json`. *known: the response is there. */
bool api_submit_repeat(const struct http_request *request, const json_t *json,
                       struct idempotency *asked, struct http_response *response, bool *known,
                       struct error *error) MUST_CHECK;
/* Submits `job`, whose init_from names the checkpoint to begin with. Problems are told by pointers
 * into the request for the fork: see api_fork.c. */
bool api_submit_fork(const struct http_request *request, const json_t *job,
                     const struct api_fork *fork, struct http_response *response,
                     struct error *error) MUST_CHECK;

/* api_edit.c, api_control.c, api_fork.c, api_delete.c */
api_handler api_jobs_delete, api_jobs_patch, api_jobs_pause, api_jobs_resume, api_jobs_cancel,
    api_jobs_fork;
/* api_schedule.c */
api_handler api_jobs_schedule;
/* api_metrics.c */
api_handler api_metrics;
/* api_events.c */
/* Kinds of events, NULL-ended. */
extern const char *const api_event_names[];
api_handler api_events_job, api_events_all;
/* api_checkpoints.c */
extern const char *const api_state_names[]; /* "weights", "full"; NULL-ended */
api_handler api_checkpoints_list, api_checkpoints_get;
extern const char *const api_checkpoint_formats[]; /* NULL-ended; the first is the default */
/* api_onnx.c: the answer to who wants a checkpoint so. */
bool api_checkpoint_onnx(const struct http_request *request, const struct job_row *job,
                         const struct checkpoint_row *row, struct http_response *response,
                         struct error *error) MUST_CHECK;
/* api_export.c */
api_handler api_export_pytorch;
struct problems;
/* 422: what of a network cannot be written so. */
bool api_refuse_export(const struct problems *problems, const char *form,
                       struct http_response *response, struct error *error) MUST_CHECK;
/* api_predict.c, api_evaluation.c */
api_handler api_predict, api_evaluation;
/* api_inspect.c, api_activations.c */
api_handler api_filters, api_histograms, api_activations;
/* Of the query parameter `format`. */
extern const char *const inspect_formats[];
/* Of the query parameter `split`. */
extern const char *const evaluation_splits[];
/* api_datasets.c */
api_handler api_datasets_list, api_datasets_get;
/* api_openapi.c */
api_handler api_openapi, api_schema;
/* api_prometheus.c */
api_handler api_prometheus;
/* Writes the set's row as users see it. */
bool api_put_dataset(struct body *body, const struct dataset_row *row,
                     struct error *error) MUST_CHECK;
/* api_dataset_change.c, api_samples.c */
extern const char *const api_split_names[]; /* "train", "test"; NULL-ended */
api_handler api_datasets_put, api_datasets_delete, api_samples_list, api_samples_get;
/* api_weights.c, api_weights_get.c */
api_handler api_weights_put, api_weights_delete, api_weights_list, api_weights_get;
struct weights_row;
struct safetensors_reader;
/* Writes the row as users see it; `tensors`: JSON of what is in the file, or NULL. */
void api_put_weights(struct body *body, const struct weights_row *row, const char *tensors);
/* Name, dtype and shape of each, as JSON; malloc'ed. */
char *api_tensors_text(const struct safetensors_reader *reader, struct error *error);
/* api_health.c */
api_handler api_livez, api_readyz;
/* api_static.c */
api_handler api_static;
bool api_static_serves(const char *path);

/* ---- api.c ---- */

/* The job that the first {…} of the route names; to be dropped. ERROR_NOT_FOUND. */
bool api_find_job(const struct http_request *request, struct job_row *out,
                  struct error *error) MUST_CHECK;
/* The same in the writer's thread, or for any id. */
bool api_find_job_by(struct db *db, const char *id, struct job_row *out,
                     struct error *error) MUST_CHECK;

/* Of a request that changes a job: which, and what its client has seen of it. Kept for the write.
 */
struct api_aim {
    char id[64];
    char *match; /* If-Match as it came; NULL: he does not mind */
};
bool api_aim_take(const struct http_request *request, struct api_aim *out,
                  struct error *error) MUST_CHECK;
void api_aim_drop(struct api_aim *aim);
/* Whether the job is the one that the client has seen; else the response is 412. */
bool api_may_change(const struct api_aim *aim, const struct job_row *row,
                    struct http_response *response);
/* 200 and the job as it is now, with its tag. In the writer's thread. */
bool api_answer_job(struct db *db, int64_t number, struct http_response *response,
                    struct error *error) MUST_CHECK;

/* Makes the response a 400: the body is no JSON object, and the problems say where and why. */
void api_refuse_body(struct http_response *response, const struct problems *problems);

/* What came as a file is not what it should be: makes the response a 422 whose error says what is
 * wrong, and in which member of the file where `cause` names one. `file` is the body's path: its
 * name is nobody's business. */
void api_refuse_file(struct http_response *response, const char *what, const char *file,
                     const struct error *cause);
/* Repr-Digest (RFC 9530) out of a SHA-256 in hexadecimal: of the whole file, whatever part of it is
 * sent. */
void api_put_digest(struct http_response *response, const char sha256[65]);
/* Whether an error of that kind is about a file that came, and not about this server. */
bool api_is_about_file(enum error_kind kind);

/* Writes `,"key":value`. */
void api_put_member(struct body *body, const char *key, const json_t *value);

#endif
