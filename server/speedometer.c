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
    atomic_bool enough;
    struct {
        struct speed speed;
        atomic_bool known; /* `speed` is whole and changes no more */
    } by[PRECISION_BF16 + 1];
};

static void *measure(void *context)
{
    struct speedometer *speedometer = context;
    struct error error = {0};
    int last = kernels_have_bf16(speedometer->kernels, &error) ? PRECISION_BF16 : PRECISION_FP32;

    error = (struct error){0};
    for (int i = PRECISION_FP32; i <= last; i++)
        if (speed_measure(speedometer->kernels, (enum spec_precision)i, &speedometer->enough,
                          &speedometer->by[i].speed, &error))
            atomic_store(&speedometer->by[i].known, true);
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
    atomic_store(&speedometer->enough, true);
    pthread_join(speedometer->thread, NULL);
    free(speedometer);
}

struct estimate speedometer_estimate(const struct speedometer *speedometer, const struct spec *spec,
                                     const struct plan *plan, int threads)
{
    struct estimate estimate = {NAN, NAN};

    if (!speedometer || !atomic_load(&speedometer->by[spec->run.precision].known))
        return estimate;
    if (threads > speedometer->processors)
        threads = speedometer->processors;
    estimate_make(spec, plan, &speedometer->by[spec->run.precision].speed, threads, &estimate);
    return estimate;
}
