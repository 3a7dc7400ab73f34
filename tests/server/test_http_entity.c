/* Entities: conditions, parts and gzip, with answers of the test's own. */
#include "server/http_internal.h"

#include "core/field.h"
#include "tests/harness.h"
#include "tests/server/own_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct answer ask(const struct own *own, const char *path, const char *first,
                         const char *second)
{
    return api_call(&own->api, &(struct call){.path = path, .headers = {first, second}});
}

/* The answer's status, and no body unless it is wanted. */
static void check_status(const struct own *own, const char *path, const char *header, int status)
{
    struct answer answer = ask(own, path, header, NULL);

    if (answer.status != status)
        FAIL("%s with \"%s\" gave %d and not %d", path, header, answer.status, status);
    if (status == 304)
        CHECK(answer.size == 0 && answer_header(&answer, "Content-Type")[0] == '\0');
    if (status == 304 || status == 200 || status == 206)
        CHECK(answer_header(&answer, "ETag")[0] == '"');
    answer_drop(&answer);
}

/* What gzip made is put back. */
static struct answer unpack(struct answer packed)
{
    struct answer plain = {.status = packed.status, .head = packed.head};
    z_stream unpacker = {0};
    size_t room = 4 << 20;

    CHECK_TEXT(answer_header(&packed, "Content-Encoding"), "gzip");
    plain.body = calloc(1, room + 1);
    CHECK(plain.body && inflateInit2(&unpacker, 15 + 16) == Z_OK);
    unpacker.next_in = (Bytef *)packed.body;
    unpacker.avail_in = (uInt)packed.size;
    unpacker.next_out = (Bytef *)plain.body;
    unpacker.avail_out = (uInt)room;
    CHECK(inflate(&unpacker, Z_FINISH) == Z_STREAM_END && unpacker.avail_in == 0);
    plain.size = unpacker.total_out;
    CHECK(inflateEnd(&unpacker) == Z_OK);
    free(packed.body);
    json_decref(packed.json);
    return plain;
}

TEST("a client that has the entity is told so, by tag before date, in any list and coding")
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {"If-None-Match: \"state.copy\"", 304},
        {"If-None-Match: W/\"state.copy\"", 304},
        {"If-None-Match: \"state.copy-gzip\"", 304},
        {"If-None-Match: \"a, b\", W/\"c\" , \"state.copy\"", 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: \"state\"", 200},
        {"If-None-Match: \"state.cop\"", 200},
        {"If-None-Match: \"xstate.copy\"", 200},
        {"If-None-Match: state.copy", 200},
        {"If-None-Match: \"state.copy", 200},
        {"If-Modified-Since: " OWN_MODIFIED_DATE, 304},
        {"If-Modified-Since: Wed, 15 Nov 2023 00:00:00 GMT", 304},
        {"If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT", 304},
        {"If-Modified-Since: Tue Nov 14 22:13:20 2023", 304},
        {"If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT", 200},
        {"If-Modified-Since: yesterday", 200},
        {"If-Match: \"state.copy\"", 200},
        {"If-Match: \"state.other\"", 200},
        {"If-Match: \"state\"", 200},
        {"If-Match: *", 200},
        {"If-Match: \"x\", \"state-gzip\"", 200},
        {"If-Match: W/\"state.copy\"", 412},
        {"If-Match: \"stat\"", 412},
        {"If-Match: \"states.copy\"", 412},
        {"If-Match: \"\"", 412},
        {"If-Unmodified-Since: " OWN_MODIFIED_DATE, 200},
        {"If-Unmodified-Since: Tue, 14 Nov 2023 22:13:19 GMT", 412},
        {"If-Unmodified-Since: never", 200},
    };
    struct own own;

    own_start(&own, 50);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_status(&own, "/text", rows[i].header, rows[i].status);
    struct answer both =
        ask(&own, "/text", "If-None-Match: \"other\"", "If-Modified-Since: " OWN_MODIFIED_DATE);
    CHECK_INT(both.status, 200);
    CHECK_TEXT(answer_header(&both, "Last-Modified"), OWN_MODIFIED_DATE);
    answer_drop(&both);
    both = ask(&own, "/text", "If-None-Match: \"state.copy-gzip\"", "If-Match: \"state\"");
    CHECK_INT(both.status, 304);
    CHECK_TEXT(answer_header(&both, "ETag"), "\"state.copy-gzip\"");
    CHECK_TEXT(answer_header(&both, "Vary"), "Accept-Encoding");
    answer_drop(&both);
    check_status(&own, "/numbers", "If-None-Match: \"numbers\"", 304);
    check_status(&own, "/numbers", "If-Match: \"others\"", 412);
    own_stop(&own);
}

