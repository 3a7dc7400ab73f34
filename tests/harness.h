/* Harness: tests that register themselves. Each is named by a sentence that says what must hold,
 * and runs in its own process with its own temporary directory and a deadline. Knows nothing of
 * what is tested.
 *
 * The process's end is the verdict: a failed check, a crash, a hang, a sanitizer's report or an
 * early exit each fail the test. The first failed check ends it. Checks work in any thread of the
 * test's process. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *file;
    int line;
    int seconds;
    const char *sentence;
    void (*run)(void);
};

/* TEST("a lost race is an error of its own") { … } */
#define TEST(sentence) TEST_SLOW(sentence, 60)
/* … with a deadline of its own. Sanitizer builds stretch every deadline. */
#define TEST_SLOW(sentence, seconds) TEST_AT(sentence, seconds, __LINE__)

/* Absolute path of this test's temporary directory, which is also the working directory. It and all
 * that was started in this test's process group are removed afterwards. */
const char *test_dir(void);
/* Absolute path of the repository, for committed data; and of the traind that was built beside this
 * runner. */
const char *test_root(void);
const char *test_program(void);
/* How much slower than a plain build this one is, for a test's own deadlines: 1 in a plain build.
 */
int test_slowdown(void);

struct test_place {
    const char *file;
    int line;
    const char *what;
};
#define TEST_PLACE(what) ((struct test_place){__FILE__, __LINE__, what})

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : test_fail(TEST_PLACE(#condition), "does not hold"))
#define CHECK_INT(got, wanted) test_check_int(TEST_PLACE(#got), (got), (wanted))
/* |got − wanted| ≤ relative × max(|got|, |wanted|); NaN is near nothing. */
#define CHECK_NEAR(got, wanted, relative)                                                          \
    test_check_near(TEST_PLACE(#got), (got), (wanted), (relative))
#define CHECK_TEXT(got, wanted) test_check_text(TEST_PLACE(#got), (got), (wanted))
#define FAIL(...) test_fail(TEST_PLACE(NULL), __VA_ARGS__)
#define SKIP(...) test_skip(__VA_ARGS__)

_Noreturn void test_fail(struct test_place place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_check_int(struct test_place place, int64_t got, int64_t wanted);
void test_check_near(struct test_place place, double got, double wanted, double relative);
void test_check_text(struct test_place place, const char *got, const char *wanted);

/* The linker gathers pointers to all tests of a runner in one section. */
#define TEST_AT(sentence, seconds, line) TEST_NAMED(sentence, seconds, line)
#define TEST_NAMED(sentence, seconds, line)                                                        \
    static void test_body_##line(void);                                                            \
    static const struct test test_row_##line = {__FILE__, line, seconds, sentence,                 \
                                                test_body_##line};                                 \
    static const struct test *const test_pointer_##line                                            \
        __attribute__((section("test_rows"), used)) = &test_row_##line;                            \
    static void test_body_##line(void)

#endif
