/* The store's writer: groups, pieces that fail, a disk that is full, the end. */
#include "tests/server/store_support.h"

#include "server/store_inside.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { PIECES = 40 };

/* A piece that adds a job and then fails or not. */
struct member {
    bool fails;
    enum error_kind heard; /* by `done` */
    struct job_row row;
    sem_t *ended;
};

static bool member_work(struct db *db, void *context, struct error *error)
{
    static const struct job_new job = {.meta = "{}", .spec = "{}", .plan = "{}"};
    struct member *member = context;

    if (!store_job_add(db, &job, &member->row, error))
        return false;
    return !member->fails || error_set(error, ERROR_INVALID, "", "changed its mind");
}

static void member_done(void *context, const struct error *error)
{
    struct member *member = context;

    member->heard = error ? error->kind : ERROR_NONE;
    sem_post(member->ended);
}

struct group {
    struct member members[PIECES];
    sem_t ended;
};

static void queue_group(struct store *store, struct group *group)
{
    memset(group, 0, sizeof(*group));
    sem_init(&group->ended, 0, 0);
    for (int i = 0; i < PIECES; i++) {
        group->members[i].ended = &group->ended;
        group->members[i].heard = ERROR_KINDS;
        store_write_later(store, member_work, member_done, &group->members[i]);
    }
}

static void await_group(struct group *group)
{
    for (int i = 0; i < PIECES; i++)
        sem_wait(&group->ended);
}

/* Each piece's job is there exactly when the piece heard of success. */
static int check_group(struct db *db, struct group *group)
{
    int good = 0;

    for (int i = 0; i < PIECES; i++) {
        struct member *member = &group->members[i];
        struct error error = {0};
        struct job_row row;
        if (member->heard == ERROR_NONE) {
            GOOD(store_job_get(db, member->row.id, &row, &error));
            job_row_drop(&row);
            good++;
        } else if (member->row.id[0]) {
            FAILS(store_job_get(db, member->row.id, &row, &error), ERROR_NOT_FOUND);
        }
        job_row_drop(&member->row);
    }
    sem_destroy(&group->ended);
    return good;
}

TEST("in a group of writes those that fail are undone alone")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct group group;
    int64_t newest = 0;

    struct gate *gate = gate_close(store);
    queue_group(store, &group);
    for (int i = 0; i < PIECES; i++)
        group.members[i].fails = i % 3 == 0;
    CHECK_INT(count_jobs(db), 0);
    gate_open(gate);
    await_group(&group);
    for (int i = 0; i < PIECES; i++)
        CHECK_INT(group.members[i].heard, group.members[i].fails ? ERROR_INVALID : ERROR_NONE);
    CHECK_INT(check_group(db, &group), 26);
    CHECK_INT(count_jobs(db), 26);
    GOOD(store_event_newest(db, &newest, &error));
    CHECK_INT(newest, 26);
    db_close(db);
    must_finish(store);
}

static int commits(struct store *store)
{
    struct stat log;

    (void)store;
    CHECK(stat("data/traind.db-wal", &log) == 0);
    return (int)(log.st_size / 4096);
}

TEST("what waits together shares one commit")
{
    struct store *store = must_open();
    struct group group;

    struct gate *gate = gate_close(store);
    int before = commits(store);
    queue_group(store, &group);
    gate_open(gate);
    await_group(&group);
    int grouped = commits(store) - before;
    for (int i = 0; i < PIECES; i++)
        job_row_drop(&group.members[i].row);
    sem_destroy(&group.ended);
    before = commits(store);
    for (int i = 0; i < PIECES; i++)
        must_add(store, 0);
    /* Each commit writes the pages that it changed anew. */
    CHECK(commits(store) - before > 3 * grouped);
    must_finish(store);
}

/* ---- a full disk ---- */

static struct rlimit limit_files(int64_t bytes)
{
    struct rlimit before, limit;

    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    limit.rlim_cur = (rlim_t)bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    return before;
}

TEST("a commit that the disk refuses fails every write of its group, and later ones succeed again")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct group group;
    struct stat log;

    must_add(store, 0);
    struct gate *gate = gate_close(store);
    queue_group(store, &group);
    CHECK(stat("data/traind.db-wal", &log) == 0);
    struct rlimit before = limit_files(log.st_size + 5000);
    gate_open(gate);
    await_group(&group);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    for (int i = 0; i < PIECES; i++)
        CHECK_INT(group.members[i].heard, ERROR_IO);
    CHECK_INT(check_group(db, &group), 0);
    CHECK_INT(count_jobs(db), 1);
    CHECK_INT(must_add(store, 0), 2);
    CHECK_INT(count_jobs(db), 2);
    db_close(db);
    must_finish(store);
    store = must_open();
    must_finish(store);
}

