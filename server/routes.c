/* Routes: one row per endpoint. What is not a row does not exist; a path that is here with other
 * methods gets 405. */
#include "server/routes.h"

#include "server/api.h"
#include "server/curve_notes.h"
#include "server/review.h"
#include "server/route_doc.h"
#include "server/store_control.h"
#include "server/store_list.h"

/* A schedule with as many points as one may have fits in. */
enum { SPEC_BYTES_MAX = 4 * 1024 * 1024 };
/* Samples for a network, as a file. */
enum { PREDICT_BYTES_MAX = 64 * 1024 * 1024 };

/* What may stand behind the ? of an address. */
static const struct query submit_queries[] = {
    {"dry_run", "only checks the job and answers with its plan", QUERY_TRUTH},
    {NULL},
};

static const struct query list_queries[] = {
    {"state", "jobs in one of these states", QUERY_CHOICES, .choices = job_state_names},
    {"label", "jobs with all of these labels: key:value, or key alone, with commas between",
     QUERY_TEXT},
    {"name", "jobs whose name has this in it, in small letters or capitals", QUERY_TEXT},
    {"sort", "what comes first; with a minus downwards; jobs without it come last", QUERY_CHOICE,
     .choices = job_order_names},
    {"limit", "most jobs of a page", QUERY_INTEGER, 1, API_PAGE_MAX},
    {"cursor", "next_cursor of the page before, in the same order", QUERY_TEXT},
    {NULL},
};

static const struct query job_queries[] = {
    {"wait", "seconds to wait for a change at most, instead of answering at once", QUERY_INTEGER, 0,
     API_WAIT_MAX},
    {"after", "with wait: the revision that was seen; the present one, when absent", QUERY_INTEGER,
     0, QUERY_INTEGER_MAX},
    {NULL},
};

