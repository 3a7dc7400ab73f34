/* Fuzz targets of jobs: specs as they are submitted, checkpoints as they are stored. */
#include "tests/fuzz/target_job.h"

#include "core/checkpoint.h"
#include "core/digest.h"
#include "server/spec_json.h"

#include <stdlib.h>
#include <string.h>

enum { SHORTEST_HEADER = 96 }; /* that of version 1 */

static void check_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        fuzz_check_text(problems->items[i].detail);
}

/* What was taken must be written back, and be taken again. */
static void check_round(const struct spec *spec, struct problems *problems)
{
    struct error error = {0};
    struct job_meta meta;
    struct spec again;
    json_t *json = spec_to_json(spec);

    if (json == NULL || !spec_from_json(json, &again, &meta, problems, &error) ||
        problems->count > 0)
        fuzz_fail("a spec that was taken is refused when it was written back");
    spec_drop(&again);
    json_decref(json);
}

static void plan(struct spec *spec, struct problems *problems)
{
    static const struct data_shape data = {.sample = {.channels = 3, .height = 16, .width = 16},
                                           .classes = 10,
                                           .train_samples = 500,
                                           .test_samples = 100};
    struct error error = {0};
    struct plan made = {0};

    if (!spec_settle(spec, &data, NULL, &error) ||
        !plan_make(spec, &data, &made, problems, NULL, &error))
        fuzz_check_error(&error);
    check_problems(problems);
    plan_drop(&made);
}

static void read_spec(const json_t *json, struct problems *problems)
{
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;

    if (!spec_from_json(json, &spec, &meta, problems, &error))
        fuzz_check_error(&error);
    check_problems(problems);
    if (error.kind == ERROR_NONE && problems->count == 0) {
        check_round(&spec, problems);
        plan(&spec, problems);
    }
    spec_drop(&spec);
}

void fuzz_spec(const uint8_t *bytes, size_t size)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct error error = {0};
    json_t *json = NULL;
    /* Exactly so long, so that a byte behind the end is seen. */
    char *text = malloc(size > 0 ? size : 1);

    if (problems == NULL || text == NULL)
        fuzz_fail("no memory");
    if (size > 0)
        memcpy(text, bytes, size);
    if (json_parse_strict(text, size, &json, problems, &error)) {
        read_spec(json, problems);
        json_decref(json);
    } else {
        fuzz_check_error(&error);
        check_problems(problems);
    }
    free(text);
    free(problems);
}

static void open_checkpoint(const uint8_t *bytes, size_t size)
{
    struct checkpoint_view view;
    struct error error = {0};
    double sum = 0;

    if (!checkpoint_open(bytes, size, &view, &error)) {
        fuzz_check_error(&error);
        return;
    }
    for (int64_t i = 0; i < view.number_count; i++)
        sum += (double)view.parameters[i];
    for (int64_t i = 0; i < view.parameter_count * view.optimizer_slots; i++)
        sum += (double)view.optimizer_state[i];
    if (sum == 0.125 && view.steps == INT64_MIN)
        fuzz_fail("only so that every number is read");
}

/* As it is, and with a length and a digest that fit. */
void fuzz_checkpoint(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = calloc(size > 0 ? size : 1, 1);

    if (copy == NULL)
        fuzz_fail("no memory");
    if (size > 0)
        memcpy(copy, bytes, size);
    open_checkpoint(copy, size);
    if (size >= SHORTEST_HEADER + DIGEST_BYTES) {
        for (int i = 0; i < 8; i++)
            copy[40 + i] = (uint8_t)((uint64_t)size >> (8 * i));
        digest_sha256(copy, size - DIGEST_BYTES, copy + size - DIGEST_BYTES);
        open_checkpoint(copy, size);
    }
    free(copy);
}
