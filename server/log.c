/* Log: entries on standard error, one line each, written by one write() so that lines of different
 * threads never mix. Knows nothing of files or rotation: whoever starts the daemon keeps its
 * standard error. No entry takes memory: one must be possible when memory is gone. */
#include "server/log.h"

#include "core/field.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Bytes of a line: each text is bounded, so that a line always has room for all of them. */
enum { MESSAGE_MOST = 1024, TEXT_MOST = 512, NAME_MOST = 32, HEAD_MOST = 128 };
enum { LINE_MOST = HEAD_MOST + MESSAGE_MOST + LOG_FIELDS_MOST * (TEXT_MOST + NAME_MOST + 8) + 8 };

struct line {
    enum log_form form;
    bool quoted; /* what is put now stands between quotes */
    size_t used;
    char bytes[LINE_MOST];
};

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
static const char *const form_names[] = {[LOG_PLAIN] = "plain", [LOG_JSON] = "json"};

static int name_find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    return -1;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

int log_level_find(const char *name)
{
    return name_find(level_names, COUNT_OF(level_names), name);
}

int log_form_find(const char *name)
{
    return name_find(form_names, COUNT_OF(form_names), name);
}

struct log_field log_text(const char *name, const char *text)
{
    return (struct log_field){.name = text ? name : NULL, .text = text};
}

struct log_field log_number(const char *name, double number)
{
    return (struct log_field){.name = name, .number = number};
}

/* ---- texts ---- */

static void put(struct line *line, const char *bytes, size_t size)
{
    if (size > sizeof(line->bytes) - line->used)
        size = sizeof(line->bytes) - line->used; /* never: see LINE_MOST */
    memcpy(line->bytes + line->used, bytes, size);
    line->used += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Bytes of the UTF-8 character at `text`, whose shortest form it must be; 0: there is none. */
static size_t character_size(const unsigned char *text)
{
    static const struct {
        unsigned char mask, mark;
        size_t size;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xE0, 0xC0, 2, 0x80},
                 {0xF0, 0xE0, 3, 0x800},
                 {0xF8, 0xF0, 4, 0x10000}};

    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint32_t code = text[0] & (unsigned char)~forms[i].mask;

        if ((text[0] & forms[i].mask) != forms[i].mark)
            continue;
        for (size_t k = 1; k < forms[i].size; k++) {
            if ((text[k] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (text[k] & 0x3F);
        }
        return code < forms[i].least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)
                   ? 0
                   : forms[i].size;
    }
    return 0;
}

/* Control characters would let a job's name forge a line or drive the terminal: the ASCII ones, and
 * the C1 ones (U+0080 … U+009F). */
static bool is_control(const unsigned char *text)
{
    return text[0] < 0x20 || text[0] == 0x7F || (text[0] == 0xC2 && text[1] < 0xA0);
}

/* One character, or what stands for it; how many bytes of `text` that was. */
static size_t escape(const struct line *line, const unsigned char *text, char out[16])
{
    bool json = line->form == LOG_JSON;
    size_t size = character_size(text);

    if (size == 0)
        (void)snprintf(out, 16, json ? "\\ufffd" : "\\x%02x", text[0]);
    else if (is_control(text))
        (void)snprintf(out, 16, json ? "\\u%04x" : "\\x%02x", text[size - 1]);
    else if (line->quoted && (text[0] == '"' || text[0] == '\\'))
        (void)snprintf(out, 16, "\\%c", text[0]);
    else
        (void)snprintf(out, 16, "%.*s", (int)size, (const char *)text);
    return size == 0 ? 1 : size;
}

/* At most `most` bytes, whole characters only. */
static void put_escaped(struct line *line, const char *text, size_t most)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t end = line->used + most;

    while (*at) {
        char one[16];
        size_t taken = escape(line, at, one);

        if (line->used + strlen(one) > end)
            break;
        put_text(line, one);
        at += taken;
    }
}

/* ---- entries ---- */

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc = {0};
    char text[64];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   (int)(now.tv_nsec / 1000000));
    put_text(line, text);
}

static void put_head(struct line *line, enum log_level level)
{
    char text[16];

    put_text(line, line->form == LOG_JSON ? "{\"time\":\"" : "");
    put_time(line);
    if (line->form == LOG_JSON) {
        put_text(line, "\",\"level\":\"");
        put_text(line, level_names[level]);
        put_text(line, "\",\"message\":\"");
    } else {
        (void)snprintf(text, sizeof(text), " %-7s ", level_names[level]);
        put_text(line, text);
    }
}

static void put_number(struct line *line, double number)
{
    char text[32];

    if (isfinite(number) && number == floor(number) && fabs(number) < 1e15)
        (void)snprintf(text, sizeof(text), "%.0f", number);
    else if (isfinite(number))
        (void)snprintf(text, sizeof(text), "%.6g", number);
    else
        (void)snprintf(text, sizeof(text), "null");
    put_text(line, text);
}

/* For people: quotes only where they are needed to see where the text ends. */
static bool is_bare(const struct line *line, const char *text)
{
    return line->form == LOG_PLAIN && text[0] != '\0' && !strpbrk(text, " \"=");
}

static void put_field(struct line *line, const struct log_field *field)
{
    const char *quote = !field->text || is_bare(line, field->text) ? "" : "\"";

    line->quoted = quote[0] != '\0';
    put_text(line, line->form == LOG_JSON ? ",\"" : " ");
    put(line, field->name, strnlen(field->name, NAME_MOST));
    put_text(line, line->form == LOG_JSON ? "\":" : "=");
    put_text(line, quote);
    if (field->text)
        put_escaped(line, field->text, TEXT_MOST);
    else
        put_number(line, field->number);
    put_text(line, quote);
}

static void write_all(const char *bytes, size_t size)
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

static void write_entry(const struct log *log, enum log_level level, struct log_fields fields,
                        const char *message)
{
    struct line line = {.form = log->form};
    int kept = errno;

    if (log->counts)
        (void)atomic_fetch_add_explicit(&log->counts->entries[level], 1, memory_order_relaxed);
    put_head(&line, level);
    line.quoted = line.form == LOG_JSON;
    put_escaped(&line, message, MESSAGE_MOST);
    put_text(&line, log->form == LOG_JSON ? "\"" : "");
    for (size_t i = 0; i < fields.count && i < LOG_FIELDS_MOST; i++)
        if (fields.fields[i].name)
            put_field(&line, &fields.fields[i]);
    put_text(&line, log->form == LOG_JSON ? "}\n" : "\n");
    write_all(line.bytes, line.used);
    errno = kept;
}

void log_record(const struct log *log, enum log_level level, struct log_fields fields,
                const char *format, ...)
{
    char message[MESSAGE_MOST];
    va_list arguments;

    if (!log || level > log->level)
        return;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof(message), format, arguments) < 0)
        message[0] = '\0';
    va_end(arguments);
    write_entry(log, level, fields, message);
}

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
    char message[MESSAGE_MOST];
    va_list arguments;

    if (!log || level > log->level)
        return;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof(message), format, arguments) < 0)
        message[0] = '\0';
    va_end(arguments);
    write_entry(log, level, (struct log_fields){NULL, 0}, message);
}
