/* Log: entries on standard error, one line each, written by one write() so that lines of different
 * threads never mix. Knows nothing of files or rotation: whoever starts the daemon keeps its
 * standard error. */
#include "server/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE = 2048 };

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

int log_level_find(const char *name)
{
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (strcmp(name, level_names[level]) == 0)
            return level;
    }
    return -1;
}

static size_t log_head(char *out, size_t size, enum log_level level)
{
    struct timespec now;
    struct tm utc;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    int length = snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %-7s ",
                          utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                          utc.tm_sec, (int)(now.tv_nsec / 1000000), level_names[level]);
    if (length < 0)
        return 0;
    return (size_t)length < size ? (size_t)length : size - 1;
}

/* Control characters would let a job's name forge a line or drive the terminal. */
static size_t log_escape(char *out, size_t room, const char *message)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (const char *at = message; *at != '\0' && used + 4 <= room; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= 0x20 && byte != 0x7f) {
            out[used++] = *at;
            continue;
        }
        out[used++] = '\\';
        out[used++] = 'x';
        out[used++] = digits[byte >> 4];
        out[used++] = digits[byte & 15];
    }
    return used;
}

static void log_write(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nobody can be told */
        bytes += written;
        size -= (size_t)written;
    }
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
    if (!log || level > log->level)
        return;
    char message[LOG_LINE / 2], line[LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size_t used = log_head(line, sizeof(line), level);
    used += log_escape(line + used, sizeof(line) - used - 1, message);
    line[used++] = '\n';
    int kept = errno;
    log_write(line, used);
    errno = kept;
}
