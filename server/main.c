/* traind: a training service for convolutional networks. The subcommands, one row each. */
#include "server/commands.h"
#include "server/serve.h"
#include "server/version.h"

#include "core/field.h"
#include "core/trainer.h"

#include <stdio.h>
#include <string.h>

static int command_help(int argc, char **argv);

static int command_serve(int argc, char **argv)
{
    struct config config;
    struct error error = {0};
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        config_help();
        return 0;
    }
    if (!config_read(argc, argv, &config, &error)) {
        fprintf(stderr, "traind serve: %s %s\n", error.where, error.text);
        return 2;
    }
    return serve_run(&config);
}

static int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("traind %s\nkernels: %s\n", TRAIND_VERSION, kernels_describe(KERNELS_BEST));
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", command_serve, "run the daemon; 'traind serve --help' lists its options"},
    {"train", command_train, "train one job in the foreground: traind train SPEC.json"},
    {"dataset", command_dataset, "store a data set: traind dataset add NAME PATH"},
    {"token", command_token, "access tokens: traind token add NAME --scope submit, list, remove"},
    {"backup", command_backup, "copy the database, also of a daemon that runs: traind backup FILE"},
    {"healthcheck", command_healthcheck,
     "exit 0 when the daemon answers: traind healthcheck [--url URL]"},
    {"version", command_version, "print the version and the kernels of this build"},
    {"help", command_help, "print this list"},
};

static void usage(FILE *out)
{
    fprintf(out, "Usage: traind COMMAND …\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].help);
}

static int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    usage(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    fprintf(stderr, "traind: this version has no command '%s'; 'traind help' lists them\n", name);
    return 2;
}
