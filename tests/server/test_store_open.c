/* Opening the store: the directory, the lock, the schema, damaged files, what a dead daemon left.
 */
#include "tests/server/store_support.h"

#include "server/assets.h"
#include "server/store_inside.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int mode_of(const char *path)
{
    struct stat found;

    CHECK(stat(path, &found) == 0);
    return (int)(found.st_mode & 0777);
}

TEST("a missing data directory is made, with all above it, for this user alone")
{
    struct store *store = NULL;
    struct error error = {0};

    umask(0);
    GOOD(store_open("a/b//c/", &store, &error));
    CHECK_INT(mode_of("a"), 0700);
    CHECK_INT(mode_of("a/b/c"), 0700);
    CHECK_INT(mode_of("a/b/c/traind.db"), 0600);
    CHECK_INT(mode_of("a/b/c/traind.db-wal"), 0600);
    CHECK_INT(mode_of("a/b/c/lock"), 0600);
    must_finish(store);
}

TEST("a data directory that cannot be one is refused with its name")
{
    struct store *store = NULL;
    struct error error = {0};
    char *endless = malloc(9000);

    CHECK(endless);
    memset(endless, 'x', 8999);
    endless[8999] = '\0';
    close(open("file", O_CREAT | O_WRONLY, 0600));
    FAILS(store_open("file", &store, &error), ERROR_IO);
    CHECK(strstr(error.text, "file") && strstr(error.text, "directory"));
    FAILS(store_open("file/deeper", &store, &error), ERROR_IO);
    FAILS(store_open("", &store, &error), ERROR_INVALID);
    FAILS(store_open(endless, &store, &error), ERROR_INVALID);
    CHECK(mkdir("d", 0700) == 0 && mkdir("d/traind.db", 0700) == 0);
    FAILS(store_open("d", &store, &error), ERROR_IO);
    CHECK(mkdir("e", 0700) == 0 && symlink("/dev/full", "e/lock") == 0);
    FAILS(store_open("e", &store, &error), ERROR_IO);
    CHECK(!store);
    free(endless);
}

TEST("a second store on the same directory is refused and names the process that has it")
{
    struct store *store = NULL;
    struct error error = {0};
    int ready[2], status;
    char byte, pid[32];

    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct store *own = NULL;
        if (!store_open("data", &own, &error) || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    FAILS(store_open("data", &store, &error), ERROR_BUSY);
    snprintf(pid, sizeof(pid), "process %ld)", (long)child);
    CHECK(strstr(error.text, pid));
    CHECK(strstr(error.where, "data/lock"));
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    GOOD(store_open("data", &store, &error)); /* the lock died with its owner */
    struct store *second = NULL;
    FAILS(store_open("data", &second, &error), ERROR_BUSY);
    must_finish(store);
}

/* ---- the schema ---- */

static void edit_file(const char *script)
{
    struct sql sql;
    struct error error = {0};

    GOOD(sql_open(&sql, "data/traind.db", SQL_WRITES, &error));
    GOOD(sql_script(&sql, script, &error));
    GOOD(sql_close(&sql, &error));
}

TEST("a database of a newer schema is refused, naming both, and stays as it is")
{
    struct store *store = must_open();
    struct error error = {0};
    char known[32];

    must_add(store, 0);
    must_finish(store);
    edit_file("PRAGMA user_version = 9999");
    FAILS(store_open("data", &store, &error), ERROR_UNSUPPORTED);
    snprintf(known, sizeof(known), "up to %d", migrations[migration_count - 1].number);
    CHECK(strstr(error.text, "9999") && strstr(error.text, known) &&
          strstr(error.where, "data/traind.db"));
    snprintf(known, sizeof(known), "PRAGMA user_version = %d",
             migrations[migration_count - 1].number);
    edit_file(known);
    store = must_open();
    struct db *db = must_read(store);
    CHECK_INT(count_jobs(db), 1);
    db_close(db);
    must_finish(store);
}

TEST("a database of another program is refused and not touched")
{
    struct store *store = NULL;
    struct error error = {0};
    struct sql sql;
    int64_t tables = 0;

    CHECK(mkdir("data", 0700) == 0);
    close(open("data/traind.db", O_CREAT | O_WRONLY, 0600));
    edit_file("CREATE TABLE recipes (name TEXT)");
    FAILS(store_open("data", &store, &error), ERROR_INVALID);
    CHECK(strstr(error.where, "data/traind.db"));
    CHECK(access("data/traind.db-wal", F_OK) != 0);
    GOOD(sql_open(&sql, "data/traind.db", SQL_READS, &error));
    GOOD(sql_get(&sql, "SELECT count(*) FROM sqlite_schema", SQL_NONE, &tables, &error));
    CHECK_INT(tables, 1);
    GOOD(sql_close(&sql, &error));
}

TEST("the schema is strict, guarded and of the kind that the store promises")
{
    static const struct {
        const char *pragma;
        int64_t value;
    } wanted[] = {
        {"PRAGMA synchronous", 2},
        {"PRAGMA foreign_keys", 1},
        {"PRAGMA secure_delete", 2},
        {"PRAGMA auto_vacuum", 2},
        {"PRAGMA cell_size_check", 1},
        {"PRAGMA trusted_schema", 0},
        {"SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND schema = 'main' AND NOT "
         "strict"
         " AND name NOT LIKE 'sqlite_%'",
         0},
    };
    struct store *store = must_open();
    struct error error = {0};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int64_t value = -1;
        GOOD(sql_get(&store->db->sql, wanted[i].pragma, SQL_NONE, &value, &error));
        if (value != wanted[i].value)
            FAIL("%s is %d", wanted[i].pragma, (int)value);
    }
    FAILS(try_sql(store, "PRAGMA writable_schema = 1; DELETE FROM sqlite_schema", &error),
          ERROR_INTERNAL);
    FAILS(try_sql(store, "UPDATE job SET priority = 'high'; INSERT INTO series VALUES (1, x'00')",
                  &error),
          ERROR_CONFLICT);
    must_finish(store);
}

