/* Planted tests that end in every way a test can end, so that tests/selftest.sh can see the harness
 * judge each of them. Not part of `make test` itself. */
#include "tests/harness.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TEST("planted: passes")
{
    CHECK(1 + 1 == 2);
    CHECK_INT(1 + 1, 2);
    CHECK_NEAR(1.0, 1.0 + 1e-9, 1e-8);
    CHECK_TEXT("same", "same");
}

TEST("planted: fails a condition")
{
    printf("what the test said\n");
    CHECK(1 + 1 == 3);
}

TEST("planted: fails an integer")
{
    CHECK_INT(1 + 1, 3);
}

TEST("planted: fails a number")
{
    CHECK_NEAR(1.0, 1.1, 1e-3);
}

TEST("planted: fails at NaN")
{
    CHECK_NEAR((double)NAN, 1.0, 1e9);
}

TEST("planted: fails a text")
{
    CHECK_TEXT("one", "two");
}

static void *fail_here(void *nothing)
{
    (void)nothing;
    FAIL("from a thread");
}

TEST("planted: fails in a thread")
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, fail_here, NULL) == 0);
    pthread_join(thread, NULL);
}

TEST("planted: crashes")
{
    raise(SIGSEGV);
}

TEST_SLOW("planted: hangs", 1)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        pause();
    }
}

TEST("planted: leaves early")
{
    exit(0);
}

TEST("planted: skips")
{
    SKIP("because %s", "it may");
}

static void *volatile forgotten;

TEST("planted: leaks")
{
    forgotten = malloc(1000);
    CHECK(forgotten != NULL);
    forgotten = NULL;
}

static int shared;

static void *write_shared(void *nothing)
{
    (void)nothing;
    shared++;
    return NULL;
}

static void race(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, write_shared, NULL) == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

TEST("planted: races")
{
    race();
}

/* As a daemon may end in a test of crashes: its output is elsewhere, its exit code says nothing. */
TEST("planted: kills a child that erred")
{
    int ends[2];
    char byte = 0;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(freopen("/dev/null", "w", stderr) != NULL);
        volatile int end = 1000;
        forgotten = malloc(1000);
        race();
        ((char *)forgotten)[end] = byte;
        (void)!write(ends[1], &byte, 1);
        pause();
    }
    close(ends[1]);
    (void)!read(ends[0], &byte, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

TEST("planted: leaves a daemon and a file behind")
{
    CHECK(access(test_dir(), W_OK) == 0);
    FILE *file = fopen("left-behind", "w");
    CHECK(file != NULL);
    fclose(file);
    if (fork() == 0) {
        execl("/bin/sleep", "sleep", "271828", (char *)NULL);
        _exit(1);
    }
}
