/* Serve: start and stop. Signals are blocked in every thread and taken by the main thread alone, so
 * there is no signal handler and nothing that one could interrupt; a second signal waits unheard
 * while the first one's stop goes on. */
#include "server/serve.h"

#include "server/address.h"
#include "server/clock.h"
#include "server/event_feed.h"
#include "server/routes.h"
#include "server/token.h"
#include "server/version.h"
#include "server/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Networks that are kept in memory because somebody asked them. */
#define MODELS_BYTES (INT64_C(512) << 20)

struct serve {
    const struct config *config;
    struct app app;
    struct runner_world world;
    struct instruments instruments;
    struct memory memory;
    struct log log; /* as configured, and counted */
    _Atomic(struct http *)
        audience; /* whom commits are told to; NULL before the listener and after it */
    sigset_t signals;
    struct token_gate *gate; /* the HTTP thread's, once there is one */
    bool guarded;            /* there were access tokens at the start */
    char spool[1100];        /* where bodies that go to files are on their way */
};

static void signals_block(sigset_t *out)
{
    struct sigaction hangup;
    (void)sigemptyset(out);
    (void)sigaddset(out, SIGTERM);
    (void)sigaddset(out, SIGINT);
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN)
        (void)sigaddset(out, SIGHUP); /* otherwise nohup started us */
    (void)pthread_sigmask(SIG_BLOCK, out, NULL);
    /* A reader that left, or a file at its size limit, is a failed write, not the daemon's end. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL);
}

static const char *signals_wait(const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) != 0)
        continue;
    return strsignal(number);
}

/* Runs in the writer's thread after each commit. */
static void tell_audience(void *context, const struct store_news *news)
{
    struct serve *serve = context;
    struct http *http = atomic_load(&serve->audience);
    if (http && news->events)
        http_publish(http, news->newest_event);
    if (http && news->job_count != 0)
        http_stir(http, news->jobs, news->job_count);
}

static int64_t newest_told(void *context)
{
    const struct app *app = context;
    return http_published(app->http);
}

static bool nothing(struct db *db, void *context, struct error *error)
{
    (void)db;
    (void)context;
    (void)error;
    return true;
}

/* Afterwards the writer's thread cannot be inside http_publish: it has passed this write since. */
static void dismiss_audience(struct serve *serve)
{
    struct error ignored = {0};
    atomic_store(&serve->audience, NULL);
    if (!store_write(serve->app.store, nothing, NULL, &ignored))
        return; /* undone or not, it has passed */
}

static struct runner_world world_make(const struct config *config, const struct app *app)
{
    struct runner_world world = {.store = app->store,
                                 .catalog = app->catalog,
                                 .log = app->log,
                                 .instruments = app->instruments};
    world.threads = threads_share(threads_processors(), config->workers, config->threads);
    if (!kernels_choose(config->kernels, &world.kernels))
        world.kernels = KERNELS_BEST; /* config takes no other names */
    return world;
}

/* Whole or not at all: who waits for the file never reads half an address. */
static bool port_file_write(const char *path, const char *address, struct error *error)
{
    char draft[sizeof(((struct config *)0)->port_file) + 8], line[160];
    if (path[0] == '\0')
        return true;
    (void)snprintf(draft, sizeof(draft), "%s.new", path);
    int length = snprintf(line, sizeof(line), "%s\n", address);
    int file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = file >= 0 && write(file, line, (size_t)length) == length;
    if (file >= 0 && close(file) != 0)
        good = false;
    if (!good || rename(draft, path) != 0)
        return error_set(error, ERROR_IO, path, "cannot write the address: %s", strerror(errno));
    return true;
}

static void port_file_remove(const char *path)
{
    if (path[0] != '\0')
        (void)unlink(path);
}

/* Without access tokens anybody who can connect may do anything: that must be this machine alone.
 */
static bool gate_open(struct serve *serve, struct error *error)
{
    const struct config *config = serve->config;
    struct address address;
    if (!address_parse(config->listen, &address, error))
        return false;
    const struct token_gate_setup setup = {
        .dir = config->data_dir, .loopback = address_is_loopback(&address), .log = serve->app.log};
    if (!token_gate_open(&setup, &serve->gate, error))
        return false;
    serve->guarded = token_gate_count(serve->gate) > 0;
    if (!setup.loopback && !serve->guarded)
        return error_set(error, ERROR_UNSUPPORTED, config->listen,
                         "without an access token the daemon listens on loopback only, such as "
                         "127.0.0.1:8080; make one with: traind token add NAME --scope admin "
                         "--data-dir %s",
                         config->data_dir);
    return true;
}

static bool sweep_weights(struct serve *serve, struct error *error)
{
    struct db *db = NULL;
    if (!store_reader(serve->app.store, &db, error))
        return false;
    bool good = weights_sweep(serve->config->data_dir, db, serve->app.log, error);
    db_close(db);
    return good;
}

/* Before the listener answers, so that no job is refused for a data set that is about to appear.
 * Only sets that are new or changed are read. */
static bool register_datasets(struct serve *serve, struct error *error)
{
    struct db *db = NULL;
    if (serve->config->datasets[0] == '\0')
        return true;
    if (!store_reader(serve->app.store, &db, error))
        return false;
    catalog_register_folder(serve->app.catalog, db, serve->config->datasets, serve->app.log);
    db_close(db);
    return true;
}

