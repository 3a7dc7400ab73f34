/* Requests that are wrong outside of their bodies: each wrong parameter is named, with what it may
 * be; and what a body may be written in. */
#include "tests/api/support.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>

/* A wrong parameter: what `errors` says of it. NULL: nothing is said. */
static const struct {
    const char *method, *path, *parameter, *words, *allowed, *suggestion;
} rows[] = {
    {"POST", "/v1/jobs?dry_run=1", "dry_run", "must be true or false; found \"1\"", "true", NULL},
    {"POST", "/v1/jobs?dry_run=tru", "dry_run", "must be true or false", "true", "true"},
    {"POST", "/v1/jobs?dryrun=true", "dryrun", "not a query parameter", "dry_run", "dry_run"},
    {"GET", "/v1/jobs?state=runing", "state", "found \"runing\"", "queued", "running"},
    {"GET", "/v1/jobs?limit=0", "limit", "in 1 … 200; found \"0\"", NULL, NULL},
    {"GET", "/v1/jobs?cursor=x", "cursor", "the query parameter \"cursor\"", NULL, NULL},
    {"GET", "/v1/jobs?label=a&label=b", "label", "stands there twice", NULL, NULL},
    {"GET", "/v1/jobs/%s/metrics?max_points=3", "max_points", "or at least 5", NULL, NULL},
    {"GET", "/v1/jobs/%s/metrics?max_points=-1", "max_points", "found \"-1\"", NULL, NULL},
    {"POST", "/v1/jobs/%s/cancel?when=later", "when", "found \"later\"", "now", NULL},
    {"POST", "/v1/jobs/%s/predict?checkpoint=newest", "checkpoint", "best, last or a step", NULL,
     NULL},
};

static const char *first_allowed(const json_t *error)
{
    return json_string_value(json_array_get(json_object_get(error, "allowed"), 0));
}

TEST("a wrong query parameter is named among the errors, with what it may be and what was meant")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "", id);
    api_wait(&api, id, "succeeded");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *rest = strstr(rows[i].path, "%s");
        const bool predicts = strstr(rows[i].path, "predict") != NULL;
        const bool body = predicts || strncmp(rows[i].path, "/v1/jobs?dry", 12) == 0;

        (void)snprintf(path, sizeof(path), "%.*s%s%s",
                       rest ? (int)(rest - rows[i].path) : (int)strlen(rows[i].path), rows[i].path,
                       rest ? id : "", rest ? rest + 2 : "");
        struct answer answer = api_call(
            &api, &(struct call){.method = rows[i].method,
                                 .path = path,
                                 .body = body ? predicts ? "{\"instances\": []}" : "{}" : NULL});
        const json_t *error = json_at(answer.json, "errors.0");
        if (answer.status != 400 || !error)
            FAIL("%s: %d %s", path, answer.status, answer.body);
        CHECK_TEXT(text_at(error, "parameter"), rows[i].parameter);
        CHECK_TEXT(text_at(error, "pointer"), "");
        if (!strstr(text_at(error, "detail"), rows[i].words))
            FAIL("%s: %s", path, answer.body);
        if (rows[i].allowed)
            CHECK_TEXT(first_allowed(error), rows[i].allowed);
        if (rows[i].suggestion)
            CHECK_TEXT(text_at(error, "suggestion"), rows[i].suggestion);
        answer_drop(&answer);
    }
    json_t *both = api_get(&api, "/v1/jobs?limit=x&sort=size", 400);
    CHECK_COUNT(json_array_size(json_at(both, "errors")), 2);
    CHECK_TEXT(text_at(both, "errors.1.parameter"), "sort");
    json_decref(both);
    struct answer broken = api_call(
        &api,
        &(struct call){.method = "PATCH", .path = "/v1/jobs/aaaaaaaaaaaa", .body = "{\"name\": }"});
    CHECK_INT(broken.status, 400);
    CHECK(strstr(text_at(broken.json, "errors.0.detail"), "line 1"));
    answer_drop(&broken);
    api_stop(&api);
}

static int status_of(const struct api *api, const char *type)
{
    struct answer answer =
        api_call(api, &(struct call){.path = "/v1/jobs", .body = "{}", .headers = {type}});
    int status = answer.status;

    answer_drop(&answer);
    return status;
}

TEST("JSON is UTF-8: a body that says it is in another charset is refused with 415")
{
    struct api api;

    api_start(&api);
    CHECK_INT(status_of(&api, "Content-Type: application/json; charset=utf-16"), 415);
    CHECK_INT(status_of(&api, "Content-Type: application/json;a=b; Charset=\"UTF-16LE\""), 415);
    CHECK_INT(status_of(&api, "Content-Type: application/json; charset=latin1"), 415);
    CHECK_INT(status_of(&api, "Content-Type: application/json; charset=utf-8"), 422);
    CHECK_INT(status_of(&api, "Content-Type: application/json;charset=\"UTF-8\""), 422);
    CHECK_INT(status_of(&api, "Content-Type: application/json ; x=y"), 422);
    api_stop(&api);
}

TEST(
    "what makes or changes a job answers with the tag that a GET of it has, and either tag goes as "
    "If-Match")
{
    struct api api;
    char id[16], path[160], tag[120], match[160];

    api_start(&api);
    struct answer answer =
        api_call(&api, &(struct call){.path = "/v1/jobs/aaaaaaaaaaaa/cancel", .method = "POST"});
    CHECK_TEXT(answer_header(&answer, "ETag"), "");
    answer_drop(&answer);
    api_submit_tiny(&api, "", id);
    api_wait(&api, id, "succeeded");
    job_path(id, "", path);
    answer = api_call(&api,
                      &(struct call){.method = "PATCH", .path = path, .body = "{\"name\": \"a\"}"});
    CHECK_INT(answer.status, 200);
    (void)snprintf(tag, sizeof(tag), "%s", answer_header(&answer, "ETag"));
    answer_drop(&answer);
    answer = api_call(&api, &(struct call){.path = path});
    CHECK_TEXT(answer_header(&answer, "ETag"), tag);
    answer_drop(&answer);
    CHECK(strchr(tag, '.'));
    (void)snprintf(match, sizeof(match), "If-Match: %s", tag);
    answer = api_call(&api, &(struct call){.method = "PATCH",
                                           .path = path,
                                           .body = "{\"name\": \"b\"}",
                                           .headers = {match}});
    CHECK_INT(answer.status, 200);
    (void)snprintf(match, sizeof(match), "If-Match: %.*s\"",
                   (int)strcspn(answer_header(&answer, "ETag"), "."),
                   answer_header(&answer, "ETag"));
    answer_drop(&answer);
    answer = api_call(&api, &(struct call){.method = "PATCH",
                                           .path = path,
                                           .body = "{\"name\": \"c\"}",
                                           .headers = {match}});
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);

    answer = api_call(
        &api,
        &(struct call){
            .path = "/v1/jobs",
            .body =
                "{\"dataset\": {\"name\": \"tiny\"}, \"optimizer\": \"sgd\", \"max_steps\": "
                "900000, \"model\": [\"flatten\", {\"type\": \"linear\", \"out_features\": 4}]}"});
    CHECK_INT(answer.status, 201);
    CHECK(strchr(answer_header(&answer, "ETag"), '.'));
    answer_drop(&answer);
    api_stop(&api);
}
