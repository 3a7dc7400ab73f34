/* Winograd's convolutions by oneDNN: against the reference, which shapes they serve, and the memory
 * they work in. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void need_avx512(void)
{
    if (strstr(kernels_describe(KERNELS_BEST), "oneDNN, AVX-512") == NULL)
        SKIP("%s", kernels_describe(KERNELS_BEST));
}

#define DIRECT "oneDNN jit:avx512_core"
#define WINOGRAD "oneDNN jit_wino_4x3:avx512_core"
#define DX_DIRECT ", dx jit:avx512_core"
#define DW_DIRECT ", dw jit:avx512_core"

/* Layers, and what serves them. */
static const struct served {
    const char *words;
    struct shape input;
    int64_t samples, shard;
    const char *kernel;
} served[] = {
    /* clang-format off */
    {"conv2d out_channels=64 kernel_size=3 padding=1", {64, 8, 8, 0}, 16, 16, WINOGRAD},
    {"conv2d out_channels=64 kernel_size=3 padding=1 bias=false", {64, 14, 15, 0}, 9, 8, WINOGRAD},
    {"conv2d out_channels=50 kernel_size=3 padding=same flip_kernel=true", {61, 12, 7, 0}, 11, 11,
     WINOGRAD},
    {"conv2d out_channels=80 kernel_size=3", {96, 18, 18, 0}, 12, 11, WINOGRAD},
    {"conv2d out_channels=80 kernel_size=3", {96, 18, 18, 0}, 2, 1, WINOGRAD DX_DIRECT DW_DIRECT},
    {"conv2d out_channels=32 kernel_size=3 padding=1", {32, 8, 8, 0}, 5, 2, WINOGRAD DW_DIRECT},
    {"conv2d out_channels=256 kernel_size=3 padding=1", {40, 4, 4, 0}, 3, 2, WINOGRAD DW_DIRECT},
    {"conv2d out_channels=64 kernel_size=3 padding=1 padding_mode=circular", {64, 16, 15, 0},
     12, 11, WINOGRAD ", padded before"},
    {"conv2d out_channels=64 kernel_size=3 padding=1", {64, 5, 5, 0}, 16, 16, DIRECT},
    {"conv2d out_channels=64 kernel_size=3 padding=1", {16, 8, 8, 0}, 16, 16, DIRECT},
    {"conv2d out_channels=64 kernel_size=3 padding=1 stride=2", {64, 8, 8, 0}, 9, 8, DIRECT},
    {"conv2d out_channels=64 kernel_size=3 padding=2 dilation=2", {64, 8, 8, 0}, 9, 8, DIRECT},
    {"conv2d out_channels=64 kernel_size=3,2 padding=1", {64, 8, 7, 0}, 9, 8, DIRECT},
    {"conv2d out_channels=64 kernel_size=3 padding=1 groups=2", {64, 8, 8, 0}, 9, 8, DIRECT},
    /* clang-format on */
};

TEST("Winograd serves 3 × 3 convolutions by their shape alone")
{
    need_avx512();
    for (size_t i = 0; i < COUNT_OF(served); i++) {
        struct layer_run run;

        layer_open(&run, served[i].words, &served[i].input, served[i].samples);
        run.block = 16;
        for (int members = 1; members <= 3; members += 2) {
            layer_compute(&run, &(struct layer_way){KERNELS_BEST, served[i].shard, members, true});
            if (strcmp(run.kernel, served[i].kernel) != 0)
                FAIL("%s is served by \"%s\", not by \"%s\"", served[i].words, run.kernel,
                     served[i].kernel);
        }
        layer_close(&run);
    }
}

/* Its rounding errors are some times those of the direct sum, which are far below what compare()
 * allows: a few millionths of the largest number. */
TEST("Winograd computes what the reference does, within the tolerance of all kernels")
{
    for (size_t i = 0; i < COUNT_OF(served); i++)
        for (int ties = 0; ties < 2; ties++) {
            struct lot lot = {.input = served[i].input,
                              .samples = served[i].samples,
                              .block = 16,
                              .way = {KERNELS_BEST, served[i].shard, 2, true}};

            snprintf(lot.words, sizeof(lot.words), "%s", served[i].words);
            compare(&lot, 100 + i, ties);
        }
}

/* What a second thread costs a job. */
static int64_t bytes_of_thread(const char *model)
{
    const struct data_shape shape = {{3, 16, 16, 0}, 4, 32, 0};
    const struct job_words words = {.model = model, .batch_size = 32};
    struct dataset *dataset;
    struct job job;
    int64_t bytes;

    make_idx_dataset("set", &shape, 1);
    dataset = open_dataset("set");
    job_make(&job, &words, dataset);
    bytes = plan_bytes(&job.spec, &job.plan, 2) - plan_bytes(&job.spec, &job.plan, 1);
    job_drop(&job);
    dataset_release(dataset);
    return bytes;
}

#define WIDE "conv2d out_channels=128 kernel_size=3 padding=1 | relu | "
#define END "adaptive_avg_pool2d output_size=1 | flatten | linear out_features=4"

TEST("all convolutions of a job work in the same scratch memory, one for each thread")
{
    int64_t two, four;

    need_avx512();
    two = bytes_of_thread(WIDE WIDE END);
    four = bytes_of_thread(WIDE WIDE WIDE WIDE END);
    if (two < 8000000 || four - two > 4000000)
        FAIL("%" PRId64 " bytes and %" PRId64, two, four);
}
