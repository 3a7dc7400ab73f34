/* The log: whatever is put in, an entry is one line that can be read. */
#include "server/log.h"

#include "core/field.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard error goes to the file "log" from here on; the old one comes back. */
static int catch_log(void)
{
    int kept = dup(STDERR_FILENO),
        file = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

    CHECK(kept >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0 && close(file) == 0);
    return kept;
}

static void release_log(int kept)
{
    CHECK(dup2(kept, STDERR_FILENO) >= 0 && close(kept) == 0);
}

/* The lines of "log", each parsed; fails the test unless there are `wanted`. */
static json_t *read_entries(size_t wanted)
{
    json_t *entries = json_array();
    FILE *file = fopen("log", "r");
    char *line = NULL;
    size_t room = 0;

    CHECK(file && entries);
    for (ssize_t size = getline(&line, &room, file); size >= 0;
         size = getline(&line, &room, file)) {
        json_error_t place;
        json_t *entry = json_loadb(line, (size_t)size, JSON_REJECT_DUPLICATES, &place);

        if (!entry)
            FAIL("%s: %s", place.text, line);
        CHECK(json_array_append_new(entries, entry) == 0);
    }
    free(line);
    (void)fclose(file);
    CHECK_INT((int64_t)json_array_size(entries), (int64_t)wanted);
    return entries;
}

static const char *text_of(const json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));

    return text ? text : "(none)";
}

TEST("an entry in JSON has time, level, message and the fields that were given")
{
    const struct log log = {.level = LOG_INFO, .form = LOG_JSON};
    int kept = catch_log();

    log_record(&log, LOG_WARNING,
               LOG_FIELDS(log_text("path", "/v1/\"x\\y\"/ü/\t€"), log_number("status", 200),
                          log_text("end", NULL), log_number("seconds", 0.00125),
                          log_number("loss", NAN)),
               "a %s of %d", "request", 7);
    log_record(&log, LOG_DEBUG, LOG_FIELDS(log_text("a", "b")), "is not shown");
    log_line(NULL, LOG_ERROR, "nobody listens");
    log_line(&log, LOG_ERROR, "%s", "");
    release_log(kept);
    json_t *entries = read_entries(2), *first = json_array_get(entries, 0);
    CHECK_INT((int64_t)json_object_size(first), 7);
    CHECK(strlen(text_of(first, "time")) == 24 && text_of(first, "time")[23] == 'Z');
    CHECK_TEXT(text_of(first, "level"), "warning");
    CHECK_TEXT(text_of(first, "message"), "a request of 7");
    CHECK_TEXT(text_of(first, "path"), "/v1/\"x\\y\"/ü/\t€");
    CHECK_INT(json_integer_value(json_object_get(first, "status")), 200);
    CHECK_NEAR(json_real_value(json_object_get(first, "seconds")), 0.00125, 1e-9);
    CHECK(json_is_null(json_object_get(first, "loss")));
    CHECK_TEXT(text_of(json_array_get(entries, 1), "message"), "");
    json_decref(entries);
}

TEST("an entry for people is one line, with quotes where a text would not be seen to end")
{
    const struct log log = {.level = LOG_INFO};
    char text[400] = "";
    int kept = catch_log();

    log_record(&log, LOG_INFO,
               LOG_FIELDS(log_text("job", "abc"), log_text("name", "a \"b\" c"),
                          log_text("none", ""), log_number("step", 12), log_text("x", "a=b")),
               "job \"%s\"", "starts\n\x1b[31mred\x7f\xff\xc2\x85");
    release_log(kept);
    FILE *file = fopen("log", "r");
    CHECK(file && fgets(text, sizeof(text), file) && fgetc(file) == EOF);
    (void)fclose(file);
    CHECK_TEXT(text + 24, " info    job \"starts\\x0a\\x1b[31mred\\x7f\\xff\\x85\" job=abc "
                          "name=\"a \\\"b\\\" c\" none=\"\" step=12 x=\"a=b\"\n");
}

TEST("random bytes of any length make one entry a call, each valid UTF-8 and JSON")
{
    enum { ENTRIES = 3000, BYTES = 3000 };
    const struct log log = {.level = LOG_INFO, .form = LOG_JSON};
    int kept = catch_log();
    char *text = malloc(BYTES + 1);

    CHECK(text);
    srand(1);
    for (int i = 0; i < ENTRIES; i++) {
        int size = rand() % (i % 10 == 0 ? BYTES : 40), alphabet = i % 3 == 0 ? 256 : 4;
        static const char few[] = "\"\\\xe2\xf0";
        for (int k = 0; k < size; k++)
            text[k] = (char)(alphabet == 256 ? rand() % 255 + 1 : few[rand() % 4]);
        text[size] = '\0';
        log_record(&log, LOG_INFO,
                   LOG_FIELDS(log_text("a", text), log_text("b", text), log_text("c", text),
                              log_text("d", text), log_text("e", text), log_text("f", text),
                              log_text("g", text), log_text("h", text), log_text("i", text),
                              log_text("j", text), log_text("k", text), log_text("l", text),
                              log_text("too many", text)),
                   "%s", text);
    }
    release_log(kept);
    json_t *entries = read_entries(ENTRIES);
    CHECK(!json_object_get(json_array_get(entries, 7), "too many"));
    CHECK_TEXT(text_of(json_array_get(entries, 7), "l"), text_of(json_array_get(entries, 7), "a"));
    json_decref(entries);
    free(text);
}

TEST("levels and forms are found by name")
{
    CHECK_INT(log_level_find("error"), LOG_ERROR);
    CHECK_INT(log_level_find("debug"), LOG_DEBUG);
    CHECK_INT(log_level_find("loud"), -1);
    CHECK_INT(log_form_find("plain"), LOG_PLAIN);
    CHECK_INT(log_form_find("json"), LOG_JSON);
    CHECK_INT(log_form_find("xml"), -1);
}
