/* Log: one line an entry on standard error: time, level, message. The only module besides main and
 * the command line that prints. Thread-safe; knows no global but stderr. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "core/error.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log {
    enum log_level level; /* entries above it are dropped */
};

/* `log` may be NULL: nothing is written. Control characters in the message are escaped. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The level of that name ("error", "warning", "info", "debug"); −1 when there is none. */
int log_level_find(const char *name);

#endif
