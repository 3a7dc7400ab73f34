/* Networks in memory: one is read once, one user at a time has it, and the memory has a bound. */
#include "server/models.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <pthread.h>

struct shelf {
    struct workshop shop;
    struct models *models;
    struct trained_source source;
    struct job_row job;
    struct checkpoint_row *rows;
    int count;
};

/* A job with several checkpoints, and `most` bytes for its networks. */
static void shelf_open(struct shelf *shelf, int64_t most)
{
    struct error error = {0};
    *shelf = (struct shelf){.count = 0};
    workshop_open(&shelf->shop, "data");
    workshop_work(&shelf->shop, 1);
    int64_t job =
        submit_tiny(&shelf->shop, "\"epochs\": 4, \"seed\": 5, \"checkpoint\": {\"keep_last\": 4}");
    workshop_wait_end(&shelf->shop, job);
    workshop_rest(&shelf->shop);
    CHECK(store_job_get_number(shelf->shop.db, job, &shelf->job, &error));
    CHECK(store_checkpoint_list(shelf->shop.db, job, &shelf->rows, &shelf->count, &error));
    CHECK_INT(shelf->count, 4);
    CHECK(models_new(most, &shelf->models, &error));
    shelf->source = (struct trained_source){
        .db = shelf->shop.db, .catalog = shelf->shop.catalog, .kernels = KERNELS_REFERENCE};
}

static void shelf_close(struct shelf *shelf)
{
    models_free(shelf->models);
    for (int i = 0; i < shelf->count; i++)
        checkpoint_row_drop(&shelf->rows[i]);
    free(shelf->rows);
    job_row_drop(&shelf->job);
    workshop_close(&shelf->shop);
}

static struct trained *borrow(struct shelf *shelf, int which)
{
    struct error error = {0};
    struct trained *network;
    if (!models_borrow(shelf->models, &shelf->source, &shelf->job, &shelf->rows[which], &network,
                       &error))
        FAIL("%s", error.text);
    return network;
}

TEST("a network that was asked stays in memory, and is the same one at the next question")
{
    struct shelf shelf;
    shelf_open(&shelf, 1 << 30);
    struct trained *first = borrow(&shelf, 0), *other = borrow(&shelf, 1);
    CHECK(first != other);
    CHECK_INT(models_bytes(shelf.models), 0); /* both are in use */
    int64_t bytes = first->bytes + other->bytes;
    models_return(shelf.models, first);
    models_return(shelf.models, other);
    CHECK_INT(models_bytes(shelf.models), bytes);
    CHECK(borrow(&shelf, 0) == first);
    models_return(shelf.models, first);
    shelf_close(&shelf);
}

TEST("what nobody has asked for longest goes first when the memory is full")
{
    struct shelf shelf;
    shelf_open(&shelf, 1 << 30);
    struct trained *one = borrow(&shelf, 0);
    int64_t size = one->bytes;
    models_return(shelf.models, one);
    models_free(shelf.models);
    struct error error = {0};
    CHECK(models_new(2 * size + size / 2, &shelf.models, &error));
    for (int i = 0; i < 2; i++)
        models_return(shelf.models, borrow(&shelf, i));
    CHECK_INT(models_bytes(shelf.models), 2 * size);
    models_return(shelf.models, borrow(&shelf, 0)); /* now 1 is the oldest */
    struct trained *kept = borrow(&shelf, 0);
    models_return(shelf.models, kept);
    models_return(shelf.models, borrow(&shelf, 2));
    CHECK_INT(models_bytes(shelf.models), 2 * size);
    CHECK(borrow(&shelf, 0) == kept); /* it was not read again: freed memory would be another's */
    models_return(shelf.models, kept);
    shelf_close(&shelf);
}

TEST("a network larger than the memory there is answers, and is not kept")
{
    struct shelf shelf;
    shelf_open(&shelf, 1);
    models_return(shelf.models, borrow(&shelf, 0));
    CHECK_INT(models_bytes(shelf.models), 0);
    shelf_close(&shelf);
}

TEST("a checkpoint that cannot be read is an error, and the next who asks tries again")
{
    struct shelf shelf;
    struct error error = {0};
    struct trained *network;
    shelf_open(&shelf, 1 << 30);
    struct checkpoint_row wrong = shelf.rows[0];
    wrong.bytes -= 4;
    CHECK(!models_borrow(shelf.models, &shelf.source, &shelf.job, &wrong, &network, &error));
    CHECK_INT(error.kind, ERROR_CORRUPT);
    models_return(shelf.models, borrow(&shelf, 0));
    shelf_close(&shelf);
}

struct user {
    struct shelf *shelf;
    struct db *db;
    pthread_t thread;
    _Atomic int *inside;
};

static void *use(void *context)
{
    struct user *user = context;
    for (int i = 0; i < 40; i++) {
        struct error error = {0};
        struct trained *network;
        struct trained_source source = user->shelf->source;
        source.db = user->db;
        CHECK(models_borrow(user->shelf->models, &source, &user->shelf->job,
                            &user->shelf->rows[i % 2], &network, &error));
        CHECK_INT(++user->inside[i % 2], 1);
        user->inside[i % 2]--;
        models_return(user->shelf->models, network);
    }
    return NULL;
}

TEST("several threads have a network one after the other, never two at once")
{
    struct shelf shelf;
    struct user users[4];
    _Atomic int inside[2] = {0, 0};
    struct error error = {0};
    shelf_open(&shelf, 1);
    for (int i = 0; i < 4; i++) {
        users[i] = (struct user){.shelf = &shelf, .inside = inside};
        CHECK(store_reader(shelf.shop.store, &users[i].db, &error));
        CHECK(pthread_create(&users[i].thread, NULL, use, &users[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(users[i].thread, NULL) == 0);
        db_close(users[i].db);
    }
    shelf_close(&shelf);
}
