/* traind train SPEC.json: one job in the foreground, no server, no database. The command line and
 * the exit status. */
#include "server/commands.h"

#include "server/command_train_parts.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USE = 2, STATUS_INTERRUPTED = 130 };

static void usage(FILE *out)
{
    fputs(
        "Usage: traind train SPEC.json [options]      (-: the spec comes from standard input)\n\n"
        "Trains one job in the foreground and prints how it goes. Ctrl-C ends it after the current "
        "step.\n\n"
        "  --data NAME=PATH     where the data set NAME is, a folder or an archive; otherwise it "
        "is\n"
        "                       looked for among those that traind dataset add has stored, then "
        "in\n"
        "                       /usr/share/datasets and in the folder that TRAIND_DATASETS names\n"
        "  --data-dir DIR       the data directory that they are stored in; otherwise what\n"
        "                       TRAIND_DATA_DIR says, or traind-data\n"
        "  --weights NAME=FILE  where the safetensors file NAME of init_from is; otherwise it is\n"
        "                       what was uploaded under that name to the data directory's daemon,\n"
        "                       or weights/NAME.safetensors in the data directory\n"
        "  --out FILE           write the weights as safetensors\n"
        "  --threads N          instead of the spec's, or of every processor\n"
        "  --kernels NAME       auto (the fastest of this processor), portable (own ones for any\n"
        "                       processor) or reference (plain loops)\n"
        "  --quiet              the last line only\n"
        "  --explain            instead of training to the end, show where a step's time goes:\n"
        "                       each layer's kernel, forward and backward time, GFLOP/s\n"
        "  --bench SECONDS      instead of training to the end, time steps for so long and print\n"
        "                       JSON; with --explain the times of the layers are in it\n\n"
        "Exit status: 0 trained, 1 failed or diverged, 2 the spec or the command line is wrong, "
        "130 interrupted.\n",
        out);
}

static bool set_threads(struct train_options *options, const char *text, struct error *error)
{
    char *end = NULL;
    long threads = strtol(text, &end, 10);

    if (end == text || *end != '\0' || threads < 1 || threads > 256)
        return error_set(error, ERROR_INVALID, "--threads", "must be from 1 to 256, not '%s'",
                         text);
    options->threads = (int)threads;
    return true;
}

static bool set_kernels(struct train_options *options, const char *text, struct error *error)
{
    return kernels_choose(text, &options->kernels) ||
           error_set(error, ERROR_INVALID, "--kernels",
                     "must be auto, portable or reference, not '%s'", text);
}

/* One more "NAME=PATH" of `option`. */
static bool add_path(const char *option, const char *list[TRAIN_DATA_MAX], int *count,
                     const char *text, struct error *error)
{
    const char *sign = strchr(text, '=');

    if (!sign || sign == text || sign[1] == '\0')
        return error_set(error, ERROR_INVALID, option, "must be NAME=PATH, not '%s'", text);
    if (*count == TRAIN_DATA_MAX)
        return error_set(error, ERROR_INVALID, option, "may be given %d times", TRAIN_DATA_MAX);
    list[(*count)++] = text;
    return true;
}

static bool set_data(struct train_options *options, const char *text, struct error *error)
{
    return add_path("--data", options->data, &options->data_count, text, error);
}

static bool set_weights(struct train_options *options, const char *text, struct error *error)
{
    return add_path("--weights", options->weights, &options->weights_count, text, error);
}

static bool set_data_dir(struct train_options *options, const char *text, struct error *error)
{
    (void)error;
    options->data_dir = text;
    return true;
}

static bool set_out(struct train_options *options, const char *text, struct error *error)
{
    (void)error;
    options->out_path = text;
    return true;
}

static bool set_bench(struct train_options *options, const char *text, struct error *error)
{
    char *end = NULL;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 3600))
        return error_set(error, ERROR_INVALID, "--bench",
                         "must be from 0 to 3600 seconds, not '%s'", text);
    options->bench_seconds = seconds;
    return true;
}

static const struct train_option {
    const char *name;
    bool (*set)(struct train_options *options, const char *value, struct error *error);
} option_rows[] = {
    {"--bench", set_bench},     {"--data", set_data}, {"--data-dir", set_data_dir},
    {"--kernels", set_kernels}, {"--out", set_out},   {"--threads", set_threads},
    {"--weights", set_weights},
};

/* Takes one option with its value, written "--name value" or "--name=value". *i is left at its last
 * word. */
static bool read_option(struct train_options *options, int argc, char **argv, int *i,
                        struct error *error)
{
    const char *word = argv[*i];
    size_t length = strcspn(word, "=");

    for (size_t row = 0; row < COUNT_OF(option_rows); row++) {
        const struct train_option *option = &option_rows[row];

        if (strlen(option->name) != length || strncmp(word, option->name, length) != 0)
            continue;
        if (word[length] == '=')
            return option->set(options, word + length + 1, error);
        if (++*i == argc)
            return error_set(error, ERROR_INVALID, option->name, "wants a value");
        return option->set(options, argv[*i], error);
    }
    return error_set(error, ERROR_INVALID, word, "is no option of traind train");
}

static bool read_options(int argc, char **argv, struct train_options *options, struct error *error)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0) {
            options->quiet = true;
        } else if (strcmp(argv[i], "--explain") == 0) {
            options->explain = true;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!read_option(options, argc, argv, &i, error))
                return false;
        } else if (options->spec_path) {
            return error_set(error, ERROR_INVALID, argv[i], "is one file too many");
        } else {
            options->spec_path = argv[i];
        }
    }
    if (options->out_path && train_measures(options))
        return error_set(error, ERROR_INVALID, "--out",
                         "does not go with --bench or --explain: they train nothing to its end");
    if (!options->spec_path)
        return error_set(error, ERROR_INVALID, "SPEC.json",
                         "is missing; traind train --help says more");
    return true;
}

/* Before the team starts: its threads inherit the mask. */
static void block_signals(struct training *training)
{
    sigemptyset(&training->stop_signals);
    sigaddset(&training->stop_signals, SIGINT);
    sigaddset(&training->stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &training->stop_signals, NULL);
}

static int finish(struct training *training, bool good, struct error *error)
{
    if (good && !train_measures(training->options))
        train_show_end(training);
    if (good && training->options->out_path)
        good = train_save(training, error);
    if (good)
        return training->stopped ? STATUS_INTERRUPTED : STATUS_GOOD;
    fprintf(stderr, "%straind train: %s%s%s\n", training->screen.bar_drawn ? "\n" : "",
            error->where, error->where[0] ? ": " : "", error->text);
    return error->kind == ERROR_INVALID || error->kind == ERROR_NOT_FOUND ? STATUS_USE
                                                                          : STATUS_FAILED;
}

int command_train(int argc, char **argv)
{
    struct train_options options = {.kernels = KERNELS_BEST, .bench_seconds = -1};
    struct training training = {.options = &options, .began_at = clock_seconds()};
    struct error error = {0};
    int status;

    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        usage(stdout);
        return STATUS_GOOD;
    }
    if (!read_options(argc, argv, &options, &error)) {
        fprintf(stderr, "traind train: %s %s\n", error.where, error.text);
        return STATUS_USE;
    }
    block_signals(&training);
    status = finish(&training,
                    train_open(&training, &error) &&
                        (train_measures(&options) ? train_bench : train_run)(&training, &error),
                    &error);
    train_close(&training);
    return status;
}
