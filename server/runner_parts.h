/* One running job, as the runner_*.c files share it. One thread owns it all: the worker that runs
 * the job. */
#ifndef SERVER_RUNNER_PARTS_H
#define SERVER_RUNNER_PARTS_H

#include "server/clock.h"
#include "server/pace.h"
#include "server/runner.h"
#include "server/store_control.h"

enum { RUNNER_ROWS = 4096, RUNNER_EVALUATIONS = 16 };

/* What the world wants of the job at a step boundary. */
enum runner_wish {
    WISH_GO,
    WISH_STOP,   /* the daemon ends */
    WISH_CANCEL, /* the user is done with it */
    WISH_PAUSE,  /* the user wants the worker for something else */
    WISH_LEAVE   /* the stored state is one that another hand set: touch nothing more */
};

/* What an evaluation has found, as it is stored. */
struct runner_found {
    int64_t step;
    struct metric_row rows[SPEC_METRICS];
    size_t count;
    char *event; /* its data, malloc'ed */
};

/* Metric rows of steps, and what evaluations have found, that are gathered for the store. */
struct runner_rows {
    struct metric_row *rows; /* RUNNER_ROWS of them */
    size_t count;
    struct runner_found found[RUNNER_EVALUATIONS];
    size_t found_count;
    double flushed_at;         /* clock_seconds of the last flush */
    double progress_at;        /* of the last one with the progress */
    struct delivery *delivery; /* those on their way: runner_rows.c */
};

/* What was measured at which step; step 0: nothing yet. */
struct runner_measured {
    int64_t step;
    struct observation found;
};

/* A spec that edits have made, and its plan. */
struct runner_version {
    struct json_t *json;
    struct spec spec;
    struct plan plan;
};

/* What users want of the job beside what it began with. */
struct runner_course {
    char *first;            /* the spec without edits, JSON */
    struct edit_list edits; /* those that have a place, in order; some may be to come again */
    struct runner_version *version; /* as the trainer has it; NULL: runner.spec and runner.plan */
    int64_t frontier;               /* the newest step that was shown: no new edit before it */
    bool wait;                      /* the store may have edits that want a place */
    enum stop_when stop;            /* STOP_NOW: nothing is put off */
    bool cancelling;                /* at the next `stop` */
};

struct runner {
    const struct runner_world *world;
    const struct job_row *job;
    struct runner_signals *signals;
    struct db *reader;
    struct spec spec; /* as the job began: only the trainer knows of edits */
    struct plan plan;
    struct dataset *dataset;
    struct trainer *trainer;
    struct step_report last; /* the step that the weights stand at; step 0: the beginning */
    struct runner_rows rows;
    struct pace pace; /* of this life of the job */
    struct runner_measured measured;
    struct runner_course course;
    uint8_t *checkpoint; /* checkpoint_size(&plan) bytes, for writing and reading */
    char ending[256];    /* why the job ends before its last step, although all is well; "" */
};

/* ---- runner_open.c: everything a job needs before its first step ---- */

bool runner_open(struct runner *runner, struct error *error) MUST_CHECK;
/* Any runner that runner_open has seen, also where it failed. */
void runner_close(struct runner *runner);

/* ---- runner_rows.c ---- */

bool runner_rows_open(struct runner_rows *rows, struct error *error) MUST_CHECK;
/* Waits for what is on its way. Zeroed rows are allowed. */
void runner_rows_close(struct runner_rows *rows);
/* Adds a step's rows; sends the batch off when it is old or full. What became of the one before is
 * heard of then. */
bool runner_report(struct runner *runner, const struct step_report *report,
                   struct error *error) MUST_CHECK;
/* Adds what an evaluation has found; the event's text is given away. Rows and event are one write,
 * behind those of the steps that were gathered with them. */
bool runner_report_found(struct runner *runner, const struct runner_found *found,
                         struct error *error) MUST_CHECK;
/* Sends off what waits and does not wait for it. */
bool runner_send(struct runner *runner, struct error *error) MUST_CHECK;
/* Whether something waits. */
bool runner_rows_wait(const struct runner_rows *rows);
/* Stores what waits, with the progress, and waits for it. */
bool runner_flush(struct runner *runner, struct error *error) MUST_CHECK;

