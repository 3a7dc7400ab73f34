/* Store's writer: one thread that does all writing, in groups. Knows nothing of what the pieces
 * write. */
#include "server/store_watch.h"

#include "server/store_inside.h"

#include <stdlib.h>
#include <string.h>

/* A piece that nobody waits for is on the heap, one of store_write on its caller's stack. */
struct piece {
    struct piece *next;
    store_work *work;
    store_done *done;
    void *context;
    double queued_at;
    bool on_heap;
    struct error error; /* kind ERROR_NONE: it went well */
};

/* More would make the first of the group wait too long for the last. */
enum { GROUP_MAX = 256 };

static const char begin[] = "BEGIN IMMEDIATE";
static const char commit[] = "COMMIT";
static const char rollback[] = "ROLLBACK";
static const char savepoint[] = "SAVEPOINT piece";
static const char release[] = "RELEASE piece";
static const char undo[] = "ROLLBACK TO piece";

/* ---- in the writer's thread ---- */

/* Takes what waits, at most GROUP_MAX; sleeps until something does. NULL: closing and nothing left.
 */
static struct piece *take_group(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->since = 0;
    while (!writer->first && !writer->closing)
        pthread_cond_wait(&writer->wake, &writer->lock);
    struct piece *group = writer->first;
    struct piece *last = group;
    for (int i = 1; last && last->next && i < GROUP_MAX; i++)
        last = last->next;
    if (last) {
        writer->since = group->queued_at;
        writer->first = last->next;
        if (!writer->first)
            writer->last = NULL;
        last->next = NULL;
    }
    pthread_mutex_unlock(&writer->lock);
    return group;
}

/* False: not this piece but the whole transaction is lost. */
static bool run_piece(struct db *db, struct piece *piece, struct error *error)
{
    int64_t newest = db->newest_event;

    if (!sql_run(&db->sql, savepoint, SQL_NONE, error))
        return false;
    bool good = piece->work(db, piece->context, &piece->error);
    if (!good && piece->error.kind == ERROR_NONE)
        error_set(&piece->error, ERROR_INTERNAL, "store", "a write failed without saying why");
    /* What a piece says after it succeeded is not an error. */
    if (good)
        piece->error = (struct error){0};
    if (!sql_in_transaction(&db->sql))
        return error_set(error, good ? ERROR_IO : piece->error.kind, db->sql.where,
                         "the transaction was undone: %s",
                         good ? "no reason is known" : piece->error.text);
    if (!good) {
        db->newest_event = newest;
        if (!sql_run(&db->sql, undo, SQL_NONE, error))
            return false;
    }
    return sql_run(&db->sql, release, SQL_NONE, error);
}

static bool run_group(struct db *db, struct piece *group, struct error *error)
{
    struct error ignored = {0};
    bool good = sql_run(&db->sql, begin, SQL_NONE, error);

    for (struct piece *piece = group; good && piece; piece = piece->next)
        good = run_piece(db, piece, error);
    if (good)
        good = sql_run(&db->sql, commit, SQL_NONE, error);
    if (!good && sql_in_transaction(&db->sql) && !sql_run(&db->sql, rollback, SQL_NONE, &ignored))
        return false;
    return good;
}

/* The audience is told before the callers: who returns from store_write knows that its events are
 * published. */
static void publish(struct writer *writer, const struct db *db, bool events)
{
    const struct store_news news = {events, db->newest_event, db->changed, db->changed_count};

    if (!events && db->changed_count == 0)
        return;
    pthread_mutex_lock(&writer->lock);
    store_committed *committed = writer->committed;
    void *context = writer->committed_context;
    pthread_mutex_unlock(&writer->lock);
    if (committed)
        committed(context, &news);
}

/* A row is often changed several times in a row. */
static void note_change(void *context, int64_t job)
{
    struct db *db = context;
    int count = db->changed_count;

    if (count < 0 || (count > 0 && db->changed[count - 1] == job))
        return;
    if (count == STORE_CHANGED) {
        db->changed_count = -1;
        return;
    }
    db->changed[count] = job;
    db->changed_count++;
}

static void finish(struct piece *piece, const struct error *lost)
{
    bool on_heap = piece->on_heap; /* after `done` a piece on a stack is gone */

    /* The piece's own error says more than that of the transaction. */
    if (lost && piece->error.kind == ERROR_NONE)
        piece->error = *lost;
    if (piece->done)
        piece->done(piece->context, piece->error.kind == ERROR_NONE ? NULL : &piece->error);
    if (on_heap)
        free(piece);
}

