/* Conditional and partial answers of the real routes. */
#include "tests/api/support.h"

#include "core/field.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct answer ask(const struct api *api, const char *path, const char *first,
                         const char *second)
{
    return api_call(api, &(struct call){.path = path, .headers = {first, second}});
}

static void header_of(const struct answer *answer, const char *name, const char *as, char out[200])
{
    (void)snprintf(out, 200, "%s: %s", as, answer_header(answer, name));
}

/* GET, and GET again with the tag: 304 with the same tag and no body. */
static void check_unchanged(const struct api *api, const char *path)
{
    struct answer first = ask(api, path, NULL, NULL), second;
    char condition[200], tag[200];

    CHECK_INT(first.status, 200);
    header_of(&first, "ETag", "If-None-Match", condition);
    header_of(&first, "ETag", "ETag", tag);
    if (!strchr(condition, '"'))
        FAIL("%s has no tag", path);
    second = ask(api, path, condition, NULL);
    if (second.status != 304 || second.size > 0)
        FAIL("%s gave %d the second time", path, second.status);
    CHECK_TEXT(answer_header(&second, "ETag"), tag + 6);
    CHECK_TEXT(answer_header(&second, "X-Content-Type-Options"), "nosniff");
    answer_drop(&first);
    answer_drop(&second);
}

TEST("files, jobs, lists and checkpoints have tags, and who has them already gets 304")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_wait(&api, id, "succeeded");
    check_unchanged(&api, "/");
    check_unchanged(&api, "/style.css");
    check_unchanged(&api, "/v1/jobs");
    check_unchanged(&api, "/v1/jobs?state=succeeded&limit=1");
    check_unchanged(&api, "/v1/datasets");
    check_unchanged(&api, "/v1/datasets/tiny");
    check_unchanged(&api, "/v1/schema");
    check_unchanged(&api, job_path(id, "", path));
    check_unchanged(&api, job_path(id, "/checkpoints", path));
    check_unchanged(&api, job_path(id, "/checkpoints/last", path));
    api_stop(&api);
}

TEST("a job's tag is its revision, and changes with all that is shown of it")
{
    struct api api;
    char id[16], path[160], condition[200], wanted[40];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 100000", id);
    api_wait(&api, id, "running");
    job_path(id, "", path);
    struct answer before = ask(&api, path, NULL, NULL);
    header_of(&before, "ETag", "If-None-Match", condition);
    (void)snprintf(wanted, sizeof(wanted), "\"%lld.",
                   (long long)integer_at(before.json, "revision"));
    CHECK(strncmp(answer_header(&before, "ETag"), wanted, strlen(wanted)) == 0);
    for (int i = 0; i < 200; i++) {
        struct answer after = ask(&api, path, condition, NULL);
        bool same = after.status == 304;
        if (!same)
            CHECK(strcmp(after.body, before.body) != 0);
        answer_drop(&after);
        if (!same)
            break;
        CHECK(i < 199);
        nap(0.05);
    }
    answer_drop(&before);
    json_decref(api_post(&api, job_path(id, "/cancel", path), NULL, 200));
    api_wait(&api, id, "cancelled");
    api_stop(&api);
}

TEST("files of the dashboard come in parts, plain and in gzip, and HEAD has the same headers")
{
    struct api api;

    api_start(&api);
    struct answer whole = ask(&api, "/app.js", NULL, NULL);
    struct answer part = ask(&api, "/app.js", "Range: bytes=10-29", "Accept-Encoding: gzip");
    CHECK_INT(part.status, 206);
    CHECK_COUNT(part.size, 20);
    CHECK(memcmp(part.body, whole.body + 10, 20) == 0);
    answer_drop(&part);
    part = ask(&api, "/app.js", "Range: bytes=-5", NULL);
    CHECK(part.size == 5 && memcmp(part.body, whole.body + whole.size - 5, 5) == 0);
    answer_drop(&part);
    part = ask(&api, "/app.js", "Range: bytes=9999999-", NULL);
    CHECK_INT(part.status, 416);
    CHECK_TEXT(answer_header(&part, "X-Content-Type-Options"), "nosniff");
    check_problem(json_incref(part.json), 416, "range");
    answer_drop(&part);
    answer_drop(&whole);

    static const char *const paths[] = {"/app.js", "/v1/schema", "/v1/jobs", "/nothing"};
    static const char *const names[] = {"Content-Type", "Content-Length", "Content-Encoding",
                                        "ETag",         "Vary",           "Cache-Control"};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const char *headers = "Accept-Encoding: gzip";
        struct answer get = ask(&api, paths[i], headers, NULL);
        struct answer head = api_call(
            &api, &(struct call){.method = "HEAD", .path = paths[i], .headers = {headers}});
        CHECK_INT(head.status, get.status);
        CHECK_COUNT(head.size, 0);
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            char value[200];
            (void)snprintf(value, sizeof(value), "%s", answer_header(&get, names[k]));
            CHECK_TEXT(answer_header(&head, names[k]), value);
        }
        answer_drop(&get);
        answer_drop(&head);
    }
    api_stop(&api);
}

TEST("metrics as CSV are packed, and say that they depend on what was accepted")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 20", id);
    api_wait(&api, id, "succeeded");
    job_path(id, "/metrics?max_points=0", path);
    struct answer plain = ask(&api, path, "Accept: text/csv", NULL);
    struct answer packed = ask(&api, path, "Accept: text/csv", "Accept-Encoding: gzip");
    CHECK_INT(packed.status, 200);
    CHECK_TEXT(answer_header(&packed, "Content-Encoding"), "gzip");
    CHECK_TEXT(answer_header(&packed, "Vary"), "Accept, Accept-Encoding");
    CHECK(packed.size < plain.size);
    answer_drop(&plain);
    answer_drop(&packed);
    api_stop(&api);
}
