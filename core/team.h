/* Team: a job's threads, which run numbered tasks together and meet at the end. Knows nothing of
 * what a task computes. Which thread takes which task varies with the load; results must not depend
 * on it. */
#ifndef CORE_TEAM_H
#define CORE_TEAM_H

#include "core/error.h"

struct team;

/* `task` in 0..tasks−1; `member` in 0..threads−1 names the thread, for its scratch memory. Cannot
 * fail: errors belong into the task's own results. Must not call the team it runs in. */
typedef void team_work(void *context, int task, int member);

/* For what every thread must do for itself, such as telling a library how many threads it may use.
 */
typedef void team_hello(void *context, int member);

/* Starts threads − 1 threads; the caller of team_run is member 0. threads ≥ 1. ERROR_IO when a
 * thread cannot be started: those that were are gone again. */
bool team_start(int threads, struct team **out, struct error *error) MUST_CHECK;
/* Ends and joins the threads. NULL is allowed. */
void team_stop(struct team *team);

int team_size(const struct team *team);

/* Runs work(context, 0 … tasks−1, member) over the team and returns when all are done. One caller
 * at a time. What the caller wrote before is seen by all tasks, and what they wrote is seen by the
 * caller after. */
void team_run(struct team *team, int tasks, team_work *work, void *context);

/* Runs hello(context, member) exactly once in every member's own thread, the caller's included, and
 * returns when all are done. One caller at a time. */
void team_each(struct team *team, team_hello *hello, void *context);

#endif
