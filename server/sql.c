/* SQL: SQLite behind a few verbs. Knows no table. */
#include "server/sql.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sql_statement {
    const char *text;
    sqlite3_stmt *prepared;
};

/* How long to wait for a lock that a foreign program holds, such as a backup tool. */
enum { BUSY_MS = 5000 };

/* auto_vacuum must come before the first page is written. */
static const char writer_settings[] = "PRAGMA auto_vacuum = INCREMENTAL;"
                                      "PRAGMA secure_delete = FAST;"
                                      "PRAGMA cell_size_check = ON;"
                                      "PRAGMA foreign_keys = ON;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA synchronous = FULL;";

static const char reader_settings[] = "PRAGMA cell_size_check = ON;"
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA query_only = ON;";

/* ---- opening and closing ---- */

static void remember_path(struct sql *sql, const char *path)
{
    size_t length = strlen(path);
    size_t room = sizeof(sql->where) - 1;
    bool whole = length <= room;

    snprintf(sql->where, sizeof(sql->where), "%s%s", whole ? "" : "...",
             path + (whole ? 0 : length - (room - 3)));
}

static bool harden(struct sql *sql, struct error *error)
{
    static const struct {
        int option, value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    int code = sqlite3_busy_timeout(sql->handle, BUSY_MS);

    for (size_t i = 0; code == SQLITE_OK && i < sizeof(settings) / sizeof(settings[0]); i++)
        code = sqlite3_db_config(sql->handle, settings[i].option, settings[i].value, NULL);
    sqlite3_limit(sql->handle, SQLITE_LIMIT_ATTACHED, 0);
    return code == SQLITE_OK || sql_fail(sql, code, error);
}

/* SQLite answers with the old mode where the file system cannot share memory. */
static bool check_wal(struct sql *sql, struct error *error)
{
    static const char mode[] = "PRAGMA journal_mode";
    sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(sql, mode, SQL_NONE, &statement, error) ||
        !sql_step(sql, statement, &row, error))
        return false;
    bool wal = row && strcmp(sql_column_text(statement, 0), "wal") == 0;
    sql_reset(statement);
    return wal ||
           error_set(error, ERROR_IO, sql->where, "this file system cannot keep a write-ahead log");
}

bool sql_use_log(struct sql *sql, struct error *error)
{
    return sql_script(sql, "PRAGMA journal_mode = WAL", error) && check_wal(sql, error);
}

