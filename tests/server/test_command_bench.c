/* Tests of traind train --bench and --explain: what they print of a small network adds up. How fast
 * it is is nobody's claim here. */
#include "core/dataset_synthetic.h"
#include "server/spec_json.h"
#include "tests/harness.h"
#include "tests/server/little.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One step, if its own length counted. */
static const char job_text[] =
    "{\"name\": \"a small one\", \"dataset\": {\"synthetic\": {\"shape\": [2, 12, 12], "
    "\"classes\": 4, \"samples\": 64}}, \"seed\": 1, \"max_steps\": 1, \"batch_size\": 16, "
    "\"optimizer\": \"sgd\", \"model\": [{\"type\": \"conv2d\", \"out_channels\": 8, "
    "\"kernel_size\": 3}, \"batch_norm2d\", \"relu\", {\"type\": \"residual\", \"body\": "
    "[{\"type\": \"conv2d\", \"out_channels\": 8, \"kernel_size\": 3, \"padding\": 1}]}, "
    "\"flatten\", {\"type\": \"linear\", \"out_features\": 4}]}";

/* First layer without the gradient of its input. */
enum { STEP_WORK = 16 * (2 * 8 * 2 * 9 * 100 + 3 * 8 * 8 * 9 * 100 + 3 * 800 * 4) };

static json_t *bench(const char *const *words)
{
    static char output[LITTLE_OUTPUT];
    json_t *json;

    little_text("spec.json", job_text);
    CHECK_INT(little_train(words, output), 0);
    json = json_loads(output, 0, NULL);
    if (!json)
        FAIL("this is no JSON: %s", output);
    return json;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_number(value))
        FAIL("\"%s\" is no number", key);
    return json_number_value(value);
}

static void check_figures(const json_t *json)
{
    double median = number(json, "median_ms");

    CHECK_TEXT(json_string_value(json_object_get(json, "name")), "a small one");
    CHECK_INT((int64_t)number(json, "threads"), 2);
    CHECK_INT((int64_t)number(json, "batch_size"), 16);
    CHECK(number(json, "steps") >= 3);
    CHECK(number(json, "min_ms") > 0 && number(json, "min_ms") <= median);
    CHECK(number(json, "mean_ms") >= number(json, "min_ms"));
    CHECK_NEAR(number(json, "images_per_second"), 16e3 / median, 0.01);
    CHECK_INT((int64_t)number(json, "multiply_adds"), STEP_WORK);
    CHECK(fabs(number(json, "gflops") - 2e-6 * STEP_WORK / median) < 0.1);
    CHECK(number(json, "startup_ms") > 0);
    CHECK(number(json, "peak_bytes") > number(json, "job_bytes"));
}

TEST("traind train --bench prints the figures of real steps as JSON, whatever the job's length")
{
    static const char *const words[] = {"spec.json", "--bench", "0", "--threads", "2", NULL};
    json_t *json = bench(words);

    check_figures(json);
    CHECK(json_object_get(json, "profile") == NULL);
    json_decref(json);
}

TEST("traind train --bench with --explain says where the time of a step went")
{
    static const char *const words[] = {"spec.json", "--explain", "--bench=0.05",
                                        "--threads", "2",         NULL};
    static const char *const phases[] = {"pack_ms", "forward_ms", "backward_ms", "gather_ms"};
    json_t *json = bench(words);
    const json_t *profile = json_object_get(json, "profile"),
                 *ops = json_object_get(profile, "ops"),
                 *parts = json_object_get(profile, "parts_ms");
    double sum = 0, work = 0;
    const json_t *value;
    const char *key;
    size_t i;

    check_figures(json);
    CHECK(json_array_size(ops) >= 4);
    json_array_foreach (ops, i, value) {
        for (size_t phase = 0; phase < COUNT_OF(phases); phase++)
            sum += number(value, phases[phase]);
        work += number(value, "multiply_adds") + number(value, "backward_multiply_adds");
    }
    CHECK_INT((int64_t)work, STEP_WORK);
    json_object_foreach ((json_t *)parts, key, value) {
        CHECK(json_number_value(value) >= 0);
        /* These two are sums over the ops. */
        if (strcmp(key, "pack") != 0 && strcmp(key, "gather") != 0)
            sum += json_number_value(value);
    }
    CHECK_NEAR(sum, number(json, "mean_ms"), 0.02);
    json_decref(json);
}

TEST("traind train --explain shows each layer with its shape and kernel, and every part of a step")
{
    static const char *const words[] = {"spec.json", "--explain", "--kernels", "reference", NULL};
    static const char *const parts[] = {
        " layers ",      " kind ",     " kernel",    " share ",  "2x12x12 -> 8x10x10",
        " batch_norm2d", " 3.body.0 ", " 800 -> 4 ", "residual", " forward\n",
        " pack: ",       " gather: ",  " norm ",     " update ", " data: ",
        " waiting "};
    static char output[LITTLE_OUTPUT];

    little_text("spec.json", job_text);
    CHECK_INT(little_train(words, output), 0);
    CHECK(strncmp(output, "a small one: batch 16 in 8 shards, ", 35) == 0);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        little_wants(output, parts[i]);
}

