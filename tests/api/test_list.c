/* GET /v1/jobs: what is asked for is what is listed, in the order that is asked for, and pages fit
 * together. */
#include "tests/api/support_control.h"
#include "tests/harness.h"

#include "core/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char endless[] =
    "\"epochs\": 100000, \"seed\": 3, \"checkpoint\": {\"every\": {\"epochs\": 90000}}, "
    "\"evaluate_every\": {\"epochs\": 90000}";

/* The names of the jobs that the query gives, one letter each. */
static void check_names(const struct api *api, const char *query, const char *wanted)
{
    char path[400], names[64] = "";
    size_t used = 0, i;
    json_t *item;

    (void)snprintf(path, sizeof(path), "/v1/jobs?%s", query);
    json_t *list = api_get(api, path, 200);
    json_array_foreach (json_at(list, "items"), i, item)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%.1s", text_at(item, "name"));
    if (strcmp(names, wanted) != 0)
        FAIL("%s gave \"%s\" and not \"%s\"", query, names, wanted);
    json_decref(list);
}

TEST("jobs are found by all of several labels, by a label's mere presence, by one of several "
     "states and by a part of the name")
{
    struct api api;
    char id[16];

    api_start(&api);
    api_submit_tiny(&api,
                    "\"epochs\": 100000, \"name\": \"a: CIFAR\", \"labels\": {\"team\": \"x\", "
                    "\"env\": \"p\"}",
                    id);
    api_wait(&api, id, "running");
    api_submit_tiny(&api, "\"name\": \"b\", \"labels\": {\"team\": \"x\", \"gpu\": \"\"}", id);
    api_submit_tiny(&api, "\"name\": \"c mnist\", \"labels\": {\"team\": \"y\", \"env\": \"p\"}",
                    id);
    api_submit_tiny(&api, "\"name\": \"d\", \"labels\": {\"a:b\": \"c,d\", \"\\\\\": \"e\"}", id);
    json_decref(api_patch(&api, id, "{\"labels\": {\"env\": \"p\"}, \"name\": \"d Mnist\"}", 200));
    check_names(&api, "label=team:x", "ba");
    check_names(&api, "label=team:x,env:p", "a");
    check_names(&api, "label=env:p", "dca");
    check_names(&api, "label=team", "cba");
    check_names(&api, "label=gpu", "b");
    check_names(&api, "label=gpu:", "b");
    check_names(&api, "label=gpu:x", "");
    check_names(&api, "label=team,env", "ca");
    check_names(&api, "label=team:x,team:x", "ba");
    check_names(&api, "label=team:x,team:y", "");
    check_names(&api, "label=a%5C:b:c%5C,d", "d");
    check_names(&api, "label=a%5C:b", "d");
    check_names(&api, "label=%5C%5C:e", "d");
    check_names(&api, "name=MNIST", "dc");
    check_names(&api, "name=a:+c", "a");
    check_names(&api, "name=%25", "");
    check_names(&api, "state=running", "a");
    check_names(&api, "state=queued,running", "dcba");
    check_names(&api, "state=failed,cancelled", "");
    check_names(&api, "state=queued&label=team:x&name=b", "b");
    check_problem(api_get(&api, "/v1/jobs?label=", 400), 400, "label");
    check_problem(api_get(&api, "/v1/jobs?label=:x", 400), 400, "label");
    check_problem(api_get(&api, "/v1/jobs?label=a,", 400), 400, "label");
    check_problem(api_get(&api, "/v1/jobs?label=%FF", 400), 400, "label");
    check_problem(api_get(&api, "/v1/jobs?label=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", 400), 400,
                  "label");
    check_problem(api_get(&api, "/v1/jobs?label=a&label=b", 400), 400, "label");
    check_problem(api_get(&api, "/v1/jobs?state=queued,", 400), 400, "state");
    check_problem(api_get(&api, "/v1/jobs?sort=colour", 400), 400, "sort");
    /* A label that was taken away no longer finds the job. */
    json_decref(api_patch(&api, id, "{\"labels\": {\"env\": null}}", 200));
    check_names(&api, "label=env", "ca");
    api_stop(&api);
}

/* ---- orders ---- */

enum { JOBS = 12 };

/* Of one page after the other. */
struct walk {
    json_t *items; /* a list */
    int pages;
};

static void take_page(json_t *page, json_t *items, char *cursor, size_t size)
{
    json_t *next = json_object_get(page, "next_cursor");

    CHECK(json_array_extend(items, json_object_get(page, "items")) == 0);
    (void)snprintf(cursor, size, "%s", next && !json_is_null(next) ? json_string_value(next) : "");
    json_decref(page);
}

