/* Support for tests: golden layers. */
#include "tests/core/support_golden.h"

#include "tests/core/support_golden_file.h"
#include "tests/core/support_layer.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void check_golden_values(const char *what, const real *got, char *text,
                         const struct golden_tolerance *tolerance)
{
    int64_t count = strtoll(text, NULL, 10);
    double *wanted = calloc((size_t)count + 1, sizeof(*wanted)), largest = 0;

    CHECK(wanted != NULL);
    golden_numbers(text, wanted, count);
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(wanted[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - wanted[i]) <= tolerance->values * largest))
            FAIL("%s, number %" PRId64 " is %.9g, not %.9g", what, i, (double)got[i], wanted[i]);
    free(wanted);
}

static void begin_layer(struct layer_run *run, const char *words, const char *shape,
                        uint64_t number)
{
    const struct shape input = {golden_value(shape, "channels"), golden_value(shape, "height"),
                                golden_value(shape, "width"), (int)golden_value(shape, "flat")};

    layer_open(run, words, &input, golden_value(shape, "samples"));
    fill_parameters(&run->plan, number, 1, run->parameters);
    fill_symmetric(run->x, run->samples * run->x_count, number, 0);
    fill_symmetric(run->dy, run->samples * run->y_count, number, 1);
}

/* "gradient NAME COUNT v v v", "running NAME COUNT v v v" */
static void check_tensor(const struct layer_run *run, const real *array, char *text,
                         const struct golden_tolerance *tolerance)
{
    char *rest = golden_cut(text);

    for (int i = 0; i < run->plan.tensor_count; i++) {
        const struct plan_tensor *tensor = &run->plan.tensors[i];

        if (strcmp(tensor->name, text) == 0) {
            CHECK_INT(strtoll(rest, NULL, 10), tensor->count);
            check_golden_values(text, array + tensor->offset, rest, tolerance);
            return;
        }
    }
    FAIL("the plan has no tensor %s", text);
}

static void check_file(const char *name, const struct layer_way *way,
                       const struct golden_tolerance *tolerance)
{
    struct golden golden;
    struct layer_run run;
    char words[200] = "", what[300], *rest;
    uint64_t number = 0;

    golden_open(&golden, name);
    while (golden_next(&golden)) {
        if ((rest = golden_rest(&golden, "layer")) != NULL) {
            snprintf(words, sizeof(words), "%s", rest);
        } else if ((rest = golden_rest(&golden, "shape")) != NULL) {
            begin_layer(&run, words, rest, number++);
            layer_compute(&run, way);
            snprintf(what, sizeof(what), "%s by %s", words, run.kernel);
        } else if ((rest = golden_rest(&golden, "y")) != NULL) {
            CHECK_INT(strtoll(rest, NULL, 10), run.samples * run.y_count);
            check_golden_values(what, run.y, rest, tolerance);
        } else if ((rest = golden_rest(&golden, "dx")) != NULL) {
            check_golden_values(what, run.dx, rest, tolerance);
        } else if ((rest = golden_rest(&golden, "gradient")) != NULL) {
            check_tensor(&run, run.gradients, rest, tolerance);
        } else if ((rest = golden_rest(&golden, "running")) != NULL) {
            check_tensor(&run, run.parameters, rest, tolerance);
        } else if (strcmp(golden.line, "end") == 0) {
            layer_close(&run);
        }
    }
    CHECK(number > 0);
    golden_close(&golden);
}

void check_golden_layers(enum kernel_choice kernels, int64_t shard_size,
                         const struct golden_tolerance *tolerance)
{
    static const char *const files[] = {"layers.txt", "convolutions.txt"};
    const struct layer_way way = {kernels, shard_size, 1, true};

    for (size_t i = 0; i < COUNT_OF(files); i++)
        check_file(files[i], &way, tolerance);
}
