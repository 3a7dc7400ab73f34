/* The runner behind harness.h: starts tests as processes, several at a time, watches their
 * deadlines, shows the output of those that fail, and leaves nothing behind. Knows no test by name.
 *
 * Environment: T=word runs the tests whose sentence or file contains it; JOBS=n runs n at a time.
 */
#include "tests/harness.h"
#include "tests/report.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern const struct test *const __start_test_rows[];
extern const struct test *const __stop_test_rows[];

/* What a test's process tells the runner, in memory that both see. */
enum progress { UNFINISHED, FINISHED, SKIPPED };
struct message {
    enum progress progress;
    char why[256];
};

enum verdict { WAITING, RUNNING, PASSED, FAILED, SKIPPED_OVER };

struct entry {
    const struct test *test;
    struct message *message;
    enum verdict verdict;
    pid_t pid;
    double started, took;
    bool late;
    char why[300];
};

struct runner {
    struct entry *entries;
    int count, jobs, running, next, printed;
    char dir[256];
};

/* Set once before the first fork. */
static struct {
    char dir[320];
    char root[1024];
    char program[1024];
    struct message *message;
} self;

static const struct timespec LOOK_AGAIN = {.tv_nsec = 50 * 1000 * 1000};

const char *test_dir(void)
{
    return self.dir;
}

const char *test_root(void)
{
    return self.root;
}

const char *test_program(void)
{
    return self.program;
}

int test_slowdown(void)
{
#if defined(__SANITIZE_THREAD__)
    return 8;
#elif defined(__SANITIZE_ADDRESS__)
    return 4;
#else
    return 1;
#endif
}

/* ---- inside a test's process ---- */

void test_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self.message->why, sizeof self.message->why, format, arguments);
    va_end(arguments);
    self.message->progress = SKIPPED;
    _exit(0);
}

static void take_output(const char *path)
{
    int in = open("/dev/null", O_RDONLY);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
        _exit(1);
    }
    close(in);
    close(out);
}

/* Never returns. Leaves by exit() so that a leak checker has its say. */
static _Noreturn void run_test(const struct test *test, const char *log, struct message *message)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    take_output(log);
    report_take(log);
    self.message = message;
    if (mkdir(self.dir, 0700) != 0 || chdir(self.dir) != 0) {
        FAIL("no temporary directory %s: %s", self.dir, strerror(errno));
    }
    test->run();
    message->progress = FINISHED;
    exit(0);
}

/* ---- the runner ---- */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void log_path(const struct runner *runner, int index, char *out, size_t size)
{
    snprintf(out, size, "%s/%d.log", runner->dir, index);
}

static void start(struct runner *runner, int index)
{
    struct entry *entry = &runner->entries[index];
    char log[320];
    log_path(runner, index, log, sizeof log);
    snprintf(self.dir, sizeof self.dir, "%s/%d", runner->dir, index);
    fflush(stdout);
    entry->started = now();
    entry->pid = fork();
    if (entry->pid < 0) {
        give_up("fork");
    }
    if (entry->pid == 0) {
        run_test(entry->test, log, entry->message);
    }
    setpgid(entry->pid, entry->pid); /* here too: whoever comes first */
    entry->verdict = RUNNING;
    runner->running++;
}

static void judge(struct entry *entry, int status, bool reported)
{
    enum progress progress = entry->message->progress;
    entry->verdict = FAILED;
    if (reported) {
        snprintf(entry->why, sizeof entry->why, "a sanitizer found something");
    } else if (entry->late) {
        snprintf(entry->why, sizeof entry->why, "was still running after its %d s",
                 entry->test->seconds * test_slowdown());
    } else if (WIFSIGNALED(status)) {
        snprintf(entry->why, sizeof entry->why, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        if (progress == FINISHED)
            snprintf(entry->why, sizeof entry->why, "finished, but not with exit code 0");
    } else if (progress == UNFINISHED) {
        snprintf(entry->why, sizeof entry->why, "left with exit code 0 before its end");
    } else if (progress == SKIPPED) {
        entry->verdict = SKIPPED_OVER;
        snprintf(entry->why, sizeof entry->why, "%s", entry->message->why);
    } else {
        entry->verdict = PASSED;
    }
}

static void show_output(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    char line[2048];
    while (fgets(line, sizeof line, file) != NULL) {
        printf("      | %s%s", line, strchr(line, '\n') == NULL ? "\n" : "");
    }
    fclose(file);
}

/* Results appear in the order of the tests, whatever the order in which they end. */
static void print_results(struct runner *runner)
{
    for (; runner->printed < runner->count; runner->printed++) {
        const struct entry *entry = &runner->entries[runner->printed];
        if (entry->verdict <= RUNNING) {
            break;
        }
        char log[320];
        log_path(runner, runner->printed, log, sizeof log);
        const char *word = entry->verdict == PASSED   ? "ok  "
                           : entry->verdict == FAILED ? "FAIL"
                                                      : "skip";
        printf("%s  %s:%d  %s (%.2f s)\n", word, entry->test->file, entry->test->line,
               entry->test->sentence, entry->took);
        if (entry->verdict == FAILED) {
            show_output(log);
        }
        if (entry->why[0] != '\0')
            printf("      %s\n", entry->why);
        remove(log);
    }
    fflush(stdout);
}

static void reap(struct runner *runner)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (int i = 0; i < runner->next; i++) {
            struct entry *entry = &runner->entries[i];
            if (entry->pid == pid && entry->verdict == RUNNING) {
                kill(-pid, SIGKILL); /* what it may have left running */
                entry->took = now() - entry->started;
                char log[320], dir[320];
                log_path(runner, i, log, sizeof log);
                judge(entry, status, report_add(log));
                runner->running--;
                snprintf(dir, sizeof dir, "%s/%d", runner->dir, i);
                remove_tree(dir);
            }
        }
    }
}

