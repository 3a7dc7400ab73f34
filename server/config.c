/* Config: one table of options; a default, an environment variable and a command-line value all
 * take the same way into the struct. Knows nothing of what the options do. */
#include "server/config.h"

#include "core/field.h"
#include "core/trainer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type {
    OPTION_TEXT,   /* char[max] */
    OPTION_INT,    /* int in min…max */
    OPTION_CHOICE, /* char[max], one of `choices` */
    OPTION_NAMED   /* an enum, by the function `find` */
};

struct option {
    const char *name;        /* "--listen" */
    const char *environment; /* "TRAIND_LISTEN" */
    const char *value;       /* how --help calls the value */
    const char *fallback;
    enum option_type type;
    size_t offset;
    long min, max;
    const char *const *choices; /* of OPTION_NAMED too, for messages */
    const char *help;
    int (*find)(const char *name);
};

#define TEXT_OPTION(member)                                                                        \
    OPTION_TEXT, offsetof(struct config, member), 0, (long)sizeof(((struct config *)0)->member)

static const char *const level_names[] = {"error", "warning", "info", "debug", NULL};
static const char *const form_names[] = {"plain", "json", NULL};

static const struct option options[] = {
    {"--listen", "TRAIND_LISTEN", "HOST:PORT", "127.0.0.1:8080", TEXT_OPTION(listen), NULL,
     "address to listen on; port 0 takes a free one"},
    {"--hosts", "TRAIND_HOSTS", "NAMES", "", TEXT_OPTION(hosts), NULL,
     "further names by which it is called, with commas between, such as a proxy's"},
    {"--data-dir", "TRAIND_DATA_DIR", "DIR", "traind-data", TEXT_OPTION(data_dir), NULL,
     "folder of the database; made when missing"},
    {"--workers", "TRAIND_WORKERS", "N", "1", OPTION_INT, offsetof(struct config, workers), 1, 64,
     NULL, "jobs that train at once"},
    {"--threads", "TRAIND_THREADS", "N", "0", OPTION_INT, offsetof(struct config, threads), 0, 1024,
     NULL, "threads of each job; 0 shares the processors among the workers"},
    {"--streams", "TRAIND_STREAMS", "N", "64", OPTION_INT, offsetof(struct config, streams), 1,
     10000, NULL, "event streams at once; more are answered with 503"},
    {"--kernels", "TRAIND_KERNELS", "NAME", "auto", OPTION_CHOICE, offsetof(struct config, kernels),
     0, (long)sizeof(((struct config *)0)->kernels), kernel_choice_names,
     "auto takes the fastest of this processor, portable our own for any, reference the plain "
     "loops"},
    {"--port-file", "TRAIND_PORT_FILE", "FILE", "", TEXT_OPTION(port_file), NULL,
     "the address is written there once the daemon answers"},
    {"--datasets", "TRAIND_DATASETS", "DIR", "/usr/share/datasets", TEXT_OPTION(datasets), NULL,
     "folder whose data sets are registered at start"},
    {"--free-disk", "TRAIND_FREE_DISK", "MIB", "64", OPTION_INT, offsetof(struct config, free_disk),
     0, 1 << 30, NULL, "MiB that must be free where the data directory is, or /readyz says 503"},
    {"--memory", "TRAIND_MEMORY", "MIB", "0", OPTION_INT, offsetof(struct config, memory), 0,
     1 << 30, NULL,
     "MiB of memory for running jobs and uploads together; 0 takes seven eighths of the machine's "
     "or the container's"},
    {"--upload-limit", "TRAIND_UPLOAD_LIMIT", "MIB", "8192", OPTION_INT,
     offsetof(struct config, upload_limit), 1, 1 << 20, NULL,
     "most MiB of an uploaded data set or file of weights"},
    {"--log", "TRAIND_LOG", "FORM", "plain", OPTION_NAMED, offsetof(struct config, log.form), 0, 0,
     form_names, "plain, or json: one object a line", log_form_find},
    {"--log-level", "TRAIND_LOG_LEVEL", "LEVEL", "info", OPTION_NAMED,
     offsetof(struct config, log.level), 0, 0, level_names, "error, warning, info or debug",
     log_level_find},
};

static bool option_int(const struct option *option, const char *origin, const char *text, int *out,
                       struct error *error)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return error_set(error, ERROR_INVALID, origin, "must be a whole number, not '%s'", text);
    if (value < option->min || value > option->max)
        return error_set(error, ERROR_INVALID, origin, "must be from %ld to %ld, not %ld",
                         option->min, option->max, value);
    *out = (int)value;
    return true;
}

static bool option_choice(const struct option *option, const char *origin, const char *text,
                          struct error *error)
{
    char allowed[128] = "";
    for (const char *const *choice = option->choices; *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return true;
        size_t used = strlen(allowed);
        (void)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", used > 0 ? ", " : "",
                       *choice);
    }
    return error_set(error, ERROR_INVALID, origin, "must be one of %s, not '%s'", allowed, text);
}

/* `origin`: the option or the variable, for messages. */
static bool option_store(const struct option *option, const char *origin, const char *text,
                         struct config *config, struct error *error)
{
    void *target = (char *)config + option->offset;
    if (option->type == OPTION_INT)
        return option_int(option, origin, text, target, error);
    if (option->choices && !option_choice(option, origin, text, error))
        return false;
    if (option->type == OPTION_NAMED) {
        *(unsigned *)target = (unsigned)option->find(text); /* as wide as every enum of ours */
        return true;
    }
    size_t length = strlen(text);
    if (length >= (size_t)option->max)
        return error_set(error, ERROR_INVALID, origin, "is longer than %ld bytes", option->max - 1);
    memcpy(target, text, length + 1);
    return true;
}

/* The row of "--name" or "--name=value"; *value then points behind the sign, else it is NULL. */
static const struct option *option_find(const char *argument, const char **value)
{
    size_t length = strcspn(argument, "=");
    *value = argument[length] == '=' ? argument + length + 1 : NULL;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (strlen(options[i].name) == length && strncmp(options[i].name, argument, length) == 0)
            return &options[i];
    }
    return NULL;
}

bool config_read(int argc, char **argv, struct config *out, struct error *error)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        const char *set = getenv(options[i].environment);
        const char *origin = set ? options[i].environment : options[i].name;
        if (!option_store(&options[i], origin, set ? set : options[i].fallback, out, error))
            return false;
    }
    for (int i = 0; i < argc; i++) {
        const char *value;
        const struct option *option = option_find(argv[i], &value);
        if (!option)
            return error_set(error, ERROR_INVALID, argv[i],
                             "is not an option; see 'traind serve --help'");
        if (!value && i + 1 == argc)
            return error_set(error, ERROR_INVALID, option->name, "needs a value");
        if (!option_store(option, option->name, value ? value : argv[++i], out, error))
            return false;
    }
    if (out->data_dir[0] == '\0')
        return error_set(error, ERROR_INVALID, "--data-dir", "must not be empty");
    return true;
}

void config_help(void)
{
    printf("Usage: traind serve [OPTION VALUE]…\n\n");
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        const struct option *option = &options[i];
        const char *fallback = option->fallback[0] != '\0' ? option->fallback : "none";
        printf("  %-14s %-10s %s\n%28s(default: %s; environment: %s)\n", option->name,
               option->value, option->help, "", fallback, option->environment);
    }
}
