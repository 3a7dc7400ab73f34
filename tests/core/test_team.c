/* Team: every task once, every member once, whatever the number of threads; no thread is left
 * behind. */
#include "tests/harness.h"

#include "core/team.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TASKS_MAX = 64, THREADS_MAX = 8 };

struct tally {
    atomic_int runs[TASKS_MAX];
    int plain[TASKS_MAX]; /* written without atomics: the team must order them for the caller */
    int given;            /* written by the caller before the round, read by the tasks */
    int threads;
    atomic_int strays;
};

static void count_task(void *context, int task, int member)
{
    struct tally *tally = context;

    if (task < 0 || task >= TASKS_MAX || member < 0 || member >= tally->threads) {
        atomic_fetch_add(&tally->strays, 1);
        return;
    }
    atomic_fetch_add(&tally->runs[task], 1);
    tally->plain[task] = tally->given + task;
}

static struct team *start(int threads)
{
    struct error error = {0};
    struct team *team = NULL;

    if (!team_start(threads, &team, &error))
        FAIL("%s", error.text);
    return team;
}

static void check_rounds(struct team *team, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        struct tally tally = {.given = round, .threads = team_size(team)};
        int tasks = round % 13 == 12 ? TASKS_MAX : round % 13;

        team_run(team, tasks, count_task, &tally);
        CHECK_INT(tally.strays, 0);
        for (int task = 0; task < TASKS_MAX; task++) {
            CHECK_INT(tally.runs[task], task < tasks ? 1 : 0);
            CHECK_INT(tally.plain[task], task < tasks ? round + task : 0);
        }
        /* Now and then long enough for everybody to fall asleep. */
        if (round % 500 == 499)
            usleep(2000);
    }
}

TEST("every task runs exactly once in every round, with one to eight threads")
{
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        struct team *team = start(threads);

        CHECK_INT(team_size(team), threads);
        check_rounds(team, 3000);
        team_stop(team);
    }
}

struct hello {
    atomic_int greeted[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
};

static void note_hello(void *context, int member)
{
    struct hello *hello = context;

    atomic_fetch_add(&hello->greeted[member], 1);
    hello->thread[member] = pthread_self();
}

TEST("team_each reaches every member exactly once, each in its own thread, between other rounds")
{
    for (int threads = 1; threads <= THREADS_MAX; threads++) {
        struct team *team = start(threads);

        for (int round = 0; round < 200; round++) {
            struct hello hello = {0};

            team_each(team, note_hello, &hello);
            CHECK(pthread_equal(hello.thread[0], pthread_self()));
            for (int i = 0; i < THREADS_MAX; i++)
                CHECK_INT(hello.greeted[i], i < threads ? 1 : 0);
            for (int i = 0; i < threads; i++)
                for (int k = 0; k < i; k++)
                    CHECK(!pthread_equal(hello.thread[i], hello.thread[k]));
            check_rounds(team, 5);
        }
        team_stop(team);
    }
}

struct meeting {
    atomic_int present;
    atomic_int missed;
};

/* Returns only when two members are inside at once: impossible for a team that works one by one. */
static void meet(void *context, int task, int member)
{
    struct meeting *meeting = context;

    (void)task;
    (void)member;
    atomic_fetch_add(&meeting->present, 1);
    for (int i = 0; atomic_load(&meeting->present) < 2; i++) {
        if (i == 2000) {
            atomic_fetch_add(&meeting->missed, 1);
            return;
        }
        usleep(1000);
    }
}

TEST("tasks of one round run at the same time")
{
    struct team *team = start(2);

    for (int i = 0; i < 50; i++) {
        struct meeting meeting = {0};

        team_run(team, 2, meet, &meeting);
        CHECK_INT(meeting.missed, 0);
    }
    team_stop(team);
}

struct chain {
    double sums[TASKS_MAX];
    long rounds;
};

static void add_up(void *context, int task, int member)
{
    struct chain *chain = context;

    (void)member;
    chain->sums[task] += (double)(task + 1) / (double)(chain->rounds + 1);
}

TEST("a long run of short rounds loses nothing and gives the same sums for any number of threads")
{
    struct chain first = {0};

    for (int threads = 1; threads <= 4; threads++) {
        struct team *team = start(threads);
        struct chain chain = {0};

        for (chain.rounds = 0; chain.rounds < 20000; chain.rounds++)
            team_run(team, 8, add_up, &chain);
        team_stop(team);
        if (threads == 1)
            first = chain;
        CHECK(memcmp(first.sums, chain.sums, sizeof(first.sums)) == 0);
    }
}

static int threads_of_this_process(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = 0;

    CHECK(dir != NULL);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* A joined thread may be seen in /proc for a moment longer. */
static void check_threads_are(int wanted)
{
    for (int i = 0; i < 1000 && threads_of_this_process() != wanted; i++)
        usleep(1000);
    CHECK_INT(threads_of_this_process(), wanted);
}

TEST("a stopped team leaves no thread behind, used or not, and several teams live side by side")
{
    int before;

    team_stop(start(2)); /* a sanitizer may start a thread of its own beside the first */
    usleep(10000);
    before = threads_of_this_process();
    for (int i = 0; i < 20; i++) {
        struct team *used = start(4), *idle = start(3);
        struct tally tally = {.threads = 4};

        team_run(used, TASKS_MAX, count_task, &tally);
        check_threads_are(before + 3 + 2);
        team_stop(used);
        team_stop(idle);
    }
    check_threads_are(before);
    team_stop(NULL);
}

TEST("a thread that cannot be started is an error and those already started are gone")
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("a sanitizer needs the address space that this test takes away");
#else
    int before = threads_of_this_process();
    struct rlimit limit;
    struct error error = {0};
    struct team *team = NULL;
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file != NULL && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    /* Room for a few stacks of threads and not for a thousand. */
    limit.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (rlim_t)40 * 1024 * 1024;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK(!team_start(1000, &team, &error));
    CHECK_INT(error.kind, ERROR_IO);
    CHECK(strstr(error.text, "of 1000") != NULL);
    check_threads_are(before);
#endif
}
