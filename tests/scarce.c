/* Support for tests: see scarce.h. */
#include "tests/scarce.h"

#include "tests/harness.h"

#include <errno.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ONE, ALL_BEHIND, WAYS };

static struct {
    atomic_long count;
    atomic_long fails_at; /* below 0: none */
    atomic_bool persists;
} supply = {.fails_at = -1};

static bool refused(void)
{
    long number = atomic_fetch_add(&supply.count, 1);
    long fails_at = atomic_load(&supply.fails_at);
    bool yes = fails_at >= 0 &&
               (number == fails_at || (number > fails_at && atomic_load(&supply.persists)));

    if (yes)
        errno = ENOMEM;
    return yes;
}

/* ---- in the place of the C library's ---- */

/* The linker's names. */
/* clang-format off */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
FILE *__real_open_memstream(char **text, size_t *size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
FILE *__wrap_open_memstream(char **text, size_t *size);
int __wrap_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_asprintf(char **out, const char *format, ...);
int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments);
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...);
/* clang-format on */

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return refused() ? NULL : __real_open_memstream(text, size);
}

int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
    va_list again;

    *out = NULL;
    if (refused())
        return -1;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0 || !(*out = __real_malloc((size_t)size + 1)))
        return -1;
    return vsnprintf(*out, (size_t)size + 1, format, arguments);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = __wrap_vasprintf(out, format, arguments);
    va_end(arguments);
    return size;
}

int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments)
{
    (void)flag;
    return __wrap_vasprintf(out, format, arguments);
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
    va_list arguments;

    (void)flag;
    va_start(arguments, format);
    int size = __wrap_vasprintf(out, format, arguments);
    va_end(arguments);
    return size;
}

/* ---- the libraries' ---- */

static sqlite3_mem_methods sqlite_own;

static void *sqlite_malloc(int size)
{
    return refused() ? NULL : sqlite_own.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return refused() ? NULL : sqlite_own.xRealloc(old, size);
}

static void *json_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void scarce_libraries(void)
{
    json_set_alloc_funcs(json_malloc, free);
    CHECK_INT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own), SQLITE_OK);
    sqlite3_mem_methods methods = sqlite_own;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    CHECK_INT(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    /* Its cache of small pieces would serve what is to fail. */
    CHECK_INT(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

/* ---- the sweep ---- */

/* How many allocations that life had. */
static long live(scarce_life *life, void *context, const struct scarce_rules *rules, long at)
{
    struct error error = {0};

    atomic_store(&supply.count, 0);
    atomic_store(&supply.fails_at, at);
    bool good = life(context, &error);
    atomic_store(&supply.fails_at, -1);
    long count = atomic_load(&supply.count);
    bool starved = at >= 0 && count > at;
    if (!good && (!starved || error.kind != ERROR_MEMORY))
        FAIL("allocation %ld of %ld%s: %s: %s: %s", at, count,
             atomic_load(&supply.persists) ? " and all behind it" : "", error_kind_name(error.kind),
             error.where, error.text);
    if (good && starved && !rules->may_do)
        FAIL("allocation %ld of %ld was refused, and all was well", at, count);
    if (rules->after)
        rules->after(context, at);
    return count;
}

void scarce_sweep(scarce_life *life, void *context, const struct scarce_rules *rules)
{
    (void)live(life, context, rules, -1); /* what is made once in a program's life is there now */
    long whole = live(life, context, rules, -1);

    if (whole < rules->least)
        FAIL("%ld allocations: this looks at nothing", whole);
    for (int way = ONE; way < WAYS; way++) {
        atomic_store(&supply.persists, way == ALL_BEHIND);
        /* Until a life ends before its turn comes. */
        for (long at = 0; live(life, context, rules, at) > at;)
            at += rules->stride > 0 ? rules->stride : 1;
    }
    atomic_store(&supply.persists, false);
}