/* ---- what a dead daemon left ---- */

static void die_with_jobs(void)
{
    struct store *store = must_open();
    struct error error = {0};

    for (int i = 0; i < 4; i++) {
        struct job_row row = {0};
        must_add(store, 0);
        GOOD(try_claim(store, &row, &error));
        job_row_drop(&row);
    }
    GOOD(try_move(store, &(struct job_move){2, JOB_RUNNING, JOB_PAUSING, NULL}, &error));
    GOOD(try_move(store, &(struct job_move){3, JOB_RUNNING, JOB_CANCELLING, NULL}, &error));
    GOOD(try_move(store, &(struct job_move){4, JOB_RUNNING, JOB_SUCCEEDED, NULL}, &error));
    must_add(store, 0);
    _exit(0);
}

struct names {
    char text[256];
};

static bool append_event(void *context, const struct event_row *row)
{
    struct names *names = context;
    size_t used = strlen(names->text);

    snprintf(names->text + used, sizeof(names->text) - used, "%s%s", row->name,
             strcmp(row->name, "state") == 0 ? row->data : "");
    return true;
}

TEST(
    "jobs that a dead daemon was running wait again, those it was pausing are paused, and those it "
    "was cancelling are cancelled")
{
    static const enum job_state wanted[] = {JOB_QUEUED, JOB_PAUSED, JOB_CANCELLED, JOB_SUCCEEDED,
                                            JOB_QUEUED};
    struct error error = {0};
    struct names names = {0};
    int status;
    int64_t newest = 0, again = 0;

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        die_with_jobs();
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    for (int round = 0; round < 2; round++) {
        struct store *store = must_open();
        struct db *db = must_read(store);
        for (int i = 0; i < 5; i++) {
            struct job_row row = must_look(db, i + 1);
            CHECK_INT(row.state, wanted[i]);
            CHECK_INT(row.restarts, i < 2);
            CHECK_INT(row.finished_at != 0, job_state_ended(wanted[i]));
        }
        GOOD(store_event_newest(db, round ? &again : &newest, &error));
        names.text[0] = '\0';
        GOOD(store_events_read(db, &(struct event_query){3, 9, 10}, append_event, &names, &error));
        db_close(db);
        must_finish(store);
    }
    CHECK_INT(again, newest); /* the second start had nothing to repair */
    CHECK_TEXT(names.text, "state{\"state\":\"cancelling\",\"revision\":3}state{\"state\":"
                           "\"cancelled\",\"revision\":4}end");
}

/* One life that claims job 1 and dies; with `fruit` it stores a row before. */
static void live_and_die(bool fruit)
{
    const struct metric_row row = {.series = "train_loss", .step = 1, .value = 2, .at = 3};
    struct error error = {0};
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        struct store *store = must_open();
        struct job_row job = {0};
        GOOD(try_claim(store, &job, &error));
        CHECK_INT(job.number, 1);
        if (fruit)
            GOOD(try_metrics(store, 1, &row, 1, &error));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

TEST("a job under which the daemon always dies at once fails as crash_loop, one that gets on does "
     "not")
{
    struct store *store = must_open();
    struct db *db;
    struct job_row row = {0};
    int lives = 0;

    must_add(store, 0);
    must_finish(store);
    for (int i = 0; i < 2; i++)
        live_and_die(false);
    live_and_die(true);
    do {
        live_and_die(false);
        store = must_open();
        db = must_read(store);
        row = must_look(db, 1);
        db_close(db);
        must_finish(store);
        CHECK(++lives <= 5);
    } while (row.state == JOB_QUEUED);
    CHECK_INT(row.state, JOB_FAILED);
    CHECK_INT(lives, 3); /* the row began the count anew */
}