static void *write_groups(void *argument)
{
    struct store *store = argument;
    struct piece *group;

    sql_watch(&store->db->sql, "job", note_change, store->db);
    while ((group = take_group(&store->writer))) {
        struct error error = {0};
        int64_t newest = store->db->newest_event;
        bool good;

        store->db->changed_count = 0;
        good = run_group(store->db, group, &error);
        if (good)
            publish(&store->writer, store->db, store->db->newest_event > newest);
        else
            store->db->newest_event = newest;
        while (group) {
            struct piece *next = group->next;
            finish(group, good ? NULL : &error);
            group = next;
        }
    }
    return NULL;
}

bool store_writer_start(struct store *store, struct error *error)
{
    char buffer[96];
    int code = pthread_create(&store->writer.thread, NULL, write_groups, store);

    if (code != 0)
        return error_set(error, ERROR_IO, "store", "cannot start the writer's thread: %s",
                         strerror_r(code, buffer, sizeof(buffer)));
    store->writer.started = true;
    return true;
}

void store_writer_stop(struct store *store)
{
    struct writer *writer = &store->writer;

    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->lock);
    if (writer->started && !writer->joined)
        pthread_join(writer->thread, NULL);
    writer->joined = true;
}

void store_on_commit(struct store *store, store_committed *committed, void *context)
{
    pthread_mutex_lock(&store->writer.lock);
    store->writer.committed = committed;
    store->writer.committed_context = context;
    pthread_mutex_unlock(&store->writer.lock);
}

/* ---- in the callers' threads ---- */

double store_writer_delay(struct store *store)
{
    struct writer *writer = &store->writer;
    double since;

    pthread_mutex_lock(&writer->lock);
    since = writer->since;
    if (since == 0 && writer->first)
        since = writer->first->queued_at;
    pthread_mutex_unlock(&writer->lock);
    return since > 0 ? clock_seconds() - since : 0;
}

/* False when the store is closing. */
static bool queue(struct writer *writer, struct piece *piece)
{
    piece->queued_at = clock_seconds();
    pthread_mutex_lock(&writer->lock);
    bool open = !writer->closing;
    if (open) {
        if (writer->last)
            writer->last->next = piece;
        else
            writer->first = piece;
        writer->last = piece;
        pthread_cond_signal(&writer->wake);
    }
    pthread_mutex_unlock(&writer->lock);
    return open;
}

static bool closing(struct error *error)
{
    return error_set(error, ERROR_BUSY, "store", "the store is closing");
}

void store_write_later(struct store *store, store_work *work, store_done *done, void *context)
{
    struct error error = {0};
    struct piece *piece = calloc(1, sizeof(*piece));

    if (!piece) {
        error_set(&error, ERROR_MEMORY, "store", "out of memory");
    } else {
        *piece = (struct piece){.work = work, .done = done, .context = context, .on_heap = true};
        if (queue(&store->writer, piece))
            return;
        free(piece);
        closing(&error);
    }
    if (done)
        done(context, &error);
}

/* What a caller of store_write waits on. */
struct wait {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended;
    store_work *work;
    void *context;
    struct error error;
};

static bool wait_work(struct db *db, void *context, struct error *error)
{
    struct wait *wait = context;

    return wait->work(db, wait->context, error);
}

static void wait_done(void *context, const struct error *error)
{
    struct wait *wait = context;

    pthread_mutex_lock(&wait->lock);
    if (error)
        wait->error = *error;
    wait->ended = true;
    pthread_cond_signal(&wait->wake);
    pthread_mutex_unlock(&wait->lock);
}

bool store_write(struct store *store, store_work *work, void *context, struct error *error)
{
    struct wait wait = {.work = work, .context = context};
    struct piece piece = {.work = wait_work, .done = wait_done, .context = &wait};

    if (store->writer.started && pthread_equal(pthread_self(), store->writer.thread))
        return error_set(error, ERROR_INTERNAL, "store",
                         "the writer's thread cannot wait for itself");
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.wake, NULL);
    if (queue(&store->writer, &piece)) {
        pthread_mutex_lock(&wait.lock);
        while (!wait.ended)
            pthread_cond_wait(&wait.wake, &wait.lock);
        pthread_mutex_unlock(&wait.lock);
    } else {
        closing(&wait.error);
    }
    pthread_cond_destroy(&wait.wake);
    pthread_mutex_destroy(&wait.lock);
    if (wait.error.kind == ERROR_NONE)
        return true;
    return error_set(error, wait.error.kind, wait.error.where, "%s", wait.error.text);
}
