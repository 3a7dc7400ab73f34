/* Tests of the plan as users see it. */
#include "server/spec_json.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char lenet5[] =
    "{\"dataset\": {\"name\": \"d\"}, \"optimizer\": \"adam\", \"lr_schedule\": \"cosine\", "
    "\"epochs\": 5, \"model\": ["
    "{\"type\": \"conv2d\", \"out_channels\": 6, \"kernel_size\": 5, \"padding\": 2}, \"relu\","
    "{\"type\": \"max_pool2d\", \"kernel_size\": 2},"
    "{\"type\": \"conv2d\", \"out_channels\": 16, \"kernel_size\": 5}, \"relu\","
    "{\"type\": \"max_pool2d\", \"kernel_size\": 2}, \"flatten\","
    "{\"type\": \"linear\", \"out_features\": 120}, \"relu\","
    "{\"type\": \"linear\", \"out_features\": 84}, \"relu\", {\"type\": \"linear\", "
    "\"out_features\": 10}]}";

/* The plan's JSON on data like fashion-mnist. */
static json_t *plan_json(const char *text, int64_t samples, bool layers)
{
    static struct problems problems;
    struct plan_warnings warnings = {0};
    struct data_shape data = {{1, 28, 28, 0}, 10, samples, 10000};
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;
    struct plan plan;
    json_t *job, *json;

    CHECK(json_parse_strict(text, strlen(text), &job, &problems, &error));
    CHECK(spec_from_json(job, &spec, &meta, &problems, &error));
    CHECK(spec_settle(&spec, &data, &warnings, &error));
    CHECK(plan_make(&spec, &data, &plan, &problems, &warnings, &error));
    CHECK_INT((int64_t)problems.count, 0);
    json = plan_to_json(&(struct plan_view){.spec = &spec,
                                            .plan = &plan,
                                            .warnings = &warnings,
                                            .bytes = plan_bytes(&spec, &plan, 1),
                                            .estimate = {12.3456, NAN}},
                        layers);
    CHECK(json != NULL);
    plan_drop(&plan);
    spec_drop(&spec);
    json_decref(job);
    return json;
}

static int64_t whole(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value))
        FAIL("\"%s\" is no integer", key);
    return json_integer_value(value);
}

static void check_list(const json_t *list, const char *wanted)
{
    char *text = json_text(list, NULL);

    CHECK_TEXT(text, wanted);
    free(text);
}

TEST("a plan shows LeNet-5 as a textbook does")
{
    json_t *plan = plan_json(lenet5, 60000, true);
    const json_t *layers = json_object_get(plan, "layers"),
                 *totals = json_object_get(plan, "totals");
    const json_t *first = json_array_get(layers, 0), *pool = json_array_get(layers, 5);

    CHECK_INT((int64_t)json_array_size(layers), 12);
    CHECK_TEXT(json_string_value(json_object_get(first, "type")), "conv2d");
    CHECK_TEXT(json_string_value(json_object_get(first, "pointer")), "/model/0");
    CHECK_INT(whole(first, "parameters"), 6 * (25 + 1));
    CHECK_INT(whole(first, "multiply_adds"), 6 * 25 * 28 * 28);
    check_list(json_object_get(first, "output"), "[6,28,28]");
    check_list(json_object_get(first, "receptive_field"), "[5,5]");
    check_list(json_object_get(pool, "output"), "[16,5,5]");
    check_list(json_object_get(json_array_get(layers, 7), "output"), "[120]");
    CHECK_INT(whole(totals, "parameters"), 61706);
    CHECK(whole(totals, "bytes") > 61706 * 4 * 4);
    CHECK_INT(whole(plan, "steps_per_epoch"), 938);
    CHECK_INT(whole(plan, "steps"), 4690);
    json_decref(plan);
}

TEST("the schedule's curve has the first and the last step and few points between them")
{
    json_t *plan = plan_json(lenet5, 60000, true);
    const json_t *curve = json_object_get(plan, "schedule");
    size_t points = json_array_size(curve);
    json_int_t before = 0;

    CHECK(points > 100 && points <= 201);
    for (size_t i = 0; i < points; i++) {
        json_int_t step = json_integer_value(json_array_get(json_array_get(curve, i), 0));

        CHECK(step > before);
        before = step;
    }
    check_list(json_array_get(curve, 0), "[1,0.001]");
    CHECK_INT(before, 4690);
    json_decref(plan);
}

TEST("a short run's curve has every step once")
{
    json_t *plan = plan_json(lenet5, 64, true);

    CHECK_INT((int64_t)json_array_size(json_object_get(plan, "schedule")), 5);
    json_decref(plan);
}

