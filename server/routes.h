/* Routes: one row per endpoint, and what their handlers may touch. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/catalog.h"
#include "server/config.h"
#include "server/evaluator.h"
#include "server/http.h"
#include "server/instruments.h"
#include "server/models.h"
#include "server/pool.h"
#include "server/speedometer.h"

#include <stdatomic.h>

/* Owned by serve.c, borrowed by every handler. */
struct app {
    const struct config *config;
    const struct log *log;
    struct store *store;
    struct catalog *catalog;
    struct pool *pool;
    struct http *http;
    struct speedometer *speedometer;
    struct instruments *instruments;
    int64_t started_at; /* Unix milliseconds */
    struct event_feed *feed;
    struct models *models;
    struct evaluator *evaluator;
    struct threads threads;
    struct memory *memory;      /* of jobs and uploads together */
    enum kernel_choice kernels; /* that train */
    atomic_bool stopping; /* /readyz says 503 and submissions are refused with 503 + Retry-After */
};

extern const struct route routes[];
extern const size_t route_count;

#endif