/* ---- runner_progress.c ---- */

/* The progress object as JSON text; malloc'ed, NULL when memory is gone. */
char *progress_text(const struct runner *runner);

/* ---- runner_evaluation.c ---- */

/* Whether the step that the job stands at is to be evaluated and the trainer has not heard of it.
 */
bool runner_evaluation_due(const struct runner *runner);
/* Evaluates, stores it and lets the trainer observe it; what an earlier life measured at this step
 * is not measured again. Returns early, with nothing stored, when *wish changes. */
bool runner_evaluate(struct runner *runner, enum runner_wish *wish, struct error *error) MUST_CHECK;
/* Reads back what an earlier life measured at the current step. */
bool runner_recall(struct runner *runner, struct error *error) MUST_CHECK;

/* ---- runner_checkpoint.c ---- */

/* Stores the state at the current step, and the rows before it. Nothing to do at step 0. `passing`:
 * because the daemon stops; see checkpoint_new. */
bool runner_save(struct runner *runner, bool passing, struct error *error) MUST_CHECK;
/* The same in place of the step's checkpoint, if there is one, also at step 0; `also` joins the
 * write that completes it. */
bool runner_save_again(struct runner *runner, store_work *also, void *context,
                       struct error *error) MUST_CHECK;
/* Loads the newest checkpoint, passing ones only if `passing`, with the edits that it knows of. One
 * that is damaged is reported, and the next older one taken. *found: there was a good one;
 * otherwise the trainer stands where it was. */
bool runner_take_newest(struct runner *runner, bool passing, bool *found,
                        struct error *error) MUST_CHECK;
/* Puts the trainer where its newest good checkpoint stands. */
bool runner_resume(struct runner *runner, struct error *error) MUST_CHECK;
/* After the trainer has moved: where the job stands now. */
bool runner_stand(struct runner *runner, struct error *error) MUST_CHECK;

/* ---- runner_course.c ---- */

/* Reads the job's first spec and its edits. */
bool course_open(struct runner *runner, struct error *error) MUST_CHECK;
void course_close(struct runner *runner);
/* The trainer's spec as the first `edits` edits have made it, for what follows: a checkpoint that
 * knows of as many. ERROR_CORRUPT when there are not so many. */
bool course_suppose(struct runner *runner, int64_t edits, struct error *error) MUST_CHECK;
/* Makes the edits behind those that the trainer knows of, up to the `edits`-th, at once. */
bool course_repeat(struct runner *runner, int64_t edits, struct error *error) MUST_CHECK;
/* At a step boundary, when all that is due there is done: makes the edits whose place it is, and
 * gives those that wait this place, unless it was shown already what comes behind it. */
bool course_take(struct runner *runner, struct error *error) MUST_CHECK;

/* ---- runner_return.c ---- */

/* After a step that was not finite: goes back and on with a smaller rate, where the spec allows it,
 * or ends the job well, where it says so (runner->ending then says why), or fails with
 * ERROR_DIVERGED. */
bool runner_diverged(struct runner *runner, const struct step_report *report,
                     struct error *error) MUST_CHECK;

/* ---- runner_outcome.c ---- */

/* Reads the signals and, when they say so, the job's stored orders. */
bool runner_look(struct runner *runner, enum runner_wish *wish, struct error *error) MUST_CHECK;
/* Moves the job to its next state and says so in the log. `failure` NULL: nothing went wrong.
 * False: the job goes on, since its user wants it to. */
bool runner_conclude(struct runner *runner, enum runner_wish wish, const struct error *failure);

/* An entry of the log about the runner's job, where it stands now. */
#define RUNNER_LOG(runner, level, ...)                                                             \
    log_record((runner)->world->log, level,                                                        \
               LOG_FIELDS(log_text("job", (runner)->job->id),                                      \
                          log_number("step", (double)(runner)->last.step)),                        \
               __VA_ARGS__)

#endif
