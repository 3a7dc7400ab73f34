/* Support for tests: stands between the program, with all its libraries, and glibc's memory. See
 * support_allocations.h. */
#include "tests/core/support_allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool watching;
static atomic_int seen, pardoned;
static const struct allocation_pardon *pardons;
static struct allocations found;

bool allocations_seen(void)
{
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

void allocations_begin(const struct allocation_pardon *wanted)
{
    void *frame;

    (void)backtrace(&frame, 1); /* its first call takes memory itself */
    pardons = wanted;
    atomic_store(&seen, 0);
    atomic_store(&pardoned, 0);
    atomic_store(&watching, true);
}

const struct allocations *allocations_end(void)
{
    atomic_store(&watching, false);
    found.count = atomic_load(&seen);
    found.pardoned = atomic_load(&pardoned);
    return &found;
}

void allocations_show(const struct allocations *allocations)
{
    for (int i = 0; i < allocations->count && i < ALLOCATIONS_KEPT; i++) {
        const struct allocation *one = &allocations->kept[i];
        char **names = backtrace_symbols(one->frames, one->depth);

        printf("%s of %zu bytes\n", one->call, one->size);
        for (int k = 0; k < one->depth; k++)
            printf("    %s\n", names != NULL ? names[k] : "?");
        free(names);
    }
    if (allocations->count > ALLOCATIONS_KEPT)
        printf("and %d more\n", allocations->count - ALLOCATIONS_KEPT);
    fflush(stdout);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* glibc's own, by the names under which it keeps them for such as us. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool is_pardoned(const struct allocation *one)
{
    Dl_info info;

    for (int i = 0; pardons != NULL && i < one->depth; i++) {
        if (dladdr(one->frames[i], &info) == 0 || info.dli_sname == NULL)
            continue;
        for (const struct allocation_pardon *pardon = pardons; pardon->function != NULL; pardon++)
            if (one->size <= pardon->most && strcmp(info.dli_sname, pardon->function) == 0)
                return true;
    }
    return false;
}

static void note(const char *call, size_t size)
{
    static _Thread_local bool noting;

    if (!atomic_load_explicit(&watching, memory_order_relaxed) || noting)
        return;
    noting = true;
    struct allocation one = {.call = call, .size = size};
    one.depth = backtrace(one.frames, ALLOCATION_FRAMES);
    if (is_pardoned(&one)) {
        atomic_fetch_add(&pardoned, 1);
    } else {
        int at = atomic_fetch_add(&seen, 1);
        if (at < ALLOCATIONS_KEPT)
            found.kept[at] = one;
    }
    noting = false;
}

void *malloc(size_t size)
{
    note("malloc", size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note("calloc", count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    note("realloc", size);
    return __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    note("reallocarray", bytes);
    return __libc_realloc(old, bytes);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    note("memalign", size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note("aligned_alloc", size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
        return EINVAL;
    note("posix_memalign", size);
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}

void *valloc(size_t size)
{
    note("valloc", size);
    return __libc_memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

/* POSIX has chosen the parameters. */
#define MMAP_TAKES void *address, size_t size, int protection, int flags, int file, off_t offset

void *mmap(MMAP_TAKES)
{
    note("mmap", size);
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

void *mmap64(MMAP_TAKES)
{
    return mmap(address, size, protection, flags, file, offset);
}

#endif
