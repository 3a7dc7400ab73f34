/* Store: everything that must survive, in one SQLite file. Knows nothing of HTTP, JSON bodies or
 * training; sqlite3.h is behind sql.h.
 *
 * Two kinds of connection, both a `struct db`: the one writer, owned by the writer's thread, and
 * read-only ones, each owned by one thread. The queue of jobs is this database: memory holds only a
 * wake-up.
 *
 * All writing happens in the writer's thread, as numbered pieces of work ("writes"). What waits at
 * the same moment shares one transaction (group commit, synchronous=FULL), each piece inside its
 * own savepoint: a piece that fails is undone alone; a COMMIT that fails fails them all. A piece's
 * caller hears only after COMMIT. */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include "core/error.h"

#include <stdint.h>

struct store; /* the file, its lock, the writer's thread and queue */
struct db;    /* one connection with its prepared statements */

/* One piece of writing; runs in the writer's thread inside a savepoint. false (with *error):
 * undone. */
typedef bool store_work(struct db *db, void *context, struct error *error);
/* Called in the writer's thread after COMMIT or ROLLBACK. `error` is NULL when the write is
 * durable, and else valid during the call. */
typedef void store_done(void *context, const struct error *error);
/* What a COMMIT has brought. */
struct store_news {
    bool events;          /* some were added, */
    int64_t newest_event; /* of which this is the number of the newest */
    const int64_t *jobs;  /* numbers of jobs whose rows were changed, and perhaps of some others */
    int job_count;        /* −1: too many to be named */
};
/* Called in the writer's thread after each COMMIT that brought any, and before anyone hears that
 * the writes are done. */
typedef void store_committed(void *context, const struct store_news *news);

/* Opens DIR/traind.db: takes DIR/lock (flock; ERROR_BUSY, naming the other process, when another
 * daemon has it), checks the file, applies missing migrations, refuses a newer schema, puts
 * `running`, `cancelling` jobs of a dead daemon back (running → queued with restarts + 1;
 * cancelling → cancelled), starts the writer. */
bool store_open(const char *dir, struct store **out, struct error *error) MUST_CHECK;
/* Finishes what is queued, checkpoints, closes. NULL is allowed. All readers must be closed before.
 */
void store_close(struct store *store);
/* The same, and says how it went. ERROR_BUSY: readers are open; then what was queued is durable,
 * nothing is freed, and it may be called again. After any other error the store is gone all the
 * same. */
bool store_finish(struct store *store, struct error *error) MUST_CHECK;
/* Whether store_open read the whole file for damage: a very large one is not read. */
bool store_checked(const struct store *store);
/* Whom to tell about commits. Set before the first write; may be called once. */
void store_on_commit(struct store *store, store_committed *committed, void *context);

/* Queues `work`; `done` (may be NULL) hears the end. Never blocks. `context` must live until then.
 * After store_close has begun: done is called at once with ERROR_BUSY. */
void store_write_later(struct store *store, store_work *work, store_done *done, void *context);
/* The same, and waits for the end. Not from the writer's thread, not from the HTTP thread. */
bool store_write(struct store *store, store_work *work, void *context,
                 struct error *error) MUST_CHECK;

/* A read-only connection for the calling thread. */
bool store_reader(struct store *store, struct db **out, struct error *error) MUST_CHECK;
/* The same to the file in `dir`, which may be another process's store; *out is NULL when there is
 * none. Nothing is checked, migrated or written. */
bool store_peek(const char *dir, struct db **out, struct error *error) MUST_CHECK;
/* Copies the database of the data directory into `file` as it is at one moment, whether a daemon
 * has it open or not; `file` is made, or replaced, when the copy is complete. ERROR_NOT_FOUND when
 * there is none. */
bool store_backup(const char *dir, const char *file, struct error *error) MUST_CHECK;
void db_close(struct db *db);

/* The data directory, as store_open was told. Not after store_peek. */
const char *store_directory(const struct db *db);
/* Makes a directory and what is missing above it, for this user alone. */
bool store_make_directory(const char *dir, struct error *error) MUST_CHECK;

/* ---- jobs ---- */

enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_PAUSING,
    JOB_PAUSED,
    JOB_CANCELLING,
    JOB_CANCELLED,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_STATES
};
/* "queued" …, NULL-ended */
extern const char *const job_state_names[JOB_STATES + 1];
const char *job_state_name(enum job_state state);
int job_state_find(const char *name);       /* −1 when there is none */
bool job_state_ended(enum job_state state); /* cancelled, succeeded, failed */
/* The table of legal moves. */
bool job_state_may_become(enum job_state from, enum job_state to);

enum { JOB_ID_SIZE = 13 }; /* 12 characters of lower-case base 32 and a NUL */

/* One row. Texts are owned by the row: free with job_row_drop. Times are Unix milliseconds, 0: not
 * yet. */
