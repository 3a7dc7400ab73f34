/* Data sets that users add: there wholly or not at all, found without a word to anyone. */
#include "tests/core/support.h"
#include "tests/core/support_archive.h"
#include "tests/core/support_image.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct data_shape small = {.sample = {.channels = 1, .height = 8, .width = 8},
                                        .classes = 3,
                                        .train_samples = 20,
                                        .test_samples = 6};

static void add(const char *name, const char *path, bool there)
{
    struct catalog_addition addition;
    struct error error = {0};

    if (!catalog_add("data", name, path, NULL, &addition, &error))
        FAIL("%s: %s", error.where, error.text);
    CHECK_INT(addition.there, there);
    dataset_release(addition.dataset);
}

static void check_add_refused(const char *name, const char *path, enum error_kind kind,
                              const char *text)
{
    struct catalog_addition addition;
    struct error error = {0};

    CHECK(!catalog_add("data", name, path, NULL, &addition, &error));
    if (error.kind != kind || strstr(error.text, text) == NULL)
        FAIL("%s (%s): %s", error_kind_name(error.kind), error.where, error.text);
}

/* Members of the folder whose names begin so. */
static int count_members(const char *path, const char *beginning)
{
    DIR *folder = opendir(path);
    int count = 0;

    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
    closedir(folder);
    return count;
}

TEST("a set that was added in any form is the same set, for this user alone")
{
    struct stat status;

    make_idx_dataset("set", &small, 1);
    pack_folder("set", "set.zip", PACK_ZIP, "deep/");
    add("folder", "set", false);
    add("archive", "set.zip", false);
    check_same_dataset("set", "data/datasets/folder");
    check_same_dataset("set", "data/datasets/archive");
    CHECK_INT(count_members("data/datasets", ".incoming"), 0);
    CHECK(stat("data/datasets/folder", &status) == 0);
    CHECK_INT((int)(status.st_mode & 0777), 0700);
    CHECK(stat("data/datasets/folder/train_images.npy", &status) == 0);
    CHECK_INT((int)(status.st_mode & 0777), 0600);
}

TEST("a name that is taken is refused, unless it has the same content already")
{
    make_idx_dataset("set", &small, 1);
    make_idx_dataset("other", &small, 2);
    add("mine", "set", false);
    add("mine", "set", true);
    check_add_refused("mine", "other", ERROR_CONFLICT, "of this name with other content (sha256 ");
    check_same_dataset("set", "data/datasets/mine");
    CHECK_INT(count_members("data/datasets", ".incoming"), 0);
}

TEST("a name that the store knows is taken too, as long as its files are there")
{
    struct workshop shop;
    struct error error = {0};

    workshop_open(&shop, "data");
    make_idx_dataset("set", &small, 1);
    make_idx_dataset("other", &small, 2);
    CHECK(catalog_register(shop.catalog, "known", "set", &error));
    /* Beside a store that is open, as beside a daemon. */
    add("known", "set", true);
    check_add_refused("known", "other", ERROR_CONFLICT, "with other content");
    CHECK(rename("set", "gone") == 0);
    add("known", "other", false);
    check_same_dataset("other", "data/datasets/known");
    workshop_close(&shop);
}

TEST("names that could be paths are refused, and data sets that are none")
{
    make_idx_dataset("set", &small, 1);
    check_add_refused("../set", "set", ERROR_INVALID, "at most 64 letters");
    check_add_refused("", "set", ERROR_INVALID, "at most 64 letters");
    check_add_refused(".hidden", "set", ERROR_INVALID, "at most 64 letters");
    check_add_refused("a/b", "set", ERROR_INVALID, "at most 64 letters");
    check_add_refused("good", "nothing", ERROR_NOT_FOUND, "cannot be opened");
    CHECK(access("data", F_OK) != 0);
}

