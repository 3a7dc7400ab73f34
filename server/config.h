/* Config: the options of `traind serve`, from the command line, then the environment (TRAIND_…),
 * then defaults. One table for parsing and for --help. Knows nothing of what the options do. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "core/error.h"
#include "server/log.h"

struct config {
    char listen[128]; /* host:port; port 0: a free one */
    char hosts[512];  /* further names by which clients call us, with commas between */
    char data_dir[1024];
    int workers;          /* jobs that train at once, 1…64; 0 in the table: 1 */
    int threads;          /* threads of each; 0: cores / workers, at least 1 */
    int streams;          /* event streams at once */
    char kernels[16];     /* "auto", "portable" or "reference" */
    char port_file[1024]; /* the address is written there once the daemon answers; "" none */
    int free_disk;        /* MiB that must be free, or the daemon is not ready */
    int memory;           /* MiB of jobs and uploads together; 0: what the machine gives */
    int upload_limit;     /* MiB of an uploaded archive or file at most; 0: http's default */
    char datasets[1024];  /* folder whose members are registered at start: /usr/share/datasets */
    struct log log;
};

/* argv after the subcommand. ERROR_INVALID naming the option. */
bool config_read(int argc, char **argv, struct config *out, struct error *error) MUST_CHECK;
/* Prints the options with their defaults to standard output. */
void config_help(void);

#endif