struct job_row {
    int64_t number; /* internal key; order of arrival */
    char id[JOB_ID_SIZE];
    enum job_state state;
    char *reason;   /* why it ended or waits; NULL when there is nothing to say */
    char *meta;     /* JSON object: name, labels, priority (as written back) */
    char *spec;     /* JSON object: the complete spec */
    char *plan;     /* JSON object: summary of the plan */
    char *progress; /* JSON object, NULL before the first step: see runner */
    int64_t priority, revision, restarts;
    int64_t created_at, started_at, finished_at;
};
void job_row_drop(struct job_row *row);

/* What store_job_add needs. Borrowed. */
struct job_new {
    const char *meta, *spec, *plan; /* JSON texts */
    int64_t priority;
};

/* Inserts a queued job with a fresh random id and its first `state` event. */
bool store_job_add(struct db *db, const struct job_new *job, struct job_row *out,
                   struct error *error) MUST_CHECK;
/* By id (ERROR_NOT_FOUND) or by internal number. */
bool store_job_get(struct db *db, const char *id, struct job_row *out,
                   struct error *error) MUST_CHECK;
bool store_job_get_number(struct db *db, int64_t number, struct job_row *out,
                          struct error *error) MUST_CHECK;

/* Lists of them: store_list.h. */
/* How many jobs are in each state. */
bool store_job_counts(struct db *db, int64_t counts[JOB_STATES], struct error *error) MUST_CHECK;

/* The plan of the job that the next claim would take, malloc'ed. ERROR_NOT_FOUND when none waits. */
bool store_job_next(struct db *db, char **plan, struct error *error) MUST_CHECK;
/* Claims the next queued job (priority, then arrival): queued → running, started_at set at the
 * first time. ERROR_NOT_FOUND when none waits. */
bool store_job_claim(struct db *db, struct job_row *out, struct error *error) MUST_CHECK;

/* One conditional UPDATE with `from` in its WHERE, a `state` event, revision + 1. ERROR_CONFLICT
 * when the job is not in `from` (the text says where it is) or the table forbids the move.
 * finished_at when it ends. `reason` may be NULL; it is cut after some hundred bytes, and bytes
 * that are not UTF-8 become '?'. */
struct job_move {
    int64_t number;
    enum job_state from, to;
    const char *reason;
};
bool store_job_move(struct db *db, const struct job_move *move, struct error *error) MUST_CHECK;

/* Stores the progress object (JSON text); revision + 1; no event. */
bool store_job_progress(struct db *db, int64_t number, const char *progress,
                        struct error *error) MUST_CHECK;

/* ---- metrics ---- */

enum nonfinite { FINITE = 0, NONFINITE_NAN = 1, NONFINITE_PLUS = 2, NONFINITE_MINUS = 3 };

struct metric_row {
    const char *series; /* "train_loss"; on reading: valid until the next row */
    int64_t step;
    double value; /* NaN and infinities are kept: by a flag beside a NULL */
    int64_t at;   /* Unix milliseconds */
};

/* Stores rows and one `metrics` event that covers their steps. A row that is there already with the
 * same value is left (a resumed job takes its last steps again); with another value: ERROR_CORRUPT
 * "nondeterminism". Rows that are all there already make no event. */
bool store_metrics_add(struct db *db, int64_t job, const struct metric_row *rows, size_t count,
                       struct error *error) MUST_CHECK;

/* Deletes the rows behind that step, which are to be taken again and may differ. Reads all rows of
 * the job. For a write that then adds an event, which tells of it: who has seen that event has seen
 * the rows gone. */
bool store_metrics_forget(struct db *db, int64_t job, int64_t step, struct error *error) MUST_CHECK;

/* Reads rows in order of (series, step). `each` false stops. names: NULL-ended list or NULL for
 * all. */
struct metric_query {
    int64_t job;
    const char *const *names;
    int64_t from, to; /* steps, inclusive; to 0: no end */
};
typedef bool metric_each(void *context, const struct metric_row *row);
bool store_metrics_read(struct db *db, const struct metric_query *query, metric_each *each,
                        void *context, struct error *error) MUST_CHECK;

/* Summary of one series for the job list: last value and extremes, finite rows only. */
struct metric_summary {
    char series[32];
    int64_t step, min_step, max_step; /* of the last, smallest and largest value */
    double last, min, max;
    bool any; /* false: no finite row, the numbers mean nothing */
};
/* At most `room` series; *count of them filled. Must stay fast with a million rows: kept on
 * writing. */
bool store_metrics_summary(struct db *db, int64_t job, struct metric_summary *out, int room,
                           int *count, struct error *error) MUST_CHECK;

/* ---- events ---- */

struct event_row {
    int64_t number; /* the SSE id */
    int64_t job;    /* internal key */
    char job_id[JOB_ID_SIZE];
    const char *name; /* "state", "metrics", "evaluation", "checkpoint", "warning", "end" */
    int64_t step;     /* the job's step then */
    const char *data; /* JSON object; for `metrics` {"from": step, "to": step}: the rows are in the
                         metrics */
    int64_t at;
};
bool store_event_add(struct db *db, int64_t job, const char *name, int64_t step, const char *data,
                     struct error *error) MUST_CHECK;
