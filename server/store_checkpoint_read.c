/* Store's checkpoints, reading: rows of those that are complete, and their bytes. */
#include "server/store_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