static int64_t samples_of(struct db *db, const char *name)
{
    struct data_shape shape = {0};

    return catalog_shape(db, name, &shape, NULL) ? shape.train_samples : -1;
}

TEST("an open catalog finds what was added since, opens it, lists it, and says what it is")
{
    struct workshop shop;
    struct error error = {0};
    struct dataset *dataset = NULL;
    struct dataset_row *rows, row;
    int count;
    uint8_t pixels[16] = {0};

    workshop_open(&shop, "data");
    make_npy_dataset("reals", NPY_PIXELS_REALS);
    write_file("images/cat/1.png", make_plain_png(1, 4, 4, pixels));
    write_file("images/dog/1.png", make_plain_png(1, 4, 4, pixels));
    CHECK_INT(samples_of(shop.db, "reals"), -1);
    add("reals", "reals", false);
    add("images", "images", false);
    CHECK_INT(samples_of(shop.db, "reals"), 4);
    CHECK_INT(samples_of(shop.db, "../datasets/reals"), -1);

    CHECK(catalog_open(shop.catalog, shop.db, "reals", &dataset, &error));
    CHECK(dataset_train(dataset)->reals[5] == 5.0f);
    catalog_close(shop.catalog, dataset);

    CHECK(catalog_list(shop.db, &rows, &count, &error));
    CHECK_INT(count, 3);
    CHECK_TEXT(rows[0].name, "images");
    CHECK_TEXT(rows[1].name, "reals");
    CHECK_TEXT(rows[2].name, "tiny");
    CHECK(strstr(rows[0].info, "\"class_names\":[\"cat\",\"dog\"]") != NULL);
    CHECK(strstr(rows[0].info, "\"pixels\":\"uint8\"") != NULL);
    CHECK(strstr(rows[0].info, "\"format\":\"images\"") != NULL);
    CHECK(strstr(rows[1].info, "\"pixels\":\"float32\"") != NULL);
    for (int i = 0; i < count; i++)
        dataset_row_drop(&rows[i]);
    free(rows);
    CHECK(catalog_find(shop.db, "reals", &row, &error));
    CHECK(row.created_at > INT64_C(1600000000000));
    dataset_row_drop(&row);
    workshop_close(&shop);
}

TEST("real pixels are told before the set is read")
{
    struct workshop shop;
    struct data_shape shape;
    struct error error = {0};

    workshop_open(&shop, "data");
    make_npy_dataset("reals", NPY_PIXELS_REALS);
    add("reals", "reals", false);
    CHECK(catalog_register(shop.catalog, "same", "reals", &error));
    CHECK(catalog_shape(shop.db, "reals", &shape, &error) && shape.real_pixels);
    CHECK(catalog_shape(shop.db, "same", &shape, &error) && shape.real_pixels);
    CHECK(catalog_shape(shop.db, "tiny", &shape, &error) && !shape.real_pixels);
    workshop_close(&shop);
}

TEST("an added name goes before one that is found at start")
{
    struct workshop shop;
    const struct data_shape more = {
        .sample = {.channels = 1, .height = 8, .width = 8}, .classes = 3, .train_samples = 30};

    make_idx_dataset("mine", &small, 1);
    CHECK(mkdir("sets", 0777) == 0);
    make_idx_dataset("sets/set", &more, 1);
    add("set", "mine", false);
    workshop_open(&shop, "data");
    catalog_register_folder(shop.catalog, shop.db, "sets", NULL);
    CHECK_INT(samples_of(shop.db, "set"), 20);
    workshop_close(&shop);
}