TEST("while the database cannot grow, every write says truly whether it is there, and afterwards "
     "all succeed")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct group group;
    int failed = 0;

    GOOD(try_sql(store, "PRAGMA max_page_count = 40", &error));
    for (int round = 0; round < 20; round++) {
        struct gate *gate = gate_close(store);
        queue_group(store, &group);
        gate_open(gate);
        await_group(&group);
        for (int i = 0; i < PIECES; i++)
            if (group.members[i].heard != ERROR_NONE) {
                CHECK_INT(group.members[i].heard, ERROR_FULL);
                failed++;
            }
        check_group(db, &group);
    }
    CHECK(failed > 0);
    FAILS(try_sql(store, "INSERT INTO dataset VALUES ('big', hex(zeroblob(500000)), '{}', 1)",
                  &error),
          ERROR_FULL);
    CHECK(strstr(error.text, "full"));
    GOOD(try_sql(store, "PRAGMA max_page_count = 1000000", &error));
    int64_t jobs = count_jobs(db);
    must_add(store, 0);
    CHECK_INT(count_jobs(db), jobs + 1);
    db_close(db);
    must_finish(store);
    store = must_open();
    CHECK(store_checked(store));
    must_finish(store);
}

TEST("a checkpoint that does not fit on the disk leaves nothing behind, and fits later")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct checkpoint_row row;
    uint8_t *bytes = make_bytes(5 << 20, 3);
    struct checkpoint_new checkpoint = {.job = must_add(store, 0),
                                        .step = 1,
                                        .epoch = 1,
                                        .bytes = bytes,
                                        .size = 5 << 20,
                                        .keep_last = 1};

    GOOD(try_sql(store, "PRAGMA max_page_count = 800", &error));
    FAILS(store_checkpoint_add(store, &checkpoint, &error), ERROR_FULL);
    FAILS(store_checkpoint_find(db, checkpoint.job, CHECKPOINT_NEWEST, &row, &error),
          ERROR_NOT_FOUND);
    GOOD(try_sql(store,
                 "CREATE TEMP TABLE none (n INTEGER CHECK (n = 0));"
                 "INSERT INTO none SELECT count(*) FROM chunk; INSERT INTO none SELECT count(*) "
                 "FROM checkpoint",
                 &error));
    GOOD(try_sql(store, "PRAGMA max_page_count = 1000000", &error));
    GOOD(store_checkpoint_add(store, &checkpoint, &error));
    GOOD(store_checkpoint_find(db, checkpoint.job, CHECKPOINT_NEWEST, &row, &error));
    CHECK_INT(row.bytes, 5 << 20);
    checkpoint_row_drop(&row);
    free(bytes);
    db_close(db);
    must_finish(store);
}

/* ---- misuse and the end ---- */

struct inner {
    struct store *store;
    enum error_kind kind;
};

static bool nothing(struct db *db, void *context, struct error *error)
{
    (void)db;
    (void)context;
    (void)error;
    return true;
}

static bool write_inside(struct db *db, void *context, struct error *error)
{
    struct inner *inner = context;
    struct error refused = {0};

    (void)db;
    (void)error;
    if (!store_write(inner->store, nothing, NULL, &refused))
        inner->kind = refused.kind;
    return true;
}

static bool silent_failure(struct db *db, void *context, struct error *error)
{
    (void)db;
    (void)context;
    (void)error;
    return false;
}

TEST("the writer's thread cannot wait for itself, and a failure without a reason is an error all "
     "the same")
{
    struct inner inner = {.store = must_open()};
    struct error error = {0};

    GOOD(store_write(inner.store, write_inside, &inner, &error));
    CHECK_INT(inner.kind, ERROR_INTERNAL);
    FAILS(store_write(inner.store, silent_failure, NULL, &error), ERROR_INTERNAL);
    must_finish(inner.store);
}

TEST("a reader cannot write")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t job = must_add(store, 0);

    FAILS(store_event_add(db, job, "tick", 1, "{}", &error), ERROR_IO);
    FAILS(sql_script(&db->sql, "PRAGMA query_only = OFF; DELETE FROM job", &error), ERROR_IO);
    CHECK_INT(count_jobs(db), 1);
    db_close(db);
    must_finish(store);
}

TEST("closing the store finishes what is queued, and refuses while readers are open")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct group group;
    struct job_row row;

    queue_group(store, &group);
    FAILS(store_finish(store, &error), ERROR_BUSY);
    await_group(&group);
    CHECK_INT(check_group(db, &group), PIECES);
    FAILS(try_add(store, &row, &error), ERROR_BUSY);
    queue_group(store, &group);
    for (int i = 0; i < PIECES; i++)
        CHECK_INT(group.members[i].heard, ERROR_BUSY);
    sem_destroy(&group.ended);
    CHECK_INT(count_jobs(db), PIECES);
    db_close(db);
    must_finish(store);
    store_close(NULL);
    db_close(NULL);
    store = must_open();
    store_close(store);
    store = must_open();
    must_finish(store);
}
