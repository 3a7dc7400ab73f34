/* GET /metrics: what Prometheus asks for. One row a family, sorted by name; seconds and bytes, and
 * no job's id among the labels: a family has as many samples as there are routes, states or levels,
 * whatever is trained. */
#include "server/api.h"

#include "server/clock.h"
#include "server/exposition.h"
#include "server/process.h"
#include "server/store_watch.h"
#include "server/version.h"

#include <stdio.h>

/* What is gathered before anything is written. */
struct facts {
    const struct http_request *request;
    const struct instruments *counted;
    int64_t jobs[JOB_STATES];
    double queue_seconds;
    double started_seconds;
    int workers, workers_busy;
    int64_t disk_free;
    struct store_sizes store;
    struct process_facts process;
    struct http_counts http;
};

struct row {
    struct exposition_family family;
    /* One of these: the only sample, or what writes the samples. */
    double (*value)(const struct facts *facts);
    void (*put)(struct exposition *out, const struct facts *facts);
};

static double counter(const _Atomic(uint64_t) *count)
{
    return (double)atomic_load_explicit(count, memory_order_relaxed);
}

/* ---- samples ---- */

/* A double holds every one of these exactly. */
#define VALUE(name, expression)                                                                    \
    static double name(const struct facts *facts)                                                  \
    {                                                                                              \
        return (double)(expression);                                                               \
    }

VALUE(cpu_seconds, facts->process.cpu_seconds)
VALUE(files_most, facts->process.files_most)
VALUE(files, facts->process.files)
VALUE(resident_bytes, facts->process.resident_bytes)
VALUE(started_seconds, facts->started_seconds)
VALUE(threads, facts->process.threads)
VALUE(virtual_bytes, facts->process.virtual_bytes)
VALUE(checkpoint_bytes, counter(&facts->counted->checkpoint_bytes))
VALUE(clerks, facts->http.clerks)
VALUE(clerks_busy, facts->http.clerks_busy)
VALUE(clerks_waiting, facts->http.clerks_waiting)
VALUE(connections, facts->http.connections)
VALUE(database_bytes, facts->store.file)
VALUE(database_wal_bytes, facts->store.log)
VALUE(disk_free_bytes_value, facts->disk_free)
VALUE(evaluations, counter(&facts->counted->evaluations))
VALUE(queue_seconds, facts->queue_seconds)
VALUE(samples, counter(&facts->counted->samples))
VALUE(steps, counter(&facts->counted->steps))
VALUE(streams, facts->http.streams)
VALUE(workers, facts->workers)
VALUE(workers_busy, facts->workers_busy)

static void put_build(struct exposition *out, const struct facts *facts)
{
    const struct exposition_label labels[] = {
        {"kernels", kernels_describe(facts->request->app->kernels)},
        {"version", TRAIND_VERSION},
        {NULL, NULL}};

    exposition_sample(out, labels, 1);
}

static void put_jobs(struct exposition *out, const struct facts *facts)
{
    for (int state = 0; state < JOB_STATES; state++) {
        const struct exposition_label labels[] = {{"state", job_state_name((enum job_state)state)},
                                                  {NULL, NULL}};

        exposition_sample(out, labels, (double)facts->jobs[state]);
    }
}

static void put_log(struct exposition *out, const struct facts *facts)
{
    for (int level = 0; level < LOG_LEVELS; level++) {
        const struct exposition_label labels[] = {{"level", log_level_name((enum log_level)level)},
                                                  {NULL, NULL}};

        exposition_sample(out, labels, counter(&facts->counted->log_counts.entries[level]));
    }
}

static void put_histogram(struct exposition *out, const struct histogram *histogram,
                          const struct exposition_label *labels)
{
    struct histogram_view view;

    histogram_look(histogram, &view);
    exposition_histogram(out, labels, &view);
}

static void put_steps(struct exposition *out, const struct facts *facts)
{
    put_histogram(out, &facts->counted->step_seconds, NULL);
}

static void put_checkpoints(struct exposition *out, const struct facts *facts)
{
    put_histogram(out, &facts->counted->checkpoint_seconds, NULL);
}

static void put_route(void *context, const struct route *route, int status_class,
                      const struct histogram *durations)
{
    char status[] = {(char)('0' + status_class), 'x', 'x', '\0'};
    const char *pattern = route && route->pattern ? route->pattern : route ? "files" : "none";
    const struct exposition_label labels[] = {{"method", route ? route->method : "any"},
                                              {"route", pattern},
                                              {"status", status},
                                              {NULL, NULL}};

    put_histogram(context, durations, labels);
}

static void put_requests(struct exposition *out, const struct facts *facts)
{
    http_durations(facts->request, put_route, out);
}

/* ---- the table ---- */

