/* Data sets from outside: the command beside a running daemon, then jobs on what it added. */
#include "tests/api/daemon.h"
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct data_shape small = {.sample = {.channels = 1, .height = 8, .width = 8},
                                        .classes = 3,
                                        .train_samples = 32,
                                        .test_samples = 6};

static void wants(const char *file, const char *text)
{
    size_t size;
    char *output = (char *)read_bytes(file, &size);

    output[size] = '\0';
    if (!strstr(output, text))
        FAIL("\"%s\" is not in:\n%s", text, output);
    free(output);
}

static int add(const char *name, const char *path)
{
    return traind_run(
        (const char *const[]){"dataset", "add", name, path, "--data-dir", "data", NULL}, "output");
}

static json_t *ask(const struct daemon *daemon, const char *path, const char *body, int status)
{
    char *text = NULL;
    int got = daemon_ask(daemon, path, body, &text);

    if (got != status)
        FAIL("%s: %d: %s", path, got, text);
    json_t *json = json_loads(text, 0, NULL);
    CHECK(json);
    free(text);
    return json;
}

static const char job[] = "{\"dataset\": {\"name\": \"mine\"}, \"optimizer\": \"sgd\", \"model\": "
                          "[\"flatten\", {\"type\": \"linear\", \"out_features\": 3}]}";

TEST("a daemon that runs finds an added set at once, shows it, and trains on it")
{
    struct daemon daemon;
    json_t *json;

    CHECK(mkdir("none", 0777) == 0);
    daemon_start(&daemon, "data", "none", NULL);
    json = ask(&daemon, "/v1/jobs", job, 422);
    json_decref(json);
    json = ask(&daemon, "/v1/datasets", NULL, 200);
    CHECK_INT((int64_t)json_array_size(json_object_get(json, "items")), 0);
    json_decref(json);

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "set.tar.zst", PACK_TAR_ZST, "around/");
    CHECK_INT(add("mine", "set.tar.zst"), 0);
    wants("output", "mine is added\n");
    wants("output", "format    idx\n");
    wants("output", "images    1×8×8 (channels × height × width), bytes\n");
    wants("output", "classes   3\n");
    wants("output", "samples   32 to train, 6 to test\n");
    wants("output", "stored    data/datasets/mine\n");

    json = ask(&daemon, "/v1/datasets/mine", NULL, 200);
    CHECK_TEXT(json_string_value(json_object_get(json, "format")), "idx");
    CHECK_INT(json_integer_value(json_object_get(json, "classes")), 3);
    CHECK(json_object_get(json, "path") == NULL && json_object_get(json, "files") == NULL);
    json_decref(json);
    json = ask(&daemon, "/v1/datasets", NULL, 200);
    CHECK_INT((int64_t)json_array_size(json_object_get(json, "items")), 1);
    json_decref(json);
    json = ask(&daemon, "/v1/jobs", job, 201);
    char path[80];
    snprintf(path, sizeof(path), "/v1/jobs/%s", json_string_value(json_object_get(json, "id")));
    json_decref(json);
    for (;;) {
        json = ask(&daemon, path, NULL, 200);
        const char *state = json_string_value(json_object_get(json, "state"));
        bool ended = strcmp(state, "succeeded") == 0;

        if (strcmp(state, "failed") == 0)
            FAIL("%s", json_string_value(json_object_get(json, "reason")));
        json_decref(json);
        if (ended)
            break;
        usleep(10000);
    }
    CHECK_INT(daemon_stop(&daemon), 0);
}

TEST("traind train finds an added set, by option, environment and default")
{
    const char *const by_option[] = {"train", "job.json", "--data-dir", "data", NULL};
    const char *const plain[] = {"train", "job.json", "--quiet", NULL};

    make_idx_dataset("set", &small, 1);
    write_bytes("job.json", job, strlen(job));
    CHECK_INT(add("mine", "set"), 0);
    CHECK_INT(traind_run(by_option, "output"), 0);
    wants("output", "test accuracy");
    CHECK_INT(traind_run(plain, "output"), 2);
    wants("output", "/dataset/name: there is no");
    CHECK(setenv("TRAIND_DATA_DIR", "data", 1) == 0);
    CHECK_INT(traind_run(plain, "output"), 0);
    CHECK(unsetenv("TRAIND_DATA_DIR") == 0 && rename("data", "traind-data") == 0);
    CHECK_INT(traind_run(plain, "output"), 0);
}

TEST("traind train reads an archive that --data names")
{
    const char *const words[] = {"train", "job.json", "--data", "mine=set.zip", NULL};

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "set.zip", PACK_ZIP, "");
    write_bytes("job.json", job, strlen(job));
    CHECK_INT(traind_run(words, "output"), 0);
}

TEST("names of classes are printed, the first of many")
{
    uint8_t pixels[16] = {0};

    for (int i = 0; i < 12; i++) {
        char path[60];

        snprintf(path, sizeof(path), "set/class %02d/1.png", i);
        write_file(path, make_plain_png(1, 4, 4, pixels));
    }
    CHECK_INT(add("mine", "set"), 0);
    wants("output", "classes   12: class 00, class 01, ");
    wants("output", "class 09, …\n");
    make_npy_dataset("reals", NPY_PIXELS_REALS);
    CHECK_INT(add("reals", "reals"), 0);
    wants("output", "images    1×2×3 (channels × height × width), float32\n");
}

TEST("wrong words, wrong sets and taken names end with 2 and their reason")
{
    static const char *const wrong[][7] = {
        {"dataset", NULL},
        {"dataset", "add", NULL},
        {"dataset", "add", "name", NULL},
        {"dataset", "add", "name", "set", "more", NULL},
        {"dataset", "remove", "name", "set", NULL},
        {"dataset", "add", "name", "set", "--data-dir", NULL},
        {"dataset", "add", "name", "set", "--workers=2", NULL},
    };
    const char *const help[] = {"dataset", "add", "--help", NULL};

    make_idx_dataset("set", &small, 1);
    make_idx_dataset("other", &small, 2);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_INT(traind_run(wrong[i], "output"), 2);
        wants("output", "Usage: traind dataset add NAME PATH");
    }
    CHECK_INT(traind_run(help, "output"), 0);
    wants("output", "Usage: traind dataset add NAME PATH");
    CHECK(access("data", F_OK) != 0 && access("traind-data", F_OK) != 0);

    CHECK_INT(add("mine", "set"), 0);
    CHECK_INT(add("mine", "set"), 0);
    wants("output", "mine is there already, with the same content; nothing was changed\n");
    CHECK_INT(add("mine", "other"), 2);
    wants("output", "traind dataset add: mine: there is a data set of this name");
    CHECK_INT(add("a b", "set"), 2);
    CHECK_INT(add("new", "output"), 2);
    wants("output", "output: this is no archive");
    CHECK_INT(traind_run((const char *const[]){"dataset", "add", "a", "set", "--data-dir",
                                               "output/below", NULL},
                         "said"),
              1);
}

TEST("no other program is needed to read and store any data set")
{
    uint8_t pixels[16] = {0};

    make_npy_dataset("npy", NPY_PIXELS_REALS);
    pack_folder("npy", "set.npz", PACK_ZIP, "");
    write_file("images/a/1.png", make_plain_png(1, 4, 4, pixels));
    pack_folder("images", "images.tar.gz", PACK_TAR_GZ, "");
    CHECK(mkdir("empty", 0777) == 0 && setenv("PATH", "empty", 1) == 0);
    CHECK_INT(add("npz", "set.npz"), 0);
    CHECK_INT(add("images", "images.tar.gz"), 0);
}
