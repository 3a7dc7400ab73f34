/* Log: one line an entry on standard error: time, level, message, fields. For people, or as one
 * JSON object. The only module besides main and the command line that prints. Thread-safe; knows no
 * global but stderr. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "core/error.h"

#include <stdatomic.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVELS };
enum log_form { LOG_PLAIN, LOG_JSON };

/* Entries written, by level. */
struct log_counts {
    _Atomic(uint64_t) entries[LOG_LEVELS];
};

struct log {
    enum log_level level; /* entries above it are dropped */
    enum log_form form;
    struct log_counts *counts; /* NULL: nobody counts */
};

/* What an entry is about: log_record(log, LOG_INFO, LOG_FIELDS(log_text("job", id)), "…"). Names
 * are plain words, the same one for the same thing everywhere: job, method, path, status, … */
struct log_field {
    const char *name;
    const char *text; /* NULL: a number */
    double number;
};
struct log_fields {
    const struct log_field *fields;
    size_t count; /* what is more than LOG_FIELDS_MOST is left out */
};
enum { LOG_FIELDS_MOST = 12 };

struct log_field log_text(const char *name, const char *text); /* NULL: the field is left out */
struct log_field log_number(const char *name, double number);

#define LOG_FIELDS(...)                                                                            \
    ((struct log_fields){(const struct log_field[]){__VA_ARGS__},                                  \
                         sizeof((const struct log_field[]){__VA_ARGS__}) /                         \
                             sizeof(struct log_field)})

/* `log` may be NULL: nothing is written. Whatever message and fields hold, the entry is one line of
 * UTF-8 without control characters; long ones are cut. errno is kept. */
void log_record(const struct log *log, enum log_level level, struct log_fields fields,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* The same without fields. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* "error" … */
const char *log_level_name(enum log_level level);
/* The level of that name ("error", "warning", "info", "debug"); −1 when there is none. */
int log_level_find(const char *name);
/* The form of that name ("plain", "json"); −1 when there is none. */
int log_form_find(const char *name);

#endif
