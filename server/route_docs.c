/* Routes' docs: see route_doc.h. The addresses are in routes.c alone. */
#include "server/route_doc.h"

#include <stddef.h>

#define JSON "application/json"
#define ANSWERS(...) ((const struct route_answer[]){__VA_ARGS__, {0, NULL, NULL}})
#define PROBLEMS(...) ((const int[]){__VA_ARGS__, 0})

/* ---- jobs ---- */

const struct route_doc doc_submit = {
    .id = "submitJob",
    .tag = "jobs",
    .summary = "Submits a job, or checks what one would be",
    .about = "Only `dataset`, `model` and `optimizer` are required; every default is written back "
             "into the job's `spec`. What was answered 201 survives a crash. With an "
             "`Idempotency-Key` the same request may be sent again and is answered 201 with the "
             "same job; another one with the same key is 422. A dry run makes nothing: the scope "
             "`read` is enough for it.",
    .body = "JobSpec",
    .request_headers = "Idempotency-Key",
    .answer_headers = "ETag Location Idempotency-Replayed",
    .answers = ANSWERS({201, JSON, "Job"}, {200, JSON, "DryRun"}),
    .problems = PROBLEMS(422),
};

const struct route_doc doc_jobs_list = {
    .id = "listJobs",
    .tag = "jobs",
    .summary = "Lists jobs, the newest first unless asked otherwise",
    .about =
        "A cursor goes with the `sort` of its page. While jobs come and go, pages neither skip "
        "nor repeat one. Jobs without what is sorted by come last.",
    .answers = ANSWERS({200, JSON, "JobPage"}),
};

const struct route_doc doc_jobs_get = {
    .id = "getJob",
    .tag = "jobs",
    .summary = "Shows a job, at once or when it has changed",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Job"}, {304, NULL, NULL}),
};

const struct route_doc doc_jobs_patch = {
    .id = "editJob",
    .tag = "control",
    .summary = "Changes a job, be it one that runs",
    .about = "A change of the training's course is taken at the next step boundary, recorded as an "
             "event, and replayed exactly when the job resumes.",
    .body = "JobPatch",
    .request_headers = "If-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Job"}),
    .problems = PROBLEMS(409, 412, 422),
};

const struct route_doc doc_jobs_delete = {
    .id = "deleteJob",
    .tag = "jobs",
    .summary = "Deletes a job that has ended, with all that was measured and stored of it",
    .about =
        "It is gone at once; streams of all jobs hear of it by a `deleted` event. Jobs that were "
        "made of it stay.",
    .request_headers = "If-Match",
    .answers = ANSWERS({204, NULL, NULL}),
    .problems = PROBLEMS(409, 412),
};

const struct route_doc doc_fork = {
    .id = "forkJob",
    .tag = "control",
    .summary = "Submits a new job that begins with a checkpoint of this one",
    .body = "Fork",
    .request_headers = "Idempotency-Key If-Match",
    .answer_headers = "ETag Location Idempotency-Replayed",
    .answers = ANSWERS({201, JSON, "Job"}, {200, JSON, "DryRun"}),
    .problems = PROBLEMS(412, 422),
};

const struct route_doc doc_pause = {
    .id = "pauseJob",
    .tag = "control",
    .summary = "Pauses a job once it has stored a checkpoint",
    .request_headers = "If-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Job"}),
    .problems = PROBLEMS(409, 412),
};

const struct route_doc doc_resume = {
    .id = "resumeJob",
    .tag = "control",
    .summary = "Lets a paused job go on where it stood, bit for bit",
    .request_headers = "If-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Job"}),
    .problems = PROBLEMS(409, 412),
};

const struct route_doc doc_cancel = {
    .id = "cancelJob",
    .tag = "control",
    .summary = "Cancels a job",
    .about = "A job that runs is `cancelling` until its last checkpoint is stored.",
    .request_headers = "If-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Job"}),
    .problems = PROBLEMS(409, 412),
};

/* ---- what comes of a job ---- */

const struct route_doc doc_metrics = {
    .id = "getMetrics",
    .tag = "results",
    .summary = "Shows a job's curves, in columns",
    .about = "Curves that are longer than `max_points` are thinned; the first, the last and the "
             "extremes of every part are kept.",
    .answer_headers = "Traind-Cursor Traind-Drop-After",
    .answers =
        ANSWERS({200, JSON, "Metrics"}, {200, "text/csv", NULL}, {200, "application/jsonl", NULL}),
};