bool sql_open(struct sql *sql, const char *path, enum sql_access access, struct error *error)
{
    int flags = access == SQL_WRITES ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    struct error ignored = {0};

    *sql = (struct sql){0};
    remember_path(sql, path);
    int code = sqlite3_open_v2(path, &sql->handle,
                               flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    bool good = (code == SQLITE_OK || sql_fail(sql, code, error)) && harden(sql, error) &&
                sql_script(sql, access == SQL_WRITES ? writer_settings : reader_settings, error);
    /* The first failure is the one to tell. */
    if (!good && !sql_close(sql, &ignored))
        return false;
    return good;
}

static void hear_change(void *context, int what, const char *base, const char *table,
                        sqlite3_int64 key)
{
    const struct sql *sql = context;

    (void)what;
    (void)base;
    if (strcmp(table, sql->watched) == 0)
        sql->changed(sql->changed_context, key);
}

void sql_watch(struct sql *sql, const char *table, sql_changed *changed, void *context)
{
    sql->watched = table;
    sql->changed = changed;
    sql->changed_context = context;
    (void)sqlite3_update_hook(sql->handle, hear_change, sql);
}

bool sql_close(struct sql *sql, struct error *error)
{
    bool good = true;

    for (size_t i = 0; i < sql->count; i++)
        sqlite3_finalize(sql->statements[i].prepared);
    free(sql->statements);
    sql->statements = NULL;
    sql->count = sql->room = 0;
    if (sql->handle) {
        int code = sqlite3_close(sql->handle);
        good = code == SQLITE_OK || sql_fail(sql, code, error);
        sql->handle = NULL;
    }
    return good;
}

/* ---- values ---- */

struct sql_value sql_null(void)
{
    return (struct sql_value){.type = SQL_NULL};
}

struct sql_value sql_integer(int64_t value)
{
    return (struct sql_value){.type = SQL_INTEGER, .integer = value};
}

struct sql_value sql_real(double value)
{
    return (struct sql_value){.type = isfinite(value) ? SQL_REAL : SQL_NULL, .real = value};
}

struct sql_value sql_text(const char *text)
{
    return (struct sql_value){
        .type = text ? SQL_TEXT : SQL_NULL, .bytes = text, .size = text ? strlen(text) : 0};
}

struct sql_value sql_blob(const void *bytes, size_t size)
{
    return (struct sql_value){.type = SQL_BLOB, .bytes = bytes, .size = size};
}

static int bind(sqlite3_stmt *statement, int place, const struct sql_value *value)
{
    switch (value->type) {
    case SQL_NULL:
        return sqlite3_bind_null(statement, place);
    case SQL_INTEGER:
        return sqlite3_bind_int64(statement, place, value->integer);
    case SQL_REAL:
        return sqlite3_bind_double(statement, place, value->real);
    case SQL_TEXT:
        return sqlite3_bind_text64(statement, place, value->bytes, value->size, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case SQL_BLOB:
        return sqlite3_bind_blob64(statement, place, value->bytes, value->size, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

/* ---- statements ---- */

static bool remember(struct sql *sql, const char *text, sqlite3_stmt *prepared, struct error *error)
{
    if (sql->count == sql->room) {
        size_t room = sql->room ? 2 * sql->room : 32;
        struct sql_statement *grown = realloc(sql->statements, room * sizeof(*grown));

        if (!grown) {
            sqlite3_finalize(prepared);
            return error_set(error, ERROR_MEMORY, sql->where, "out of memory");
        }
        sql->statements = grown;
        sql->room = room;
    }
    sql->statements[sql->count++] = (struct sql_statement){text, prepared};
    return true;
}

static bool prepare(struct sql *sql, const char *text, sqlite3_stmt **out, struct error *error)
{
    for (size_t i = 0; i < sql->count; i++)
        if (sql->statements[i].text == text) {
            *out = sql->statements[i].prepared;
            return true;
        }
    int code = sqlite3_prepare_v3(sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK)
        return sql_fail(sql, code, error);
    return remember(sql, text, *out, error);
}

bool sql_query(struct sql *sql, const char *text, struct sql_list list, struct sqlite3_stmt **out,
               struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_OK;

    *out = NULL;
    if (!prepare(sql, text, &statement, error))
        return false;
    if (sqlite3_stmt_busy(statement))
        return error_set(error, ERROR_INTERNAL, sql->where, "a statement is used inside itself: %s",
                         text);
    if ((size_t)sqlite3_bind_parameter_count(statement) != list.count)
        return error_set(error, ERROR_INTERNAL, sql->where, "wrong number of values for: %s", text);
    for (size_t i = 0; code == SQLITE_OK && i < list.count; i++)
        code = bind(statement, (int)i + 1, &list.values[i]);
    if (code != SQLITE_OK) {
        sql_fail(sql, code, error);
        sql_reset(statement);
        return false;
    }
    *out = statement;
    return true;
}

bool sql_step(struct sql *sql, struct sqlite3_stmt *statement, bool *row, struct error *error)
{
    int code = sqlite3_step(statement);

    *row = code == SQLITE_ROW;
    if (*row)
        return true;
    bool good = code == SQLITE_DONE || sql_fail(sql, code, error);
    sql_reset(statement);
    return good;
}

void sql_reset(struct sqlite3_stmt *statement)
{
    if (!statement)
        return;
    sqlite3_reset(statement); /* repeats the code of the last step, which has been told */
    sqlite3_clear_bindings(statement);
}

bool sql_run(struct sql *sql, const char *text, struct sql_list list, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    if (!sql_query(sql, text, list, &statement, error))
        return false;
    while (row)
        if (!sql_step(sql, statement, &row, error))
            return false;
    return true;
}

bool sql_get(struct sql *sql, const char *text, struct sql_list list, int64_t *out,
             struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(sql, text, list, &statement, error) || !sql_step(sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, sql->where, "there is no such row");
    *out = sql_column_integer(statement, 0);
    sql_reset(statement);
    return true;
}

bool sql_script(struct sql *sql, const char *script, struct error *error)
{
    int code = sqlite3_exec(sql->handle, script, NULL, NULL, NULL);

    return code == SQLITE_OK || sql_fail(sql, code, error);
}

/* ---- columns ---- */

int64_t sql_column_integer(struct sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

double sql_column_real(struct sqlite3_stmt *statement, int column)
{
    return sqlite3_column_double(statement, column);
}

bool sql_column_is_null(struct sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

const char *sql_column_text(struct sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return text ? text : "";
}

bool sql_copy_text(struct sqlite3_stmt *statement, int column, char **out, struct error *error)
{
    *out = NULL;
    if (sql_column_is_null(statement, column))
        return true;
    const char *text = (const char *)sqlite3_column_text(statement, column);
    *out = text ? strdup(text) : NULL;
    return *out || error_set(error, ERROR_MEMORY, "store", "out of memory");
}

int64_t sql_changes(struct sql *sql)
{
    return sqlite3_changes64(sql->handle);
}

int64_t sql_last_key(struct sql *sql)
{
    return sqlite3_last_insert_rowid(sql->handle);
}

bool sql_in_transaction(struct sql *sql)
{
    return sqlite3_get_autocommit(sql->handle) == 0;
}

/* ---- blobs and the file ---- */

bool sql_read_part(struct sql *sql, const struct sql_part *part, void *out, struct error *error)
{
    sqlite3_blob *blob = NULL;
    int code =
        sqlite3_blob_open(sql->handle, "main", part->table, part->column, part->key, 0, &blob);

    if (code != SQLITE_OK) {
        sqlite3_blob_close(blob);
        return sql_fail(sql, code, error);
    }
    int64_t size = sqlite3_blob_bytes(blob);
    bool inside =
        part->offset >= 0 && part->offset <= size && part->size <= (uint64_t)(size - part->offset);
    if (!inside)
        error_set(error, ERROR_CORRUPT, sql->where, "a stored blob is shorter than it was");
    else
        code = sqlite3_blob_read(blob, out, (int)part->size, (int)part->offset);
    if (code != SQLITE_OK)
        sql_fail(sql, code, error);
    sqlite3_blob_close(blob);
    return inside && code == SQLITE_OK;
}

bool sql_checkpoint(struct sql *sql, struct error *error)
{
    int code = sqlite3_wal_checkpoint_v2(sql->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return code == SQLITE_OK || sql_fail(sql, code, error);
}
