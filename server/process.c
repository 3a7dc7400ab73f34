/* Process: see process.h. Reads /proc. */
#include "server/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int64_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int64_t count = 0;

    if (!folder)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count;
}

static void look_at_memory(struct process_facts *out)
{
    FILE *file = fopen("/proc/self/statm", "re");
    int64_t page = sysconf(_SC_PAGESIZE), all = 0, resident = 0;

    if (!file)
        return;
    if (fscanf(file, "%" SCNd64 " %" SCNd64, &all, &resident) == 2) {
        out->virtual_bytes = all * page;
        out->resident_bytes = resident * page;
    }
    (void)fclose(file);
}

void process_look(struct process_facts *out)
{
    struct timespec used = {0};
    struct rlimit files = {0};

    *out = (struct process_facts){0};
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
        out->cpu_seconds = (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
    look_at_memory(out);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        out->files_most = (int64_t)files.rlim_cur;
    out->files = count_entries("/proc/self/fd");
    if (out->files > 0)
        out->files--; /* the one that counted */
    out->threads = count_entries("/proc/self/task");
}

int64_t file_bytes(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 ? (int64_t)found.st_size : 0;
}

int64_t disk_free_bytes(const char *path)
{
    struct statvfs found;

    if (statvfs(path, &found) != 0)
        return -1;
    return (int64_t)(found.f_bavail * found.f_frsize);
}
