/* traind backup: a copy that is made while jobs train, and goes on where it was made. */
#include "tests/api/daemon.h"
#include "tests/api/support.h"
#include "tests/api/support_control.h"
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void start(struct daemon *daemon, struct api *api, const char *data_dir)
{
    daemon_start(daemon, data_dir, test_dir(), NULL);
    *api = (struct api){.pid = daemon->pid};
    (void)snprintf(api->address, sizeof(api->address), "%.63s", daemon->address);
    CHECK(sscanf(strrchr(api->address, ':'), ":%d", &api->port) == 1);
}

static int backup(const char *file, const char *data_dir)
{
    const char *const arguments[] = {"backup", file, "--data-dir", data_dir, NULL};

    return traind_run(arguments, "said");
}

/* All that a run has left: every row, and the digests of its checkpoints. */
static json_t *course_of(const struct api *api, const char *id)
{
    char path[160];
    json_t *rows = api_get(api, job_path(id, "/metrics?max_points=0", path), 200);
    json_t *checkpoints = api_get(api, job_path(id, "/checkpoints", path), 200), *digests;
    json_t *item;
    size_t i;

    digests = json_array();
    json_array_foreach (json_object_get(checkpoints, "items"), i, item)
        CHECK(json_array_append(digests, json_object_get(item, "sha256")) == 0);
    CHECK(json_array_size(digests) > 0);
    json_t *course =
        json_pack("{s:O, s:o}", "series", json_object_get(rows, "series"), "sha256", digests);
    json_decref(rows);
    json_decref(checkpoints);
    return course;
}

static int64_t step_of(const struct api *api, const char *id)
{
    json_t *job = api_job(api, id);
    int64_t step = integer_at(job, "progress.step");

    json_decref(job);
    return step;
}

TEST_SLOW(
    "a backup that is made while a job trains goes on from an empty directory, to the same bits",
    180)
{
    enum { BACKUPS = 3 };
    struct daemon daemon;
    struct api api;
    char id[16], name[40], folder[40], members[300];
    json_t *wanted, *got;

    tiny_dataset("tiny");
    start(&daemon, &api, "data");
    (void)snprintf(members, sizeof(members),
                   "\"max_steps\": %d, \"seed\": 11, \"evaluate_every\":"
                   " {\"steps\": 50}, \"checkpoint\": {\"every\": {\"steps\": 90}, \"keep_last\":"
                   " 3}",
                   9000 / test_slowdown());
    api_submit_tiny(&api, members, id);
    for (int i = 0; i < BACKUPS; i++) {
        api_wait_step(&api, id, 100 + 100 * i);
        (void)snprintf(name, sizeof(name), "copy-%d", i);
        CHECK_INT(backup(name, "data"), 0);
    }
    CHECK_INT(count_entries(".", "copy-"), BACKUPS); /* and no drafts, and no logs */
    CHECK(step_of(&api, id) < 9000 / test_slowdown());
    api_wait(&api, id, "succeeded");
    wanted = course_of(&api, id);
    CHECK_INT(daemon_stop(&daemon), 0);
    for (int i = 0; i < BACKUPS; i++) {
        char path[100];
        (void)snprintf(name, sizeof(name), "copy-%d", i);
        (void)snprintf(folder, sizeof(folder), "restored-%d", i);
        (void)snprintf(path, sizeof(path), "%s/traind.db", folder);
        CHECK(mkdir(folder, 0700) == 0 && rename(name, path) == 0);
        start(&daemon, &api, folder);
        json_t *job = api_job(&api, id);
        CHECK_INT(integer_at(job, "restarts"), 1);
        json_decref(job);
        api_wait(&api, id, "succeeded");
        got = course_of(&api, id);
        CHECK(json_equal(got, wanted));
        json_decref(got);
        CHECK_INT(daemon_stop(&daemon), 0);
    }
    json_decref(wanted);
}

TEST("a backup takes the place of an older one when it is complete, and never of the database "
     "itself")
{
    struct daemon daemon;
    struct api api;
    struct stat found;
    char id[16];

    tiny_dataset("tiny");
    CHECK_INT(backup("copy", "data"), 1);
    CHECK(access("copy", F_OK) != 0);
    start(&daemon, &api, "data");
    api_submit_tiny(&api, "", id);
    api_wait(&api, id, "succeeded");
    CHECK_INT(daemon_stop(&daemon), 0);
    /* Without a daemon as well. */
    write_bytes("copy", "old", 3);
    CHECK_INT(backup("copy", "data"), 0);
    CHECK(stat("copy", &found) == 0 && found.st_size > 10000 && (found.st_mode & 0777) == 0600);
    CHECK(link("data/traind.db", "other") == 0);
    CHECK_INT(backup("other", "data"), 2);
    CHECK_INT(backup("data/traind.db", "data"), 2);
    CHECK_INT(backup("data", "data"), 2);
    CHECK_INT(backup("nowhere/copy", "data"), 1);
    const char *const nothing[] = {"backup", NULL};
    CHECK_INT(traind_run(nothing, "said"), 2);
    /* One that cannot be read leaves the older one alone. */
    CHECK(mkdir("broken", 0700) == 0);
    write_bytes("broken/traind.db", "no database at all, but long enough for a header of one ", 56);
    CHECK_INT(backup("copy", "broken"), 1);
    CHECK(stat("copy", &found) == 0 && found.st_size > 10000);
    CHECK_INT(count_entries(".", "copy"), 1);
    CHECK(mkdir("restored", 0700) == 0 && rename("copy", "restored/traind.db") == 0);
    start(&daemon, &api, "restored");
    json_t *job = api_job(&api, id);
    CHECK_TEXT(text_at(job, "state"), "succeeded");
    json_decref(job);
    CHECK_INT(daemon_stop(&daemon), 0);
}
