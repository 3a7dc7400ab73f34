/* Process: what the system says of this one. Linux. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stdint.h>

/* What cannot be read is 0. */
struct process_facts {
    double cpu_seconds; /* of all threads, in user and system mode */
    int64_t resident_bytes, virtual_bytes;
    int64_t files, files_most; /* open descriptors, and how many there may be */
    int64_t threads;
};
void process_look(struct process_facts *out);

/* Bytes of a file; 0: it is not there. */
int64_t file_bytes(const char *path);
/* Bytes that this user may still write to the file system of `path`; −1: nobody can tell. */
int64_t disk_free_bytes(const char *path);

#endif
