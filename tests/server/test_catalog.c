/* Data sets by name: registered once, shared while in use. */
#include "tests/core/support.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t registered_at(struct db *db, const char *name)
{
    struct dataset_row row = {0};
    struct error error = {0};
    if (!store_dataset_get(db, name, &row, &error))
        return 0;
    int64_t at = row.created_at;
    dataset_row_drop(&row);
    return at;
}

static int64_t registered_samples(struct db *db, const char *name)
{
    struct data_shape shape = {0};
    struct error error = {0};
    if (!catalog_shape(db, name, &shape, &error))
        FAIL("%s: %s", error.where, error.text);
    return shape.train_samples;
}

static void make_set(const char *path, int64_t samples)
{
    const struct data_shape shape = {.sample = {.channels = 1, .height = 8, .width = 8},
                                     .classes = 2,
                                     .train_samples = samples,
                                     .test_samples = 4};
    make_idx_dataset(path, &shape, 3);
}

TEST("the data sets of a folder are registered, what is none is left out, and changed files are "
     "read again")
{
    struct workshop shop;
    workshop_open(&shop, "data");
    CHECK(mkdir("sets", 0700) == 0 && mkdir("sets/empty", 0700) == 0);
    make_set("sets/one", 10);
    make_set("sets/lying", 10);
    CHECK(truncate("sets/lying/train-images-idx3-ubyte", 100) == 0);
    catalog_register_folder(shop.catalog, shop.db, "sets", NULL);
    CHECK_INT(registered_samples(shop.db, "one"), 10);
    CHECK_INT(registered_at(shop.db, "empty"), 0);
    CHECK_INT(registered_at(shop.db, "lying"), 0);

    make_set("sets/one", 12);
    catalog_register_folder(shop.catalog, shop.db, "sets", NULL);
    CHECK_INT(registered_samples(shop.db, "one"), 12);
    catalog_register_folder(shop.catalog, shop.db, "no such folder", NULL);
    workshop_close(&shop);
}

TEST("a name that was given to another path is not taken over at start")
{
    struct workshop shop;
    struct error error = {0};
    workshop_open(&shop, "data");
    CHECK(mkdir("sets", 0700) == 0);
    make_set("mine", 20);
    make_set("sets/one", 10);
    CHECK(catalog_register(shop.catalog, "one", "mine", &error));
    catalog_register_folder(shop.catalog, shop.db, "sets", NULL);
    CHECK_INT(registered_samples(shop.db, "one"), 20);
    workshop_close(&shop);
}

TEST("names that could be paths or hidden files are refused")
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".hidden", "a b", "ä"};
    struct workshop shop;
    workshop_open(&shop, "data");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct error error = {0};
        CHECK(!catalog_register(shop.catalog, names[i], "tiny", &error));
        CHECK_INT(error.kind, ERROR_INVALID);
    }
    workshop_close(&shop);
}

struct opener {
    struct workshop *shop;
    struct dataset *dataset;
};

static void *open_tiny(void *context)
{
    struct opener *opener = context;
    struct error error = {0};
    struct db *db = NULL;
    if (!store_reader(opener->shop->store, &db, &error) ||
        !catalog_open(opener->shop->catalog, db, "tiny", &opener->dataset, &error))
        FAIL("%s: %s", error.where, error.text);
    db_close(db);
    return NULL;
}

TEST("users of one data set at the same time share it, and the last one lets it go")
{
    enum { USERS = 6 };
    struct workshop shop;
    struct opener openers[USERS];
    pthread_t threads[USERS];
    workshop_open(&shop, "data");
    for (int i = 0; i < USERS; i++) {
        openers[i] = (struct opener){.shop = &shop};
        CHECK(pthread_create(&threads[i], NULL, open_tiny, &openers[i]) == 0);
    }
    for (int i = 0; i < USERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 1; i < USERS; i++)
        CHECK(openers[i].dataset == openers[0].dataset);
    for (int i = 0; i < USERS; i++)
        catalog_close(shop.catalog, openers[i].dataset);
    /* A leak or a use after the end would be the sanitizer's to see. */
    struct error error = {0};
    struct dataset *again = NULL;
    CHECK(catalog_open(shop.catalog, shop.db, "tiny", &again, &error));
    catalog_close(shop.catalog, again);
    CHECK(!catalog_open(shop.catalog, shop.db, "unknown", &again, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    workshop_close(&shop);
}

TEST("a set that is let go for later is there at once, until others take its place")
{
    enum { SETS = 6 };
    struct workshop shop;
    struct dataset *first = NULL, *again = NULL, *other = NULL;
    struct error error = {0};
    char name[16];

    workshop_open(&shop, "data");
    for (int i = 0; i < SETS; i++) {
        const struct data_shape shape = {
            .sample = {.channels = 1, .height = 4, .width = 4}, .classes = 2, .train_samples = 8};
        (void)snprintf(name, sizeof(name), "set-%d", i);
        make_idx_dataset(name, &shape, (uint64_t)i);
        CHECK(catalog_register(shop.catalog, name, name, &error));
    }
    CHECK(catalog_open(shop.catalog, shop.db, "set-0", &first, &error));
    catalog_close_later(shop.catalog, first);
    CHECK(rename("set-0", "gone") == 0);
    for (int i = 0; i < 3; i++) { /* it stays, however often it is used */
        CHECK(catalog_open(shop.catalog, shop.db, "set-0", &again, &error));
        CHECK(again == first);
        catalog_close_later(shop.catalog, again);
    }
    for (int i = 1; i < SETS; i++) {
        (void)snprintf(name, sizeof(name), "set-%d", i);
        CHECK(catalog_open(shop.catalog, shop.db, name, &other, &error));
        catalog_close_later(shop.catalog, other);
    }
    CHECK(!catalog_open(shop.catalog, shop.db, "set-0", &again, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    workshop_close(&shop);
}
