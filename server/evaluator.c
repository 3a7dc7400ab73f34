/* Evaluator: see evaluator.h. */
#include "server/evaluator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Those who wait hold a clerk each: the others are for other requests. */
enum { WAITING_MAX = 1, SPLIT_SIZE = 16 };

struct evaluator {
    pthread_mutex_t lock; /* a leaf: never held while one is made */
    pthread_cond_t done;
    bool busy;
    int waiting;
    /* What was made last: its maker may not have stored it yet. */
    struct evaluation_row last;
    int64_t checkpoint;
    char split[SPLIT_SIZE];
};

bool evaluator_new(struct evaluator **out, struct error *error)
{
    struct evaluator *evaluator = calloc(1, sizeof(*evaluator));

    *out = evaluator;
    if (!evaluator)
        return error_set(error, ERROR_MEMORY, "evaluator", "no memory for the evaluations");
    pthread_mutex_init(&evaluator->lock, NULL);
    pthread_cond_init(&evaluator->done, NULL);
    return true;
}

void evaluator_free(struct evaluator *evaluator)
{
    if (!evaluator)
        return;
    evaluation_row_drop(&evaluator->last);
    pthread_cond_destroy(&evaluator->done);
    pthread_mutex_destroy(&evaluator->lock);
    free(evaluator);
}

static bool copy(const struct evaluation_row *from, struct evaluation_row *to, struct error *error)
{
    *to = (struct evaluation_row){
        .data = strdup(from->data), .worst = strdup(from->worst), .created_at = from->created_at};
    if (to->data && to->worst)
        return true;
    evaluation_row_drop(to);
    return error_set(error, ERROR_MEMORY, "", "no memory for the evaluation just now");
}

/* Under the lock. */
static bool is_last(const struct evaluator *evaluator, const struct evaluator_task *task)
{
    return evaluator->last.data && evaluator->checkpoint == task->checkpoint &&
           strcmp(evaluator->split, task->split) == 0;
}

/* Under the lock: until it is the caller's turn to make something, or *there: somebody has made
 * it. */
static bool take_turn(struct evaluator *evaluator, const struct evaluator_task *task, bool *there,
                      struct error *error)
{
    if (evaluator->busy && evaluator->waiting >= WAITING_MAX)
        return error_set(error, ERROR_BUSY, "",
                         "another evaluation is being made; ask again in a moment");
    evaluator->waiting++;
    while (evaluator->busy)
        pthread_cond_wait(&evaluator->done, &evaluator->lock);
    evaluator->waiting--;
    *there = is_last(evaluator, task);
    evaluator->busy = !*there;
    return true;
}

static void end_turn(struct evaluator *evaluator, const struct evaluator_task *task,
                     struct evaluation_row *last)
{
    struct evaluation_row old = {.data = NULL};

    pthread_mutex_lock(&evaluator->lock);
    if (last->data) {
        old = evaluator->last;
        evaluator->last = *last;
        evaluator->checkpoint = task->checkpoint;
        memcpy(evaluator->split, task->split, strlen(task->split) + 1);
    }
    evaluator->busy = false;
    pthread_cond_broadcast(&evaluator->done);
    pthread_mutex_unlock(&evaluator->lock);
    evaluation_row_drop(&old);
}

bool evaluator_ask(struct evaluator *evaluator, const struct evaluator_task *task,
                   struct evaluation_row *out, bool *fresh, struct error *error)
{
    struct evaluation_row kept = {.data = NULL};
    bool there = false;

    *out = kept;
    pthread_mutex_lock(&evaluator->lock);
    bool good = strlen(task->split) < SPLIT_SIZE && take_turn(evaluator, task, &there, error) &&
                (!there || copy(&evaluator->last, out, error));
    pthread_mutex_unlock(&evaluator->lock);
    *fresh = good && !there;
    if (!*fresh)
        return good;
    good = task->make(task->context, out, error) && copy(out, &kept, error);
    end_turn(evaluator, task, &kept);
    if (!good)
        evaluation_row_drop(out);
    return good;
}
