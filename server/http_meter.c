/* Meter: how long requests take, by route and class of status, and how many places are taken. The
 * table is as large as there are routes, whoever asks for whatever. */
#include "server/http_internal.h"

#include <stdlib.h>

enum { STATUS_CLASSES = 5 }; /* 1xx … 5xx */

bool meter_open(struct http *http, struct error *error)
{
    size_t rows = http->setup.route_count + 1; /* the last one: no route */

    http->durations = calloc(rows * STATUS_CLASSES, sizeof(*http->durations));
    return http->durations || error_set(error, ERROR_MEMORY, "http", "no memory for the meters");
}

void meter_close(struct http *http)
{
    free(http->durations);
    http->durations = NULL;
}

void meter_answer(const struct http_exchange *exchange, double seconds)
{
    const struct http *http = exchange->http;
    size_t row =
        exchange->route ? (size_t)(exchange->route - http->setup.routes) : http->setup.route_count;
    int first = exchange->response.status / 100;

    if (first < 1 || first > STATUS_CLASSES || exchange->marks.live)
        return;
    histogram_observe(&http->durations[row * STATUS_CLASSES + (size_t)first - 1], seconds);
}

void http_durations(const struct http_request *request, http_durations_each *each, void *context)
{
    const struct http *http = request->exchange->http;
    struct histogram_view seen;

    for (size_t row = 0; row <= http->setup.route_count; row++)
        for (int first = 1; first <= STATUS_CLASSES; first++) {
            const struct histogram *cell =
                &http->durations[row * STATUS_CLASSES + (size_t)first - 1];

            histogram_look(cell, &seen);
            if (seen.counts[HISTOGRAM_BOUNDS] > 0)
                each(context, row < http->setup.route_count ? &http->setup.routes[row] : NULL,
                     first, cell);
        }
}

void http_count(const struct http_request *request, struct http_counts *out)
{
    struct http *http = request->exchange->http;

    *out = (struct http_counts){.connections = atomic_load(&http->peers.count)};
    desk_count(http, out);
    pthread_mutex_lock(&http->hub.lock);
    out->streams = http->hub.live_count;
    pthread_mutex_unlock(&http->hub.lock);
}
