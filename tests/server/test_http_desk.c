/* Tests of slow handlers and of bodies that go to files: the HTTP thread serves others meanwhile,
 * nothing is left behind. */
#include "core/field.h"
#include "tests/harness.h"
#include "tests/server/own_http.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int files_in(const char *folder)
{
    DIR *open = opendir(folder);
    int count = 0;

    CHECK(open != NULL);
    for (const struct dirent *entry = readdir(open); entry; entry = readdir(open))
        count += entry->d_name[0] != '.';
    (void)closedir(open);
    return count;
}

/* A body of that size and the sum of its bytes. */
static char *make_body(size_t size, int64_t *sum)
{
    char *body = malloc(size + 1);

    CHECK(body != NULL);
    *sum = 0;
    for (size_t i = 0; i < size; i++)
        *sum += body[i] = (char)('a' + i * 7 % 26);
    body[size] = '\0';
    return body;
}

TEST("a slow handler keeps nobody else waiting, and its answers come from as many clerks as there "
     "are")
{
    struct own own;
    enum { SLOW = 8 };
    int slow[SLOW];
    char early;

    own_start(&own, 50);
    for (int i = 0; i < SLOW; i++) {
        slow[i] = raw_open(&own.api);
        raw_text(slow[i], "GET /wait HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    }
    nap(0.05);
    struct answer answer = api_call(&own.api, &(struct call){.path = "/nothing"});
    CHECK_INT(answer.status, 404);
    CHECK(recv(slow[SLOW - 1], &early, 1, MSG_DONTWAIT) < 0); /* all together take 1.2 s */
    answer_drop(&answer);
    for (int i = 0; i < SLOW; i++) {
        char *text = raw_read(slow[i], 5, NULL);
        CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0 && strstr(text, "waited"));
        free(text);
        (void)close(slow[i]);
    }
    own_stop(&own);
}

/* So many requests of that path, all sent. */
static void ask_many(const struct own *own, const char *path, int *handles, int count)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    for (int i = 0; i < count; i++) {
        handles[i] = raw_open(&own->api);
        raw_text(handles[i], text);
    }
}

