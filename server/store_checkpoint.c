/* Store's checkpoints: bytes in chunks, written and deleted by short transactions, so that nobody
 * waits long for the writer. Knows nothing of what the bytes mean. */
#include "server/store_inside.h"

#include "core/digest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A submitted job waits for one of these at most. Chunks tell where they start, so another size is
 * no new format. */
enum { CHUNK_BYTES = 1 << 20 };

static const char find_complete[] =
    "SELECT passing FROM checkpoint WHERE job = ?1 AND step = ?2 AND complete = 1";
static const char insert_checkpoint[] =
    "INSERT INTO checkpoint (job, step, epoch, bytes, sha256, metrics, score, created_at,"
    " file_bytes, file_sha256, passing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
static const char insert_chunk[] =
    "INSERT INTO chunk (checkpoint, start, data) VALUES (?1, ?2, ?3)";

static const char count_bytes[] =
    "SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE checkpoint = ?1";
/* One that is replaced leaves its step to the new one. It is no longer complete and so no longer
 * there; store_checkpoint_sweep takes its bytes. */
static const char step_aside[] =
    "UPDATE checkpoint SET complete = 0, best = 0, step = ?3 - number WHERE job = ?1 AND step = ?2"
    " AND complete = 1";
static const char complete[] =
    "UPDATE checkpoint SET complete = 1, step = ?3, created_at = ?2 WHERE number = ?1";
/* Those are no longer there either. */
static const char let_go[] =
    "UPDATE checkpoint SET complete = 0, best = 0 WHERE job = ?1 AND complete = 1 AND number <> ?2"
    " AND number NOT IN (SELECT number FROM checkpoint WHERE job = ?1 AND complete = 1"
    "                    AND passing = 0 ORDER BY step DESC LIMIT ?3)"
    " AND number NOT IN (SELECT number FROM checkpoint WHERE job = ?1 AND complete = 1 AND score "
    "IS NOT NULL"
    "                    ORDER BY score DESC, step LIMIT ?4)";
static const char choose_best[] =
    "UPDATE checkpoint SET best = number IS (SELECT number FROM checkpoint WHERE job = ?1 AND "
    "complete = 1"
    " AND score IS NOT NULL ORDER BY score DESC, step LIMIT 1) WHERE job = ?1";
static const char insert_event[] =
    "INSERT INTO event (job, name, step, at, data) SELECT job, 'checkpoint', step, created_at,"
    " json_object('step', step, 'epoch', epoch, 'bytes', file_bytes, 'sha256', file_sha256,"
    " 'metrics', "
    "json(metrics),"
    " 'best', json(CASE best WHEN 0 THEN 'false' ELSE 'true' END)) FROM checkpoint WHERE number = "
    "?1";

static const char forget[] = "UPDATE checkpoint SET complete = 0, best = 0 WHERE job = ?1 AND "
                             "step > ?2 AND complete = 1";
static const char refuse[] =
    "UPDATE checkpoint SET complete = 0, best = 0 WHERE number = ?1 AND job = ?2";

static const char delete_chunks[] = "DELETE FROM chunk WHERE number IN (SELECT c.number FROM "
                                    "checkpoint k JOIN chunk c ON c.checkpoint = k.number"
                                    " WHERE k.complete = 0 AND (?1 = 0 OR k.job = ?1) LIMIT 8)";
static const char delete_incomplete[] =
    "DELETE FROM checkpoint WHERE complete = 0 AND (?1 = 0 OR job = ?1)";

/* ---- adding, piece by piece ---- */

/* While it is incomplete a checkpoint has a step that no complete one has: the one whose place it
 * will take may still be there. */
static int64_t step_meanwhile(int64_t step)
{
    return -1 - step;
}

/* Below all of those. */
static const int64_t step_of_replaced = -9007199254740992;

struct upload {
    const struct checkpoint_new *source;
    char sha256[DIGEST_HEX];
    int64_t number;
    size_t offset;
    bool there; /* a complete one of this step is in the store already */
};

static void take_digest(struct upload *upload)
{
    uint8_t digest[DIGEST_BYTES];

    digest_sha256(upload->source->bytes, upload->source->size, digest);
    digest_hex(digest, upload->sha256);
}

/* Whether there is a complete one of the step that stays. */
static bool is_there(struct db *db, const struct checkpoint_new *source, bool *there,
                     struct error *error)
{
    const struct sql_list list = SQL_LIST(sql_integer(source->job), sql_integer(source->step));
    struct error missing = {0};
    int64_t passing = 0;

    *there = sql_get(&db->sql, find_complete, list, &passing, &missing);
    if (!*there && missing.kind != ERROR_NOT_FOUND)
        return error_set(error, missing.kind, missing.where, "%s", missing.text);
    if (source->replace || (passing && !source->passing))
        *there = false;
    return true;
}

static bool begin_upload(struct db *db, void *context, struct error *error)
{
    struct upload *upload = context;
    const struct checkpoint_new *source = upload->source;
    const struct sql_value step = sql_integer(step_meanwhile(source->step));

    if (!is_there(db, source, &upload->there, error))
        return false;
    if (upload->there)
        return true;
    if (!sql_run(&db->sql, insert_checkpoint,
                 SQL_LIST(sql_integer(source->job), step, sql_integer(source->epoch),
                          sql_integer((int64_t)source->size), sql_text(upload->sha256),
                          sql_text(source->metrics),
                          sql_real(source->passing ? NAN : source->score),
                          sql_integer(clock_milliseconds()), sql_integer(source->file.bytes),
                          sql_text(source->file.sha256), sql_integer(source->passing)),
                 error))
        return false;
    upload->number = sql_last_key(&db->sql);
    return true;
}

