/* Batch normalization: over the whole batch, however it is cut, and with the right variances. */
#include "tests/harness.h"

#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST("batch norm normalizes by the biased variance, and its running variance learns from the "
     "unbiased one")
{
    struct layer_run run;
    const struct layer_way way = {KERNELS_BEST, 2, 1, true};
    const double values[] = {1, 2, 4, 9, 16, 20}, n = 6;
    double mean = 0, squares = 0;

    layer_open(&run, "batch_norm2d momentum=0.25 eps=0.0001", &(struct shape){1, 1, 2, 0}, 3);
    run.parameters[run.plan.tensors[0].offset] = 1;
    run.parameters[run.plan.tensors[3].offset] = 1; /* the running variance begins at 1 */
    for (int i = 0; i < 6; i++) {
        run.x[i] = (real)values[i];
        mean += values[i] / n;
    }
    for (int i = 0; i < 6; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    layer_compute(&run, &way);
    for (int i = 0; i < 6; i++)
        CHECK(fabs((double)run.y[i] - (values[i] - mean) / sqrt(squares / n + 0.0001)) < 1e-6);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[2].offset], 0.25 * mean, 1e-6);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[3].offset], 0.75 + 0.25 * squares / (n - 1),
               1e-6);
    layer_close(&run);
}

TEST("batch norm gives the same over one shard and over many, also around a large mean")
{
    const struct shape shape = {17, 5, 3, 0};
    struct layer_run whole, cut;

    layer_open(&whole, "batch_norm2d", &shape, 23);
    layer_open(&cut, "batch_norm2d", &shape, 23);
    fill_parameters(&whole.plan, 3, 1, whole.parameters);
    fill_symmetric(whole.x, 23 * whole.x_count, 3, 0);
    fill_symmetric(whole.dy, 23 * whole.y_count, 3, 1);
    for (int64_t i = 0; i < 23 * whole.x_count; i++)
        whole.x[i] += 300; /* ε²Σx² − mean² would have nothing left of the variance */
    memcpy(cut.parameters, whole.parameters, (size_t)whole.plan.numbers * sizeof(real));
    memcpy(cut.x, whole.x, (size_t)(23 * whole.x_count) * sizeof(real));
    memcpy(cut.dy, whole.dy, (size_t)(23 * whole.y_count) * sizeof(real));
    cut.block = 16;
    layer_compute(&whole, &(struct layer_way){KERNELS_BEST, 23, 1, true});
    layer_compute(&cut, &(struct layer_way){KERNELS_BEST, 3, 2, true});
    for (int64_t i = 0; i < 23 * whole.y_count; i++) {
        CHECK(fabs((double)(whole.y[i] - cut.y[i])) < 2e-6);
        CHECK(fabs((double)(whole.dx[i] - cut.dx[i])) < 2e-6);
    }
    for (int64_t i = 0; i < whole.plan.numbers; i++)
        CHECK(fabs((double)(whole.parameters[i] - cut.parameters[i])) < 1e-5);
    layer_close(&whole);
    layer_close(&cut);
}

TEST("a batch of a single number a channel teaches no variance and spoils nothing")
{
    struct layer_run run;

    layer_open(&run, "batch_norm2d", &(struct shape){2, 1, 1, 0}, 1);
    fill_parameters(&run.plan, 3, 1, run.parameters);
    run.x[0] = 5;
    run.x[1] = -7;
    run.dy[0] = run.dy[1] = 1;
    layer_compute(&run, &(struct layer_way){KERNELS_BEST, 1, 1, true});
    CHECK(run.y[0] == run.parameters[run.plan.tensors[1].offset]);
    CHECK(run.dx[0] == 0 && run.dx[1] == 0);
    CHECK_NEAR((double)run.parameters[run.plan.tensors[2].offset], 0.5, 1e-6);
    CHECK(run.parameters[run.plan.tensors[3].offset] == 1);
    layer_close(&run);
}

TEST("in an evaluation batch norm uses the running statistics and changes none")
{
    struct layer_run run;
    real *mean, *variance;

    layer_open(&run, "batch_norm2d eps=0.5", &(struct shape){1, 1, 1, 0}, 2);
    run.evaluate = true;
    run.parameters[run.plan.tensors[0].offset] = 3;
    run.parameters[run.plan.tensors[1].offset] = 1;
    mean = run.parameters + run.plan.tensors[2].offset;
    variance = run.parameters + run.plan.tensors[3].offset;
    *mean = 10;
    *variance = 3.5;
    run.x[0] = 12;
    run.x[1] = 4;
    layer_compute(&run, &(struct layer_way){KERNELS_BEST, 2, 1, false});
    CHECK_NEAR((double)run.y[0], 1 + 3 * 2 / 2.0, 1e-6);
    CHECK_NEAR((double)run.y[1], 1 - 3 * 6 / 2.0, 1e-6);
    CHECK(*mean == 10 && *variance == 3.5);
    layer_close(&run);
}
