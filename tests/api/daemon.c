/* Daemon: see daemon.h. */
#include "tests/api/daemon.h"

#include "server/store.h"
#include "tests/harness.h"

#include <curl/curl.h>
#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 32, ANSWER_MAX = 1 << 20 };

static const char port_file[] = "address";

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 2 * 1000 * 1000};
    (void)nanosleep(&moment, NULL);
}

/* The child shares the test's process group, which the harness clears away. `output` NULL: the
 * test's own. */
static pid_t spawn(const char *const *arguments, const char *output)
{
    char *list[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)test_program()};
    int count = 1;
    for (; arguments[count - 1]; count++) {
        CHECK(count < ARGUMENTS_MAX);
        list[count] = (char *)(uintptr_t)arguments[count - 1];
    }
    pid_t pid = fork();
    if (pid < 0)
        FAIL("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int file = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600) : STDERR_FILENO;
    if (file >= 0 && dup2(file, STDOUT_FILENO) >= 0 && dup2(file, STDERR_FILENO) >= 0)
        execv(list[0], list);
    _exit(127);
}

static int outcome(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            FAIL("waitpid: %s", strerror(errno));
    }
    return outcome(status);
}

int traind_run(const char *const *arguments, const char *output)
{
    return end_of(spawn(arguments, output));
}

static bool read_address(struct daemon *daemon)
{
    FILE *file = fopen(port_file, "r");
    if (!file)
        return false;
    bool good = fgets(daemon->address, sizeof(daemon->address), file) != NULL;
    (void)fclose(file);
    daemon->address[strcspn(daemon->address, "\n")] = '\0';
    return good;
}

void daemon_start(struct daemon *daemon, const char *data_dir, const char *datasets,
                  const char *const *extra)
{
    const char *arguments[ARGUMENTS_MAX] = {"serve",   "--listen",   "127.0.0.1:0", "--port-file",
                                            port_file, "--data-dir", data_dir,      "--datasets",
                                            datasets,  "--kernels",  "reference",   "--log-level",
                                            "info"};
    int count = 0;
    while (arguments[count])
        count++;
    for (int i = 0; extra && extra[i]; i++)
        arguments[count++] = extra[i];
    (void)unlink(port_file); /* of a daemon that was killed */
    daemon->pid = spawn(arguments, NULL);
    while (!read_address(daemon)) {
        int status = 0;
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid)
            FAIL("the daemon ended with %d before it answered", outcome(status));
        nap();
    }
}

void daemon_kill(struct daemon *daemon)
{
    CHECK(kill(daemon->pid, SIGKILL) == 0);
    CHECK_INT(end_of(daemon->pid), 128 + SIGKILL);
}

int daemon_stop(struct daemon *daemon)
{
    CHECK(kill(daemon->pid, SIGTERM) == 0);
    return end_of(daemon->pid);
}

struct answer {
    char *text;
    size_t size;
};

static size_t take_piece(char *bytes, size_t unit, size_t count, void *context)
{
    struct answer *answer = context;
    size_t size = unit * count;
    if (answer->size + size >= ANSWER_MAX)
        return 0;
    memcpy(answer->text + answer->size, bytes, size);
    answer->size += size;
    return size;
}

int daemon_ask(const struct daemon *daemon, const char *path, const char *body, char **out)
{
    return daemon_call(daemon, NULL, path, body, out);
}

int daemon_call(const struct daemon *daemon, const char *method, const char *path, const char *body,
                char **out)
{
    char url[256];
    long status = 0;
    struct answer answer = {.text = calloc(1, ANSWER_MAX)};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CHECK(answer.text && curl && headers);
    (void)snprintf(url, sizeof(url), "http://%s%s", daemon->address, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    if (method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (curl_easy_perform(curl) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        status = 0;
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (out)
        *out = answer.text;
    else
        free(answer.text);
    return (int)status;
}

/* The newest step of the job's curve; −1: it has ended. */
static int64_t newest_step_of(const struct daemon *daemon, const char *id)
{
    char path[64], *answer = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    CHECK_INT(daemon_ask(daemon, path, NULL, &answer), 200);
    json_t *job = json_loads(answer, 0, NULL);
    json_t *newest = json_object_get(json_object_get(job, "latest"), "train_loss");
    int state = job_state_find(json_string_value(json_object_get(job, "state")));
    int64_t step = json_integer_value(json_object_get(newest, "step"));
    CHECK(state >= 0);
    json_decref(job);
    free(answer);
    return job_state_ended((enum job_state)state) ? -1 : step;
}

void daemon_let_advance(const struct daemon *daemon, const char *id)
{
    int64_t before = newest_step_of(daemon, id), now = before;
    while (now >= 0 && now <= before) {
        nap();
        now = newest_step_of(daemon, id);
        if (now < before) /* it went back after diverging */
            before = now;
    }
}