static struct walk walk(const struct api *api, const char *sort, int limit)
{
    struct walk out = {json_array(), 0};
    char path[1000], cursor[700] = "";

    do {
        (void)snprintf(path, sizeof(path), "/v1/jobs?sort=%s&limit=%d%s%s", sort, limit,
                       cursor[0] ? "&cursor=" : "", cursor);
        take_page(api_get(api, path, 200), out.items, cursor, sizeof(cursor));
        CHECK(++out.pages <= JOBS + 1);
    } while (cursor[0]);
    return out;
}

/* −1, 0, 1; what is null or "" is behind everything. */
static int compare(const json_t *a, const json_t *b, bool down)
{
    bool no_a = !a || json_is_null(a) || (json_is_string(a) && json_string_length(a) == 0);
    bool no_b = !b || json_is_null(b) || (json_is_string(b) && json_string_length(b) == 0);
    int order;

    if (no_a || no_b)
        return no_a - no_b;
    if (json_is_string(a)) {
        order = strcasecmp(json_string_value(a), json_string_value(b));
    } else {
        double x = json_number_value(a), y = json_number_value(b);
        order = (x > y) - (x < y);
    }
    return down ? -order : order;
}

static void check_order(const json_t *items, const char *sort)
{
    bool down = sort[0] == '-';
    const char *key = sort + down;
    char path[64];

    (void)snprintf(path, sizeof(path), "%s%s", key, strncmp(key, "best.", 5) == 0 ? ".value" : "");
    CHECK_COUNT(json_array_size(items), JOBS);
    for (size_t i = 1; i < JOBS; i++)
        if (compare(json_at(json_array_get(items, i - 1), path),
                    json_at(json_array_get(items, i), path), down) > 0)
            FAIL("%s: job %zu is out of order", sort, i);
    for (size_t i = 0; i < JOBS; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(text_at(json_array_get(items, i), "id"),
                         text_at(json_array_get(items, k), "id")) != 0);
}

static const char *const sorts[] = {"created_at",
                                    "-created_at",
                                    "priority",
                                    "-priority",
                                    "name",
                                    "-name",
                                    "started_at",
                                    "-started_at",
                                    "finished_at",
                                    "-finished_at",
                                    "best.val_loss",
                                    "-best.val_loss",
                                    "best.val_accuracy",
                                    "-best.val_accuracy",
                                    "best.train_loss",
                                    "-best.train_loss",
                                    "best.train_accuracy",
                                    "-best.train_accuracy"};

/* How many jobs are not at rest, asking them to pause where that is wanted. */
static size_t pause_all(const struct api *api, bool pause)
{
    json_t *list = api_get(api, "/v1/jobs?state=queued,running,pausing", 200), *item;
    size_t left = json_array_size(json_at(list, "items")), i;
    char path[160];

    json_array_foreach (json_at(list, "items"), i, item) {
        const struct call call = {.method = "POST",
                                  .path = job_path(text_at(item, "id"), "/pause", path)};
        if (!pause)
            break;
        struct answer answer = api_call(api, &call);
        answer_drop(&answer);
    }
    json_decref(list);
    return left;
}

TEST(
    "lists come in every order, upwards and downwards, jobs without the key last, and pages of any "
    "size hold the same jobs in the same order")
{
    struct api api;
    char id[16], extra[200];

    api_start(&api);
    for (int i = 0; i < JOBS - 5; i++) {
        (void)snprintf(extra, sizeof(extra),
                       "\"epochs\": %d, \"seed\": %d, \"name\": \"%s\", \"priority\": %d",
                       1 + i % 3, i,
                       i % 3 == 0   ? ""
                       : i % 3 == 1 ? "Same"
                                    : "other",
                       i % 2 - i % 3);
        api_submit_tiny(&api, extra, id);
    }
    while (pause_all(&api, false) > 0)
        nap(0.01);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(extra, sizeof(extra), "%s, \"name\": \"w%d\", \"priority\": %d", endless,
                       i % 2, -i);
        api_submit_tiny(&api, extra, id);
        if (i == 0)
            api_wait(&api, id, "running");
    }
    while (pause_all(&api, true) > 0)
        nap(0.01);
    for (size_t i = 0; i < COUNT_OF(sorts); i++) {
        struct walk whole = walk(&api, sorts[i], 200);
        CHECK_INT(whole.pages, 1);
        check_order(whole.items, sorts[i]);
        for (int limit = 1; limit <= JOBS; limit += limit < 4 ? 1 : 4) {
            struct walk parts = walk(&api, sorts[i], limit);
            CHECK_INT(parts.pages, (JOBS + limit - 1) / limit);
            if (!json_equal(parts.items, whole.items))
                FAIL("%s in pages of %d is another list", sorts[i], limit);
            json_decref(parts.items);
        }
        json_decref(whole.items);
    }
    struct walk usual = walk(&api, "-created_at", 200);
    json_t *list = api_get(&api, "/v1/jobs", 200);
    CHECK(json_equal(json_at(list, "items"), usual.items));
    json_decref(usual.items);
    json_decref(list);
    api_stop(&api);
}