TEST("a change is allowed by the tag of the state it is meant for, and by no weak one")
{
    CHECK(http_may_change(NULL, "7.abc") && http_may_change("*", "7.abc"));
    CHECK(http_may_change("\"7\"", "7.abc") && http_may_change("\"7.other-gzip\"", "7.abc"));
    CHECK(http_may_change("\"6\", \"7\"", "7") && http_may_change(" * ", "7"));
    CHECK(!http_may_change("\"6\"", "7.abc") && !http_may_change("\"77\"", "7.abc"));
    CHECK(!http_may_change("W/\"7\"", "7.abc") && !http_may_change("7", "7"));
    CHECK(!http_may_change("", "7") && !http_may_change("\"7", "7") && !http_may_change("*,", "7"));
}

static void check_part(const struct own *own, const char *header, int64_t first, int64_t last)
{
    struct answer answer = ask(own, "/numbers", header, NULL);
    char range[64];

    if (answer.status != 206)
        FAIL("%s gave %d", header, answer.status);
    (void)snprintf(range, sizeof(range), "bytes %lld-%lld/%d", (long long)first, (long long)last,
                   OWN_NUMBERS);
    CHECK_TEXT(answer_header(&answer, "Content-Range"), range);
    CHECK_TEXT(answer_header(&answer, "ETag"), "\"numbers\"");
    CHECK_INT((int64_t)answer.size, last - first + 1);
    for (int64_t i = 0; i < (int64_t)answer.size; i++)
        if ((uint8_t)answer.body[i] != (first + i) % 251)
            FAIL("%s: byte %lld is wrong", header, (long long)i);
    answer_drop(&answer);
}

TEST("a range of a stream is those bytes, wherever it begins and ends")
{
    struct own own;

    own_start(&own, 50);
    check_part(&own, "Range: bytes=0-0", 0, 0);
    check_part(&own, "Range: bytes=0-", 0, OWN_NUMBERS - 1);
    check_part(&own, "Range: bytes=9999-10000", 9999, 10000);
    check_part(&own, "Range: bytes=123456-234567", 123456, 234567);
    check_part(&own, "Range: bytes=299999-", 299999, 299999);
    check_part(&own, "Range: bytes=5-99999999999999999999", 5, OWN_NUMBERS - 1);
    check_part(&own, "Range: bytes=-7", OWN_NUMBERS - 7, OWN_NUMBERS - 1);
    check_part(&own, "Range: bytes=-99999999999999999999", 0, OWN_NUMBERS - 1);
    check_part(&own, "Range: BYTES=1-2 ", 1, 2);
    own_stop(&own);
}

TEST("a range that cannot be is 416, one that nobody can read is the whole")
{
    static const char *const outside[] = {"300000-", "300000-300001", "-0",
                                          "99999999999999999999-"};
    static const char *const whole[] = {"0-1,4-5", "5-4", "-",    "x-1",  "1",      "1-x",
                                        "1--2",    "",    "+1-2", "1-2;", "0x1-0x2"};
    struct own own;
    char header[64];

    own_start(&own, 50);
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        (void)snprintf(header, sizeof(header), "Range: bytes=%s", outside[i]);
        struct answer answer = ask(&own, "/numbers", header, NULL);
        CHECK_INT(answer.status, 416);
        CHECK_TEXT(answer_header(&answer, "Content-Range"), "bytes */300000");
        check_problem(json_incref(answer.json), 416, "300000 bytes");
        answer_drop(&answer);
    }
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        (void)snprintf(header, sizeof(header), "Range: bytes=%s", whole[i]);
        check_status(&own, "/numbers", header, 200);
    }
    check_status(&own, "/numbers", "Range: lines=1-2", 200);
    struct answer head = api_call(
        &own.api,
        &(struct call){.method = "HEAD", .path = "/numbers", .headers = {"Range: bytes=1-2"}});
    CHECK_INT(head.status, 200);
    CHECK_TEXT(answer_header(&head, "Content-Length"), "300000");
    CHECK_TEXT(answer_header(&head, "Accept-Ranges"), "bytes");
    answer_drop(&head);
    own_stop(&own);
}

