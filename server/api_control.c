/* Control of a job: pausing, resuming, cancelling. Each is one conditional move; a state that does
 * not allow it is 409. */
#include "server/api.h"

#include "server/store_control.h"

#include <stdlib.h>

enum action { ACTION_PAUSE, ACTION_RESUME, ACTION_CANCEL, ACTIONS };

static const char *const action_names[ACTIONS] = {"paused", "resumed", "cancelled"};

/* Where each action leads from each state; the state itself: nothing to do. JOB_STATES: nowhere. A
 * job that a worker has must store its last checkpoint first. */
static const enum job_state targets[ACTIONS][JOB_STATES] = {
    [ACTION_PAUSE] = {[JOB_QUEUED] = JOB_PAUSED,
                      [JOB_RUNNING] = JOB_PAUSING,
                      [JOB_PAUSING] = JOB_STATES,
                      [JOB_PAUSED] = JOB_STATES,
                      [JOB_CANCELLING] = JOB_STATES,
                      [JOB_CANCELLED] = JOB_STATES,
                      [JOB_SUCCEEDED] = JOB_STATES,
                      [JOB_FAILED] = JOB_STATES},
    [ACTION_RESUME] = {[JOB_QUEUED] = JOB_STATES,
                       [JOB_RUNNING] = JOB_STATES,
                       [JOB_PAUSING] = JOB_RUNNING, /* the worker has not let go of it yet */
                       [JOB_PAUSED] = JOB_QUEUED,
                       [JOB_CANCELLING] = JOB_STATES,
                       [JOB_CANCELLED] = JOB_STATES,
                       [JOB_SUCCEEDED] = JOB_STATES,
                       [JOB_FAILED] = JOB_STATES},
    [ACTION_CANCEL] = {[JOB_QUEUED] = JOB_CANCELLED,
                       [JOB_RUNNING] = JOB_CANCELLING,
                       [JOB_PAUSING] = JOB_CANCELLING,
                       [JOB_PAUSED] = JOB_CANCELLED,
                       [JOB_CANCELLING] = JOB_CANCELLING, /* perhaps earlier than before */
                       [JOB_CANCELLED] = JOB_STATES,
                       [JOB_SUCCEEDED] = JOB_STATES,
                       [JOB_FAILED] = JOB_STATES},
};

struct order {
    enum action action;
    enum stop_when when; /* of a cancel */
    struct api_aim aim;
};

static void order_free(void *context)
{
    struct order *order = context;

    api_aim_drop(&order->aim);
    free(order);
}

/* A job that is to stop now does not get more time. */
static bool set_when(struct db *db, const struct job_row *row, enum stop_when when,
                     struct error *error)
{
    struct job_orders orders;

    if (row->state == JOB_CANCELLING) {
        if (!store_job_orders(db, row->number, &orders, error))
            return false;
        if (orders.when == STOP_NOW || orders.when == when)
            return true;
    } else if (when == STOP_NOW) {
        return true;
    }
    return store_job_stop_when(db, row->number, when, error);
}

static bool move(struct db *db, const struct order *order, const struct job_row *row,
                 struct error *error)
{
    enum job_state to = targets[order->action][row->state];
    const struct job_move move = {.number = row->number, .from = row->state, .to = to};

    if (to == JOB_STATES)
        return error_set(error, ERROR_CONFLICT, "", "the job is %s%s and cannot be %s",
                         job_state_ended(row->state) ? "over: it is " : "",
                         job_state_name(row->state), action_names[order->action]);
    return (to != JOB_CANCELLING || set_when(db, row, order->when, error)) &&
           (to == row->state || store_job_move(db, &move, error));
}

static void tell_pool(struct app *app, int64_t number)
{
    pool_tell(app->pool, number);
    pool_wake(app->pool);
}

static bool write_control(struct db *db, void *context, struct http_response *response,
                          struct error *error)
{
    const struct order *order = context;
    struct job_row row = {0};
    bool good = api_find_job_by(db, order->aim.id, &row, error);

    if (good && api_may_change(&order->aim, &row, response)) {
        good = move(db, order, &row, error) && api_answer_job(db, row.number, response, error);
        response->after = tell_pool;
        response->after_number = row.number;
    }
    job_row_drop(&row);
    return good;
}

static bool act(const struct http_request *request, struct order wanted,
                struct http_response *response, struct error *error)
{
    struct order *order = malloc(sizeof(*order));

    if (!order)
        return error_set(error, ERROR_MEMORY, "", "no memory for the request");
    *order = wanted;
    if (!api_aim_take(request, &order->aim, error)) {
        free(order);
        return false;
    }
    response->write = (struct http_write){write_control, order, order_free};
    return true;
}

bool api_jobs_pause(const struct http_request *request, struct http_response *response,
                    struct error *error)
{
    return act(request, (struct order){.action = ACTION_PAUSE}, response, error);
}

bool api_jobs_resume(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    return act(request, (struct order){.action = ACTION_RESUME}, response, error);
}

bool api_jobs_cancel(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    int when = http_query_choice(request, "when", STOP_NOW);

    return act(request, (struct order){.action = ACTION_CANCEL, .when = (enum stop_when)when},
               response, error);
}
