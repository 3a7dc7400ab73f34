/* SQL's backup: a copy of a database that others go on writing, by SQLite's own means. */
#include "server/sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 50, PAUSE_MS = 100 };

/* All at once: a copy made in pieces would begin anew whenever the database has changed, which it
 * does all the time. In a write-ahead log a reader holds nobody up. */
static bool copy_pages(struct sql *from, struct sql *to, struct error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int code = SQLITE_BUSY;

    if (!backup)
        return sql_fail(to, sqlite3_errcode(to->handle), error);
    for (int i = 0; i < TRIES && (code & 0xFF) == SQLITE_BUSY; i++) {
        if (i > 0)
            (void)sqlite3_sleep(PAUSE_MS);
        code = sqlite3_backup_step(backup, -1);
    }
    int end = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE && end == SQLITE_OK)
        return true;
    return sql_fail(to, code == SQLITE_DONE ? end : code, error);
}

/* A copy that nobody has read is none. */
static bool check_copy(struct sql *copy, struct error *error)
{
    static const char check[] = "PRAGMA quick_check(1)";
    struct sqlite3_stmt *statement = NULL;
    bool row = false;

    if (!sql_query(copy, check, SQL_NONE, &statement, error) ||
        !sql_step(copy, statement, &row, error))
        return false;
    bool good = row && strcmp(sql_column_text(statement, 0), "ok") == 0;
    sql_reset(statement);
    return good || error_set(error, ERROR_CORRUPT, copy->where, "the database is damaged");
}

bool sql_backup(struct sql *from, const char *path, struct error *error)
{
    struct sql copy = {0};

    (void)snprintf(copy.where, sizeof(copy.where), "%s", path);
    int code =
        sqlite3_open_v2(path, &copy.handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    bool good = (code == SQLITE_OK || sql_fail(&copy, code, error)) &&
                copy_pages(from, &copy, error) && check_copy(&copy, error);

    return sql_close(&copy, good ? error : NULL) && good;
}
