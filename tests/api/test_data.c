/* Data sets in a job, by HTTP: what is written back, what is evaluated, what is refused. */
#include "tests/api/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A spec with that data set, for `classes` classes; malloc'ed. */
static char *spec_of(const char *dataset, int classes)
{
    char *text = NULL;

    CHECK(asprintf(&text,
                   "{\"dataset\": %s, \"model\": [\"flatten\", {\"type\": \"linear\", "
                   "\"out_features\": %d}], \"optimizer\": \"adam\", \"epochs\": 2, \"seed\": 1}",
                   dataset, classes) > 0);
    return text;
}

static json_t *dry_run(const struct api *api, const char *dataset, int classes, int status)
{
    char *spec = spec_of(dataset, classes);
    json_t *answer = api_post(api, "/v1/jobs?dry_run=true", spec, status);

    free(spec);
    return answer;
}

TEST("what a spec leaves out of its data set is written back as it will be")
{
    struct api api;

    api_start(&api);
    json_t *answer = dry_run(&api, "{\"name\": \"tiny\"}", 4, 200);
    CHECK_TEXT(text_at(answer, "spec.dataset.validation"), "test");
    CHECK_TEXT(text_at(answer, "spec.dataset.normalize"), "scale");
    CHECK_COUNT(json_array_size(json_at(answer, "spec.dataset.augment")), 0);
    CHECK_INT(integer_at(answer, "plan.train_samples"), TINY_TRAIN);
    CHECK_INT(integer_at(answer, "plan.validation_samples"), TINY_TEST);
    json_decref(answer);

    answer = dry_run(&api, "{\"name\": \"tiny\", \"validation\": 0.25, \"limit\": 80}", 4, 200);
    CHECK(json_real_value(json_at(answer, "spec.dataset.validation")) == 0.25);
    CHECK_INT(integer_at(answer, "plan.train_samples"), 60);
    CHECK_INT(integer_at(answer, "plan.validation_samples"), 20);
    json_decref(answer);

    answer = dry_run(&api,
                     "{\"synthetic\": {\"shape\": [3, 32, 32], \"classes\": 7, \"samples\": 4095}}",
                     7, 200);
    CHECK(json_at(answer, "spec.dataset.name") == NULL);
    CHECK_INT(integer_at(answer, "spec.dataset.synthetic.shape.2"), 32);
    CHECK_INT(integer_at(answer, "spec.dataset.synthetic.test_samples"), 1024);
    CHECK_INT(integer_at(answer, "plan.train_samples"), 4095);
    CHECK_INT(integer_at(answer, "plan.validation_samples"), 1024);
    json_decref(answer);

    answer = dry_run(&api,
                     "{\"synthetic\": {\"shape\": [1, 4, 4], \"classes\": 2, \"samples\": 9, "
                     "\"test_samples\": 0}}",
                     2, 200);
    CHECK_TEXT(text_at(answer, "spec.dataset.validation"), "none");
    CHECK_TEXT(text_at(answer, "plan.warnings.0.pointer"), "/dataset/validation");
    json_decref(answer);
    api_stop(&api);
}

TEST("a data set that cannot be is refused with the place of what is wrong")
{
    static const struct {
        const char *dataset, *pointer;
    } cases[] = {
        {"{}", "/dataset/name"},
        {"{\"name\": \"tiny\", \"synthetic\": {\"shape\": [1, 2, 2], \"classes\": 4, \"samples\": "
         "9}}",
         "/dataset/synthetic"},
        {"{\"synthetic\": {\"shape\": [1, 2], \"classes\": 4, \"samples\": 9}}",
         "/dataset/synthetic/shape"},
        {"{\"synthetic\": {\"shape\": [1, 2, 0], \"classes\": 4, \"samples\": 9}}",
         "/dataset/synthetic/shape/2"},
        {"{\"synthetic\": {\"shape\": [1, 2, 2], \"classes\": 1, \"samples\": 9}}",
         "/dataset/synthetic/classes"},
        {"{\"synthetic\": {\"shape\": [1, 2, 2], \"classes\": 4, \"samples\": 3}}",
         "/dataset/synthetic/samples"},
        {"{\"synthetic\": {\"shape\": [3, 1024, 1024], \"classes\": 4, \"samples\": 300}}",
         "/dataset/synthetic/samples"},
        {"{\"synthetic\": {\"shape\": [4096, 4096, 4096], \"classes\": 4, \"samples\": "
         "1073741824, \"test_samples\": 1073741824}}",
         "/dataset/synthetic/samples"},
        {"{\"synthetic\": {\"shape\": [1, 2, 2], \"samples\": 9}}", "/dataset/synthetic/classes"},
        {"{\"name\": \"tiny\", \"validation\": 1}", "/dataset/validation"},
        {"{\"name\": \"tiny\", \"validation\": 0.001}", "/dataset/validation"},
        {"{\"name\": \"tiny\", \"normalize\": \"scaled\"}", "/dataset/normalize"},
        {"{\"name\": \"tiny\", \"augment\": [\"cutout\"]}", "/dataset/augment/0/size"},
        {"{\"name\": \"tiny\", \"augment\": [\"random_horizontal_flip\", {\"type\": "
         "\"random_horizontal_flop\"}]}",
         "/dataset/augment/1/type"},
        {"{\"name\": \"tiny\", \"augment\": [{\"type\": \"random_erasing\", \"ratio\": [3, 2]}]}",
         "/dataset/augment/0/ratio"},
        {"{\"name\": \"tiny\", \"augment\": [{\"type\": \"random_crop\", \"padding\": 10, "
         "\"padding_mode\": \"reflect\"}]}",
         "/dataset/augment/0/padding"},
    };
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *problem = dry_run(&api, cases[i].dataset, 4, 422);

        CHECK_COUNT(json_array_size(json_at(problem, "errors")), 1);
        CHECK_TEXT(text_at(problem, "errors.0.pointer"), cases[i].pointer);
        json_decref(problem);
    }
    api_stop(&api);
}

TEST("a job on synthetic data trains, is evaluated on its held-out part, and its weights are there")
{
    struct api api;
    char *spec = spec_of("{\"synthetic\": {\"shape\": [1, 6, 6], \"classes\": 3, \"samples\": 90, "
                         "\"test_samples\": 0}, "
                         "\"validation\": 0.1, \"augment\": [\"random_vertical_flip\"]}",
                         3);
    char id[16], path[160];

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    CHECK_INT(integer_at(job, "plan.validation_samples"), 9);
    json_decref(job);
    api_wait(&api, id, "succeeded");
    job = api_get(&api, job_path(id, "", path), 200);
    CHECK(json_is_real(json_at(job, "best.val_accuracy.value")));
    json_decref(job);
    struct answer answer =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/best", path)});
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    api_stop(&api);
    free(spec);
}