static const struct query metrics_queries[] = {
    {"names", "series, with commas between; all, when absent", QUERY_TEXT},
    {"from", "first step", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {"to", "last step", QUERY_INTEGER, 1, QUERY_INTEGER_MAX},
    {"max_points", "most points of a series, 5 at least; 0: every row", QUERY_INTEGER, 0,
     API_POINTS_MAX},
    {"since", "cursor of an earlier answer: only rows written after it", QUERY_INTEGER, 0,
     QUERY_INTEGER_MAX},
    {"times", "also when each row was measured, in ms since 1970", QUERY_TRUTH},
    {"smooth", "also a mean of each row and those before it, an exponential one of so many rows",
     QUERY_INTEGER, 1, CURVE_WINDOW_MAX},
    {NULL},
};

static const struct query events_queries[] = {
    {"since", "events behind the one of this number", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {NULL},
};

static const struct query job_events_queries[] = {
    {"since", "events behind the one of this number", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {"names", "events of these kinds; of all, when absent", QUERY_CHOICES,
     .choices = api_event_names},
    {"follow", "false: ends with what is stored, and does not wait for more", QUERY_TRUTH},
    {NULL},
};

static const struct query cancel_queries[] = {
    {"when", "after the current step, or at the next end of an epoch, or checkpoint", QUERY_CHOICE,
     .choices = stop_when_names},
    {NULL},
};

static const struct query predict_queries[] = {
    {"checkpoint", "best, last or a step; the best, when absent", QUERY_TEXT},
    {"top", "only so many classes of each answer", QUERY_INTEGER, 1, 1000},
    {"resize", "brings an image to the network's size", QUERY_TRUTH},
    {NULL},
};

static const struct query evaluation_queries[] = {
    {"checkpoint", "best, last or a step; when absent the best, or of a job that runs the newest",
     QUERY_TEXT},
    {"split", "what to look at; the validation split, when absent", QUERY_CHOICE,
     .choices = evaluation_splits},
    {"worst", "how many of the samples that it does worst on", QUERY_INTEGER, 0, REVIEW_WORST},
    {"true", "of these only samples of this class", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {"predicted", "of these only samples that it takes for this class", QUERY_INTEGER, 0,
     QUERY_INTEGER_MAX},
    {NULL},
};

static const struct query samples_queries[] = {
    {"split", "train, when absent, or test", QUERY_CHOICE, .choices = api_split_names},
    {"offset", "first sample, counted from 0", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {"limit", "most samples of a page", QUERY_INTEGER, 1, API_SAMPLES_MAX},
    {"class", "number of a class, counted from 0: only its samples", QUERY_INTEGER, 0, 65534},
    {NULL},
};

static const struct query sample_queries[] = {
    {"split", "train, when absent, or test", QUERY_CHOICE, .choices = api_split_names},
    {"size", "pixels are shown as whole squares, so large that the longer side still fits this",
     QUERY_INTEGER, 1, API_SAMPLE_SIDE_MAX},
    {"sha256", "beginning of the set's sha256: of another content there is no picture", QUERY_TEXT},
    {NULL},
};

static const struct query weights_queries[] = {
    {"limit", "most of a page", QUERY_INTEGER, 1, API_PAGE_MAX},
    {"cursor", "next_cursor of the page before", QUERY_TEXT},
    {NULL},
};

#define FORMAT_QUERY                                                                               \
    {                                                                                              \
        "format", "json, when absent, or png", QUERY_CHOICE, .choices = inspect_formats            \
    }

static const struct query filters_queries[] = {
    FORMAT_QUERY,
    {NULL},
};

static const struct query histograms_queries[] = {
    {"bins", "of each histogram; 64, when absent", QUERY_INTEGER, 1, 1000},
    {NULL},
};

static const struct query activations_queries[] = {
    {"split", "of the data set: train, when absent, or test", QUERY_CHOICE,
     .choices = api_split_names},
    {"sample", "which one of the split, counted from 0", QUERY_INTEGER, 0, QUERY_INTEGER_MAX},
    {"layer", "with all its numbers; when absent how those of all layers are spread", QUERY_TEXT},
    FORMAT_QUERY,
    {NULL},
};

static const struct query ready_queries[] = {
    {"verbose", "with the single checks; takes any value or none", QUERY_TEXT},
    {NULL},
};

static const struct query checkpoint_queries[] = {
    {"format", "kind of file; onnx: the network with its weights, for other runtimes", QUERY_CHOICE,
     .choices = api_checkpoint_formats},
    {"state", "weights, when absent, or full: with what the optimizer remembers", QUERY_CHOICE,
     .choices = api_state_names},
    {NULL},
};

#define JOBS "/v1/jobs"
#define JOB JOBS "/{id}"
#define CHECKPOINT JOB "/checkpoints/{which}"
#define DATASET "/v1/datasets/{name}"
#define WEIGHTS "/v1/weights/{name}"

const struct route routes[] = {
    {.method = "POST",
     .pattern = JOBS,
     .doc = &doc_submit,
     .handle = api_submit,
     .queries = submit_queries,
     .flags = ROUTE_BODY_JSON | ROUTE_SLOW,
     .body_limit = SPEC_BYTES_MAX},
    {.method = "GET",
     .pattern = JOBS,
     .doc = &doc_jobs_list,
     .handle = api_jobs_list,
     .queries = list_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = JOB,
     .doc = &doc_jobs_get,
     .handle = api_jobs_get,
     .queries = job_queries},
    {.method = "PATCH",
     .pattern = JOB,
     .doc = &doc_jobs_patch,
     .handle = api_jobs_patch,
     .flags = ROUTE_BODY_PATCH | ROUTE_SLOW,
     .body_limit = SPEC_BYTES_MAX},
    {.method = "DELETE", .pattern = JOB, .doc = &doc_jobs_delete, .handle = api_jobs_delete},
    {.method = "POST",
     .pattern = JOB "/fork",
     .doc = &doc_fork,
     .handle = api_jobs_fork,
     .queries = submit_queries,
     .flags = ROUTE_BODY_JSON | ROUTE_SLOW,
     .body_limit = SPEC_BYTES_MAX},
    {.method = "POST", .pattern = JOB "/pause", .doc = &doc_pause, .handle = api_jobs_pause},
    {.method = "POST", .pattern = JOB "/resume", .doc = &doc_resume, .handle = api_jobs_resume},
    {.method = "POST",
     .pattern = JOB "/cancel",
     .doc = &doc_cancel,
     .handle = api_jobs_cancel,
     .queries = cancel_queries},
    {.method = "GET",
     .pattern = JOB "/metrics",
     .doc = &doc_metrics,
     .handle = api_metrics,
     .queries = metrics_queries},
    {.method = "GET",
     .pattern = JOB "/events",
     .doc = &doc_events_job,
     .handle = api_events_job,
     .queries = job_events_queries},
    {.method = "GET",
     .pattern = "/v1/events",
     .doc = &doc_events_all,
     .handle = api_events_all,
     .queries = events_queries},
    {.method = "GET",
     .pattern = JOB "/schedule",
     .doc = &doc_schedule,
     .handle = api_jobs_schedule,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = JOB "/checkpoints",
     .doc = &doc_checkpoints_list,
     .handle = api_checkpoints_list},
    {.method = "GET",
     .pattern = CHECKPOINT,
     .doc = &doc_checkpoints_get,
     .handle = api_checkpoints_get,
     .queries = checkpoint_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = CHECKPOINT "/filters",
     .doc = &doc_filters,
     .handle = api_filters,
     .queries = filters_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = CHECKPOINT "/histograms",
     .doc = &doc_histograms,
     .handle = api_histograms,
     .queries = histograms_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = CHECKPOINT "/activations",
     .doc = &doc_activations,
     .handle = api_activations,
     .queries = activations_queries,
     .flags = ROUTE_SLOW},
    {.method = "POST",
     .pattern = JOB "/predict",
     .doc = &doc_predict,
     .handle = api_predict,
     .queries = predict_queries,
     .flags = ROUTE_SLOW | ROUTE_BODY_FILE,
     .pace = PACE_SECONDS,
     .body_limit = PREDICT_BYTES_MAX,
     .scope = SCOPE_READ}, /* it changes nothing, as the looks into a network */
    {.method = "GET",
     .pattern = JOB "/export/pytorch",
     .doc = &doc_export_pytorch,
     .handle = api_export_pytorch,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = JOB "/evaluation",
     .doc = &doc_evaluation,
     .handle = api_evaluation,
     .queries = evaluation_queries,
     .flags = ROUTE_SLOW,
     .pace = PACE_MINUTES},
    {.method = "GET",
     .pattern = "/v1/datasets",
     .doc = &doc_datasets_list,
     .handle = api_datasets_list},
    {.method = "GET", .pattern = DATASET, .doc = &doc_datasets_get, .handle = api_datasets_get},
    {.method = "PUT",
     .pattern = DATASET,
     .doc = &doc_datasets_put,
     .handle = api_datasets_put,
     .flags = ROUTE_BODY_FILE,
     .pace = PACE_ALONE,
     .body_limit = HTTP_UPLOAD_LIMIT},
    {.method = "DELETE",
     .pattern = DATASET,
     .doc = &doc_datasets_delete,
     .handle = api_datasets_delete},
    {.method = "GET",
     .pattern = DATASET "/samples",
     .doc = &doc_samples_list,
     .handle = api_samples_list,
     .queries = samples_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = DATASET "/samples/{file}",
     .doc = &doc_samples_get,
     .handle = api_samples_get,
     .queries = sample_queries,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = "/v1/weights",
     .doc = &doc_weights_list,
     .handle = api_weights_list,
     .queries = weights_queries},
    {.method = "PUT",
     .pattern = WEIGHTS,
     .doc = &doc_weights_put,
     .handle = api_weights_put,
     .flags = ROUTE_BODY_FILE,
     .pace = PACE_ALONE,
     .body_limit = HTTP_UPLOAD_LIMIT},
    {.method = "GET",
     .pattern = WEIGHTS,
     .doc = &doc_weights_get,
     .handle = api_weights_get,
     .flags = ROUTE_SLOW},
    {.method = "DELETE",
     .pattern = WEIGHTS,
     .doc = &doc_weights_delete,
     .handle = api_weights_delete},
    {.method = "GET", .pattern = "/v1/schema", .doc = &doc_schema, .handle = api_schema},
    {.method = "GET",
     .pattern = "/livez",
     .doc = &doc_livez,
     .handle = api_livez,
     .queries = ready_queries,
     .flags = ROUTE_QUIET | ROUTE_OPEN},
    {.method = "GET",
     .pattern = "/readyz",
     .doc = &doc_readyz,
     .handle = api_readyz,
     .queries = ready_queries,
     .flags = ROUTE_QUIET | ROUTE_OPEN},
    {.method = "GET",
     .serves = api_static_serves,
     .doc = &doc_static,
     .handle = api_static,
     .flags = ROUTE_QUIET | ROUTE_OPEN},
    {.method = "GET",
     .pattern = "/openapi.json",
     .doc = &doc_openapi,
     .handle = api_openapi,
     .flags = ROUTE_SLOW},
    {.method = "GET",
     .pattern = "/metrics",
     .doc = &doc_prometheus,
     .handle = api_prometheus,
     .flags = ROUTE_QUIET | ROUTE_SLOW},
};

const size_t route_count = COUNT_OF(routes);