TEST("what cannot be timed is said, with the status of other runs")
{
    static char output[LITTLE_OUTPUT];
    const char *const never[] = {"spec.json", "--bench", "-1", NULL};
    const char *const words[] = {"spec.json", "--bench", "1s", NULL};
    const char *const weights[] = {"spec.json", "--explain", "--out", "w", NULL};
    const char *const some[] = {"spec.json", "--bench", "0", NULL};
    sigset_t interrupt;

    little_text("spec.json", job_text);
    CHECK_INT(little_train(never, output), 2);
    little_wants(output, "--bench must be from 0 to 3600 seconds, not '-1'");
    CHECK_INT(little_train(words, output), 2);
    little_wants(output, "not '1s'");
    CHECK_INT(little_train(weights, output), 2);
    little_wants(output, "--out does not go with --bench or --explain");
    little_text("spec.json", "{\"precision\": \"fp7\"}");
    CHECK_INT(little_train(some, output), 2);
    little_wants(output, "/precision: ");
    little_text("spec.json", job_text);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    CHECK(pthread_sigmask(SIG_BLOCK, &interrupt, NULL) == 0);
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK_INT(little_train(some, output), 130);
    CHECK_TEXT(output, "");
}

/* ---- the networks of tests/bench ---- */

static json_t *read_json(const char *name)
{
    char path[512];
    json_error_t error;
    json_t *json;

    snprintf(path, sizeof(path), "%s/tests/bench/specs/%s", test_root(), name);
    json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        FAIL("%s: line %d: %s", path, error.line, error.text);
    return json;
}

/* The learned parameters of what must be a job without problems, on data that it makes itself. */
static int64_t check_job(const char *name, const json_t *job)
{
    static struct problems problems;
    struct data_shape data;
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;
    struct plan plan;
    int64_t learned;

    CHECK(spec_from_json(job, &spec, &meta, &problems, &error));
    if (problems.count > 0)
        FAIL("%s: %s: %s", name, problems.items[0].pointer, problems.items[0].detail);
    CHECK(spec.dataset.synthetic.given);
    synthetic_shape(&spec.dataset.synthetic, &data);
    CHECK(spec_settle(&spec, &data, NULL, &error));
    CHECK(plan_make(&spec, &data, &plan, &problems, NULL, &error));
    if (problems.count > 0)
        FAIL("%s: %s: %s", name, problems.items[0].pointer, problems.items[0].detail);
    learned = plan.totals.learned;
    /* Batches are full, so that all steps are alike. */
    CHECK_INT(plan.data.train_samples % plan.batch_size, 0);
    CHECK(plan_bytes(&spec, &plan, 2) > 0);
    plan_drop(&plan);
    spec_drop(&spec);
    return learned;
}

TEST("the networks that are benchmarked can be trained")
{
    char path[512];
    struct dirent *entry;
    DIR *folder;
    int count = 0;

    snprintf(path, sizeof(path), "%s/tests/bench/specs", test_root());
    CHECK((folder = opendir(path)) != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "variants.json") == 0)
            continue;
        json_t *job = read_json(entry->d_name);

        check_job(entry->d_name, job);
        json_decref(job);
        count++;
    }
    closedir(folder);
    CHECK(count >= 5);
}

TEST("the benchmarked networks are the well-known ones: they have as many parameters")
{
    static const struct {
        const char *file;
        int64_t parameters;
    } known[] = {{"lenet5.json", 61706},
                 {"cnn32.json", 421642},
                 {"vgg6.json", 2168362},
                 {"resnet20.json", 272474}};

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        json_t *job = read_json(known[i].file);

        CHECK_INT(check_job(known[i].file, job), known[i].parameters);
        json_decref(job);
    }
}

TEST("so can their variants")
{
    json_t *variants = read_json("variants.json"), *variant;
    const char *name;

    json_object_foreach (variants, name, variant) {
        char file[64];

        CHECK_INT((int64_t)json_array_size(variant), 2);
        snprintf(file, sizeof(file), "%s.json", json_string_value(json_array_get(variant, 0)));
        json_t *job = read_json(file), *change = json_array_get(variant, 1);

        /* What has a type is not merged with what had another. */
        if (json_object_get(change, "optimizer"))
            CHECK(json_object_del(job, "optimizer") == 0);
        CHECK(json_object_update_recursive(job, change) == 0);
        check_job(name, job);
        json_decref(job);
    }
    json_decref(variants);
}