struct event_query {
    int64_t job;   /* 0: of all jobs */
    int64_t after; /* events with larger numbers */
    int limit;     /* at most so many */
    bool quiet;    /* of one job, without those of metrics, of which there are most */
};
/* Events after number `after`, oldest first, of one job (or of all: job 0), at most `limit`. */
typedef bool event_each(void *context, const struct event_row *row);
bool store_events_read(struct db *db, const struct event_query *query, event_each *each,
                       void *context, struct error *error) MUST_CHECK;
bool store_event_newest(struct db *db, int64_t *out, struct error *error) MUST_CHECK;

/* ---- checkpoints: chunks of at most 4 MiB in short transactions; complete and digest last ---- */

/* What a user gets when downloading it: another form of the same numbers. */
struct checkpoint_file {
    int64_t bytes;
    char sha256[65];
};

struct checkpoint_row {
    int64_t number, job, step, epoch, bytes, created_at;
    char sha256[65];
    struct checkpoint_file file;
    /* JSON object of what was measured on these weights, or NULL; free with checkpoint_row_drop. */
    char *metrics;
    bool best;    /* the best finite one by the job's metric */
    bool passing; /* see checkpoint_new */
};
void checkpoint_row_drop(struct checkpoint_row *row);

struct checkpoint_new {
    int64_t job, step, epoch;
    const uint8_t *bytes;
    size_t size;
    struct checkpoint_file file;
    const char *metrics; /* JSON or NULL */
    double score;        /* larger is better; NaN: cannot be best */
    int keep_last, keep_best;
    /* Stored because the daemon stops, at a step at which the job would have none: never the best,
     * not counted among those that are kept, and gone with the next one of its job. */
    bool passing;
    bool replace;     /* takes the place of one of the same job and step */
    store_work *also; /* NULL, or: further work of the write that completes it */
    void *context;    /* of `also` */
};
/* Writes it by several transactions through `store`, then completes it, adds the `checkpoint` event
 * and deletes what the retention lets go, never the newest. A checkpoint of the same job and step
 * is left as it is, and `also` is not run, unless `replace` says otherwise or that one was passing
 * and this one is not. Blocks; for workers. */
bool store_checkpoint_add(struct store *store, const struct checkpoint_new *checkpoint,
                          struct error *error) MUST_CHECK;
/* The same inside the caller's write: for a job that is born with one. */
bool store_checkpoint_put(struct db *db, const struct checkpoint_new *checkpoint,
                          struct error *error) MUST_CHECK;
/* Takes back one that turned out to be no good: it is no longer there, and its step is free for a
 * new one. For a write. */
bool store_checkpoint_refuse(struct db *db, int64_t job, int64_t number,
                             struct error *error) MUST_CHECK;
/* Takes back all of the job's behind that step. For a write. */
bool store_checkpoint_forget(struct db *db, int64_t job, int64_t step,
                             struct error *error) MUST_CHECK;
/* Complete ones, oldest first. *rows is malloc'ed; drop each, then free. */
bool store_checkpoint_list(struct db *db, int64_t job, struct checkpoint_row **rows, int *count,
                           struct error *error) MUST_CHECK;
/* The one of a step ≥ 0, or one of these. ERROR_NOT_FOUND. */
enum { CHECKPOINT_BEST = -1, CHECKPOINT_NEWEST = -2 };
bool store_checkpoint_find(struct db *db, int64_t job, int64_t step, struct checkpoint_row *out,
                           struct error *error) MUST_CHECK;
/* Reads `size` bytes from `offset` into `out`. */
bool store_checkpoint_read(struct db *db, int64_t number, int64_t offset, uint8_t *out, size_t size,
                           struct error *error) MUST_CHECK;

/* ---- data sets: a registry of names; the files stay where they are ---- */

struct dataset_row {
    char name[65];
    char *path; /* on the server; never sent to a client */
    char *info; /* JSON object: format, shape, classes, counts, bytes, sha256 */
    int64_t created_at;
};
void dataset_row_drop(struct dataset_row *row);
bool store_dataset_put(struct db *db, const char *name, const char *path, const char *info,
                       struct error *error) MUST_CHECK;
bool store_dataset_get(struct db *db, const char *name, struct dataset_row *out,
                       struct error *error) MUST_CHECK;
/* Jobs that have not ended and train on the set of that name: the first `room` of them, in order of
 * arrival. */
struct dataset_user {
    char job[JOB_ID_SIZE];
    enum job_state state;
};
bool store_dataset_users(struct db *db, const char *name, struct dataset_user *out, int room,
                         int *count, struct error *error) MUST_CHECK;
/* By name; *rows is malloc'ed; drop each, then free. */
bool store_dataset_list(struct db *db, struct dataset_row **rows, int *count,
                        struct error *error) MUST_CHECK;

#endif
