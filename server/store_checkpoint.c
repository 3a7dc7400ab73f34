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

#define SELECT_CHECKPOINT                                                                          \
    "SELECT number, job, step, epoch, bytes, created_at, sha256, metrics, best, file_bytes,"       \
    " file_sha256, passing FROM checkpoint"                                                        \
    " WHERE job = ?1 AND complete = 1 "
static const char select_all[] = SELECT_CHECKPOINT "ORDER BY step";
static const char select_step[] = SELECT_CHECKPOINT "AND step = ?2";
static const char select_newest[] = SELECT_CHECKPOINT "ORDER BY step DESC LIMIT 1";
static const char select_best[] = SELECT_CHECKPOINT "AND best = 1";

static const char select_chunk[] =
    "SELECT number, start, length(data) FROM chunk WHERE checkpoint = ?1 AND start <= ?2"
    " ORDER BY start DESC LIMIT 1";

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
    const struct sql_value job = sql_integer(source->job);
    const struct sql_value last = sql_integer(source->keep_last > 1 ? source->keep_last : 1);
    const struct sql_value best = sql_integer(source->keep_best > 0 ? source->keep_best : 0);

    return sql_run(&db->sql, let_go, SQL_LIST(job, sql_integer(newest), last, best), error) &&
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

/* ---- reading ---- */

void checkpoint_row_drop(struct checkpoint_row *row)
{
    free(row->metrics);
    *row = (struct checkpoint_row){0};
}

static bool read_row(struct sqlite3_stmt *statement, struct checkpoint_row *out,
                     struct error *error)
{
    *out = (struct checkpoint_row){.number = sql_column_integer(statement, 0),
                                   .job = sql_column_integer(statement, 1),
                                   .step = sql_column_integer(statement, 2),
                                   .epoch = sql_column_integer(statement, 3),
                                   .bytes = sql_column_integer(statement, 4),
                                   .created_at = sql_column_integer(statement, 5),
                                   .best = sql_column_integer(statement, 8) != 0,
                                   .passing = sql_column_integer(statement, 11) != 0,
                                   .file = {.bytes = sql_column_integer(statement, 9)}};
    snprintf(out->sha256, sizeof(out->sha256), "%s", sql_column_text(statement, 6));
    snprintf(out->file.sha256, sizeof(out->file.sha256), "%s", sql_column_text(statement, 10));
    return sql_copy_text(statement, 7, &out->metrics, error);
}

static bool append(struct checkpoint_row **rows, int *count, const struct checkpoint_row *row,
                   struct error *error)
{
    struct checkpoint_row *grown = realloc(*rows, ((size_t)*count + 1) * sizeof(*grown));

    if (!grown)
        return error_set(error, ERROR_MEMORY, "store", "out of memory");
    *rows = grown;
    grown[(*count)++] = *row;
    return true;
}

bool store_checkpoint_list(struct db *db, int64_t job, struct checkpoint_row **rows, int *count,
                           struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    *rows = NULL;
    *count = 0;
    bool good = sql_query(&db->sql, select_all, SQL_LIST(sql_integer(job)), &statement, error);
    while (good && row) {
        struct checkpoint_row next = {0};
        good = sql_step(&db->sql, statement, &row, error);
        if (!good || !row)
            break;
        good = read_row(statement, &next, error) && append(rows, count, &next, error);
        if (!good) {
            checkpoint_row_drop(&next);
            sql_reset(statement);
        }
    }
    if (good)
        return true;
    while (*count > 0)
        checkpoint_row_drop(&(*rows)[--*count]);
    free(*rows);
    *rows = NULL;
    return false;
}

static bool query_one(struct db *db, int64_t job, int64_t step, struct sqlite3_stmt **out,
                      struct error *error)
{
    const struct sql_value number = sql_integer(job);

    if (step >= 0)
        return sql_query(&db->sql, select_step, SQL_LIST(number, sql_integer(step)), out, error);
    return sql_query(&db->sql, step == CHECKPOINT_BEST ? select_best : select_newest,
                     SQL_LIST(number), out, error);
}

bool store_checkpoint_find(struct db *db, int64_t job, int64_t step, struct checkpoint_row *out,
                           struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    *out = (struct checkpoint_row){0};
    if (!query_one(db, job, step, &statement, error) || !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "the job has no such checkpoint");
    bool good = read_row(statement, out, error);
    sql_reset(statement);
    return good;
}

/* What lies at `offset`, as far as its chunk goes. The open statement keeps the chunk there until
 * it is read. */
static bool read_chunk(struct db *db, int64_t number, struct sql_part *part, uint8_t *out,
                       struct error *error)
{
    const struct sql_list list = SQL_LIST(sql_integer(number), sql_integer(part->offset));
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(&db->sql, select_chunk, list, &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "the checkpoint is no longer there");
    part->key = sql_column_integer(statement, 0);
    part->offset -= sql_column_integer(statement, 1);
    int64_t left = sql_column_integer(statement, 2) - part->offset;
    bool good =
        left > 0 || error_set(error, ERROR_CORRUPT, db->sql.where,
                              "a checkpoint ends before byte %" PRId64, list.values[1].integer);
    if (good && part->size > (uint64_t)left)
        part->size = (size_t)left;
    good = good && sql_read_part(&db->sql, part, out, error);
    sql_reset(statement);
    return good;
}

bool store_checkpoint_read(struct db *db, int64_t number, int64_t offset, uint8_t *out, size_t size,
                           struct error *error)
{
    while (size > 0) {
        struct sql_part part = {.table = "chunk", .column = "data", .offset = offset, .size = size};
        if (!read_chunk(db, number, &part, out, error))
            return false;
        offset += (int64_t)part.size;
        out += part.size;
        size -= part.size;
    }
    return true;
}