/* clang-format off */
static const struct row rows[] = {
    {{"process_cpu_seconds", EXPOSE_COUNTER, "seconds",
      "Processor time of all threads, user and system"}, cpu_seconds, NULL},
    {{"process_max_fds", EXPOSE_GAUGE, NULL,
      "File descriptors that may be open"}, files_most, NULL},
    {{"process_open_fds", EXPOSE_GAUGE, NULL, "File descriptors that are open"}, files, NULL},
    {{"process_resident_memory_bytes", EXPOSE_GAUGE, "bytes",
      "Memory that the process has in RAM"}, resident_bytes, NULL},
    {{"process_start_time_seconds", EXPOSE_GAUGE, "seconds",
      "When the daemon started, in Unix time"}, started_seconds, NULL},
    {{"process_threads", EXPOSE_GAUGE, NULL, "Threads of the process"}, threads, NULL},
    {{"process_virtual_memory_bytes", EXPOSE_GAUGE, "bytes",
      "Addresses that the process has taken"}, virtual_bytes, NULL},
    {{"traind_build", EXPOSE_INFO, NULL, "This build of the program; always 1"}, NULL, put_build},
    {{"traind_checkpoint_bytes", EXPOSE_COUNTER, "bytes",
      "Bytes of the checkpoints that jobs have stored"}, checkpoint_bytes, NULL},
    {{"traind_checkpoint_store_seconds", EXPOSE_HISTOGRAM, "seconds",
      "Time to store a checkpoint, its digests included"}, NULL, put_checkpoints},
    {{"traind_clerks", EXPOSE_GAUGE, NULL, "Threads for slow requests and uploads"}, clerks, NULL},
    {{"traind_clerks_busy", EXPOSE_GAUGE, NULL,
      "Threads for slow requests that have one; this request is one"}, clerks_busy, NULL},
    {{"traind_clerks_waiting", EXPOSE_GAUGE, NULL,
      "Slow requests that wait for a thread"}, clerks_waiting, NULL},
    {{"traind_connections", EXPOSE_GAUGE, NULL, "Open HTTP connections"}, connections, NULL},
    {{"traind_database_bytes", EXPOSE_GAUGE, "bytes",
      "Size of the database's file"}, database_bytes, NULL},
    {{"traind_database_wal_bytes", EXPOSE_GAUGE, "bytes",
      "Size of the database's write-ahead log"}, database_wal_bytes, NULL},
    {{"traind_disk_free_bytes", EXPOSE_GAUGE, "bytes",
      "Room that is left where the data directory is"}, disk_free_bytes_value, NULL},
    {{"traind_evaluations", EXPOSE_COUNTER, NULL,
      "Evaluations that jobs have made"}, evaluations, NULL},
    {{"traind_http_request_duration_seconds", EXPOSE_HISTOGRAM, "seconds",
      "Time from a request's first byte to its answer's last, without live streams"},
     NULL, put_requests},
    {{"traind_jobs", EXPOSE_GAUGE, NULL, "Jobs by their state"}, NULL, put_jobs},
    {{"traind_log_entries", EXPOSE_COUNTER, NULL,
      "Entries written to the log, by level"}, NULL, put_log},
    {{"traind_queue_age_seconds", EXPOSE_GAUGE, "seconds",
      "How long the job that waits longest has been queued; 0: none waits"}, queue_seconds, NULL},
    {{"traind_samples", EXPOSE_COUNTER, NULL,
      "Training samples that were learned from"}, samples, NULL},
    {{"traind_step_duration_seconds", EXPOSE_HISTOGRAM, "seconds",
      "Time of a training step, all jobs together"}, NULL, put_steps},
    {{"traind_steps", EXPOSE_COUNTER, NULL, "Training steps that were taken"}, steps, NULL},
    {{"traind_streams", EXPOSE_GAUGE, NULL, "Live event streams"}, streams, NULL},
    {{"traind_workers", EXPOSE_GAUGE, NULL, "Jobs that can train at once"}, workers, NULL},
    {{"traind_workers_busy", EXPOSE_GAUGE, NULL, "Jobs that train now"}, workers_busy, NULL},
};
/* clang-format on */

/* ---- the handler ---- */

static bool gather(const struct http_request *request, struct facts *facts, struct error *error)
{
    const struct app *app = request->app;
    int64_t since = 0, now = clock_milliseconds();

    *facts = (struct facts){.request = request, .counted = app->instruments};
    if (!store_job_counts(request->db, facts->jobs, error) ||
        !store_queued_since(request->db, &since, error))
        return false;
    facts->queue_seconds = since > 0 && since < now ? 1e-3 * (double)(now - since) : 0;
    facts->started_seconds = 1e-3 * (double)app->started_at;
    facts->workers = pool_workers(app->pool);
    facts->workers_busy = pool_busy(app->pool);
    facts->disk_free = disk_free_bytes(app->config->data_dir);
    facts->store = store_sizes(app->store);
    process_look(&facts->process);
    http_count(request, &facts->http);
    return true;
}

bool api_prometheus(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    struct body body = {0};
    struct exposition out = {.body = &body};
    struct facts facts;

    if (!gather(request, &facts, error))
        return false;
    out.open_metrics = http_accepts(request, "application/openmetrics-text");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        exposition_begin(&out, &rows[i].family);
        if (rows[i].value)
            exposition_sample(&out, NULL, rows[i].value(&facts));
        else
            rows[i].put(&out, &facts);
    }
    exposition_end(&out);
    response->body = body_take(&body, &response->body_size, error);
    response->status = 200;
    response->content_type = exposition_type(&out);
    return response->body != NULL;
}
