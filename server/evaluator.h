/* Evaluator: sees to it that the server looks at one whole split at a time, and that who asks for
 * what is just being made gets it too. Knows nothing of how it is made. Thread-safe. */
#ifndef SERVER_EVALUATOR_H
#define SERVER_EVALUATOR_H

#include "server/store_network.h"

struct evaluator;

bool evaluator_new(struct evaluator **out, struct error *error) MUST_CHECK;
/* When nobody asks any more. NULL is allowed. */
void evaluator_free(struct evaluator *evaluator);

/* What is asked for, and how it is made: fills *out, takes its time. */
struct evaluator_task {
    int64_t checkpoint;
    const char *split;
    bool (*make)(void *context, struct evaluation_row *out, struct error *error);
    void *context;
};
/* Makes it, or waits for who does, or remembers what was made last. *fresh: made for this caller,
 * who should store it. Drop the row. ERROR_BUSY when others wait already; errors of `make`. */
bool evaluator_ask(struct evaluator *evaluator, const struct evaluator_task *task,
                   struct evaluation_row *out, bool *fresh, struct error *error) MUST_CHECK;

#endif