TEST("a stored set that was changed is not trained on")
{
    struct workshop shop;
    struct error error = {0};
    struct dataset *dataset;
    size_t size;
    uint8_t *bytes;

    workshop_open(&shop, "data");
    make_idx_dataset("set", &small, 1);
    add("set", "set", false);
    bytes = read_bytes("data/datasets/set/train_images.npy", &size);
    bytes[size - 1] ^= 1;
    write_bytes("data/datasets/set/train_images.npy", bytes, size);
    free(bytes);
    CHECK(!catalog_open(shop.catalog, shop.db, "set", &dataset, &error));
    CHECK_INT(error.kind, ERROR_CORRUPT);
    write_bytes("data/datasets/set/info.json", "{}", 2);
    error = (struct error){0};
    CHECK(!catalog_open(shop.catalog, shop.db, "set", &dataset, &error));
    CHECK_INT(error.kind, ERROR_CORRUPT);
    workshop_close(&shop);
}

TEST("a full disk leaves nothing behind")
{
    struct rlimit limit;
    const struct data_shape larger = {
        .sample = {.channels = 1, .height = 50, .width = 50}, .classes = 2, .train_samples = 40};

    make_idx_dataset("set", &larger, 1);
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 50000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    check_add_refused("set", "set", ERROR_FULL, "cannot be written");
    CHECK_INT(count_members("data/datasets", "set"), 0);
    CHECK_INT(count_members("data/datasets", ".incoming"), 0);
}

/* The one hidden folder, "" when there is none. */
static void find_incoming(char path[300])
{
    DIR *folder = opendir("data/datasets");

    path[0] = '\0';
    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (strncmp(entry->d_name, ".incoming-", 10) == 0)
            snprintf(path, 300, "data/datasets/%s", entry->d_name);
    closedir(folder);
}

/* Adds in another process, and kills it once the file is seen, or the addition is over. */
static void add_until(const char *file)
{
    pid_t child = fork();
    int status = 0;

    CHECK(child >= 0);
    if (child == 0) {
        struct catalog_addition addition;

        _exit(catalog_add("data", "set", "set", NULL, &addition, NULL) ? 0 : 1);
    }
    for (;;) {
        char folder[300], path[400];

        find_incoming(folder);
        snprintf(path, sizeof(path), "%s/%s", folder, file);
        if ((folder[0] != '\0' && access(path, F_OK) == 0) ||
            waitpid(child, &status, WNOHANG) == child)
            break;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

TEST("an addition that is killed at any moment is there wholly or not at all, and the next one "
     "clears away what it left")
{
    static const char *const files[] = {
        "",         "train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy",
        "info.json"};
    const struct data_shape larger = {.sample = {.channels = 3, .height = 64, .width = 64},
                                      .classes = 3,
                                      .train_samples = 300,
                                      .test_samples = 100};
    int left = 0;
    char gone[40];

    make_idx_dataset("set", &larger, 1);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        add_until(files[i]);
        left += count_members("data/datasets", ".incoming-");
        if (access("data/datasets/set", F_OK) == 0) {
            check_same_dataset("set", "data/datasets/set");
            snprintf(gone, sizeof(gone), "killed%zu", i);
            CHECK(rename("data/datasets/set", gone) == 0);
        }
        if (i % 2 == 0)
            catalog_sweep("data");
        else
            add("set", "set", false);
        CHECK_INT(count_members("data/datasets", ".incoming-"), 0);
        snprintf(gone, sizeof(gone), "added%zu", i);
        CHECK(i % 2 == 0 || rename("data/datasets/set", gone) == 0);
    }
    CHECK(left > 0); /* else nothing was killed in the middle */
}

TEST("what another process is just adding is not cleared away")
{
    char folder[300];
    int status, seen = 0;
    pid_t child;

    make_idx_dataset("set", &small, 1);
    add("first", "set", false);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct catalog_addition addition;

        /* Many times, so that one is seen in the middle. */
        for (int i = 0; i < 100; i++) {
            char name[20];

            snprintf(name, sizeof(name), "set%d", i);
            if (!catalog_add("data", name, "set", NULL, &addition, NULL))
                _exit(1);
            dataset_release(addition.dataset);
        }
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        find_incoming(folder);
        seen += folder[0] != '\0';
        catalog_sweep("data");
    }
    CHECK(seen > 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
