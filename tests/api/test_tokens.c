/* Access tokens at a real daemon: who may do what, what he is told otherwise, and that no token is
 * ever seen again. */
#include "server/routes.h"
#include "server/token.h"
#include "tests/api/daemon.h"
#include "tests/api/support.h"

#include "core/field.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes a token in the daemon's data directory, as a header. */
static void add(const char *name, enum scope scope, char header[120])
{
    char token[TOKEN_SIZE];
    struct error error = {0};

    if (!token_add("data", name, scope, token, &error))
        FAIL("%s: %s", error.where, error.text);
    (void)snprintf(header, 120, "Authorization: Bearer %s", token);
}

static struct answer ask(const struct api *api, const char *method, const char *path,
                         const char *header)
{
    return api_call(api, &(struct call){.method = method, .path = path, .headers = {header}});
}

static int status_of(const struct api *api, const char *path, const char *header)
{
    struct answer answer = ask(api, "GET", path, header);
    int status = answer.status;

    answer_drop(&answer);
    return status;
}

/* A path that the row's pattern matches. */
static void path_of(const struct route *route, char out[200])
{
    const char *at = route->serves ? "/" : route->pattern;

    out[0] = '\0';
    while (*at) {
        size_t plain = strcspn(at, "{");
        (void)snprintf(out + strlen(out), 200 - strlen(out), "%.*s%s", (int)plain, at,
                       at[plain] ? "aaaaaaaaaaaa" : "");
        at += plain;
        at += at[0] ? strcspn(at, "}") + 1 : 0;
    }
}

/* What the contract says, on its own: not how the daemon finds it. */
static enum scope scope_wanted(const struct route *route)
{
    static const char *const open[] = {"/livez", "/readyz"};

    if (route->serves)
        return SCOPE_NONE;
    for (size_t i = 0; i < COUNT_OF(open); i++)
        if (strcmp(route->pattern, open[i]) == 0)
            return SCOPE_NONE;
    if (strcmp(route->method, "GET") == 0 || strstr(route->pattern, "/predict"))
        return SCOPE_READ;
    return strcmp(route->method, "DELETE") == 0 || strcmp(route->method, "PUT") == 0 ? SCOPE_ADMIN
                                                                                     : SCOPE_SUBMIT;
}

