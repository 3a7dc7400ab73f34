/* traind backup: a copy of the database while the daemon runs. What is in files beside it never
 * changes once it is there, so it is told of and not copied. */
#include "server/commands.h"

#include "core/field.h"
#include "server/config.h"
#include "server/store.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USE = 2 };

static void usage(FILE *out)
{
    fputs("Usage: traind backup FILE [--data-dir DIR]\n\n"
          "Copies the database into FILE, also while a daemon trains: all jobs, their curves and\n"
          "their checkpoints, as they are at one moment. FILE is replaced when the copy is\n"
          "complete. To restore it, copy FILE to traind.db in an empty data directory and start\n"
          "the daemon there: jobs go on from their newest checkpoints, bit for bit.\n\n"
          "Uploaded data sets and weights, and access tokens, are files of the data directory:\n"
          "copy datasets/, weights/ and tokens after the backup, where they are there.\n",
          out);
}

static void tell(const struct config *config, const char *file)
{
    static const char *const others[] = {"datasets", "weights", "tokens"};
    char path[PATH_MAX];

    printf("backed up into %s\n", file);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", config->data_dir, others[i]);
        if (access(path, F_OK) == 0)
            printf("not in it: %s (copy it beside)\n", path);
    }
}

static int complain(const struct error *error)
{
    const char *between = error->where[0] == '\0' ? "" : error->where[0] == '-' ? " " : ": ";

    fprintf(stderr, "traind backup: %s%s%s\n", error->where, between, error->text);
    return error->kind == ERROR_INVALID ? STATUS_USE : STATUS_FAILED;
}

int command_backup(int argc, char **argv)
{
    struct config config;
    struct error error = {0};
    const char *file = NULL;
    char *options[2] = {NULL};
    int count = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return STATUS_GOOD;
        }
        if (strcmp(argv[i], "--data-dir") == 0 && i + 1 < argc) {
            options[0] = argv[i];
            options[1] = argv[++i];
            count = 2;
        } else if (strncmp(argv[i], "--data-dir=", 11) == 0) {
            options[0] = argv[i];
            count = 1;
        } else if (argv[i][0] != '-' && !file) {
            file = argv[i];
        } else {
            usage(stderr);
            return STATUS_USE;
        }
    }
    if (!file) {
        usage(stderr);
        return STATUS_USE;
    }
    if (!config_read(count, options, &config, &error) ||
        !store_backup(config.data_dir, file, &error))
        return complain(&error);
    tell(&config, file);
    return STATUS_GOOD;
}
