/* What new users get wrong, and whether the answer tells them how to get it right: the place, what
 * was found, what is allowed, what was probably meant. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA "\"dataset\": {\"name\": \"tiny\"}"
#define MODEL "\"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 4}]"
#define SGD "\"optimizer\": {\"type\": \"sgd\", \"lr\": 0.1}"
#define JOB(...) "{" DATA ", " __VA_ARGS__ "}"
#define LAYERS(layer)                                                                              \
    JOB("\"model\": [" layer ", \"flatten\", {\"type\": \"linear\", \"out_features\": 4}], " SGD)

/* A job that is refused: where, in which words, and what is suggested (NULL: nothing). */
static const struct {
    const char *job;
    int status;
    const char *pointer, *words, *suggestion;
} jobs[] = {
    /* a misspelled layer, and one by another tool's name */
    {LAYERS("{\"type\": \"conv2D\", \"out_channels\": 4, \"kernel_size\": 3}"), 422,
     "/model/0/type", "found the string \"conv2D\"", "conv2d"},
    {JOB("\"model\": [\"flatten\", {\"type\": \"Dense\", \"units\": 4}], " SGD), 422,
     "/model/1/type", "which is no layer", "linear"},
    {LAYERS("{\"type\": \"MaxPooling2D\", \"pool_size\": 2}"), 422, "/model/0/type",
     "which is no layer", "max_pool2d"},
    /* a misspelled key, one of another tool, and one at the wrong place */
    {LAYERS("{\"type\": \"conv2d\", \"out_chanels\": 4, \"kernel_size\": 3}"), 422,
     "/model/0/out_chanels", "conv2d has no such key", "out_channels"},
    {JOB(MODEL ", \"optimizer\": {\"type\": \"sgd\", \"learning_rate\": 0.1}"), 422,
     "/optimizer/learning_rate", "sgd has no such key", "lr"},
    {JOB(MODEL ", \"optimizer\": \"adam\", \"lr\": 0.1"), 422, "/lr",
     "perhaps it belongs into \"optimizer\"", NULL},
    {JOB(MODEL ", " SGD ", \"batchsize\": 32"), 422, "/batchsize", "a job has no such key",
     "batch_size"},
    /* shapes */
    {LAYERS("{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 31}"), 422, "/model/0",
     "the kernel of 31 × 31 is larger than its input of", NULL},
    {LAYERS("{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3, \"padding\": -1}"),
     422, "/model/0/padding", "found -1; want \"same\" or \"valid\", or an integer from 0", NULL},
    {JOB("\"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, {\"type\": "
         "\"linear\", \"out_features\": 4}], " SGD),
     422, "/model/1", "put {\"type\": \"flatten\"} before it", NULL},
    {JOB("\"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 10}], " SGD), 422,
     "/model/1", "gives 10 scores, but the data set has 4 classes", NULL},
    /* what is missing, and what is there twice */
    {JOB(MODEL), 422, "/optimizer", "is required", NULL},
    {JOB(MODEL ", \"optimizer\": \"adam\", \"lr_schedule\": \"one_cycle\""), 422,
     "/lr_schedule/max_lr", "is required: a number", NULL},
    {JOB(MODEL ", " SGD ", \"epochs\": 1, \"max_steps\": 3"), 422, "/max_steps",
     "epochs and max_steps both say how long to train: give one of them", NULL},
    /* strings for numbers, a list for an object, a name for an object */
    {JOB(MODEL ", \"optimizer\": {\"type\": \"sgd\", \"lr\": \"0.1\"}"), 422, "/optimizer/lr",
     "found the string \"0.1\"; want a number from 0 to 1000000; a number stands without quotes",
     NULL},
    {JOB(MODEL ", " SGD ", \"labels\": [\"a\"]"), 422, "/labels",
     "found the list [\"a\"]; want an object", NULL},
    {"{\"dataset\": \"tiny\", " MODEL ", " SGD "}", 422, "/dataset",
     "found the string \"tiny\"; want an object", NULL},
    /* names that are not on this server, values that are none */
    {"{\"dataset\": {\"name\": \"tinny\"}, " MODEL ", " SGD "}", 422, "/dataset/name",
     "there is no data set \"tinny\" on this server", "tiny"},
    {JOB(MODEL ", " SGD ", \"lr_schedule\": {\"type\": \"step\", \"step_size\": 1, \"gamma\": 0.1, "
               "\"unit\": \"epochs\"}"),
     422, "/lr_schedule/unit", "found the string \"epochs\"; want \"epoch\" or \"step\"", "epoch"},
    {JOB(MODEL ", " SGD ", \"precision\": \"fp16\""), 422, "/precision",
     "want \"fp32\" or \"bf16\"", "bf16"},
    /* what is no JSON */
    {"{" DATA ",}", 400, "", "(no comma after the last item)", NULL},
    {"{'dataset': 'tiny'}", 400, "", "(JSON strings stand in double quotes)", NULL},
    {JOB(MODEL ", " SGD ", \"drop_last\": True"), 400, "", "(JSON writes true, false and null)",
     NULL},
};