static void check_row(const struct api *api, const struct route *route, enum scope scope,
                      const char *header)
{
    bool get = strcmp(route->method, "GET") == 0;
    enum scope wanted = scope_wanted(route);
    char path[200], challenge[200];

    path_of(route, path);
    /* HEAD instead of GET: a stream would not end. */
    struct answer answer = ask(api, get ? "HEAD" : route->method, path, header);
    bool refused = answer.status == 401 || answer.status == 403;
    if (refused != (scope < wanted))
        FAIL("%s %s with scope %s gave %d", route->method, path, scope_name(scope), answer.status);
    (void)snprintf(challenge, sizeof(challenge), "%s", answer_header(&answer, "WWW-Authenticate"));
    if (refused) {
        CHECK_INT(answer.status, scope == SCOPE_NONE ? 401 : 403);
        CHECK(strncmp(challenge, "Bearer realm=\"traind\"", 21) == 0);
        CHECK_TEXT(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
    }
    if (refused && !get)
        CHECK(strcmp(answer_header(&answer, "Content-Type"), "application/problem+json") == 0);
    if (answer.status == 403)
        CHECK(strstr(challenge, scope_name(wanted)) &&
              (get || strstr(text_at(answer.json, "detail"), scope_name(wanted))));
    answer_drop(&answer);
}

TEST("every route asks for its scope: without a token, with a wrong one, with each scope")
{
    char headers[SCOPES][120];
    struct api api;

    add("reader", SCOPE_READ, headers[SCOPE_READ]);
    add("submitter", SCOPE_SUBMIT, headers[SCOPE_SUBMIT]);
    add("admin", SCOPE_ADMIN, headers[SCOPE_ADMIN]);
    (void)snprintf(headers[SCOPE_NONE], 120, "Authorization: Bearer trnd_%064d", 0);
    api_start(&api);
    for (size_t i = 0; i < route_count; i++) {
        check_row(&api, &routes[i], SCOPE_NONE, NULL);
        for (int scope = SCOPE_NONE; scope < SCOPES; scope++)
            check_row(&api, &routes[i], (enum scope)scope, headers[scope]);
    }
    /* Planning makes nothing, whatever method it goes by. */
    struct answer answer = ask(&api, "POST", "/v1/jobs?dry_run=true", headers[SCOPE_READ]);
    CHECK(answer.status != 401 && answer.status != 403);
    answer_drop(&answer);
    answer = ask(&api, "POST", "/v1/jobs/aaaaaaaaaaaa/fork?dry_run=true", headers[SCOPE_READ]);
    CHECK(answer.status != 401 && answer.status != 403);
    answer_drop(&answer);
    static const char *const others[] = {"/v1/jobs?dry_run=false", "/v1/jobs?dry_run=1",
                                         "/v1/jobs?dry_run=false&dry_run=true",
                                         "/v1/jobs/aaaaaaaaaaaa/pause?dry_run=true"};
    for (size_t i = 0; i < 4; i++) {
        answer = ask(&api, "POST", others[i], headers[SCOPE_READ]);
        CHECK(answer.status == 403 || (i == 2 && answer.status == 400));
        answer_drop(&answer);
    }
    answer = ask(&api, "POST", "/v1/jobs?dry_run=true", NULL);
    CHECK_INT(answer.status, 401);
    answer_drop(&answer);
    api_stop(&api);
}

TEST("a stranger hears 401 wherever he knocks, and only the bearer scheme opens")
{
    char reader[120], header[160];
    struct api api;

    add("reader", SCOPE_READ, reader);
    api_start(&api);
    CHECK_INT(status_of(&api, "/nothing", NULL), 401);
    CHECK_INT(status_of(&api, "/nothing", reader), 404);
    CHECK_INT(status_of(&api, "/v1/jobs?x=1", NULL), 401);
    struct answer answer = ask(&api, "OPTIONS", "/v1/jobs", NULL);
    CHECK_INT(answer.status, 401);
    answer_drop(&answer);
    answer = ask(&api, "DELETE", "/v1/jobs", NULL);
    CHECK_INT(answer.status, 401);
    answer_drop(&answer);
    answer = ask(&api, "DELETE", "/livez", NULL);
    CHECK_INT(answer.status, 405);
    answer_drop(&answer);
    const char *token = strstr(reader, "trnd_");
    static const char *const forms[] = {"Authorization: %s",         "Authorization: Basic %s",
                                        "Authorization: Bearer%s",   "Authorization: Bearer %s x",
                                        "Authorization: Bearer x%s", "X-Token: %s"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        (void)snprintf(header, sizeof(header), forms[i], token);
        CHECK_INT(status_of(&api, "/v1/jobs", header), 401);
    }
    (void)snprintf(header, sizeof(header), "authorization: bearer   %s", token);
    CHECK_INT(status_of(&api, "/v1/jobs", header), 200);
    (void)snprintf(header, sizeof(header), "/v1/jobs?access_token=%s", token);
    CHECK_INT(status_of(&api, header, NULL), 401);
    api_stop(&api);
}

TEST("tokens that are added and removed beside a running daemon count at the next request")
{
    char first[120], second[120];
    struct error error = {0};
    struct api api;

    api_start(&api);
    CHECK_INT(status_of(&api, "/v1/jobs", NULL), 200);
    add("first", SCOPE_READ, first);
    CHECK_INT(status_of(&api, "/v1/jobs", NULL), 401);
    CHECK_INT(status_of(&api, "/v1/jobs", first), 200);
    add("second", SCOPE_ADMIN, second);
    CHECK_INT(status_of(&api, "/v1/jobs", second), 200);
    CHECK(token_remove("data", "first", &error));
    CHECK_INT(status_of(&api, "/v1/jobs", first), 401);
    CHECK_INT(status_of(&api, "/v1/jobs", second), 200);
    CHECK_INT(status_of(&api, "/livez", NULL), 200);
    struct answer stranger = ask(&api, "GET", "/readyz", NULL);
    CHECK_TEXT(stranger.body, "{\"status\":\"ok\"}\n");
    answer_drop(&stranger);
    stranger = ask(&api, "GET", "/readyz", second);
    CHECK(json_at(stranger.json, "jobs.queued"));
    answer_drop(&stranger);
    api_stop(&api);
}

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char *text = calloc(1, 1 << 20);

    CHECK(file && text && fread(text, 1, (1 << 20) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

/* Standard error of this process and its children goes to that file. */
static void catch_log(const char *name)
{
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

    CHECK(file >= 0 && dup2(file, STDERR_FILENO) >= 0 && close(file) == 0);
}

TEST("a daemon listens anywhere once there is a token, asks for it, and never writes it down")
{
    const char *const add_one[] = {"token",      "add",  "ci", "--scope=submit",
                                   "--data-dir", "data", NULL};
    const char *const all[] = {"--listen",    "0.0.0.0:0", "--log",   "json",
                               "--log-level", "debug",     "--hosts", "a.example,trainer.example",
                               NULL};
    const char *const alone[] = {"serve", "--listen",   "0.0.0.0:0", "--data-dir",
                                 "data",  "--datasets", "",          NULL};
    struct daemon daemon;
    struct api api = {0};
    char header[120];
    int kept = dup(STDERR_FILENO);

    CHECK_INT(traind_run(alone, "refused"), 1);
    char *text = read_file("refused");
    CHECK(strstr(text, "traind token add"));
    free(text);
    CHECK_INT(traind_run(add_one, "token"), 0);
    text = read_file("token");
    CHECK(strncmp(text, "trnd_", 5) == 0 && text[69] == '\n');
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %.69s", text);
    free(text);

    catch_log("log");
    daemon_start(&daemon, "data", "", all);
    CHECK(sscanf(strrchr(daemon.address, ':'), ":%d", &api.port) == 1);
    (void)snprintf(api.address, sizeof(api.address), "127.0.0.1:%d", api.port);
    CHECK_INT(status_of(&api, "/v1/jobs", NULL), 401);
    CHECK_INT(status_of(&api, "/v1/jobs", header), 200);
    struct call named = {.path = "/v1/jobs", .headers = {header, "Host: trainer.example"}};
    struct answer answer = api_call(&api, &named);
    CHECK_INT(answer.status, 200);
    answer_drop(&answer);
    named.headers[1] = "Host: rainer.example";
    answer = api_call(&api, &named);
    CHECK_INT(answer.status, 421);
    answer_drop(&answer);
    answer = ask(&api, "DELETE", "/v1/jobs/aaaaaaaaaaaa", header);
    CHECK_INT(answer.status, 403);
    CHECK(!strstr(answer.body, header + 22));
    answer_drop(&answer);
    char raw[300];
    (void)snprintf(raw, sizeof(raw), "GET / HTTP/1.1\r\n%s\r\nHost : x\r\nno colon\r\n\r\n",
                   header);
    free(raw_talk(&api, raw, 5, &(bool){false}));
    CHECK_INT(daemon_stop(&daemon), 0);
    CHECK(dup2(kept, STDERR_FILENO) >= 0);
    text = read_file("log");
    CHECK(strstr(text, "\"token\":\"ci\"") && !strstr(text, header + 27) && !strstr(text, "trnd_"));
    free(text);
    text = read_file("data/tokens");
    CHECK(!strstr(text, "trnd_") && !strstr(text, header + 27));
    free(text);
}
