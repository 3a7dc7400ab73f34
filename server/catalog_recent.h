/* Recent: data sets that nobody uses just now and somebody will ask for in a moment. Each stays for
 * some seconds after its last use, the newest in any case, others while all of them together are
 * small. A thread of its own lets them go; it sleeps while there is nothing to do. Thread-safe. */
#ifndef SERVER_CATALOG_RECENT_H
#define SERVER_CATALOG_RECENT_H

#include "server/catalog.h"

struct catalog_recent;

/* NULL: no memory. */
struct catalog_recent *recent_new(struct catalog *catalog);
/* Lets go of all. NULL is allowed. */
void recent_free(struct catalog_recent *recent);
/* Takes the caller's use of the set. */
void recent_keep(struct catalog_recent *recent, struct dataset *dataset);

#endif