TEST("a mistake in a job is answered with its place, what was found, and what was meant")
{
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        json_t *problem = api_post(&api, "/v1/jobs", jobs[i].job, jobs[i].status);
        const char *detail = text_at(problem, "errors.0.detail");
        const json_t *suggestion = json_at(problem, "errors.0.suggestion");

        CHECK_TEXT(text_at(problem, "errors.0.pointer"), jobs[i].pointer);
        if (!strstr(detail, jobs[i].words))
            FAIL("\"%s\" is not in: %s", jobs[i].words, detail);
        if (jobs[i].suggestion)
            CHECK_TEXT(text_at(problem, "errors.0.suggestion"), jobs[i].suggestion);
        else if (suggestion)
            FAIL("%s: a suggestion where there should be none: %s", jobs[i].job,
                 json_string_value(suggestion));
        json_decref(problem);
    }
    json_t *none = api_get(&api, "/v1/jobs", 200);
    CHECK_COUNT(json_array_size(json_at(none, "items")), 0);
    json_decref(none);
    api_stop(&api);
}

/* A request that is refused: the words of the detail. */
static const struct {
    const char *method, *path, *body, *type;
    int status;
    const char *words;
} requests[] = {
    {"POST", "/v1/jobs", "{}", "Content-Type: text/plain", 415,
     "want the header Content-Type: application/json; found text/plain"},
    {"POST", "/v1/jobs", "{}", "Content-Type: application/x-www-form-urlencoded", 415,
     "found application/x-www-form-urlencoded"},
    {"PUT", "/v1/jobs", NULL, NULL, 405,
     "this address does not take PUT; it takes POST, GET, HEAD, OPTIONS"},
    {"GET", "/v1/job", NULL, NULL, 404, "perhaps /v1/jobs was meant"},
    {"GET", "/jobs", NULL, NULL, 404, "perhaps /v1/jobs was meant"},
    {"GET", "/api/v1/jobs", NULL, NULL, 404, "perhaps /v1/jobs was meant"},
    {"GET", "/v1/jobs/", NULL, NULL, 404, "perhaps /v1/jobs was meant"},
    {"POST", "/v1/jobs/aaaaaaaaaaaa/stop", NULL, NULL, 404,
     "perhaps /v1/jobs/aaaaaaaaaaaa/cancel was meant"},
    {"GET", "/v1/jobs/aaaaaaaaaaaa/metric", NULL, NULL, 404,
     "perhaps /v1/jobs/aaaaaaaaaaaa/metrics was meant"},
    {"GET", "/v1/elsewhere", NULL, NULL, 404, "there is nothing at this address"},
    {"GET", "/v1/jobs/aaaaaaaaaaaa", NULL, NULL, 404, "there is no such job"},
    {"GET", "/v1/jobs?states=running", NULL, NULL, 400, "of this address, perhaps \"state\"; it"},
    {"GET", "/v1/jobs?state=runing", NULL, NULL, 400, "found \"runing\", perhaps \"running\""},
    {"GET", "/v1/jobs?limit=1000", NULL, NULL, 400, "a whole number in 1 … 200; found \"1000\""},
    {"POST", "/v1/jobs/aaaaaaaaaaaa/cancel", "{\"when\": \"now\"}", NULL, 400,
     "takes no body: what it takes stands behind the ?"},
    {"POST", "/v1/jobs?dry_run=yes", "{}", NULL, 400, "must be true or false; found \"yes\""},
};

TEST("a mistake in an address, a method or a header is answered with what would be right")
{
    struct api api;

    api_start(&api);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct answer answer = api_call(&api, &(struct call){.method = requests[i].method,
                                                             .path = requests[i].path,
                                                             .body = requests[i].body,
                                                             .headers = {requests[i].type}});

        CHECK_INT(answer.status, requests[i].status);
        check_problem(json_incref(answer.json), requests[i].status, requests[i].words);
        answer_drop(&answer);
    }
    struct answer quiet = api_call(&api, &(struct call){.path = "/v1/elsewhere"});
    CHECK(!strstr(quiet.body, "perhaps"));
    answer_drop(&quiet);
    api_stop(&api);
}
