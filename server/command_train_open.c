/* traind train: reading the spec, finding the data, planning. Problems are printed here, one a
 * line, because there may be many of them. */
#include "server/command_train_parts.h"

#include "core/dataset_synthetic.h"
#include "server/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { SPEC_BYTES_MAX = 1 << 20, PATH_BYTES = 1024, STEPS_MOST = 1000000000 };

/* Pointers and details quote the file, which may hold anything: control characters do not reach the
 * terminal. */
static void print_safe(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text, out);
}

static void print_names(const struct problem *problem)
{
    const char *before = " (allowed: ";
    const struct fields *tables[2] = {problem->fields, problem->common};

    /* Choices already stand in the detail. */
    for (size_t i = 0; problem->kinds && i < problem->kinds->count; i++, before = ", ")
        fprintf(stderr, "%s%s", before, problem->kinds->rows[i]->name);
    for (size_t t = 0; t < COUNT_OF(tables); t++)
        for (size_t i = 0; tables[t] && i < tables[t]->count; i++, before = ", ")
            fprintf(stderr, "%s%s", before, tables[t]->rows[i].name);
    fputs(before[1] == ' ' ? ")\n" : "\n", stderr);
}

static void print_problems(const char *file, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];

        fprintf(stderr, "%s: ", file);
        print_safe(stderr, problem->pointer);
        fputs(problem->pointer[0] ? ": " : "", stderr);
        print_safe(stderr, problem->detail);
        if (problem->suggestion[0])
            fprintf(stderr, "; did you mean \"%s\"?", problem->suggestion);
        print_names(problem);
    }
    if (problems->dropped > 0)
        fprintf(stderr, "%s: %zu more problems are not shown\n", file, problems->dropped);
}

static bool refused(const struct training *training, const struct problems *problems,
                    struct error *error)
{
    if (problems->count == 0)
        return false;
    print_problems(training->options->spec_path, problems);
    error_set(error, ERROR_INVALID, training->options->spec_path, "cannot be trained; see above");
    return true;
}

/* The whole file, malloc'ed. A pipe is as good as a file. */
static char *read_file(const char *path, size_t *size, struct error *error)
{
    int file = open(strcmp(path, "-") == 0 ? "/dev/stdin" : path, O_RDONLY | O_CLOEXEC);
    char *text = malloc(SPEC_BYTES_MAX + 1);
    ssize_t got = 1;

    *size = 0;
    if (file < 0 || !text)
        got = -1;
    while (got > 0 && *size <= SPEC_BYTES_MAX) {
        got = read(file, text + *size, SPEC_BYTES_MAX + 1 - *size);
        if (got > 0)
            *size += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (!text)
        error_set(error, ERROR_MEMORY, path, "no memory to read the file");
    else if (got < 0)
        error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, path, "cannot be read: %s",
                  strerror(errno));
    else if (*size > SPEC_BYTES_MAX)
        error_set(error, ERROR_TOO_LARGE, path, "is larger than %d bytes", SPEC_BYTES_MAX);
    if (file >= 0)
        close(file);
    if (!text || got < 0 || *size > SPEC_BYTES_MAX) {
        free(text);
        return NULL;
    }
    return text;
}

static bool read_spec(struct training *training, struct problems *problems, struct error *error)
{
    size_t size;
    char *text = read_file(training->options->spec_path, &size, error);
    struct error unread = {0};
    json_t *json = NULL;
    bool good;

    if (!text)
        return false;
    good = json_parse_strict(text, size, &json, problems, &unread);
    free(text);
    if (!good) {
        if (!refused(training, problems, error))
            error_set(error, unread.kind, unread.where, "%s", unread.text);
        return false;
    }
    good = spec_from_json(json, &training->spec, &training->meta, problems, error);
    json_decref(json);
    return good && !refused(training, problems, error);
}

/* A seed that was not given is drawn, and shown, so that the run can be repeated. */
static bool draw_seed(struct spec_run *run, struct error *error)
{
    uint64_t bits;

    if (run->seed != FIELD_ABSENT)
        return true;
    if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
        return error_set(error, ERROR_IO, "seed", "cannot be drawn: %s", strerror(errno));
    run->seed = (int64_t)(bits >> 11); /* 53 bits: what every JSON reader keeps exactly */
    return true;
}

/* A data set's name is one folder's name and never a way through the file system. */
static bool plain_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static bool find_in(const char *folder, const char *name, char path[PATH_BYTES])
{
    int wanted = folder ? snprintf(path, PATH_BYTES, "%s/%s", folder, name) : -1;

    return wanted > 0 && wanted < PATH_BYTES && access(path, F_OK) == 0;
}

/* Stored by `traind dataset add`. */
static bool find_added(const struct train_options *options, const char *name, char path[PATH_BYTES])
{
    const char *dir = options->data_dir ? options->data_dir : getenv("TRAIND_DATA_DIR");
    char folder[PATH_BYTES];
    int wanted = snprintf(folder, sizeof(folder), "%s/datasets", dir ? dir : "traind-data");

    return wanted > 0 && wanted < PATH_BYTES && find_in(folder, name, path);
}

