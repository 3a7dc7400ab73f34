/* Speedometer: see speedometer.h. */
#include "server/speedometer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct speedometer {
    pthread_t thread;
    enum kernel_choice kernels;
    int processors;
    struct speed speed;
    atomic_bool known; /* `speed` is whole and changes no more */
};

static void *measure(void *context)
{
    struct speedometer *speedometer = context;
    struct error error = {0};

    if (speed_measure(speedometer->kernels, &speedometer->speed, &error))
        atomic_store(&speedometer->known, true);
    return NULL;
}

bool speedometer_start(enum kernel_choice kernels, int processors, struct speedometer **out,
                       struct error *error)
{
    int code;

    *out = calloc(1, sizeof(**out));
    if (!*out)
        return error_set(error, ERROR_MEMORY, "speedometer", "no memory");
    (*out)->kernels = kernels;
    (*out)->processors = processors;
    code = pthread_create(&(*out)->thread, NULL, measure, *out);
    if (code == 0)
        return true;
    free(*out);
    *out = NULL;
    return error_set(error, ERROR_IO, "speedometer", "cannot start a thread: %s", strerror(code));
}

void speedometer_stop(struct speedometer *speedometer)
{
    if (!speedometer)
        return;
    pthread_join(speedometer->thread, NULL);
    free(speedometer);
}

struct estimate speedometer_estimate(const struct speedometer *speedometer, const struct spec *spec,
                                     const struct plan *plan, int threads)
{
    struct estimate estimate = {NAN, NAN};

    if (!speedometer || !atomic_load(&speedometer->known))
        return estimate;
    if (threads > speedometer->processors)
        threads = speedometer->processors;
    estimate_make(spec, plan, &speedometer->speed, threads, &estimate);
    return estimate;
}
