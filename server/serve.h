/* Serve: the daemon's wiring, and the order in which its parts start and stop. Knows what every
 * part is for and nothing of how it works. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/config.h"

/* Runs the daemon until SIGTERM, SIGINT or SIGHUP. Call it in the main thread before any other
 * thread runs. Returns the exit status: 0 after a clean stop, 1 when it could not start (the log
 * says why). */
int serve_run(const struct config *config);

#endif
