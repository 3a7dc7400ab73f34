/* SQL's failures: SQLite's codes as errors, by a table. */
#include "server/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static const struct {
    int code; /* the extended code, or the primary one for all of its family */
    enum error_kind kind;
    const char *text;
} failures[] = {
    {SQLITE_CONSTRAINT_FOREIGNKEY, ERROR_NOT_FOUND, "what the row belongs to is not there"},
    {SQLITE_CONSTRAINT, ERROR_CONFLICT, "the row breaks a rule of its table"},
    {SQLITE_FULL, ERROR_FULL, "the disk is full"},
    {SQLITE_CORRUPT, ERROR_CORRUPT, "the database is damaged"},
    {SQLITE_NOTADB, ERROR_CORRUPT, "the file is not a database"},
    {SQLITE_BUSY, ERROR_BUSY, "another program has locked the database"},
    {SQLITE_LOCKED, ERROR_BUSY, "the database is locked"},
    {SQLITE_NOMEM, ERROR_MEMORY, "out of memory"},
    {SQLITE_TOOBIG, ERROR_TOO_LARGE, "a text or blob is too large"},
    {SQLITE_IOERR, ERROR_IO, "the database cannot be read or written"},
    {SQLITE_CANTOPEN, ERROR_IO, "the database cannot be opened"},
    {SQLITE_READONLY, ERROR_IO, "the database cannot be written"},
    {SQLITE_PERM, ERROR_IO, "the database may not be used"},
    {SQLITE_AUTH, ERROR_IO, "the database may not be used"},
};

bool sql_fail(struct sql *sql, int code, struct error *error)
{
    enum error_kind kind = ERROR_INTERNAL;
    const char *text = "the database refused";
    const char *detail = sql->handle ? sqlite3_errmsg(sql->handle) : sqlite3_errstr(code);
    int system = sql->handle ? sqlite3_system_errno(sql->handle) : 0;
    char buffer[96];

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].code == code || failures[i].code == (code & 0xFF)) {
            kind = failures[i].kind;
            text = failures[i].text;
            break;
        }
    /* SQLite keeps the last system error of the connection, which says something only about these.
     */
    if (kind != ERROR_IO || system == 0)
        return error_set(error, kind, sql->where, "%s: %s", text, detail);
    if (system == ENOSPC || system == EDQUOT)
        return error_set(error, ERROR_FULL, sql->where, "the disk is full: %s", detail);
    return error_set(error, kind, sql->where, "%s: %s (%s)", text, detail,
                     strerror_r(system, buffer, sizeof(buffer)));
}
