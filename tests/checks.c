/* The checks of harness.h: each compares, and ends the test's process with what it saw when it
 * must. Knows nothing of the runner. */
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Leaves by _exit(): a failed test owes nobody a clean end, and other threads may still run. */
void test_fail(struct test_place place, const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s%s", place.file, place.line, place.what == NULL ? "" : place.what,
            place.what == NULL ? "" : " ");
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stderr);
    _exit(1);
}

void test_check_int(struct test_place place, int64_t got, int64_t wanted)
{
    if (got != wanted) {
        test_fail(place, "is %" PRId64 ", not %" PRId64, got, wanted);
    }
}

void test_check_near(struct test_place place, double got, double wanted, double relative)
{
    double distance = fabs(got - wanted);
    bool near = got == wanted || distance <= relative * fmax(fabs(got), fabs(wanted));
    if (!near) {
        test_fail(place, "is %.17g, not %.17g (off by %.3g, %.3g relative is allowed)", got, wanted,
                  distance, relative);
    }
}

void test_check_text(struct test_place place, const char *got, const char *wanted)
{
    if (got == NULL || wanted == NULL ? got != wanted : strcmp(got, wanted) != 0) {
        test_fail(place, "is \"%s\", not \"%s\"", got == NULL ? "(null)" : got,
                  wanted == NULL ? "(null)" : wanted);
    }
}