TEST("a part is given only of what the client has the rest of")
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {"If-Range: \"state.copy\"", 206},
        {"If-Range: \"state\"", 200},
        {"If-Range: \"state.copy-gzip\"", 200},
        {"If-Range: W/\"state.copy\"", 200},
        {"If-Range: \"state.copy\" x", 200},
        {"If-Range: " OWN_MODIFIED_DATE, 206},
        {"If-Range: Tue, 14 Nov 2023 22:13:21 GMT", 200},
        {"If-Range: x", 200},
    };
    struct own own;

    own_start(&own, 50);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer answer = ask(&own, "/text", "Range: bytes=1-3", rows[i].header);
        if (answer.status != rows[i].status)
            FAIL("%s gave %d", rows[i].header, answer.status);
        if (answer.status == 206)
            CHECK_TEXT(answer.body, "0,1");
        answer_drop(&answer);
    }
    struct answer part = ask(&own, "/text", "Range: bytes=1-3", "Accept-Encoding: gzip");
    CHECK_TEXT(part.body, "0,1"); /* of the plain bytes */
    CHECK_TEXT(answer_header(&part, "Content-Encoding"), "");
    answer_drop(&part);
    own_stop(&own);
}

TEST("gzip is sent to who weighs it above 0 and not below plain, and unpacks to the same bytes")
{
    static const char *const takes[] = {"gzip",
                                        "deflate, gzip;q=0.5",
                                        "*",
                                        "GZIP",
                                        "br;q=1.0, gzip;q=0.001",
                                        "gzip;q=0.5, identity;q=0.5",
                                        "*;q=0.3, identity;q=0",
                                        "gzip ; q=1.000"};
    static const char *const leaves[] = {"identity", "gzip;q=0", "gzip;q=0.000, *",
                                         "br",       "xgzip",    "gzip;q=0.5, identity",
                                         "*;q=0",    "gzipx"};
    struct own own;
    char header[80];

    own_start(&own, 50);
    struct answer plain = ask(&own, "/text", NULL, NULL);
    CHECK_TEXT(answer_header(&plain, "Vary"), "Accept-Encoding");
    for (size_t i = 0; i < COUNT_OF(takes); i++) {
        (void)snprintf(header, sizeof(header), "Accept-Encoding: %s", takes[i]);
        struct answer packed = ask(&own, "/text", header, NULL);
        CHECK(packed.size < plain.size / 2);
        CHECK_TEXT(answer_header(&packed, "ETag"), "\"state.copy-gzip\"");
        CHECK_TEXT(answer_header(&packed, "Vary"), "Accept-Encoding");
        packed = unpack(packed);
        CHECK_TEXT(packed.body, plain.body);
        answer_drop(&packed);
    }
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        (void)snprintf(header, sizeof(header), "Accept-Encoding: %s", leaves[i]);
        struct answer same = ask(&own, "/text", header, NULL);
        CHECK_TEXT(same.body, plain.body);
        CHECK_TEXT(answer_header(&same, "ETag"), "\"state.copy\"");
        answer_drop(&same);
    }
    answer_drop(&plain);
    own_stop(&own);
}

