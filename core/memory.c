/* Memory: see memory.h. In a container /proc/self/cgroup may name a group by its path on the host,
 * which is not there inside; what is there, up to the root of the mount, is looked at. */
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 2048 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A file with one number; "max" is none. */
static int64_t limit_in(const char *folder, const char *path, const char *file)
{
    char name[3 * PATH_BYTES];
    long long limit = 0;

    (void)snprintf(name, sizeof(name), "%s%s/%s", folder, path, file);
    FILE *stream = fopen(name, "re");
    if (!stream)
        return INT64_MAX;
    int found = fscanf(stream, "%lld", &limit);
    (void)fclose(stream);
    return found == 1 && limit > 0 ? limit : INT64_MAX;
}

/* The group's own limit and those of all groups that it is in. Cuts `path` down. */
static int64_t limit_along(const char *folder, char *path, const char *file)
{
    int64_t limit = limit_in(folder, "", file);

    for (char *slash = path; slash != NULL && *path != '\0'; *slash = '\0') {
        limit = smaller(limit, limit_in(folder, path, file));
        slash = strrchr(path, '/');
        if (slash == NULL)
            break;
    }
    return limit;
}

/* A line is "0::/path" for version 2 and "5:cpuset,memory:/path" for version 1. */
static int64_t limit_of_line(char *line, const char *root)
{
    char folder[PATH_BYTES], *names = strchr(line, ':'),
                             *path = names ? strchr(names + 1, ':') : NULL;

    if (!path)
        return INT64_MAX;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (names[1] == '\0')
        return limit_along(root, path, "memory.max");
    for (char *rest = NULL, *name = strtok_r(names + 1, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        if (strcmp(name, "memory") != 0)
            continue;
        (void)snprintf(folder, sizeof(folder), "%s/memory", root);
        return limit_along(folder, path, "memory.limit_in_bytes");
    }
    return INT64_MAX;
}

int64_t memory_limit_of_groups(const char *groups, const char *root)
{
    char line[PATH_BYTES];
    int64_t limit = INT64_MAX;
    FILE *stream = fopen(groups, "re");

    if (!stream)
        return INT64_MAX;
    while (fgets(line, sizeof(line), stream))
        limit = smaller(limit, limit_of_line(line, root));
    (void)fclose(stream);
    return limit;
}

int64_t memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int64_t machine = pages > 0 && size > 0 ? (int64_t)pages * size : INT64_MAX;

    return smaller(machine, memory_limit_of_groups("/proc/self/cgroup", "/sys/fs/cgroup"));
}

void memory_init(struct memory *memory, int64_t most)
{
    *memory = (struct memory){.most = most};
    pthread_mutex_init(&memory->lock, NULL);
}

void memory_drop(struct memory *memory)
{
    pthread_mutex_destroy(&memory->lock);
}

bool memory_take(struct memory *memory, int64_t bytes)
{
    pthread_mutex_lock(&memory->lock);
    bool fits = bytes <= memory->most - memory->taken;
    memory->taken += fits ? bytes : 0;
    pthread_mutex_unlock(&memory->lock);
    return fits;
}

void memory_charge(struct memory *memory, int64_t bytes)
{
    pthread_mutex_lock(&memory->lock);
    memory->taken += bytes;
    pthread_mutex_unlock(&memory->lock);
}

void memory_give(struct memory *memory, int64_t bytes)
{
    memory_charge(memory, -bytes);
}

int64_t memory_left(struct memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    int64_t left = memory->most - memory->taken;
    pthread_mutex_unlock(&memory->lock);
    return left;
}
