/* Event text: a stored event as the JSON object that streams send. Knows no stream. */
#ifndef SERVER_EVENT_TEXT_H
#define SERVER_EVENT_TEXT_H

#include "server/body.h"
#include "server/store.h"

/* Appends {"job": id, "step": …, "at": …, what else the event says}; with a `metrics` event the
 * rows that the store has of its steps. ERROR_CORRUPT when what is stored is not JSON. */
bool event_text_put(struct body *out, struct db *db, const struct event_row *event,
                    struct error *error) MUST_CHECK;

#endif
