/* Memory: how much this process may have, and a budget of it that threads take from before they
 * take the memory itself. Knows nothing of what it is for. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes that this process may have: the machine's memory, or less where its control group (version
 * 1 or 2), or one around it, is limited. INT64_MAX where nobody knows. */
int64_t memory_limit(void);

/* What the control groups allow: `groups` is a file like /proc/self/cgroup, `root` where the groups
 * are mounted. INT64_MAX for no limit, and for files that are not there or say something else. */
int64_t memory_limit_of_groups(const char *groups, const char *root);

struct memory {
    pthread_mutex_t lock; /* a leaf: guards `taken` */
    int64_t most;         /* never changes */
    int64_t taken;
};

void memory_init(struct memory *memory, int64_t most);
void memory_drop(struct memory *memory);
/* False, and nothing is taken, when that much is not left. Any thread. */
bool memory_take(struct memory *memory, int64_t bytes);
/* Takes it whatever is left: for what cannot be refused. */
void memory_charge(struct memory *memory, int64_t bytes);
void memory_give(struct memory *memory, int64_t bytes);
int64_t memory_left(struct memory *memory);

#endif
