/* Support: the daemon in a child, and requests by libcurl. */
#include "tests/api/support.h"

#include "server/serve.h"
#include "tests/harness.h"
#include "tests/server/workshop.h"

#include <curl/curl.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void nap(double seconds)
{
    struct timespec moment = {.tv_sec = (time_t)seconds};

    moment.tv_nsec = (long)((seconds - (double)moment.tv_sec) * 1e9);
    (void)nanosleep(&moment, NULL);
}

double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the daemon ---- */

_Noreturn static void daemon_main(void)
{
    struct config config = {.listen = "127.0.0.1:0",
                            .data_dir = "data",
                            .workers = 1,
                            .threads = 1,
                            .kernels = "reference",
                            .port_file = "address",
                            .upload_limit = API_UPLOAD_MIB,
                            .datasets = "sets",
                            .log = {.level = LOG_WARNING}};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    exit(serve_run(&config)); /* not _exit: the sanitizers look for leaks at exit */
}

static bool read_address(struct api *api)
{
    FILE *file = fopen("address", "r");
    bool good;

    if (!file)
        return false;
    good = fscanf(file, "%63s", api->address) == 1;
    (void)fclose(file);
    return good && sscanf(strrchr(api->address, ':'), ":%d", &api->port) == 1;
}

void api_start(struct api *api)
{
    if (mkdir("sets", 0700) == 0)
        tiny_dataset("sets/tiny");
    (void)unlink("address");
    fflush(NULL);
    api->pid = fork();
    CHECK(api->pid >= 0);
    if (api->pid == 0)
        daemon_main();
    while (!read_address(api)) {
        if (waitpid(api->pid, NULL, WNOHANG) == api->pid)
            FAIL("the daemon ended before it answered");
        nap(0.002);
    }
}

void api_stop(struct api *api)
{
    int status = 0;

    CHECK(kill(api->pid, SIGTERM) == 0);
    while (waitpid(api->pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        FAIL("the daemon ended with wait status %d", status);
}

void api_kill(struct api *api)
{
    CHECK(kill(api->pid, SIGKILL) == 0);
    while (waitpid(api->pid, NULL, 0) < 0)
        CHECK(errno == EINTR);
}

/* Processor seconds that the daemon has used. */
static double used_seconds(const struct api *api)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)api->pid);
    file = fopen(path, "r");
    CHECK(file && fgets(text, sizeof(text), file));
    (void)fclose(file);
    CHECK(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                 &system) == 2);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

void api_check_idle(const struct api *api, const char *who)
{
    double used = INFINITY;

    for (int i = 0; i < 5 * test_slowdown() && used > 0.2; i++) {
        double before = used_seconds(api);

        nap(2);
        used = used_seconds(api) - before;
    }
    if (used > 0.2)
        FAIL("%s used %g s of processor time in 2 s", who, used);
}

/* ---- requests ---- */

struct gathered {
    char *bytes;
    size_t size;
};

static size_t gather(char *bytes, size_t unit, size_t count, void *context)
{
    struct gathered *into = context;
    size_t size = unit * count;

    into->bytes = realloc(into->bytes, into->size + size + 1);
    CHECK(into->bytes);
    memcpy(into->bytes + into->size, bytes, size);
    into->size += size;
    into->bytes[into->size] = '\0';
    return size;
}

static struct curl_slist *headers_of(const struct call *call)
{
    struct curl_slist *list = NULL;

    bool typed = false;

    for (int i = 0; i < 4 && call->headers[i]; i++) {
        list = curl_slist_append(list, call->headers[i]);
        typed |= strncmp(call->headers[i], "Content-Type:", 13) == 0;
    }
    if (call->body && !typed)
        list = curl_slist_append(list, "Content-Type: application/json");
    return list;
}

