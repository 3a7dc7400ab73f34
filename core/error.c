/* Errors: filling in and naming. Knows nothing of who shows them. */
#include "core/error.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const kind_names[ERROR_KINDS] = {
    [ERROR_NONE] = "none",
    [ERROR_MEMORY] = "memory",
    [ERROR_INVALID] = "invalid",
    [ERROR_TOO_LARGE] = "too_large",
    [ERROR_NOT_FOUND] = "not_found",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_BUSY] = "busy",
    [ERROR_IO] = "io",
    [ERROR_FULL] = "full",
    [ERROR_CORRUPT] = "corrupt",
    [ERROR_DIVERGED] = "diverged",
    [ERROR_CANCELLED] = "cancelled",
    [ERROR_UNSUPPORTED] = "unsupported",
    [ERROR_INTERNAL] = "internal",
};

bool error_set(struct error *error, enum error_kind kind, const char *where, const char *format,
               ...)
{
    va_list arguments;
    int wanted;

    if (!error || error->kind != ERROR_NONE)
        return false;
    error->kind = kind;
    wanted = snprintf(error->where, sizeof(error->where), "%s", where ? where : "");
    text_end_whole(error->where, sizeof(error->where), wanted);
    va_start(arguments, format);
    wanted = vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    text_end_whole(error->text, sizeof(error->text), wanted);
    return false;
}

const char *error_kind_name(enum error_kind kind)
{
    if ((unsigned)kind >= ERROR_KINDS)
        return "unknown";
    return kind_names[kind];
}