TEST("a plan without layers has the totals alone")
{
    json_t *plan = plan_json(lenet5, 60000, false);

    CHECK(!json_object_get(plan, "layers"));
    CHECK(!json_object_get(plan, "schedule"));
    CHECK_INT(whole(json_object_get(plan, "totals"), "parameters"), 61706);
    json_decref(plan);
}

TEST("an estimate has two digits, and is null where it is not known")
{
    json_t *plan = plan_json(lenet5, 64, false);

    check_list(json_object_get(plan, "estimate"), "{\"seconds_per_epoch\":12.0,\"seconds\":null}");
    json_decref(plan);
}

TEST("what a plan warns of is in its JSON, with the place")
{
    json_t *plan = plan_json("{\"dataset\": {\"name\": \"d\"}, \"optimizer\": \"sgd\", \"model\": ["
                             "{\"type\": \"max_pool2d\", \"kernel_size\": 3}, \"flatten\","
                             "{\"type\": \"linear\", \"out_features\": 10}]}",
                             60000, false);
    const json_t *warning = json_array_get(json_object_get(plan, "warnings"), 0);

    CHECK_TEXT(json_string_value(json_object_get(warning, "pointer")), "/model/0");
    CHECK(strstr(json_string_value(json_object_get(warning, "detail")), "never read") != NULL);
    json_decref(plan);
}

/* A block that adds to a convolution of the image what two branches make of it. */
static const char blocks[] =
    "{\"dataset\": {\"name\": \"d\"}, \"optimizer\": \"sgd\", \"model\": ["
    "{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3, \"padding\": 1},"
    "{\"type\": \"residual\", \"body\": [\"batch_norm2d\","
    "  {\"type\": \"concat\", \"branches\": ["
    "    [{\"type\": \"conv2d\", \"out_channels\": 2, \"kernel_size\": 1}, \"relu\"],"
    "    [{\"type\": \"conv2d\", \"out_channels\": 2, \"kernel_size\": 3, \"padding\": 1}]]}]},"
    "{\"type\": \"concat\", \"branches\": [[], [\"tanh\"]]}, \"flatten\","
    "{\"type\": \"linear\", \"out_features\": 10}]}";

TEST("a plan shows what lies in what, and who reads whom, so that it can be drawn")
{
    static const struct {
        const char *path, *type, *pointer;
        int depth;
        const char *inputs;
    } wanted[] = {
        {"0", "conv2d", "/model/0", 0, "[\"data\"]"},
        {"1.body.0", "batch_norm2d", "/model/1/body/0", 1, "[\"0\"]"},
        {"1.body.1.branches.0.0", "conv2d", "/model/1/body/1/branches/0/0", 2, "[\"1.body.0\"]"},
        {"1.body.1.branches.0.1", "relu", "/model/1/body/1/branches/0/1", 2,
         "[\"1.body.1.branches.0.0\"]"},
        {"1.body.1.branches.1.0", "conv2d", "/model/1/body/1/branches/1/0", 2, "[\"1.body.0\"]"},
        {"1.body.1", "concat", "/model/1/body/1", 1,
         "[\"1.body.1.branches.0.1\",\"1.body.1.branches.1.0\"]"},
        {"1", "residual", "/model/1", 0, "[\"1.body.1\",\"0\"]"},
        {"2.branches.1.0", "tanh", "/model/2/branches/1/0", 1, "[\"1\"]"},
        {"2", "concat", "/model/2", 0, "[\"1\",\"2.branches.1.0\"]"},
        {"3", "flatten", "/model/3", 0, "[\"2\"]"},
        {"4", "linear", "/model/4", 0, "[\"3\"]"},
    };
    json_t *plan = plan_json(blocks, 60000, true);
    const json_t *layers = json_object_get(plan, "layers");

    CHECK_INT((int64_t)json_array_size(layers), (int64_t)COUNT_OF(wanted));
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const json_t *layer = json_array_get(layers, i);

        CHECK_TEXT(json_string_value(json_object_get(layer, "path")), wanted[i].path);
        CHECK_TEXT(json_string_value(json_object_get(layer, "type")), wanted[i].type);
        CHECK_TEXT(json_string_value(json_object_get(layer, "pointer")), wanted[i].pointer);
        CHECK_INT(whole(layer, "depth"), wanted[i].depth);
        check_list(json_object_get(layer, "inputs"), wanted[i].inputs);
    }
    json_decref(plan);
}
