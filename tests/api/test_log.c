/* The daemon's own log, as its operator reads it. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"

#include "core/field.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the test's children say on standard error goes to "log"; the old one comes back. */
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

static json_t *read_entries(void)
{
    json_t *entries = json_array();
    FILE *file = fopen("log", "r");
    char *line = NULL;
    size_t room = 0;

    CHECK(file && entries);
    for (ssize_t size = getline(&line, &room, file); size >= 0;
         size = getline(&line, &room, file)) {
        json_t *entry = json_loadb(line, (size_t)size, JSON_REJECT_DUPLICATES, NULL);

        if (!entry || !json_object_get(entry, "time") || !json_object_get(entry, "level") ||
            !json_object_get(entry, "message"))
            FAIL("this is no entry: %s", line);
        CHECK(json_array_append_new(entries, entry) == 0);
    }
    free(line);
    (void)fclose(file);
    return entries;
}

/* The first entry whose fields include these; NULL: there is none. */
static const json_t *find_entry(const json_t *entries, const char *name, const char *text,
                                int64_t status)
{
    size_t index;
    const json_t *entry;

    json_array_foreach (entries, index, entry) {
        const char *found = json_string_value(json_object_get(entry, name));

        if (found && strcmp(found, text) == 0 &&
            (status == 0 || json_integer_value(json_object_get(entry, "status")) == status))
            return entry;
    }
    return NULL;
}

static void daemon_address(const struct daemon *daemon, struct api *api)
{
    *api = (struct api){.pid = daemon->pid};
    (void)snprintf(api->address, sizeof(api->address), "%.63s", daemon->address);
    CHECK(sscanf(strrchr(api->address, ':'), ":%d", &api->port) == 1);
}

TEST("with --log json every line is an object: requests with what was asked and answered, jobs by "
     "id")
{
    static const char hostile[] = "GET /a\"b\\c%0d%0a\x01\x1b[31m\xff?secret=1 HTTP/1.1\r\n"
                                  "Host: localhost\r\nConnection: close\r\n\r\n";
    const char *const extra[] = {"--log", "json", "--log-level", "debug", NULL};
    struct daemon daemon;
    struct api api;
    char id[16], path[160];
    int kept = catch_log();

    CHECK(mkdir("sets", 0700) == 0);
    tiny_dataset("sets/tiny");
    daemon_start(&daemon, "data", "sets", extra);
    daemon_address(&daemon, &api);
    api_submit_tiny(&api, "\"epochs\": 1", id);
    api_wait(&api, id, "succeeded");
    json_decref(api_get(&api, "/v1/jobs?limit=1", 200));
    json_decref(api_get(&api, "/v1/jobs?password=hunter2", 400));
    json_decref(api_get(&api, "/nothing", 404));
    free(raw_talk(&api, hostile, 5, &(bool){false}));
    free(raw_talk(&api, "NONSENSE\r\n\r\n", 5, &(bool){false}));
    CHECK_INT(daemon_stop(&daemon), 0);
    release_log(kept);

    json_t *entries = read_entries();
    const json_t *entry = find_entry(entries, "path", "/v1/jobs", 201);
    CHECK(entry);
    CHECK_TEXT(text_at(entry, "method"), "POST");
    CHECK_TEXT(text_at(entry, "message"), "request");
    CHECK_TEXT(text_at(entry, "level"), "info");
    CHECK_TEXT(text_at(entry, "from"), "127.0.0.1");
    CHECK(integer_at(entry, "bytes") > 100);
    CHECK(json_number_value(json_object_get(entry, "seconds")) > 0);
    CHECK(find_entry(entries, "path", "/v1/jobs", 200) &&
          find_entry(entries, "path", "/v1/jobs", 400));
    CHECK(find_entry(entries, "path", "/nothing", 404));
    CHECK(find_entry(entries, "path", job_path(id, "", path), 200));
    CHECK(find_entry(entries, "path", "/a\"b\\c%0d%0a\x01\x1b[31m\xef\xbf\xbd", 400));
    CHECK(find_entry(entries, "message", "request refused unread", 400));
    CHECK(find_entry(entries, "job", id, 0));
    char *text = json_dumps(entries, 0);
    CHECK(text && !strstr(text, "secret") && !strstr(text, "hunter2"));
    free(text);
    json_decref(entries);
}
