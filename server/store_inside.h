/* Store, inside: what the store_*.c files share and nobody else includes. */
#ifndef SERVER_STORE_INSIDE_H
#define SERVER_STORE_INSIDE_H

#include "server/clock.h"
#include "server/sql.h"
#include "server/store.h"
#include "server/store_curve.h"

#include <pthread.h>

enum { STORE_CHANGED = 32 };

struct db {
    struct sql sql;
    struct store *store; /* NULL after store_peek */
    bool writes;
    int64_t newest_event; /* writer: number of the newest event, committed or about to be */
    int64_t changed[STORE_CHANGED]; /* writer: jobs that were changed since the last commit */
    int changed_count;              /* −1: more than have room */
};

struct piece;

/* The queue of the writer's thread. `lock` guards everything in it and store.readers; it is a leaf.
 */
struct writer {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* for the writer's thread: something is queued, or closing */
    pthread_t thread;
    bool started; /* set once, before other threads know the store */
    bool joined;  /* for who closes the store */
    bool closing;
    struct piece *first, *last;
    double since; /* the first piece of the group under way was queued; 0: there is none */
    store_committed *committed;
    void *committed_context;
};

struct store {
    char *dir;     /* as store_open was told */
    char *path;    /* DIR/traind.db */
    int lock_file; /* locked while it is open; −1: none */
    bool checked;  /* the whole file was read at open */
    struct db *db; /* the writer's connection */
    struct writer writer;
    bool sweeping;        /* under the queue's lock: a sweep is under way */
    bool sweeping_more;   /* the writer's thread: and not at its end */
    int readers;          /* open ones */
    struct error trouble; /* the first reader that could not be closed */
};

/* ---- store_lock.c ---- */

/* ERROR_BUSY, naming the process that has it. *out is a file descriptor. */
bool store_take_lock(const char *dir, int *out, struct error *error) MUST_CHECK;
void store_drop_lock(int lock_file); /* −1 is allowed */

/* ---- store_schema.c ---- */

/* Refuses a damaged or foreign file and a newer schema before it changes anything, then applies
 * missing migrations. *checked: the file was small enough to be read whole. */
bool store_schema_ready(struct sql *sql, bool *checked, struct error *error) MUST_CHECK;

/* ---- store_writer.c ---- */

bool store_writer_start(struct store *store, struct error *error) MUST_CHECK;
/* Refuses new pieces, does what is queued, joins. May be called again. */
void store_writer_stop(struct store *store);

/* ---- store_metric_read.c: numbers that are not finite are a NULL with a flag ---- */

enum nonfinite metric_flag(double value);
double metric_nonfinite(int64_t flag);
/* By its columns of the current row. */
double metric_value(struct sqlite3_stmt *statement, int value, int flag);

/* ---- store_stretch.c; for writes ---- */

/* The stretches of one series that a batch of rows is filling, by level. */
struct stretches {
    int64_t job, series;
    struct stretch_open {
        int64_t place;
        bool any;
        struct stretch stretch;
    } open[STRETCH_LEVELS];
};
/* A row that was not there before. */
bool stretches_add(struct db *db, struct stretches *stretches, struct stretch_row row,
                   struct error *error) MUST_CHECK;
bool stretches_end(struct db *db, struct stretches *stretches, struct error *error) MUST_CHECK;
/* After the rows behind that step were deleted. */
bool stretches_cut(struct db *db, int64_t job, int64_t series, int64_t step,
                   struct error *error) MUST_CHECK;
int stretch_shift(int level);

/* ---- store_arrival.c; for writes ---- */

/* New rows from that step on came with the newest event. */
bool arrival_add(struct db *db, int64_t job, int64_t series, int64_t step,
                 struct error *error) MUST_CHECK;
/* The rows of one series behind that step are no longer there. */
bool arrival_cut(struct db *db, int64_t job, int64_t series, int64_t step,
                 struct error *error) MUST_CHECK;
/* Clients that have rows of the job behind that step must drop them. */
bool arrival_withdraw(struct db *db, int64_t job, int64_t step, struct error *error) MUST_CHECK;

/* ---- across tables; all for the writer's connection, inside a transaction ---- */

/* store_job_move that also adds to the job's restarts. */
bool store_job_change(struct db *db, const struct job_move *move, int64_t restarts,
                      struct error *error) MUST_CHECK;

/* Runs an INSERT into event and notes its number. */
bool store_event_insert(struct db *db, const char *text, struct sql_list list,
                        struct error *error) MUST_CHECK;
/* Something that a user sees of the job has changed. */
bool store_job_touch(struct db *db, int64_t number, struct error *error) MUST_CHECK;
/* Of a job that ends: takes back the edits that wait, and what the job shows of them. */
bool store_edit_void(struct db *db, int64_t job, struct error *error) MUST_CHECK;
/* Puts the jobs of a daemon that died back. */
bool store_job_recover(struct db *db, struct error *error) MUST_CHECK;
/* Whether deleted jobs have left something. */
bool store_sweep_waits(struct db *db, bool *waits, struct error *error) MUST_CHECK;
/* Deletes some of what incomplete checkpoints of one job (0: all) hold; *more: there is more to
 * delete. */
bool store_checkpoint_sweep(struct db *db, int64_t job, bool *more, struct error *error) MUST_CHECK;

#endif