TEST("labels that are asked for one by one are refused with the way to ask for several")
{
    struct api api;

    api_start(&api);
    json_t *problem = api_get(&api, "/v1/jobs?label=a:1&label=b:2", 400);
    check_problem(problem, 400, "give it once, with commas between its values");
    api_stop(&api);
}

TEST("an order that there is none of is refused with all that there are, each in full")
{
    struct api api;

    api_start(&api);
    json_t *problem = api_get(&api, "/v1/jobs?sort=-best.val_acuracy", 400);
    check_problem(problem, 400,
                  "must be one of created_at, priority, name, started_at, finished_at, "
                  "best.val_loss, best.val_accuracy, best.train_loss, best.train_accuracy, each "
                  "also with a - in front; found \"-best.val_acuracy\", perhaps "
                  "\"-best.val_accuracy\"");
    api_stop(&api);
}

/* ---- cursors ---- */

static void cursor_of(const struct api *api, const char *query, char out[700])
{
    char path[300];

    (void)snprintf(path, sizeof(path), "/v1/jobs?%s", query);
    json_t *list = api_get(api, path, 200);
    (void)snprintf(out, 700, "%s", text_at(list, "next_cursor"));
    json_decref(list);
}

static void check_cursor(const struct api *api, const char *query, const char *cursor,
                         const char *word)
{
    char path[1000];

    (void)snprintf(path, sizeof(path), "/v1/jobs?%s&cursor=%s", query, cursor);
    check_problem(api_get(api, path, 400), 400, word);
}

TEST("a cursor goes on where its page ended while jobs come and change, and no other text is one")
{
    struct api api;
    char ids[6][16], cursor[700], query[800], extra[300];

    api_start(&api);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(extra, sizeof(extra), "%s, \"name\": \"%c\"", endless, 'a' + i);
        api_submit_tiny(&api, extra, ids[i]);
    }
    cursor_of(&api, "limit=2", cursor);
    for (const char *at = cursor; *at; at++)
        CHECK(strchr("0123456789abcdef", *at));
    (void)snprintf(extra, sizeof(extra), "%s, \"name\": \"z\"", endless);
    char id[16];
    api_submit_tiny(&api, extra, id);
    (void)snprintf(query, sizeof(query), "limit=3&cursor=%s", cursor);
    check_names(&api, query, "dcb");
    (void)snprintf(query, sizeof(query), "limit=3&sort=-created_at&cursor=%s", cursor);
    check_names(&api, query, "dcb");
    check_cursor(&api, "sort=created_at", cursor, "sort");
    check_cursor(&api, "sort=name", cursor, "sort");
    /* The last of the page changes its place: the page behind it is the same. */
    cursor_of(&api, "limit=2&sort=name", cursor);
    json_decref(api_patch(&api, ids[1], "{\"name\": \"y\"}", 200));
    (void)snprintf(query, sizeof(query), "sort=name&cursor=%s", cursor);
    check_names(&api, query, "cdefyz");
    check_cursor(&api, "sort=-name", cursor, "sort");
    check_cursor(&api, "limit=1", cursor, "sort");

    static const char *const wrong[] = {"1", "-1", "0", "", "zz", "00", "2d63726561746564", "2D",
                                        /* "-created_at" and a number that is none */
                                        "2d637265617465645f61740a780a310a",
                                        "2d637265617465645f61740a2d310a310a",
                                        "2d637265617465645f61740a310a310a31"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_cursor(&api, "limit=1", wrong[i], "cursor");
    check_cursor(&api, "sort=priority", "7072696f726974790a310a310a6e616e", "cursor");
    check_cursor(&api, "sort=best.val_loss", "626573742e76616c5f6c6f73730a310a310a6e616e",
                 "cursor");
    api_stop(&api);
}
