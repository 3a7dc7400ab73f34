/* Daemon: the built traind as a child process on a free port, for tests from outside. Everything
 * here fails the test when it cannot do what it says. A daemon that a test leaves behind is ended
 * with it. */
#ifndef TESTS_API_DAEMON_H
#define TESTS_API_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon {
    pid_t pid;
    char address[128]; /* "127.0.0.1:43121" */
};

/* Starts `traind serve` on `data_dir`, with the reference kernels and the data sets among the
 * members of `datasets`; returns once it answers. `extra`: NULL-ended further arguments, or NULL.
 */
void daemon_start(struct daemon *daemon, const char *data_dir, const char *datasets,
                  const char *const *extra);

/* Runs `traind` with these arguments (NULL-ended) to its end; its exit status, 128 + signal when
 * one ended it. What it printed is in the file `output`. */
int traind_run(const char *const *arguments, const char *output);

/* SIGKILL, and gone when it returns. */
void daemon_kill(struct daemon *daemon);
/* SIGTERM; the exit status, 128 + signal when one ended it. */
int daemon_stop(struct daemon *daemon);

/* Waits until the job's curve gets longer, or the job has ended. A job whose daemons die again and
 * again before it gets on fails. */
void daemon_let_advance(const struct daemon *daemon, const char *id);

/* One request. `body` NULL: a GET. Returns the status, 0 when the connection failed. *answer (may
 * be NULL) is malloc'ed text. */
int daemon_ask(const struct daemon *daemon, const char *path, const char *body, char **answer);
/* The same with a method of its own. */
int daemon_call(const struct daemon *daemon, const char *method, const char *path, const char *body,
                char **answer);

#endif