static bool add_chunk(struct db *db, void *context, struct error *error)
{
    const struct upload *upload = context;
    size_t left = upload->source->size - upload->offset;

    return sql_run(&db->sql, insert_chunk,
                   SQL_LIST(sql_integer(upload->number), sql_integer((int64_t)upload->offset),
                            sql_blob(upload->source->bytes + upload->offset,
                                     left < CHUNK_BYTES ? left : CHUNK_BYTES)),
                   error);
}

/* The newest is always among the last, of which at least one is kept. */
static bool retain(struct db *db, const struct checkpoint_new *source, int64_t newest,
                   struct error *error)
{
    const struct sql_value job = sql_integer(source->job), number = sql_integer(newest);
    const struct sql_value last = sql_integer(source->keep_last > 1 ? source->keep_last : 1);
    const struct sql_value best = sql_integer(source->keep_best > 0 ? source->keep_best : 0);
    return sql_run(&db->sql, let_go, SQL_LIST(job, number, last, best), error) &&
           sql_run(&db->sql, choose_best, SQL_LIST(job), error);
}

static bool end_upload(struct db *db, void *context, struct error *error)
{
    const struct upload *upload = context;
    const struct checkpoint_new *source = upload->source;
    const struct sql_value job = sql_integer(source->job), number = sql_integer(upload->number);
    int64_t stored = 0;

    if (!sql_get(&db->sql, count_bytes, SQL_LIST(number), &stored, error))
        return false;
    if (stored != (int64_t)source->size)
        return error_set(error, ERROR_CORRUPT, db->sql.where,
                         "a checkpoint of %zu bytes has %" PRId64 " in the store", source->size,
                         stored);
    const struct sql_value step = sql_integer(source->step);
    return sql_run(&db->sql, step_aside, SQL_LIST(job, step, sql_integer(step_of_replaced)),
                   error) &&
           sql_run(&db->sql, complete, SQL_LIST(number, sql_integer(clock_milliseconds()), step),
                   error) &&
           (!source->also || source->also(db, source->context, error)) &&
           retain(db, source, upload->number, error) &&
           store_event_insert(db, insert_event, SQL_LIST(number), error) &&
           store_job_touch(db, source->job, error);
}

bool store_checkpoint_put(struct db *db, const struct checkpoint_new *checkpoint,
                          struct error *error)
{
    struct upload upload = {.source = checkpoint};

    take_digest(&upload);
    if (!begin_upload(db, &upload, error))
        return false;
    if (upload.there)
        return true;
    for (; upload.offset < checkpoint->size; upload.offset += CHUNK_BYTES)
        if (!add_chunk(db, &upload, error))
            return false;
    return end_upload(db, &upload, error);
}

/* ---- deleting ---- */

bool store_checkpoint_sweep(struct db *db, int64_t job, bool *more, struct error *error)
{
    if (!sql_run(&db->sql, delete_chunks, SQL_LIST(sql_integer(job)), error))
        return false;
    *more = sql_changes(&db->sql) > 0;
    return *more || sql_run(&db->sql, delete_incomplete, SQL_LIST(sql_integer(job)), error);
}

struct sweep {
    int64_t job;
    bool more;
};

static bool sweep_work(struct db *db, void *context, struct error *error)
{
    struct sweep *sweep = context;

    return store_checkpoint_sweep(db, sweep->job, &sweep->more, error);
}

/* Only the worker of this job writes its checkpoints, so what is incomplete here is left over. */
static bool sweep_job(struct store *store, int64_t job, struct error *error)
{
    struct sweep sweep = {.job = job, .more = true};

    while (sweep.more)
        if (!store_write(store, sweep_work, &sweep, error))
            return false;
    return true;
}

bool store_checkpoint_refuse(struct db *db, int64_t job, int64_t number, struct error *error)
{
    return sql_run(&db->sql, refuse, SQL_LIST(sql_integer(number), sql_integer(job)), error) &&
           sql_run(&db->sql, choose_best, SQL_LIST(sql_integer(job)), error) &&
           store_job_touch(db, job, error);
}

bool store_checkpoint_forget(struct db *db, int64_t job, int64_t step, struct error *error)
{
    return sql_run(&db->sql, forget, SQL_LIST(sql_integer(job), sql_integer(step)), error) &&
           sql_run(&db->sql, choose_best, SQL_LIST(sql_integer(job)), error) &&
           store_job_touch(db, job, error);
}

static bool upload_all(struct store *store, struct upload *upload, struct error *error)
{
    if (!store_write(store, begin_upload, upload, error))
        return false;
    if (upload->there)
        return true;
    for (; upload->offset < upload->source->size; upload->offset += CHUNK_BYTES)
        if (!store_write(store, add_chunk, upload, error))
            return false;
    return store_write(store, end_upload, upload, error);
}

bool store_checkpoint_add(struct store *store, const struct checkpoint_new *checkpoint,
                          struct error *error)
{
    struct upload upload = {.source = checkpoint};
    struct error ignored = {0};

    take_digest(&upload);
    bool good = sweep_job(store, checkpoint->job, error) && upload_all(store, &upload, error);
    /* Half a checkpoint, or those that were let go: what cannot be deleted now is at the next one
     * or the next start. */
    if (!sweep_job(store, checkpoint->job, &ignored))
        return good;
    return good;
}