const struct route_doc doc_events_job = {
    .id = "streamJobEvents",
    .tag = "streams",
    .summary = "Streams a job's events, from any of them on, until it has ended",
    .about = "`id:` is the event's stored number; a client that reconnects with it misses nothing. "
             "`data:` is one JSON object a line, the component Event.",
    .request_headers = "Last-Event-ID",
    .answers = ANSWERS({200, "text/event-stream", NULL}, {204, NULL, NULL}),
};

const struct route_doc doc_events_all = {
    .id = "streamEvents",
    .tag = "streams",
    .summary = "Streams the events of all jobs",
    .request_headers = "Last-Event-ID",
    .answers = ANSWERS({200, "text/event-stream", NULL}),
};

const struct route_doc doc_schedule = {
    .id = "getSchedule",
    .tag = "results",
    .summary = "Shows the learning rates that were really used, as a schedule for another job",
    .answers = ANSWERS({200, JSON, "Schedule"}),
};

const struct route_doc doc_checkpoints_list = {
    .id = "listCheckpoints",
    .tag = "results",
    .summary = "Lists a job's checkpoints, the oldest first",
    .answers = ANSWERS({200, JSON, "CheckpointPage"}),
};

const struct route_doc doc_checkpoints_get = {
    .id = "getCheckpoint",
    .tag = "results",
    .summary = "Downloads a checkpoint as safetensors, or as an ONNX model",
    .about =
        "Tensors are named as in the state dict of PyTorch's `nn.Sequential`. `state=full` adds "
        "the optimizer's buffers as `optimizer.TENSOR.BUFFER`, named as PyTorch names them, "
        "and what else a run needs to go on as texts of `__metadata__`. An ONNX model takes "
        "pixels as the data set has them and normalizes them itself: `input` is N × C × H × W "
        "of float, bytes being 0 … 255; `logits` and `probabilities` come out.",
    .request_headers = "If-None-Match Range If-Range",
    .answer_headers = "ETag Content-Disposition Repr-Digest",
    .answers = ANSWERS({200, "application/octet-stream", NULL},
                       {206, "application/octet-stream", NULL}, {304, NULL, NULL}),
    .problems = PROBLEMS(409, 416, 422),
};

const struct route_doc doc_filters = {
    .id = "getFilters",
    .tag = "results",
    .summary = "Shows the filters of a network's first convolution",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Filters"}, {200, "image/png", NULL}, {304, NULL, NULL}),
};

const struct route_doc doc_histograms = {
    .id = "getHistograms",
    .tag = "results",
    .summary = "Shows how the numbers of each tensor are spread",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Histograms"}, {304, NULL, NULL}),
};

const struct route_doc doc_activations = {
    .id = "getActivations",
    .tag = "results",
    .summary = "Shows what the layers give for a sample of the data set",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Activations"}, {200, "image/png", NULL}, {304, NULL, NULL}),
};

const struct route_doc doc_export_pytorch = {
    .id = "exportPytorch",
    .tag = "results",
    .summary = "Writes the network as a script for PyTorch",
    .about = "It makes the network as an `nn.Sequential`, with optimizer and schedule, reads a "
             "checkpoint's safetensors file, and says what is in images. The names of its modules "
             "are those of the tensors.",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag Content-Disposition",
    .answers = ANSWERS({200, "text/x-python", NULL}, {304, NULL, NULL}),
    .problems = PROBLEMS(409, 422),
};

const struct route_doc doc_predict = {
    .id = "predict",
    .tag = "results",
    .summary = "Says what a checkpoint's network makes of images",
    .about = "One PNG or JPEG image, an NPY array of one sample or of many, or JSON.",
    .body = "Instances",
    .body_types = "image/png image/jpeg application/x-npy",
    .answers = ANSWERS({200, JSON, "Predictions"}),
    .problems = PROBLEMS(415, 422),
};

const struct route_doc doc_evaluation = {
    .id = "getEvaluation",
    .tag = "results",
    .summary =
        "Shows what a checkpoint's network makes of a split: by class, and where it is wrong",
    .about = "Made when it is first asked for, which may take a while, and then kept.",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, JSON, "Evaluation"}, {304, NULL, NULL}),
    .problems = PROBLEMS(409),
};

/* ---- data sets ---- */

const struct route_doc doc_datasets_list = {
    .id = "listDatasets",
    .tag = "data",
    .summary = "Lists the data sets",
    .answers = ANSWERS({200, JSON, "DatasetPage"}),
};

const struct route_doc doc_datasets_get = {
    .id = "getDataset",
    .tag = "data",
    .summary = "Shows a data set",
    .answers = ANSWERS({200, JSON, "Dataset"}),
};