TEST("what is small, packed already, partial or live is not packed; HEAD says what GET would")
{
    static const char gzip[] = "Accept-Encoding: gzip";
    struct own own;

    own_start(&own, 50);
    struct answer small = ask(&own, "/text?size=900", gzip, NULL);
    CHECK(answer_header(&small, "Content-Encoding")[0] == '\0' && small.body[0] == '[');
    answer_drop(&small);
    struct answer bytes = ask(&own, "/numbers", gzip, NULL);
    CHECK_INT((int64_t)bytes.size, OWN_NUMBERS);
    CHECK_TEXT(answer_header(&bytes, "Vary"), "");
    answer_drop(&bytes);
    int live = raw_open(&own.api);
    raw_text(live, "GET /stream?live HTTP/1.0\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
    nap(0.2);
    http_end_streams(own.http);
    char *text = raw_read(live, 5, NULL);
    CHECK(strstr(text, ": still here") && !strstr(text, "Content-Encoding"));
    free(text);
    struct answer get = ask(&own, "/text", gzip, NULL);
    struct answer head =
        api_call(&own.api, &(struct call){.method = "HEAD", .path = "/text", .headers = {gzip}});
    const char *const same[] = {"Content-Length", "Content-Encoding", "ETag", "Vary"};
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char value[128];
        (void)snprintf(value, sizeof(value), "%s", answer_header(&get, same[i]));
        CHECK(value[0] != '\0');
        CHECK_TEXT(answer_header(&head, same[i]), value);
    }
    answer_drop(&get);
    answer_drop(&head);
    own_stop(&own);
}

TEST("text in pieces is packed piece by piece; a large body is packed beside the HTTP thread")
{
    static const char gzip[] = "Accept-Encoding: gzip";
    struct own own;

    own_start(&own, 50);
    struct answer plain = ask(&own, "/lines", NULL, NULL);
    struct answer packed = ask(&own, "/lines", gzip, "Accept: text/csv");
    CHECK_TEXT(answer_header(&packed, "Vary"), "Accept, Accept-Encoding");
    CHECK_TEXT(answer_header(&packed, "Content-Type"), "text/csv");
    CHECK(packed.size < plain.size / 4);
    packed = unpack(packed);
    CHECK_TEXT(packed.body, plain.body);
    answer_drop(&plain);
    answer_drop(&packed);
    plain = ask(&own, "/text?size=2000000", NULL, NULL);
    packed = unpack(ask(&own, "/text?size=2000000", gzip, NULL));
    CHECK_INT((int64_t)plain.size, (int64_t)packed.size);
    CHECK_TEXT(packed.body, plain.body);
    answer_drop(&plain);
    answer_drop(&packed);
    own_stop(&own);
}

TEST("dates are read in the three forms of HTTP and written in today's")
{
    char text[DATE_SIZE];

    date_print(INT64_C(784111777000), text);
    CHECK_TEXT(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_INT(date_read("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    CHECK_INT(date_read("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    CHECK_INT(date_read("Sun Nov  6 08:49:37 1994"), 784111777);
    CHECK_INT(date_read("Sun, 06 Nov 1994 08:49:37"), -1);
    CHECK_INT(date_read(""), -1);
}

TEST("header values of random bytes are read to their end and no further")
{
    static const char *const pieces[] = {
        "\"", "W/",   "*",     ",", ";", "q=",   "0.", "1",        " ",
        "\t", "gzip", "-gzip", "a", ".", "\xff", "=",  "identity", "GMT"};
    srand(3);
    for (int i = 0; i < 200000; i++) {
        /* At its exact size, so that a sanitizer sees a step too far. */
        char text[256] = "", *exact;
        bool coded;
        for (int k = rand() % 12; k > 0; k--)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
                           pieces[rand() % (int)COUNT_OF(pieces)]);
        exact = strdup(text);
        CHECK(exact);
        int weight = weight_find(exact, "gzip");
        CHECK(weight >= -1 && weight <= 1000);
        if (etag_listed(exact, "a", &coded))
            CHECK(strchr(exact, '*') || strstr(exact, "\"a"));
        if (http_may_change(exact, "a.1"))
            CHECK(strchr(exact, '*') || strstr(exact, "\"a"));
        CHECK_INT(date_read(exact), -1);
        free(exact);
    }
}
