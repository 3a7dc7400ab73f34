/* Answers' text and requests' targets, without a server. */
#include "server/body.h"
#include "server/http_target.h"
#include "tests/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_string(const char *text, const char *wanted)
{
    struct body body = {0};

    body_string(&body, text);
    CHECK_TEXT(body.bytes, wanted);
    body_drop(&body);
}

TEST("a JSON string has its escapes, keeps UTF-8, and replaces bytes that are none")
{
    check_string("", "\"\"");
    check_string(NULL, "null");
    check_string("plain \"quoted\" back\\slash", "\"plain \\\"quoted\\\" back\\\\slash\"");
    check_string("a\nb\x01\x7F", "\"a\\u000ab\\u0001\\u007f\"");
    check_string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
                 "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    /* Lone, cut, overlong, a surrogate, past the end of Unicode. */
    check_string("a\x80z", "\"a\xEF\xBF\xBDz\"");
    check_string("a\xE2\x82", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_string("\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_string("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_string("\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST("numbers are at their shortest, those that are not finite are null, times are RFC 3339")
{
    struct body body = {0};

    body_real(&body, 0.1);
    body_text(&body, " ");
    body_real(&body, NAN);
    body_text(&body, " ");
    body_real(&body, -INFINITY);
    body_text(&body, " ");
    body_time(&body, 0);
    body_text(&body, " ");
    body_time(&body, 1700000000007);
    CHECK_TEXT(body.bytes, "0.1 null null null \"2023-11-14T22:13:20.007Z\"");
    body_drop(&body);
}

TEST("a body that grows past any block keeps every byte, and an empty one can be taken")
{
    struct body body = {0};
    size_t size = 0;

    for (int i = 0; i < 100000; i++)
        body_print(&body, "%05d", i);
    char *text = body_take(&body, &size, NULL);
    CHECK(text && size == 500000 && strlen(text) == size);
    CHECK(memcmp(text + 5 * 77777, "77777", 5) == 0);
    free(text);
    text = body_take(&body, &size, NULL);
    CHECK(text && size == 0);
    free(text);
}

static bool parses(const char *text)
{
    struct target target;
    struct error error = {0};
    bool good = target_parse(text, &target, &error);

    CHECK(good || error.kind == ERROR_INVALID);
    target_drop(&target);
    return good;
}

TEST("a target is split before it is decoded, and decoded once")
{
    struct target target;
    const char *params[4] = {NULL};

    CHECK(target_parse("/v1/jobs/a%2Fb/x%2525?na%26me=a+b%3D&empty=&flag", &target, NULL));
    CHECK_TEXT(target.path, "/v1/jobs/a%2Fb/x%2525");
    CHECK(target_matches(&target, "/v1/jobs/{id}/{rest}", params));
    CHECK_TEXT(params[0], "a/b");
    CHECK_TEXT(params[1], "x%25");
    CHECK_TEXT(target_query(&target, "na&me"), "a b=");
    CHECK_TEXT(target_query(&target, "empty"), "");
    CHECK_TEXT(target_query(&target, "flag"), "");
    CHECK(!target_query(&target, "other"));
    CHECK(!target_matches(&target, "/v1/jobs/{id}", params));
    CHECK(!target_matches(&target, "/v1/jobs/{id}/{rest}/more", params));
    CHECK(!target_matches(&target, "/v1/job/{id}/{rest}", params));
    target_drop(&target);
}

TEST("targets that are no paths, or hold what may not stand there, are refused")
{
    CHECK(parses("/"));
    CHECK(parses("/?"));
    CHECK(parses("/a?&&b=1&"));
    CHECK(!parses(""));
    CHECK(!parses("*"));
    CHECK(!parses("http://localhost/"));
    CHECK(!parses("/a#b"));
    CHECK(!parses("/%"));
    CHECK(!parses("/%4"));
    CHECK(!parses("/%4g"));
    CHECK(!parses("/%00"));
    CHECK(!parses("/a\x01"));
    CHECK(!parses("/?a=%0D%0A"));
    CHECK(!parses("/?a=1&a=2"));
    CHECK(!parses("/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q"));
}