const struct route_doc doc_datasets_put = {
    .id = "putDataset",
    .tag = "data",
    .summary = "Stores a data set: one archive",
    .about =
        "tar, tar.gz, tar.zst or zip of IDX, CIFAR binary, NPY, NPZ files, or of one folder of "
        "PNG or JPEG images per class; what it is is seen by its content, whatever the "
        "Content-Type. All of it is checked before the name appears. A name has one content: "
        "the same archive once more is 200, another one 409.",
    .body_types = "application/octet-stream",
    .request_headers = "If-Match If-None-Match",
    .answer_headers = "Location",
    .answers = ANSWERS({201, JSON, "Dataset"}, {200, JSON, "Dataset"}),
    .problems = PROBLEMS(409, 412, 422),
};

const struct route_doc doc_datasets_delete = {
    .id = "deleteDataset",
    .tag = "data",
    .summary = "Deletes a data set that no job needs",
    .request_headers = "If-Match",
    .answers = ANSWERS({204, NULL, NULL}),
    .problems = PROBLEMS(409, 412),
};

const struct route_doc doc_samples_list = {
    .id = "listSamples",
    .tag = "data",
    .summary = "Lists samples of a data set with their labels",
    .answers = ANSWERS({200, JSON, "SamplePage"}),
};

const struct route_doc doc_samples_get = {
    .id = "getSample",
    .tag = "data",
    .summary = "Shows a sample as a picture",
    .request_headers = "If-None-Match",
    .answer_headers = "ETag",
    .answers = ANSWERS({200, "image/png", NULL}, {304, NULL, NULL}),
};

/* ---- weights ---- */

const struct route_doc doc_weights_list = {
    .id = "listWeights",
    .tag = "data",
    .summary = "Lists uploaded weights by name",
    .answers = ANSWERS({200, JSON, "WeightsPage"}),
};

const struct route_doc doc_weights_put = {
    .id = "putWeights",
    .tag = "data",
    .summary = "Stores weights for init_from: one safetensors file",
    .about = "The whole format is checked before the name appears. The same file once more is 200; "
             "another one under the same name is 409, unless If-Match has the entity tag of what "
             "it replaces.",
    .body_types = "application/octet-stream",
    .request_headers = "If-Match If-None-Match",
    .answer_headers = "Location",
    .answers = ANSWERS({201, JSON, "Weights"}, {200, JSON, "Weights"}),
    .problems = PROBLEMS(409, 412, 422, 507),
};

const struct route_doc doc_weights_get = {
    .id = "getWeights",
    .tag = "data",
    .summary = "Downloads the file, or, with Accept: application/json, shows what is in it",
    .request_headers = "If-None-Match Range",
    .answer_headers = "ETag Content-Disposition Repr-Digest",
    .answers = ANSWERS({200, "application/octet-stream", NULL}, {200, JSON, "Weights"},
                       {206, "application/octet-stream", NULL}, {304, NULL, NULL}),
    .problems = PROBLEMS(416),
};

const struct route_doc doc_weights_delete = {
    .id = "deleteWeights",
    .tag = "data",
    .summary = "Deletes weights",
    .about = "Never refused: a job that begins with them has copied them when it was accepted.",
    .request_headers = "If-Match",
    .answers = ANSWERS({204, NULL, NULL}),
    .problems = PROBLEMS(412),
};

/* ---- the server ---- */

const struct route_doc doc_schema = {
    .id = "getSchema",
    .tag = "server",
    .summary = "Gives the JSON Schema of a job",
    .answers = ANSWERS({200, "application/schema+json", "Schema"}),
};

const struct route_doc doc_openapi = {
    .id = "getOpenApi",
    .tag = "server",
    .summary = "Gives this document",
    .answers = ANSWERS({200, JSON, "OpenApi"}),
};

const struct route_doc doc_livez = {
    .id = "getLiveness",
    .tag = "server",
    .summary = "Says whether the daemon answers",
    .answers = ANSWERS({200, JSON, "Health"}, {200, "text/plain", NULL}),
};

const struct route_doc doc_readyz = {
    .id = "getReadiness",
    .tag = "server",
    .summary = "Says whether the daemon can do its work, and if not, why",
    .answers = ANSWERS({200, JSON, "Health"}, {200, "text/plain", NULL}),
    .problems = PROBLEMS(503),
};

const struct route_doc doc_prometheus = {
    .id = "getPrometheus",
    .tag = "server",
    .summary = "Gives what Prometheus asks for",
    .answers = ANSWERS({200, "text/plain", NULL}, {200, "application/openmetrics-text", NULL}),
};

const struct route_doc doc_static = {
    .id = "getDashboard",
    .tag = "server",
    .summary = "Gives the dashboard",
    .answers = ANSWERS({200, "text/html", NULL}),
};