static void set_method(CURL *curl, const struct call *call)
{
    if (call->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
                         (long)(call->size > 0 ? call->size : strlen(call->body)));
    }
    if (call->method && strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (call->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

struct answer api_call(const struct api *api, const struct call *call)
{
    struct gathered head = {calloc(1, 1), 0}, body = {calloc(1, 1), 0};
    struct curl_slist *headers = headers_of(call);
    CURL *curl = curl_easy_init();
    CURLcode code;
    char url[4096];
    long status = 0;

    CHECK(curl);
    (void)snprintf(url, sizeof(url), "http://%s%s", api->address, call->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, gather);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    set_method(curl, call);
    code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        FAIL("%s: %s", call->path, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return (struct answer){(int)status, head.bytes, body.bytes, body.size,
                           json_loads(body.bytes, JSON_REJECT_DUPLICATES, NULL)};
}

void answer_drop(struct answer *answer)
{
    free(answer->head);
    free(answer->body);
    json_decref(answer->json);
    *answer = (struct answer){0};
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[1024]; /* of the test's own process */
    size_t length = strlen(name);

    for (const char *line = answer->head; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " ");
        (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r\n"), line);
        return value;
    }
    return "";
}

static json_t *expect(struct answer answer, const char *path, int status)
{
    json_t *json = json_incref(answer.json);

    if (answer.status != status)
        FAIL("%s gave %d and not %d: %s", path, answer.status, status, answer.body);
    if (status != 204 && status != 304 &&
        (!json || answer.size == 0 || answer.body[answer.size - 1] != '\n'))
        FAIL("%s gave no JSON with a newline: %s", path, answer.body);
    answer_drop(&answer);
    return json;
}

json_t *api_get(const struct api *api, const char *path, int status)
{
    const struct call call = {.path = path};

    return expect(api_call(api, &call), path, status);
}

json_t *api_post(const struct api *api, const char *path, const char *body, int status)
{
    const struct call call = {.method = "POST", .path = path, .body = body};

    return expect(api_call(api, &call), path, status);
}

const json_t *json_at(const json_t *object, const char *path)
{
    char step[64];

    while (*path && object) {
        size_t length = strcspn(path, ".");

        (void)snprintf(step, sizeof(step), "%.*s", (int)length, path);
        if (json_is_array(object))
            object = json_array_get(object, strtoul(step, NULL, 10));
        else
            object = json_object_get(object, step);
        path += length;
        path += *path == '.';
    }
    return object;
}

const char *text_at(const json_t *object, const char *path)
{
    const char *text = json_string_value(json_at(object, path));

    if (!text)
        FAIL("there is no text at %s in %s", path, json_dumps(object, 0));
    return text;
}

int64_t integer_at(const json_t *object, const char *path)
{
    const json_t *value = json_at(object, path);

    if (!json_is_integer(value))
        FAIL("there is no integer at %s in %s", path, json_dumps(object, 0));
    return json_integer_value(value);
}

void check_problem(json_t *problem, int status, const char *word)
{
    CHECK_TEXT(text_at(problem, "type"), "about:blank");
    CHECK_INT(integer_at(problem, "status"), status);
    CHECK(strlen(text_at(problem, "title")) > 3);
    if (!strstr(text_at(problem, "detail"), word))
        FAIL("\"%s\" is not in the detail: %s", word, text_at(problem, "detail"));
    json_decref(problem);
}

/* ---- jobs ---- */

const char *job_path(const char *id, const char *rest, char out[160])
{
    (void)snprintf(out, 160, "/v1/jobs/%s%s", id, rest);
    return out;
}

void api_submit_tiny(const struct api *api, const char *extra, char id[16])
{
    char *spec = tiny_spec(extra);
    json_t *job = api_post(api, "/v1/jobs", spec, 201);

    (void)snprintf(id, 16, "%s", text_at(job, "id"));
    json_decref(job);
    free(spec);
}

static bool has_ended(const char *state)
{
    return strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0 ||
           strcmp(state, "cancelled") == 0;
}

void api_wait(const struct api *api, const char *id, const char *state)
{
    char path[160];

    for (;;) {
        json_t *job = api_get(api, job_path(id, "", path), 200);
        const char *now = text_at(job, "state");

        if (strcmp(now, state) == 0) {
            json_decref(job);
            return;
        }
        if (has_ended(now))
            FAIL("the job is %s and not %s: %s", now, state,
                 json_dumps(json_at(job, "reason"), JSON_ENCODE_ANY));
        json_decref(job);
        nap(0.005);
    }
}