static int still_silent(const int *handles, int count)
{
    int silent = 0;
    char early;

    for (int i = 0; i < count; i++)
        silent += recv(handles[i], &early, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
    return silent;
}

static void check_all_answered(const int *handles, int count)
{
    for (int i = 0; i < count; i++) {
        char *text = raw_read(handles[i], 20, NULL);
        CHECK(strncmp(text, "HTTP/1.1 200", 12) == 0 && strstr(text, "waited"));
        free(text);
        (void)close(handles[i]);
    }
}

TEST("what takes long leaves a clerk to what is short, however much of it waits")
{
    enum { LONG = 12 };
    struct own own;
    int handles[LONG], quick;

    own_start(&own, 50);
    ask_many(&own, "/long", handles, LONG); /* one after the other: 3.6 s */
    nap(0.05);
    ask_many(&own, "/wait", &quick, 1);
    check_all_answered(&quick, 1);
    CHECK(still_silent(handles, LONG) >= LONG / 2);
    check_all_answered(handles, LONG);
    own_stop(&own);
}

TEST("more of what takes long than may wait is told to come back, and what is short is not")
{
    enum { MANY = 50 };
    struct own own;
    int handles[MANY], quick[4], busy = 0;

    own_start(&own, 50);
    ask_many(&own, "/long", handles, MANY);
    nap(0.1);
    ask_many(&own, "/wait", quick, COUNT_OF(quick));
    check_all_answered(quick, COUNT_OF(quick));
    for (int i = 0; i < MANY; i++) {
        char *text = raw_read(handles[i], 60, NULL);
        busy += strncmp(text, "HTTP/1.1 503", 12) == 0;
        free(text);
        (void)close(handles[i]);
    }
    CHECK(busy >= MANY - 40 && busy < MANY);
    own_stop(&own);
}

TEST("what may need all memory is done one at a time, and nobody waits for ever")
{
    enum { ALONE = 4, MIXED = 3 };
    struct own own;
    int handles[ALONE], others[MIXED], short_ones[MIXED];

    own_start(&own, 50);
    ask_many(&own, "/alone", handles, ALONE);
    ask_many(&own, "/long", others, MIXED);
    ask_many(&own, "/wait", short_ones, MIXED);
    check_all_answered(short_ones, MIXED);
    check_all_answered(others, MIXED);
    check_all_answered(handles, ALONE);
    CHECK(!atomic_load(&own.app.crowded));
    own_stop(&own);
}

TEST("a slow handler may hand over a write; a stop in the middle answers it first")
{
    struct own own;

    own_start(&own, 50);
    check_problem(api_post(&own.api, "/wait", NULL, 409), 409, "context");
    int handle = raw_open(&own.api);
    raw_text(handle, "POST /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    nap(0.1);
    own_stop(&own);
    char *text = raw_read(handle, 5, NULL);
    CHECK(strncmp(text, "HTTP/1.1 409", 12) == 0);
    CHECK_INT(atomic_load(&own.app.dropped), 2);
    free(text);
    (void)close(handle);
}

TEST("more slow requests than may wait are told to come back, and the others are answered")
{
    enum { MANY = 100 };
    struct own own;
    int handles[MANY], good = 0, busy = 0;

    own_start(&own, 50);
    for (int i = 0; i < MANY; i++) {
        handles[i] = raw_open(&own.api);
        raw_text(handles[i], "GET /wait HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    }
    for (int i = 0; i < MANY; i++) {
        char *text = raw_read(handles[i], 60, NULL);
        good += strncmp(text, "HTTP/1.1 200", 12) == 0;
        busy += strncmp(text, "HTTP/1.1 503", 12) == 0 && strstr(text, "Retry-After: 1") != NULL;
        free(text);
        (void)close(handles[i]);
    }
    CHECK_INT(good + busy, MANY);
    CHECK(good >= 64 && busy > 0);
    own_stop(&own);
}

TEST("a body that goes to a file arrives whole whatever its size, and its file is removed unless "
     "kept")
{
    const size_t sizes[] = {1, 4096, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3000000};
    struct own own;

    own_start(&own, 50);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t sum;
        char *body = make_body(sizes[i], &sum);
        json_t *answer = api_post(&own.api, i == 2 ? "/file?keep=1" : "/file", body, 200);
        CHECK_INT(integer_at(answer, "size"), (int64_t)sizes[i]);
        CHECK_INT(integer_at(answer, "sum"), sum);
        json_decref(answer);
        free(body);
        CHECK_INT(files_in("incoming"), 0);
    }
    CHECK(access("kept", R_OK) == 0);
    json_decref(api_post(&own.api, "/file", NULL, 411));
    json_decref(api_post(&own.api, "/file", "", 400)); /* no body: no file */
    own_stop(&own);
}

TEST("a body in chunks goes to a file as well; one that is too large or breaks off leaves nothing")
{
    struct own own;
    struct linger reset = {.l_onoff = 1};
    int64_t sum;
    char *piece = make_body(400000, &sum), head[200];

    own_start(&own, 50);
    int handle = raw_open(&own.api);
    raw_text(handle, "POST /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        raw_text(handle, "61a80\r\n");
        raw_send(handle, piece, 400000);
        raw_text(handle, "\r\n");
    }
    raw_text(handle, "0\r\n\r\n");
    char *text = raw_read(handle, 10, NULL);
    (void)snprintf(head, sizeof(head), "{\"size\":800000,\"sum\":%lld}", (long long)(2 * sum));
    if (!strstr(text, head))
        FAIL("the answer is %s", text);
    free(text);
    (void)close(handle);

    handle = raw_open(&own.api);
    raw_text(handle, "POST /file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000000\r\n\r\n");
    text = raw_read(handle, 2, NULL);
    CHECK(strncmp(text, "HTTP/1.1 413", 12) == 0);
    free(text);
    (void)close(handle);

    handle = raw_open(&own.api);
    raw_text(handle, "POST /file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7000000\r\n\r\n");
    raw_send(handle, piece, 400000);
    nap(0.1);
    CHECK_INT(files_in("incoming"), 1);
    CHECK(setsockopt(handle, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
    (void)close(handle);
    for (int i = 0; i < 500 && files_in("incoming") > 0; i++)
        nap(0.01);
    CHECK_INT(files_in("incoming"), 0);
    own_stop(&own);
    free(piece);
}

TEST("of a body in many small chunks none is lost while others are on their way to the disk")
{
    enum { CHUNK = 250, CHUNKS = 8000 };
    static const char head[] = "POST /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct own own;
    int64_t sum;
    char *piece = make_body(CHUNK, &sum), *bytes = NULL, wanted[100];
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);

    CHECK(file);
    fputs(head, file);
    for (int i = 0; i < CHUNKS; i++)
        (void)fprintf(file, "%x\r\n%s\r\n", CHUNK, piece);
    fputs("0\r\n\r\n", file);
    CHECK(fclose(file) == 0);
    own_start(&own, 50);
    int handle = raw_open(&own.api);
    raw_send(handle, bytes, size);
    char *text = raw_read(handle, 10, NULL);
    (void)snprintf(wanted, sizeof(wanted), "{\"size\":%d,\"sum\":%lld}", CHUNK * CHUNKS,
                   (long long)(CHUNKS * sum));
    if (!strstr(text, wanted))
        FAIL("the answer is %s", text);
    free(text);
    free(bytes);
    free(piece);
    (void)close(handle);
    own_stop(&own);
}

TEST("what a dead daemon left of a body is removed at the next start, and nothing else")
{
    struct own own;
    FILE *file;

    own_start(&own, 50);
    own_stop(&own);
    file = fopen("incoming/body-old123", "w");
    CHECK(file && fclose(file) == 0);
    file = fopen("incoming/mine", "w");
    CHECK(file && fclose(file) == 0);
    own_start(&own, 50);
    CHECK(access("incoming/body-old123", F_OK) != 0 && access("incoming/mine", F_OK) == 0);
    own_stop(&own);
}
