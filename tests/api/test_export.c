/* Networks as files for others: what HTTP says of them. That others understand them is
 * tests/export's. */
#include "tests/api/support.h"

#include "core/digest.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_text_header(const struct answer *answer, const char *name, const char *format,
                              const char *value)
{
    char wanted[200];

    (void)snprintf(wanted, sizeof(wanted), format, value);
    CHECK_TEXT(answer_header(answer, name), wanted);
}

TEST("an ONNX file comes with a tag and its digest, whole or from a byte on")
{
    struct api api;
    char id[16], path[160], hex[DIGEST_HEX], tag[200];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    job_path(id, "/checkpoints/last?format=onnx", path);
    struct answer file = api_call(&api, &(struct call){.path = path});
    CHECK_INT(file.status, 200);
    CHECK_COUNT(strlen(answer_header(&file, "ETag")), 66);
    check_text_header(&file, "Content-Disposition", "attachment; filename=\"%s-step6.onnx\"", id);
    CHECK_TEXT(answer_header(&file, "Content-Type"), "application/octet-stream");
    CHECK_TEXT(answer_header(&file, "Accept-Ranges"), "bytes");
    CHECK(strncmp(answer_header(&file, "Repr-Digest"), "sha-256=:", 9) == 0);
    (void)snprintf(hex, sizeof(hex), "%.64s", answer_header(&file, "ETag") + 1);
    CHECK(memmem(file.body, file.size, "probabilities", 13) != NULL);
    CHECK(memmem(file.body, file.size, "4.bias", 6) != NULL);

    (void)snprintf(tag, sizeof(tag), "If-Range: \"%s\"", hex);
    struct answer rest =
        api_call(&api, &(struct call){.path = path, .headers = {"Range: bytes=1001-", tag}});
    CHECK_INT(rest.status, 206);
    CHECK_COUNT(rest.size, file.size - 1001);
    CHECK(memcmp(rest.body, file.body + 1001, rest.size) == 0);
    CHECK_TEXT(answer_header(&rest, "Repr-Digest"), ""); /* for a part not all of it is read */

    (void)snprintf(tag, sizeof(tag), "If-None-Match: \"%s\"", hex);
    struct answer same = api_call(&api, &(struct call){.path = path, .headers = {tag}});
    CHECK_INT(same.status, 304);
    struct answer step =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/6?format=onnx", path)});
    CHECK_COUNT(step.size, file.size);
    CHECK(memcmp(step.body, file.body, file.size) == 0);
    answer_drop(&step);
    answer_drop(&same);
    answer_drop(&rest);
    answer_drop(&file);
    api_stop(&api);
}

TEST("what a checkpoint has no form for is refused, and safetensors is what comes without a word")
{
    struct api api;
    char id[16], path[160];

    api_start(&api);
    api_submit_tiny(&api, "\"epochs\": 1, \"seed\": 6", id);
    api_wait(&api, id, "succeeded");
    struct answer plain =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    struct answer named = api_call(
        &api, &(struct call){.path = job_path(id, "/checkpoints/last?format=safetensors", path)});
    CHECK_COUNT(named.size, plain.size);
    CHECK(memcmp(named.body, plain.body, plain.size) == 0);
    answer_drop(&plain);
    answer_drop(&named);
    check_problem(api_get(&api, job_path(id, "/checkpoints/last?format=caffe", path), 400), 400,
                  "onnx");
    check_problem(api_get(&api, job_path(id, "/checkpoints/5?format=onnx", path), 404), 404,
                  "checkpoint");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/checkpoints/last?format=onnx", 404), 404,
                  "job");
    check_problem(api_get(&api, "/v1/jobs/aaaaaaaaaaaa/export/pytorch", 404), 404, "job");
    api_stop(&api);
}

/* A name could end a string of the script, and go on as code. */
TEST("a job has a script before it has trained, and no name becomes a part of its code")
{
    struct api api;
    char id[16], path[160];
    static const char spec[] =
        "{\"name\": \"a\\\"\\\"\\\"\\\\\", \"dataset\": {\"name\": \"tiny\", \"normalize\": "
        "\"standard\"}, \"model\": [{\"type\": \"flatten\", \"name\": \"b\\\"c\"}, {\"type\": "
        "\"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\", \"max_steps\": 100000, "
        "\"seed\": 2}";

    api_start(&api);
    json_t *job = api_post(&api, "/v1/jobs", spec, 201);
    (void)snprintf(id, sizeof(id), "%s", text_at(job, "id"));
    json_decref(job);
    struct answer script =
        api_call(&api, &(struct call){.path = job_path(id, "/export/pytorch", path)});
    CHECK_INT(script.status, 200);
    CHECK_TEXT(answer_header(&script, "Content-Type"), "text/x-python; charset=utf-8");
    check_text_header(&script, "Content-Disposition", "attachment; filename=\"%s.py\"", id);
    CHECK(strncmp(script.body, "#!/usr/bin/env python3\n", 23) == 0);
    CHECK(strstr(script.body, "nn.Linear("));
    CHECK(strstr(script.body, "std = torch.tensor(["));
    CHECK(strstr(script.body, "\nNAME = \"a\\\"\\\"\\\"\\\\\"\n"));
    CHECK(strstr(script.body, " \"b\\\"c\"\n"));
    answer_drop(&script);
    api_stop(&api);
}