static void end_late_ones(struct runner *runner)
{
    for (int i = 0; i < runner->next; i++) {
        struct entry *entry = &runner->entries[i];
        if (entry->verdict == RUNNING && !entry->late &&
            now() - entry->started > entry->test->seconds * test_slowdown()) {
            entry->late = true;
            kill(-entry->pid, SIGKILL);
        }
    }
}

static _Noreturn void interrupted(struct runner *runner, int signal)
{
    for (int i = 0; i < runner->next; i++) {
        if (runner->entries[i].verdict == RUNNING) {
            kill(-runner->entries[i].pid, SIGKILL);
        }
    }
    remove_tree(runner->dir);
    _exit(128 + signal);
}

static void run_all(struct runner *runner)
{
    static const int awaited[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof awaited / sizeof awaited[0]; i++)
        sigaddset(&signals, awaited[i]);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    /* Daemons that a test leaves behind become the runner's children, so none stays as a zombie. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    while (runner->printed < runner->count) {
        while (runner->running < runner->jobs && runner->next < runner->count) {
            start(runner, runner->next++);
        }
        int signal = sigtimedwait(&signals, NULL, &LOOK_AGAIN);
        if (signal > 0 && signal != SIGCHLD) {
            interrupted(runner, signal);
        }
        end_late_ones(runner);
        reap(runner);
        print_results(runner);
    }
}

/* ---- choosing and counting ---- */

static int by_place(const void *left, const void *right)
{
    const struct test *a = ((const struct entry *)left)->test,
                      *b = ((const struct entry *)right)->test;
    int order = strcmp(a->file, b->file);
    return order != 0 ? order : a->line - b->line;
}

static void choose(struct runner *runner)
{
    const char *word = getenv("T");
    size_t room = (size_t)(__stop_test_rows - __start_test_rows);
    runner->entries = calloc(room, sizeof runner->entries[0]);
    struct message *messages = mmap(NULL, room * sizeof messages[0], PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (runner->entries == NULL || messages == MAP_FAILED) {
        give_up("memory");
    }
    for (const struct test *const *row = __start_test_rows; row < __stop_test_rows; row++) {
        if (word == NULL || strcasestr((*row)->sentence, word) != NULL ||
            strstr((*row)->file, word) != NULL) {
            struct entry *entry = &runner->entries[runner->count];
            entry->message = &messages[runner->count++];
            entry->test = *row;
        }
    }
    qsort(runner->entries, (size_t)runner->count, sizeof runner->entries[0], by_place);
}

static void prepare(struct runner *runner)
{
    const char *jobs = getenv("JOBS"), *temporary = getenv("TMPDIR");
    long wanted = jobs != NULL ? strtol(jobs, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    runner->jobs = wanted < 1 ? 2 : wanted > 16 ? 16 : (int)wanted;
    if (getcwd(self.root, sizeof self.root) == NULL) {
        give_up("working directory");
    }
    ssize_t length =
        readlink("/proc/self/exe", self.program, sizeof self.program - sizeof "traind");
    if (length < 0) {
        give_up("/proc/self/exe");
    }
    self.program[length] = '\0';
    memcpy(strrchr(self.program, '/') + 1, "traind", sizeof "traind");
    snprintf(runner->dir, sizeof runner->dir, "%s/traind-tests-XXXXXX",
             temporary == NULL ? "/tmp" : temporary);
    if (mkdtemp(runner->dir) == NULL) {
        give_up(runner->dir);
    }
}

static int tally(const struct runner *runner, enum verdict verdict, const char *title)
{
    int count = 0;
    for (int i = 0; i < runner->count; i++) {
        const struct entry *entry = &runner->entries[i];
        if (entry->verdict == verdict) {
            if (count++ == 0 && title != NULL) {
                printf("%s:\n", title);
            }
            if (title != NULL) {
                printf("  %s:%d  %s%s%s\n", entry->test->file, entry->test->line,
                       entry->test->sentence, entry->why[0] == '\0' ? "" : ": ", entry->why);
            }
        }
    }
    return count;
}

int main(void)
{
    struct runner runner = {0};
    choose(&runner);
    prepare(&runner);
    run_all(&runner);
    remove_tree(runner.dir);
    int passed = tally(&runner, PASSED, NULL);
    int skipped = tally(&runner, SKIPPED_OVER, "skipped");
    int failed = tally(&runner, FAILED, "failed");
    free(runner.entries);
    printf("%d passed, %d failed", passed, failed);
    if (skipped > 0) {
        printf(", %d skipped", skipped);
    }
    printf("\n");
    return failed > 0 ? 1 : 0;
}
