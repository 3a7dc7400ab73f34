/* traind token add|list|remove: access tokens of a data directory, beside a running daemon or
 * without one. */
#include "server/commands.h"

#include "server/config.h"
#include "server/token.h"

#include "core/field.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USE = 2 };

static void usage(FILE *out)
{
    fputs(
        "Usage: traind token add NAME --scope SCOPE [--data-dir DIR]\n"
        "       traind token list [--data-dir DIR]\n"
        "       traind token remove NAME [--data-dir DIR]\n\n"
        "Access tokens of a data directory. A running daemon sees a change at the next request. "
        "As\n"
        "long as there are none the daemon listens on loopback only and asks nobody; with one it\n"
        "may listen anywhere, and every request needs one: Authorization: Bearer TOKEN.\n\n"
        "add prints the token to standard output, this once: only its SHA-256 is kept.\n\n"
        "  --scope read     look: jobs, metrics, streams, checkpoints, data sets\n"
        "  --scope submit   the same, make jobs and steer them, predict (the default)\n"
        "  --scope admin    the same, store data sets and weights, delete anything\n"
        "  --data-dir DIR   instead of what TRAIND_DATA_DIR says, or traind-data\n\n"
        "Exit status: 0 done, 1 it failed, 2 the command line is wrong.\n",
        out);
}

struct wish {
    const char *action, *name;
    enum scope scope;
    bool scoped; /* --scope was there */
    struct config config;
};

static int add(const struct wish *wish, struct error *error)
{
    char token[TOKEN_SIZE];

    if (!token_add(wish->config.data_dir, wish->name, wish->scope, token, error))
        return STATUS_FAILED;
    printf("%s\n", token);
    (void)fflush(stdout);
    fprintf(stderr, "This is the token of %s, scope %s. It is not shown again.\n", wish->name,
            scope_name(wish->scope));
    return STATUS_GOOD;
}

static int list(const struct wish *wish, struct error *error)
{
    struct token_list tokens;
    int status = STATUS_FAILED;

    if (token_list_read(wish->config.data_dir, &tokens, error)) {
        status = STATUS_GOOD;
        for (int i = 0; i < tokens.count; i++) {
            const struct token_row *row = &tokens.rows[i];
            time_t seconds = (time_t)(row->created_at / 1000);
            struct tm utc = {0};
            char text[32];

            (void)gmtime_r(&seconds, &utc);
            (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
            printf("%-8s %s  %s\n", scope_name(row->scope), text, row->name);
        }
    }
    token_list_drop(&tokens);
    return status;
}

static int remove_one(const struct wish *wish, struct error *error)
{
    return token_remove(wish->config.data_dir, wish->name, error) ? STATUS_GOOD : STATUS_FAILED;
}

static const struct action {
    const char *name;
    bool named, scoped;
    int (*run)(const struct wish *wish, struct error *error);
} actions[] = {
    {"add", true, true, add}, {"list", false, false, list}, {"remove", true, false, remove_one}};

/* The value of "--name=value", or of "--name" "value"; NULL: this argument is another. */
static const char *option_value(const char *name, int argc, char **argv, int *index)
{
    size_t length = strlen(name);

    if (strncmp(argv[*index], name, length) != 0)
        return NULL;
    if (argv[*index][length] == '=')
        return argv[*index] + length + 1;
    if (argv[*index][length] != '\0' || *index + 1 == argc)
        return NULL;
    return argv[++*index];
}

static bool read_arguments(int argc, char **argv, struct wish *wish, struct error *error)
{
    char option[] = "--data-dir", *pair[2] = {option, NULL};
    const char *value;

    wish->scope = SCOPE_SUBMIT;
    for (int i = 0; i < argc; i++) {
        if ((value = option_value("--data-dir", argc, argv, &i))) {
            pair[1] = (char *)(uintptr_t)value;
        } else if ((value = option_value("--scope", argc, argv, &i))) {
            wish->scope = scope_find(value);
            wish->scoped = true;
            if (wish->scope == SCOPE_NONE)
                return error_set(error, ERROR_INVALID, "--scope",
                                 "must be read, submit or admin, not '%s'", value);
        } else if (argv[i][0] == '-' || wish->name) {
            return error_set(error, ERROR_INVALID, argv[i], "is not understood here");
        } else {
            *(wish->action ? &wish->name : &wish->action) = argv[i];
        }
    }
    return config_read(pair[1] ? 2 : 0, pair, &wish->config, error);
}

static const struct action *find_action(const struct wish *wish, struct error *error)
{
    for (size_t i = 0; wish->action && i < COUNT_OF(actions); i++)
        if (strcmp(actions[i].name, wish->action) == 0) {
            if (actions[i].named != (wish->name != NULL))
                error_set(error, ERROR_INVALID, wish->action,
                          actions[i].named ? "needs a name" : "takes no name");
            else if (wish->scoped && !actions[i].scoped)
                error_set(error, ERROR_INVALID, "--scope", "belongs to add");
            else
                return &actions[i];
            return NULL;
        }
    error_set(error, ERROR_INVALID, wish->action ? wish->action : "",
              "want add, list or remove; see 'traind token --help'");
    return NULL;
}

static int complain(const struct error *error, int status)
{
    const char *between = error->where[0] == '\0' ? "" : error->where[0] == '-' ? " " : ": ";

    fprintf(stderr, "traind token: %s%s%s\n", error->where, between, error->text);
    return error->kind == ERROR_INVALID ? STATUS_USE : status;
}

int command_token(int argc, char **argv)
{
    struct wish wish = {0};
    struct error error = {0};
    const struct action *action;
    int status;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return STATUS_GOOD;
        }
    if (!read_arguments(argc, argv, &wish, &error))
        return complain(&error, STATUS_USE);
    action = find_action(&wish, &error);
    if (!action)
        return complain(&error, STATUS_USE);
    status = action->run(&wish, &error);
    return status == STATUS_GOOD ? status : complain(&error, status);
}