_Static_assert(TOKEN_NAME_SIZE == (int)HTTP_NAME_SIZE, "a token's name has room in a request");

static bool serve_listen(struct serve *serve, struct error *error)
{
    (void)snprintf(serve->spool, sizeof(serve->spool), "%s/incoming", serve->config->data_dir);
    const struct http_setup setup = {.listen = serve->config->listen,
                                     .spool = serve->spool,
                                     .routes = routes,
                                     .route_count = route_count,
                                     .store = serve->app.store,
                                     .app = &serve->app,
                                     .hosts = serve->config->hosts,
                                     .admit = token_gate_admit,
                                     .gate = serve->gate,
                                     .streams = serve->config->streams,
                                     .upload_limit = (int64_t)serve->config->upload_limit << 20,
                                     .log = serve->app.log};
    if (!http_start(&setup, &serve->app.http, error))
        return false;
    atomic_store(&serve->audience, serve->app.http);
    return port_file_write(serve->config->port_file, http_address(serve->app.http), error);
}

static bool serve_start(struct serve *serve, struct error *error)
{
    struct app *app = &serve->app;
    const struct config *config = serve->config;
    if (!gate_open(serve, error) || !store_open(config->data_dir, &app->store, error))
        return false;
    if (!store_checked(app->store))
        log_line(app->log, LOG_WARNING,
                 "the database is large: it was opened without reading all of it for damage");
    catalog_sweep(config->data_dir);
    port_file_remove(config->port_file); /* what a killed daemon left would be believed */
    store_on_commit(app->store, tell_audience, serve);
    if (!sweep_weights(serve, error) || !catalog_new(app->store, &app->catalog, error) ||
        !register_datasets(serve, error))
        return false;
    serve->world = world_make(config, app);
    app->threads = serve->world.threads;
    app->kernels = serve->world.kernels;
    const struct pool_setup pool = {.store = app->store,
                                    .world = &serve->world,
                                    .memory = app->memory,
                                    .workers = config->workers};
    if (!speedometer_start(serve->world.kernels, threads_processors(), &app->speedometer, error))
        return false;
    if (!models_new(MODELS_BYTES, &app->models, error) || !evaluator_new(&app->evaluator, error))
        return false;
    /* No job begins before it is certain that the daemon can be reached. */
    return pool_new(&pool, &app->pool, error) &&
           event_feed_new(newest_told, app, &app->feed, error) && serve_listen(serve, error) &&
           pool_start(app->pool, error);
}

/* Stop listening, end the streams, let the workers finish their step and put their jobs back, stop
 * the rest of HTTP, close the store. Takes what serve_start left half-way too. */
static void serve_stop(struct serve *serve)
{
    struct app *app = &serve->app;
    atomic_store(&app->stopping, true);
    if (app->http) {
        port_file_remove(serve->config->port_file);
        http_quiesce(app->http);
        http_end_streams(app->http);
    }
    if (app->pool)
        pool_stop(app->pool);
    if (app->http) {
        dismiss_audience(serve);
        http_stop(app->http);
    }
    event_feed_free(app->feed);
    token_gate_close(serve->gate);
    speedometer_stop(app->speedometer);
    pool_free(app->pool);
    models_free(app->models);
    evaluator_free(app->evaluator);
    catalog_free(app->catalog);
    store_close(app->store);
}

static void announce(const struct serve *serve)
{
    const struct config *config = serve->config;
    const struct log *log = serve->app.log;
    log_line(log, LOG_INFO, "traind %s answers on http://%s/, data in %s", TRAIND_VERSION,
             http_address(serve->app.http), config->data_dir);
    if (!serve->guarded)
        log_line(log, LOG_INFO, "there are no access tokens: who is on this machine may do all");
    log_line(log, LOG_INFO, "%d job%s at once, %d thread%s each; kernels: %s", config->workers,
             config->workers == 1 ? "" : "s", serve->world.threads.usual,
             serve->world.threads.usual == 1 ? "" : "s", kernels_describe(serve->world.kernels));
}

/* Without a word of the operator an eighth is left for everything else. */
static int64_t memory_most(const struct config *config)
{
    int64_t limit = memory_limit();
    return config->memory > 0 ? (int64_t)config->memory << 20 : limit - limit / 8;
}

int serve_run(const struct config *config)
{
    struct serve serve = {.config = config, .log = config->log};
    const struct log *log = &serve.log;
    struct error error = {0};
    serve.log.counts = &serve.instruments.log_counts;
    serve.app = (struct app){.config = config,
                             .log = log,
                             .instruments = &serve.instruments,
                             .memory = &serve.memory,
                             .started_at = clock_milliseconds()};
    memory_init(&serve.memory, memory_most(config));
    signals_block(&serve.signals);
    bool started = serve_start(&serve, &error);
    if (started) {
        announce(&serve);
        log_line(log, LOG_INFO, "stopping: %s", signals_wait(&serve.signals));
    } else {
        log_line(log, LOG_ERROR, "cannot start: %s%s%s", error.where, error.where[0] ? ": " : "",
                 error.text);
    }
    serve_stop(&serve);
    memory_drop(&serve.memory);
    if (started)
        log_line(log, LOG_INFO, "stopped");
    return started ? 0 : 1;
}
