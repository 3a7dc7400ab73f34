/* Merge patches of specs, and the course of a job written down as changes. */
#include "server/job_course.h"
#include "server/json_merge.h"
#include "tests/harness.h"

#include <stdlib.h>

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    if (!json)
        FAIL("no JSON: %s", text);
    return json;
}

static void check_merge(const char *target, const char *patch, const char *wanted)
{
    json_t *one = parse(target), *before = parse(target), *two = parse(patch);
    json_t *expected = parse(wanted), *got = json_merge(one, two);

    if (!got || !json_equal(got, expected))
        FAIL("%s with %s is %s and not %s", target, patch, got ? json_dumps(got, 0) : "nothing",
             wanted);
    CHECK(json_equal(one, before));
    json_decref(one);
    json_decref(before);
    json_decref(two);
    json_decref(expected);
    json_decref(got);
}

TEST("a merge patch does what RFC 7396 says")
{
    check_merge("{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    check_merge("{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}");
    check_merge("{\"a\":\"b\"}", "{\"a\":null}", "{}");
    check_merge("{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}");
    check_merge("{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}");
    check_merge("{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}");
    check_merge("{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
                "{\"a\":{\"b\":\"d\"}}");
    check_merge("{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}");
    check_merge("[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]");
    check_merge("{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]");
    check_merge("{\"a\":\"foo\"}", "null", "null");
    check_merge("{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}");
    check_merge("[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}");
    check_merge("{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}");
}

TEST("another kind takes the place of the whole object, the same one or none named keeps what is "
     "not named")
{
    static const char step[] = "{\"s\":{\"type\":\"step\",\"step_size\":3,\"gamma\":0.1}}";

    check_merge(step, "{\"s\":{\"type\":\"cosine\",\"t_max\":null}}",
                "{\"s\":{\"type\":\"cosine\"}}");
    check_merge(step, "{\"s\":{\"type\":\"step\",\"gamma\":0.2}}",
                "{\"s\":{\"type\":\"step\",\"step_size\":3,\"gamma\":0.2}}");
    check_merge(step, "{\"s\":{\"gamma\":0.2}}",
                "{\"s\":{\"type\":\"step\",\"step_size\":3,\"gamma\":0.2}}");
    check_merge(step, "{\"s\":\"cosine\"}", "{\"s\":\"cosine\"}");
}

TEST("of a length in epochs and one in steps the one that is given puts the other out")
{
    check_merge("{\"epochs\":3}", "{\"max_steps\":5}", "{\"max_steps\":5}");
    check_merge("{\"max_steps\":3}", "{\"epochs\":5}", "{\"epochs\":5}");
    check_merge("{\"epochs\":3}", "{\"max_steps\":null}", "{\"epochs\":3}");
    check_merge("{\"epochs\":3}", "{\"epochs\":1,\"max_steps\":5}",
                "{\"epochs\":1,\"max_steps\":5}");
    check_merge("{\"every\":{\"epochs\":1}}", "{\"every\":{\"steps\":5}}",
                "{\"every\":{\"steps\":5}}");
}

TEST("a course's changes, made once more, give the same spec from the first one")
{
    json_t *before = parse("{\"seed\":1,\"epochs\":3,\"optimizer\":{\"type\":\"sgd\",\"lr\":0.1,"
                           "\"weight_decay\":0.0},\"lr_schedule\":{\"type\":\"cosine\",\"warmup\":"
                           "{\"steps\":4}}}");
    json_t *after = parse("{\"seed\":1,\"max_steps\":9,\"optimizer\":{\"type\":\"sgd\",\"lr\":0.1,"
                          "\"weight_decay\":0.5},\"lr_schedule\":{\"type\":\"cosine\"}}");
    json_t *request = parse("{\"lr\":0.1,\"weight_decay\":0.5,\"max_steps\":9,\"lr_schedule\":"
                            "{\"warmup\":null},\"name\":\"x\"}");
    json_t *changes = course_changes(request, before, after);
    json_t *wanted = parse(
        "{\"lr\":{\"from\":0.1,\"to\":0.1},\"weight_decay\":{\"from\":0.0,\"to\":0.5},"
        "\"epochs\":{\"from\":3,\"to\":null,\"implied\":true},\"max_steps\":{\"from\":null,\"to\":"
        "9},"
        "\"lr_schedule\":{\"from\":{\"type\":\"cosine\",\"warmup\":{\"steps\":4}},\"to\":{\"type\":"
        "\"cosine\"}}}");
    json_t *patch = course_patch(request);
    json_t *wanted_patch = parse("{\"optimizer\":{\"lr\":0.1,\"weight_decay\":0.5},\"lr_schedule\":"
                                 "{\"warmup\":null},\"max_steps\":9}");
    struct error error = {0};

    CHECK(json_equal(changes, wanted));
    CHECK(json_equal(patch, wanted_patch));
    CHECK(course_names(changes, "max_steps") && !course_names(changes, "epochs"));
    CHECK(!course_names(changes, "momentum"));
    CHECK(course_apply(before, changes, &error));
    CHECK(json_equal(before, after));
    json_t *broken = parse("{\"lr\":{\"from\":1}}"), *strange = parse("{\"seed\":{\"to\":1}}");
    CHECK(!course_apply(before, broken, &error) && error.kind == ERROR_CORRUPT);
    CHECK(!course_apply(before, strange, NULL));
    json_decref(broken);
    json_decref(strange);
    json_decref(patch);
    json_decref(wanted_patch);
    json_decref(before);
    json_decref(after);
    json_decref(request);
    json_decref(changes);
    json_decref(wanted);
}
