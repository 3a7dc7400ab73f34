/* Store: opening and closing the file, and its read-only connections. Knows no table. */
#include "server/store_control.h"
#include "server/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char begin[] = "BEGIN IMMEDIATE";
static const char commit[] = "COMMIT";
static const char rollback[] = "ROLLBACK";

/* SQLite gives its other files the rights of this one; made by SQLite it would be open to others.
 */
static bool make_file(const char *path, struct error *error)
{
    char buffer[96];
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (file < 0)
        return error_set(error, ERROR_IO, path, "cannot open %s: %s", path,
                         strerror_r(errno, buffer, sizeof(buffer)));
    close(file);
    return true;
}

/* Before the writer's thread starts, the opening thread uses its connection. */
static bool recover_once(struct db *db, bool *more, struct error *error)
{
    struct error ignored = {0};

    if (!sql_run(&db->sql, begin, SQL_NONE, error))
        return false;
    bool good = store_job_recover(db, error) && store_checkpoint_sweep(db, 0, more, error) &&
                sql_run(&db->sql, commit, SQL_NONE, error);
    if (!good && sql_in_transaction(&db->sql) && !sql_run(&db->sql, rollback, SQL_NONE, &ignored))
        return false;
    return good;
}

static bool recover(struct db *db, struct error *error)
{
    bool more = true;

    while (more)
        if (!recover_once(db, &more, error))
            return false;
    return store_event_newest(db, &db->newest_event, error);
}

static bool open_file(struct store *store, const char *dir, struct error *error)
{
    store->dir = strdup(dir);
    if (asprintf(&store->path, "%s/traind.db", dir) < 0)
        store->path = NULL;
    if (!store->dir || !store->path)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    *db = (struct db){.store = store, .writes = true};
    store->db = db;
    return make_file(store->path, error) && sql_open(&db->sql, store->path, SQL_WRITES, error) &&
           store_schema_ready(&db->sql, &store->checked, error) && recover(db, error);
}

/* Takes a store that is open half-way too. */
static bool drop(struct store *store, struct error *error)
{
    bool good = true;

    if (store->db && store->db->sql.handle) {
        good = sql_checkpoint(&store->db->sql, error);
        good = sql_close(&store->db->sql, error) && good;
    }
    if (store->trouble.kind != ERROR_NONE)
        good =
            error_set(error, store->trouble.kind, store->trouble.where, "%s", store->trouble.text);
    store_drop_lock(store->lock_file);
    pthread_cond_destroy(&store->writer.wake);
    pthread_mutex_destroy(&store->writer.lock);
    free(store->db);
    free(store->path);
    free(store->dir);
    free(store);
    return good;
}

bool store_open(const char *dir, struct store **out, struct error *error)
{
    struct error ignored = {0};
    struct store *store = calloc(1, sizeof(*store));

    bool sweep = false;

    *out = NULL;
    if (!store)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    store->lock_file = -1;
    pthread_mutex_init(&store->writer.lock, NULL);
    pthread_cond_init(&store->writer.wake, NULL);
    bool good = store_make_directory(dir, error) &&
                store_take_lock(dir, &store->lock_file, error) && open_file(store, dir, error) &&
                store_sweep_waits(store->db, &sweep, error) && store_writer_start(store, error);
    if (good && sweep)
        store_sweep(store);
    if (good)
        *out = store;
    else if (!drop(store, &ignored))
        return false;
    return good;
}

bool store_checked(const struct store *store)
{
    return store->checked;
}

bool store_finish(struct store *store, struct error *error)
{
    if (!store)
        return true;
    store_writer_stop(store);
    pthread_mutex_lock(&store->writer.lock);
    int readers = store->readers;
    pthread_mutex_unlock(&store->writer.lock);
    if (readers > 0)
        return error_set(error, ERROR_BUSY, store->db->sql.where, "%d readers are still open",
                         readers);
    return drop(store, error);
}

void store_close(struct store *store)
{
    struct error ignored = {0};

    if (!store_finish(store, &ignored))
        return; /* what was queued is durable all the same; the next start repairs the rest */
}

/* ---- readers ---- */

bool store_reader(struct store *store, struct db **out, struct error *error)
{
    struct db *db = calloc(1, sizeof(*db));

    *out = NULL;
    if (!db)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    db->store = store;
    if (!sql_open(&db->sql, store->path, SQL_READS, error)) {
        free(db);
        return false;
    }
    pthread_mutex_lock(&store->writer.lock);
    store->readers++;
    pthread_mutex_unlock(&store->writer.lock);
    *out = db;
    return true;
}

bool store_peek(const char *dir, struct db **out, struct error *error)
{
    char path[PATH_MAX];

    *out = NULL;
    if ((size_t)snprintf(path, sizeof(path), "%s/traind.db", dir) >= sizeof(path) ||
        access(path, F_OK) != 0)
        return true;
    struct db *db = calloc(1, sizeof(*db));
    if (!db)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    if (!sql_open(&db->sql, path, SQL_READS, error)) {
        free(db);
        return false;
    }
    *out = db;
    return true;
}

const char *store_directory(const struct db *db)
{
    return db->store->dir;
}

void db_close(struct db *db)
{
    struct error error = {0};

    if (!db)
        return;
    struct store *store = db->store;
    bool good = sql_close(&db->sql, &error);
    if (!store) {
        free(db);
        return;
    }
    pthread_mutex_lock(&store->writer.lock);
    store->readers--;
    if (!good && store->trouble.kind == ERROR_NONE)
        store->trouble = error;
    pthread_mutex_unlock(&store->writer.lock);
    free(db);
}
