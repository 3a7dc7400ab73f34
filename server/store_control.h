/* Store's control: what users want of a job that has been accepted: edits of its course, when it is
 * to stop, what it is called. Part of the store; knows nothing of what an edit means.
 *
 * An edit waits until the job's runner takes it at a step boundary. From then on it has a place in
 * the job's story, (returns, step), and holds for all that comes behind it. Edits are taken in the
 * order in which they were asked for. */
#ifndef SERVER_STORE_CONTROL_H
#define SERVER_STORE_CONTROL_H

#include "server/store.h"

/* ---- edits ---- */

struct edit_row {
    int64_t number;
    int64_t step;    /* steps done when it was taken; −1: it waits */
    int64_t returns; /* how often the job had gone back by then */
    char *changes;   /* JSON object: see job_course.h */
};
struct edit_list {
    struct edit_row *rows; /* in order */
    int count;
};
void edit_list_drop(struct edit_list *list);

enum edit_choice { EDITS_TAKEN, EDITS_WAITING };
bool store_edit_list(struct db *db, int64_t job, enum edit_choice which, struct edit_list *out,
                     struct error *error) MUST_CHECK;
/* The spec without any of them; malloc'ed. */
bool store_edit_first_spec(struct db *db, int64_t job, char **out, struct error *error) MUST_CHECK;

/* Borrowed. */
struct edit_new {
    int64_t job;
    const char *changes;
    const char *spec, *plan; /* the job's, as they are with it */
    int64_t steps, epochs;   /* the run's length with it */
};
/* Adds one that waits; the job's spec, plan and length are the new ones at once. */
bool store_edit_add(struct db *db, const struct edit_new *edit, struct error *error) MUST_CHECK;

struct edit_taken {
    int64_t number, job, step, returns;
    const char *event; /* data of the `edit` event */
};
/* Gives it its place. ERROR_CONFLICT when it has one. */
bool store_edit_take(struct db *db, const struct edit_taken *taken, struct error *error) MUST_CHECK;

/* The newest step that the store has rows of: an edit that is taken before it would change what was
 * shown already. */
bool store_edit_frontier(struct db *db, int64_t job, int64_t *out, struct error *error) MUST_CHECK;

/* ---- orders ---- */

enum stop_when { STOP_NOW, STOP_EPOCH, STOP_CHECKPOINT, STOP_WHENS };
/* "now", "epoch", "checkpoint". */
/* NULL-ended */
extern const char *const stop_when_names[STOP_WHENS + 1];
const char *stop_when_name(enum stop_when when);
int stop_when_find(const char *name); /* −1 when there is none */

struct job_orders {
    enum job_state state;
    enum stop_when when; /* of a job that is being cancelled */
    bool edits;          /* some wait */
};
bool store_job_orders(struct db *db, int64_t number, struct job_orders *out,
                      struct error *error) MUST_CHECK;
/* Of a job that is being cancelled, or is about to be in the same write. */
bool store_job_stop_when(struct db *db, int64_t number, enum stop_when when,
                         struct error *error) MUST_CHECK;

/* ---- requests that may be repeated ---- */

struct repeat_row {
    int64_t job;     /* that the first one made; 0: there was none */
    char sha256[65]; /* of what was asked for */
    char id[JOB_ID_SIZE];
};
bool store_repeat_find(struct db *db, const char *key, struct repeat_row *out,
                       struct error *error) MUST_CHECK;
/* The key must be new. It goes with its job. */
bool store_repeat_put(struct db *db, const char *key, const char *sha256, int64_t job,
                      struct error *error) MUST_CHECK;

/* ---- deleting ---- */

/* An ended job is gone for every reader at once, its idempotency key too, and a `deleted` event
 * tells of it, which stays. What it leaves behind waits for store_sweep. ERROR_CONFLICT, with the
 * state, when it has not ended. */
bool store_job_delete(struct db *db, int64_t number, struct error *error) MUST_CHECK;
/* Has the writer delete what deleted jobs have left, piece by piece between other writes, and give
 * the room back to the file system. Any thread; returns at once. After the deletion's COMMIT;
 * store_open does it for those of earlier daemons. */
void store_sweep(struct store *store);

/* ---- what a job is called ---- */

struct job_naming {
    int64_t job;
    const char *meta; /* JSON object: see job_row */
    int64_t priority;
    const char *event; /* data of the `edit` event */
};
bool store_job_name(struct db *db, const struct job_naming *naming, struct error *error) MUST_CHECK;

#endif