static bool find_data(const struct training *training, char path[PATH_BYTES],
                      struct problems *problems)
{
    const struct train_options *options = training->options;
    const char *name = training->spec.dataset.name;
    size_t length = strlen(name);

    for (int i = 0; i < options->data_count; i++) {
        const char *given = options->data[i];

        if (strncmp(given, name, length) == 0 && given[length] == '=')
            return snprintf(path, PATH_BYTES, "%s", given + length + 1) < PATH_BYTES;
    }
    if (!plain_name(name)) {
        problem_add(problems, "/dataset/name", "a name has letters, digits, '.', '_' and '-' only");
        return false;
    }
    if (find_added(options, name, path) || find_in("/usr/share/datasets", name, path) ||
        find_in(getenv("TRAIND_DATASETS"), name, path))
        return true;
    problem_add(problems, "/dataset/name",
                "there is no /usr/share/datasets/%s (nor is it in the folder that TRAIND_DATASETS "
                "names, nor in the data directory); --data %s=PATH says where it is",
                name, name);
    return false;
}

static bool open_data(struct training *training, struct problems *problems, struct error *error)
{
    const struct spec *spec = &training->spec;
    char path[PATH_BYTES];

    if (spec->dataset.synthetic.given)
        return synthetic_make(&spec->dataset.synthetic, (uint64_t)spec->run.seed,
                              &training->dataset, error);
    if (!find_data(training, path, problems)) {
        (void)refused(training, problems, error);
        return error_set(error, ERROR_INVALID, "--data", "the path is too long");
    }
    return dataset_open(path, &training->dataset, error);
}

static bool make_plan(struct training *training, struct problems *problems, struct error *error)
{
    struct plan_warnings warnings = {0};
    bool quiet = training->options->quiet || train_measures(training->options);

    if (!spec_settle(&training->spec, dataset_shape(training->dataset), &warnings, error) ||
        !plan_make(&training->spec, dataset_shape(training->dataset), &training->plan, problems,
                   &warnings, error))
        return false;
    for (size_t i = 0; i < warnings.count && !quiet; i++)
        fprintf(stderr, "%s: %s: note: %s\n", training->options->spec_path,
                warnings.items[i].pointer, warnings.items[i].text);
    if (problems->count == 0)
        plan_settle(&training->spec, &training->plan);
    return !refused(training, problems, error);
}

static bool read_initial(const struct training *training, struct initial *out,
                         struct problems *problems, struct error *error)
{
    return train_read_initial(training, out, problems, error) &&
           !refused(training, problems, error);
}

static int threads_of(const struct training *training)
{
    const struct threads threads = threads_share(threads_processors(), 1, 0);

    if (training->options->threads > 0) /* whoever sits before the machine may ask for anything */
        return plan_threads(&training->plan, training->options->threads);
    return threads_of_job(&threads, &training->spec, &training->plan);
}

static void show_job(const struct training *training)
{
    printf("%s%s%" PRId64 " parameters, %" PRId64 " steps, seed %" PRId64 ", %d thread%s, %s\n",
           training->meta.name, training->meta.name[0] ? ": " : "", training->plan.totals.learned,
           training->plan.steps, training->spec.run.seed, training->threads,
           training->threads == 1 ? "" : "s", kernels_describe(training->options->kernels));
}

/* Only time ends what is timed. */
static void lift_length(struct spec_run *run)
{
    run->epochs = FIELD_ABSENT;
    run->max_steps = STEPS_MOST;
}

bool train_open(struct training *training, struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct initial initial = {0};
    struct trainer_setup setup = {
        .spec = &training->spec, .plan = &training->plan, .kernels = training->options->kernels};
    bool good = problems != NULL;

    if (!good)
        error_set(error, ERROR_MEMORY, "train", "no memory");
    good = good && train_can_save(training->options, error) &&
           read_spec(training, problems, error) && draw_seed(&training->spec.run, error);
    if (good && train_measures(training->options))
        lift_length(&training->spec.run);
    good = good && open_data(training, problems, error) && make_plan(training, problems, error) &&
           read_initial(training, &initial, problems, error);
    free(problems);
    if (!good) {
        initial_drop(&initial);
        return false;
    }
    setup.dataset = training->dataset;
    setup.threads = training->threads = threads_of(training);
    if (!training->options->quiet && !train_measures(training->options))
        show_job(training);
    good = trainer_new(&setup, &training->trainer, error);
    if (good && initial.numbers)
        trainer_set_parameters(training->trainer, initial.numbers);
    initial_drop(&initial);
    return good;
}

void train_close(struct training *training)
{
    trainer_free(training->trainer);
    free(training->kept);
    plan_drop(&training->plan);
    dataset_release(training->dataset);
    spec_drop(&training->spec);
}
