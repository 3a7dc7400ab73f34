/* traind train --bench: how long steps take. Knows no other program: comparing is tests/bench. */
#include "server/command_train_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARM_UP_LEAST = 2, WARM_UP_MOST = 5, STEPS_LEAST = 3 };

/* Slow steps need fewer to be warm. */
static const double warm_up_seconds = 0.5;
/* For --explain alone: enough that the shares of layers settle. */
static const double explain_seconds = 2;

bool train_measures(const struct train_options *options)
{
    return options->explain || options->bench_seconds >= 0;
}

static bool take_step(struct training *training, struct error *error)
{
    struct step_report *last = &training->last;

    if (!trainer_step(training->trainer, last, error))
        return false;
    return last->finite || error_set(error, ERROR_DIVERGED, training->options->spec_path,
                                     "diverged at step %lld, and what has diverged is not timed",
                                     (long long)last->step);
}

/* Times of steps in seconds, as many as there is time for. */
struct samples {
    double *seconds;
    size_t count, room;
};

static bool add_sample(struct samples *samples, double seconds, struct error *error)
{
    if (samples->count == samples->room) {
        size_t room = samples->room > 0 ? 2 * samples->room : 256;
        double *more = realloc(samples->seconds, room * sizeof(*more));

        if (!more)
            return error_set(error, ERROR_MEMORY, "--bench", "no memory for the times");
        samples->seconds = more;
        samples->room = room;
    }
    samples->seconds[samples->count++] = seconds;
    return true;
}

/* The first steps make caches and the processor's clock what they will be. */
static bool warm_up(struct training *training, struct train_times *times, struct error *error)
{
    double began = clock_seconds(), now = began;

    for (int i = 0; i < WARM_UP_MOST && (i < WARM_UP_LEAST || now - began < warm_up_seconds) &&
                    !train_stop_wanted(training);
         i++) {
        if (!take_step(training, error))
            return false;
        now = clock_seconds();
        if (i == 0)
            times->startup = now - training->began_at;
    }
    return true;
}

static bool take_samples(struct training *training, double seconds, struct samples *samples,
                         struct error *error)
{
    double began = clock_seconds(), now = began, last = began;

    while ((now - began < seconds || samples->count < STEPS_LEAST) &&
           !train_stop_wanted(training)) {
        last = clock_seconds();
        if (!take_step(training, error))
            return false;
        now = clock_seconds();
        if (!add_sample(samples, now - last, error))
            return false;
    }
    return true;
}

static int by_length(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void summarize(struct samples *samples, struct train_times *times)
{
    double sum = 0;

    qsort(samples->seconds, samples->count, sizeof(*samples->seconds), by_length);
    for (size_t i = 0; i < samples->count; i++)
        sum += samples->seconds[i];
    times->steps = (int64_t)samples->count;
    times->median = samples->seconds[samples->count / 2];
    times->least = samples->seconds[0];
    times->mean = sum / (double)samples->count;
}

/* Linux keeps the peak of this program alone in its own file; what getrusage says may be that of
 * the program which started it. */
static int64_t peak_bytes(void)
{
    struct rusage usage = {0};
    long long kibibytes = -1;
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];

    while (file && kibibytes < 0 && fgets(line, sizeof(line), file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kibibytes = strtoll(line + 6, NULL, 10);
    if (file)
        fclose(file);
    if (kibibytes < 0 && getrusage(RUSAGE_SELF, &usage) == 0)
        kibibytes = usage.ru_maxrss;
    return (int64_t)kibibytes * 1024;
}

static double milliseconds(double seconds)
{
    return round(seconds * 1e7) / 1e4;
}

static bool print_json(const struct training *training, const struct train_times *times,
                       struct error *error)
{
    const struct plan *plan = &training->plan;
    double work = train_step_work(training);
    json_t *json = json_pack(
        "{s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:I, s:I}", "name",
        training->meta.name, "kernels", kernels_describe(training->options->kernels), "threads",
        training->threads, "batch_size", (json_int_t)plan->batch_size, "steps",
        (json_int_t)times->steps, "median_ms", milliseconds(times->median), "min_ms",
        milliseconds(times->least), "mean_ms", milliseconds(times->mean), "images_per_second",
        (json_int_t)((double)plan->batch_size / times->median), "multiply_adds", (json_int_t)work,
        "gflops", round(2 * work / times->median * 1e-8) / 10, "startup_ms",
        milliseconds(times->startup), "job_bytes", (json_int_t)trainer_bytes(training->trainer),
        "peak_bytes", (json_int_t)peak_bytes());
    char *text;

    if (json && training->options->explain &&
        json_object_set_new(json, "profile", train_profile_json(training, times)) != 0) {
        json_decref(json);
        json = NULL;
    }
    text = json_text(json, NULL);
    json_decref(json);
    if (!text || work < 0) {
        free(text);
        return error_set(error, ERROR_MEMORY, "--bench", "no memory for the figures");
    }
    puts(text);
    free(text);
    return true;
}

bool train_bench(struct training *training, struct error *error)
{
    const struct train_options *options = training->options;
    bool json = options->bench_seconds >= 0;
    struct train_times times = {0};
    struct samples samples = {0};
    bool good = warm_up(training, &times, error);

    if (good && options->explain)
        good = trainer_profile_start(training->trainer, error);
    good = good &&
           take_samples(training, json ? options->bench_seconds : explain_seconds, &samples, error);
    if (good && samples.count > 0) {
        summarize(&samples, &times);
        good = json ? print_json(training, &times, error) : train_explain(training, &times, error);
    }
    free(samples.seconds);
    return good;
}
