/* The estimate belongs to the job's precision. */
#include "server/speedometer.h"
#include "tests/core/network.h"
#include "tests/harness.h"

#include <math.h>
#include <time.h>

static struct estimate estimate_in(const struct speedometer *speedometer, int precision)
{
    static const struct data_shape data = {{1, 12, 12, 0}, 2, 640, 0};
    struct spec *spec = network_new();
    struct plan plan;

    spec->run.precision = precision;
    network_conv2d(spec, 32, 3, 1, 1);
    network_layer(spec, "relu");
    network_layer(spec, "flatten");
    network_linear(spec, 2);
    network_plan(spec, &data, &plan);
    struct estimate estimate = speedometer_estimate(speedometer, spec, &plan, 1);
    plan_drop(&plan);
    network_free(spec);
    return estimate;
}

/* Until it is there, or the test's deadline. */
static double wait_estimate(const struct speedometer *speedometer, int precision)
{
    struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    for (;;) {
        struct estimate estimate = estimate_in(speedometer, precision);
        if (!isnan(estimate.seconds))
            return estimate.seconds;
        (void)nanosleep(&moment, NULL);
    }
}

TEST("each precision is measured for itself, and one that the kernels have not stays unknown")
{
    struct speedometer *speedometer;
    struct error error = {0};

    if (test_slowdown() > 1)
        SKIP("a slow build does not get round to all kinds of layers");
    CHECK(speedometer_start(KERNELS_REFERENCE, 1, &speedometer, &error));
    CHECK(wait_estimate(speedometer, PRECISION_FP32) > 0);
    CHECK(isnan(estimate_in(speedometer, PRECISION_BF16).seconds));
    speedometer_stop(speedometer);

    if (!kernels_have_bf16(KERNELS_BEST, &error))
        SKIP("%s", error.text);
    CHECK(speedometer_start(KERNELS_BEST, 1, &speedometer, &error));
    double fp32 = wait_estimate(speedometer, PRECISION_FP32);
    double bf16 = wait_estimate(speedometer, PRECISION_BF16);
    CHECK(fp32 > 0 && bf16 > 0 && fp32 != bf16);
    speedometer_stop(speedometer);
}
