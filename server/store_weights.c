/* Store's weights: see store_weights.h. */
#include "server/store_weights.h"

#include "server/store_inside.h"

#include <stdio.h>

#define SELECT_WEIGHTS                                                                             \
    "SELECT name, file, sha256, bytes, tensors, parameters, created_at FROM weights "
static const char select_one[] = SELECT_WEIGHTS "WHERE name = ?1";
static const char select_page[] = SELECT_WEIGHTS "WHERE name > ?1 ORDER BY name LIMIT ?2";
static const char select_file[] = "SELECT count(*) FROM weights WHERE file = ?1";
static const char put[] =
    "INSERT OR REPLACE INTO weights (name, file, sha256, bytes, tensors, parameters, created_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char delete_one[] = "DELETE FROM weights WHERE name = ?1";

static void read_row(struct sqlite3_stmt *statement, struct weights_row *out)
{
    *out = (struct weights_row){.bytes = sql_column_integer(statement, 3),
                                .tensors = sql_column_integer(statement, 4),
                                .parameters = sql_column_integer(statement, 5),
                                .created_at = sql_column_integer(statement, 6)};
    snprintf(out->name, sizeof(out->name), "%s", sql_column_text(statement, 0));
    snprintf(out->file, sizeof(out->file), "%s", sql_column_text(statement, 1));
    snprintf(out->sha256, sizeof(out->sha256), "%s", sql_column_text(statement, 2));
}

bool store_weights_put(struct db *db, struct weights_row *row, struct error *error)
{
    row->created_at = clock_milliseconds();
    return sql_run(&db->sql, put,
                   SQL_LIST(sql_text(row->name), sql_text(row->file), sql_text(row->sha256),
                            sql_integer(row->bytes), sql_integer(row->tensors),
                            sql_integer(row->parameters), sql_integer(row->created_at)),
                   error);
}

bool store_weights_get(struct db *db, const char *name, struct weights_row *out,
                       struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(&db->sql, select_one, SQL_LIST(sql_text(name)), &statement, error) ||
        !sql_step(&db->sql, statement, &row, error))
        return false;
    if (!row)
        return error_set(error, ERROR_NOT_FOUND, "", "there are no weights \"%s\"", name);
    read_row(statement, out);
    sql_reset(statement);
    return true;
}

bool store_weights_delete(struct db *db, const char *name, struct error *error)
{
    return sql_run(&db->sql, delete_one, SQL_LIST(sql_text(name)), error);
}

bool store_weights_list(struct db *db, const char *after, struct weights_row *rows, int room,
                        int *count, struct error *error)
{
    struct sqlite3_stmt *statement = NULL;
    bool row = true;

    *count = 0;
    if (!sql_query(&db->sql, select_page, SQL_LIST(sql_text(after), sql_integer(room)), &statement,
                   error))
        return false;
    for (;;) {
        if (!sql_step(&db->sql, statement, &row, error))
            return false;
        if (!row)
            return true;
        read_row(statement, &rows[(*count)++]);
    }
}

bool store_weights_has_file(struct db *db, const char *file, bool *out, struct error *error)
{
    int64_t count = 0;
    bool good = sql_get(&db->sql, select_file, SQL_LIST(sql_text(file)), &count, error);

    *out = count > 0;
    return good;
}
