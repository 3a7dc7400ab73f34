/* List cursor: the place that a list of jobs has come to, as an opaque text for clients. It carries
 * the place itself and not a row's name, so that it holds when that job changes or goes. */
#ifndef SERVER_LIST_CURSOR_H
#define SERVER_LIST_CURSOR_H

#include "server/body.h"
#include "server/store_list.h"

struct list_sort {
    enum job_order order;
    bool down;
};

/* Letters and digits only. */
void list_cursor_put(struct body *out, const struct list_sort *sort, const struct job_place *place);
/* ERROR_INVALID for what is no cursor, or one of a list with another sort. */
bool list_cursor_read(const char *text, const struct list_sort *sort, struct job_place *out,
                      struct error *error) MUST_CHECK;

#endif
