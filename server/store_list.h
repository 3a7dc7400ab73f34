/* Store's lists of jobs: filtered, in one of several orders, in pages that neither skip nor repeat
 * a job while others come and go. Part of the store; knows nothing of cursors as clients see them.
 */
#ifndef SERVER_STORE_LIST_H
#define SERVER_STORE_LIST_H

#include "server/store.h"

enum job_order {
    ORDER_ARRIVAL,
    ORDER_PRIORITY,
    ORDER_NAME, /* without regard to the case of ASCII letters */
    ORDER_START,
    ORDER_END,
    ORDER_VAL_LOSS, /* these by the best value that the job has had */
    ORDER_VAL_ACCURACY,
    ORDER_TRAIN_LOSS,
    ORDER_TRAIN_ACCURACY,
    JOB_ORDERS
};
/* "created_at", "-created_at", "priority" …, upwards and downwards in turn; NULL-ended. */
extern const char *const job_order_names[2 * JOB_ORDERS + 1];

/* Where an order has come to: its last job, and that job's key when it was listed. Which member
 * holds the key follows from the order. */
enum { JOB_NAME_SIZE = 201 };
struct job_place {
    int64_t number;
    bool without; /* it has no key: such jobs come last, newest first */
    int64_t integer;
    double real;
    char text[JOB_NAME_SIZE];
};
enum job_key { KEY_NONE, KEY_INTEGER, KEY_REAL, KEY_TEXT };
enum job_key job_order_key(enum job_order order);

/* Borrowed. */
struct job_query {
    uint32_t states;  /* 1 << enum job_state; 0: all */
    const char *name; /* is in the job's; NULL: any */
    const char
        *labels; /* JSON: [["team", "a"], ["gpu", null]] where null is any value; NULL: any */
    int label_count;
    enum job_order order;
    bool down;
    const struct job_place *after; /* NULL: from the beginning */
    int limit;                     /* ≤ JOB_PAGE_MAX */
};
enum { JOB_PAGE_MAX = 200 };

struct job_page {
    struct job_row rows[JOB_PAGE_MAX];
    int count;
    bool more;             /* there are jobs behind the last one, */
    struct job_place last; /* which is here */
};
void job_page_drop(struct job_page *page);

/* One page from one moment. *out is large; to be dropped after success. */
bool store_job_list(struct db *db, const struct job_query *query, struct job_page *out,
                    struct error *error) MUST_CHECK;

#endif
