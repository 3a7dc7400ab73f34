/* SQL: one connection to a SQLite file, its prepared statements, values bound by a typed list, and
 * SQLite's codes as errors. Knows no table. Only sql*.c include sqlite3.h.
 *
 * One thread at a time may use a connection. Texts of statements are constants of the program: a
 * statement is prepared at its first use and found again by the address of its text, and input
 * reaches it as a bound value only. */
#ifndef SERVER_SQL_H
#define SERVER_SQL_H

#include "core/error.h"

#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;
struct sql_statement;

/* Hears of the key of each row of one table that a statement inserts, changes or deletes, while it
 * runs; of those too that are undone later. */
typedef void sql_changed(void *context, int64_t key);

struct sql {
    struct sqlite3 *handle;
    struct sql_statement *statements; /* prepared so far */
    size_t count, room;
    char where[96];      /* the file's name, for errors; the end of it when it is long */
    const char *watched; /* a table's name; these by sql_watch */
    sql_changed *changed;
    void *changed_context;
};

enum sql_access { SQL_READS, SQL_WRITES };

/* Opens an existing file without changing it. The one connection that writes syncs each commit. On
 * failure *sql is closed. */
bool sql_open(struct sql *sql, const char *path, enum sql_access access,
              struct error *error) MUST_CHECK;
/* Finalizes every statement. A zeroed or closed *sql is allowed. */
bool sql_close(struct sql *sql, struct error *error) MUST_CHECK;

/* Puts the file into WAL mode: readers no longer wait for the writer. ERROR_IO where the file
 * system cannot. */
bool sql_use_log(struct sql *sql, struct error *error) MUST_CHECK;

/* One table at most; *sql must stay where it is. */
void sql_watch(struct sql *sql, const char *table, sql_changed *changed, void *context);

/* ---- values ---- */

enum sql_type { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };

/* Texts and blobs are borrowed until the statement is reset. */
struct sql_value {
    enum sql_type type;
    int64_t integer;
    double real;
    const void *bytes;
    size_t size;
};
struct sql_list {
    const struct sql_value *values;
    size_t count;
};

struct sql_value sql_null(void);
struct sql_value sql_integer(int64_t value);
struct sql_value sql_real(double value);     /* NULL when it is not finite */
struct sql_value sql_text(const char *text); /* NULL stays NULL */
struct sql_value sql_blob(const void *bytes, size_t size);

/* SQL_LIST(sql_integer(1), sql_text(name)) for ?1, ?2, … */
#define SQL_LIST(...)                                                                              \
    ((struct sql_list){(const struct sql_value[]){__VA_ARGS__},                                    \
                       sizeof((const struct sql_value[]){__VA_ARGS__}) /                           \
                           sizeof(struct sql_value)})
#define SQL_NONE ((struct sql_list){NULL, 0})

/* ---- statements ---- */

/* A statement that gives rows: sql_query, then sql_step until *row is false or an error comes; who
 * stops earlier calls sql_reset. An unfinished statement keeps its snapshot of the file alive.
 * ERROR_INTERNAL when the statement is still being stepped. */
bool sql_query(struct sql *sql, const char *text, struct sql_list list, struct sqlite3_stmt **out,
               struct error *error) MUST_CHECK;
bool sql_step(struct sql *sql, struct sqlite3_stmt *statement, bool *row,
              struct error *error) MUST_CHECK;
void sql_reset(struct sqlite3_stmt *statement); /* NULL is allowed */

/* A statement run to its end, whatever rows it gives. */
bool sql_run(struct sql *sql, const char *text, struct sql_list list,
             struct error *error) MUST_CHECK;
/* The first column of the first row; ERROR_NOT_FOUND when there is no row. */
bool sql_get(struct sql *sql, const char *text, struct sql_list list, int64_t *out,
             struct error *error) MUST_CHECK;
/* Several statements without values: migrations. */
bool sql_script(struct sql *sql, const char *script, struct error *error) MUST_CHECK;

/* Columns of the current row, counted from 0; texts are valid until the next step. */
int64_t sql_column_integer(struct sqlite3_stmt *statement, int column);
double sql_column_real(struct sqlite3_stmt *statement, int column);
bool sql_column_is_null(struct sqlite3_stmt *statement, int column);
const char *sql_column_text(struct sqlite3_stmt *statement, int column); /* "" for NULL */
/* A malloc'ed copy; NULL stays NULL. */
bool sql_copy_text(struct sqlite3_stmt *statement, int column, char **out,
                   struct error *error) MUST_CHECK;

/* Rows that the last statement changed; key of the row that it inserted. */
int64_t sql_changes(struct sql *sql);
int64_t sql_last_key(struct sql *sql);
/* False after SQLite itself has rolled the transaction back, as it may when the disk is full. */
bool sql_in_transaction(struct sql *sql);

/* ---- blobs and the file ---- */

/* Part of a blob, without reading the rest of it. */
struct sql_part {
    const char *table, *column;
    int64_t key;
    int64_t offset;
    size_t size;
};
bool sql_read_part(struct sql *sql, const struct sql_part *part, void *out,
                   struct error *error) MUST_CHECK;

/* Makes the empty file at `path` a copy of the database as it is at one moment, and reads it.
 * Others may write meanwhile. */
bool sql_backup(struct sql *from, const char *path, struct error *error) MUST_CHECK;
/* Moves the log into the file and empties it. */
bool sql_checkpoint(struct sql *sql, struct error *error) MUST_CHECK;

/* Fills in *error for SQLite's result code; false. For sql*.c. */
bool sql_fail(struct sql *sql, int code, struct error *error);

#endif
