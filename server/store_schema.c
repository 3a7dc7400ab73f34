/* Store's schema: is the file sound, is it ours, is it of this program's version; and the way
 * there. Knows no table: those are in migrations/. */
#include "server/store_inside.h"

#include "server/assets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* In every file of ours, set by the first migration: "trnd". */
static const int64_t application_id = 0x74726e64;

/* Reading the whole file takes about a second for this much; a larger one is not read at the start,
 * and damage in it is found when it is used. */
enum { CHECKED_BYTES = 256 * 1024 * 1024 };

static const char page_count[] = "PRAGMA page_count";
static const char page_size[] = "PRAGMA page_size";
static const char user_version[] = "PRAGMA user_version";
static const char stored_application_id[] = "PRAGMA application_id";
static const char count_tables[] = "SELECT count(*) FROM sqlite_schema";
static const char quick_check[] = "PRAGMA quick_check(1)";

/* A page that could not be read, for want of memory or by a fault of the disk, is a verdict too:
 * SQLite's code stands in the text. */
static bool take_verdict(struct sql *sql, const char *verdict, struct error *error)
{
    static const char code[] = "error code=";
    const char *at = strstr(verdict, code);

    if (strcmp(verdict, "ok") == 0)
        return true;
    if (at)
        return sql_fail(sql, (int)strtol(at + strlen(code), NULL, 10), error);
    return error_set(error, ERROR_CORRUPT, sql->where, "the database is damaged: %s", verdict);
}

static bool check_file(struct sql *sql, bool *checked, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    int64_t pages = 0, size = 0;
    bool row = false;

    if (!sql_get(sql, page_count, SQL_NONE, &pages, error) ||
        !sql_get(sql, page_size, SQL_NONE, &size, error))
        return false;
    *checked = pages <= CHECKED_BYTES / size;
    if (!*checked)
        return true;
    if (!sql_query(sql, quick_check, SQL_NONE, &statement, error) ||
        !sql_step(sql, statement, &row, error))
        return false;
    bool sound =
        take_verdict(sql, row ? sql_column_text(statement, 0) : "it cannot be checked", error);
    sql_reset(statement);
    return sound;
}

/* A file of another program must not be filled with our tables. */
static bool check_owner(struct sql *sql, int64_t version, struct error *error)
{
    int64_t owner = 0, tables = 0;

    if (!sql_get(sql, stored_application_id, SQL_NONE, &owner, error) ||
        !sql_get(sql, count_tables, SQL_NONE, &tables, error))
        return false;
    if (owner != application_id && (owner != 0 || tables != 0 || version != 0))
        return error_set(error, ERROR_INVALID, sql->where,
                         "the file is a database of another program");
    return true;
}

static bool migrate(struct sql *sql, const struct migration *migration, struct error *error)
{
    struct error ignored = {0};
    int64_t version = 0;

    if (!sql_script(sql, "BEGIN IMMEDIATE", error))
        return false;
    bool good = sql_script(sql, migration->sql, error) &&
                sql_get(sql, user_version, SQL_NONE, &version, error);
    if (good && version != migration->number)
        good = error_set(error, ERROR_INTERNAL, migration->name,
                         "the migration leaves user_version at %" PRId64, version);
    if (good)
        good = sql_script(sql, "COMMIT", error);
    if (!good && sql_in_transaction(sql) && !sql_script(sql, "ROLLBACK", &ignored))
        return false;
    return good;
}

bool store_schema_ready(struct sql *sql, bool *checked, struct error *error)
{
    int64_t version = 0;
    int64_t known = migrations[migration_count - 1].number;

    if (!sql_get(sql, user_version, SQL_NONE, &version, error) || !check_owner(sql, version, error))
        return false;
    if (version > known)
        return error_set(error, ERROR_UNSUPPORTED, sql->where,
                         "the database has schema %" PRId64
                         " and this traind knows schemas up to %" PRId64 ": use a newer traind",
                         version, known);
    if (!check_file(sql, checked, error) || !sql_use_log(sql, error))
        return false;
    for (size_t i = 0; i < migration_count; i++)
        if (migrations[i].number > version && !migrate(sql, &migrations[i], error))
            return false;
    return true;
}
