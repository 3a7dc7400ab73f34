/* Jobs in the store: the table of moves, the queue, lists. */
#include "server/store_list.h"
#include "tests/server/store_support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Rows: from, columns: to; in the order of enum job_state. */
static const char *const legal[JOB_STATES] = {
    /*               q r p P c C s f */
    [JOB_QUEUED] = ".x.x.x..",    [JOB_RUNNING] = "x.x.x.xx",    [JOB_PAUSING] = "xx.xx.xx",
    [JOB_PAUSED] = "x....x..",    [JOB_CANCELLING] = ".....x.x", [JOB_CANCELLED] = "........",
    [JOB_SUCCEEDED] = "........", [JOB_FAILED] = "........",
};

TEST("the table of job states allows exactly the legal moves, and names find their states")
{
    for (int from = 0; from < JOB_STATES; from++) {
        for (int to = 0; to < JOB_STATES; to++)
            if (job_state_may_become((enum job_state)from, (enum job_state)to) !=
                (legal[from][to] == 'x'))
                FAIL("%s to %s", job_state_name((enum job_state)from),
                     job_state_name((enum job_state)to));
        CHECK_INT(job_state_find(job_state_name((enum job_state)from)), from);
        CHECK_INT(job_state_ended((enum job_state)from), strcmp(legal[from], "........") == 0);
    }
    CHECK_INT(job_state_find("Queued"), -1);
    CHECK_INT(job_state_find(""), -1);
    CHECK(!job_state_may_become((enum job_state) - 1, JOB_QUEUED));
    CHECK(!job_state_may_become(JOB_QUEUED, JOB_STATES));
}

/* Brings a new job to `state` by legal moves. */
static int64_t job_in(struct store *store, enum job_state state)
{
    static const enum job_state ways[JOB_STATES][3] = {
        [JOB_QUEUED] = {JOB_QUEUED},
        [JOB_RUNNING] = {JOB_RUNNING, JOB_QUEUED},
        [JOB_PAUSING] = {JOB_RUNNING, JOB_PAUSING},
        [JOB_PAUSED] = {JOB_PAUSED, JOB_QUEUED},
        [JOB_CANCELLING] = {JOB_RUNNING, JOB_CANCELLING},
        [JOB_CANCELLED] = {JOB_CANCELLED, JOB_QUEUED},
        [JOB_SUCCEEDED] = {JOB_RUNNING, JOB_SUCCEEDED},
        [JOB_FAILED] = {JOB_RUNNING, JOB_FAILED},
    };
    int64_t number = must_add(store, 0);
    struct error error = {0};
    struct job_move move = {.number = number, .from = JOB_QUEUED};

    for (int i = 0; i < 2 && ways[state][i] != JOB_QUEUED; i++) {
        move.to = ways[state][i];
        GOOD(try_move(store, &move, &error));
        move.from = move.to;
    }
    return number;
}

TEST("in the store a job moves exactly as the table says, and a refused move changes nothing")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};

    for (int from = 0; from < JOB_STATES; from++)
        for (int to = 0; to < JOB_STATES; to++) {
            int64_t number = job_in(store, (enum job_state)from);
            struct job_row before = must_look(db, number);
            struct job_move move = {number, (enum job_state)from, (enum job_state)to, "why"};
            CHECK_INT(before.state, from);
            if (legal[from][to] == 'x') {
                GOOD(try_move(store, &move, &error));
                struct job_row after = must_look(db, number);
                CHECK_INT(after.state, to);
                CHECK_INT(after.revision, before.revision + 1);
                CHECK_INT(after.finished_at != 0, job_state_ended((enum job_state)to));
            } else {
                FAILS(try_move(store, &move, &error), ERROR_CONFLICT);
                struct job_row after = must_look(db, number);
                CHECK(memcmp(&before, &after, sizeof(before)) == 0);
            }
        }
    db_close(db);
    must_finish(store);
}

TEST("a move from a state that the job has left is a conflict that says where the job is")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t number = job_in(store, JOB_SUCCEEDED), before = 0, after = 0;

    GOOD(store_event_newest(db, &before, &error));
    FAILS(try_move(store, &(struct job_move){number, JOB_RUNNING, JOB_CANCELLING, NULL}, &error),
          ERROR_CONFLICT);
    CHECK(strstr(error.text, "succeeded") && strstr(error.text, "running"));
    FAILS(
        try_move(store, &(struct job_move){number + 1, JOB_RUNNING, JOB_CANCELLING, NULL}, &error),
        ERROR_NOT_FOUND);
    GOOD(store_event_newest(db, &after, &error));
    CHECK_INT(after, before);
    CHECK_INT(must_look(db, number).state, JOB_SUCCEEDED);
    db_close(db);
    must_finish(store);
}

TEST("a job comes back from the store as it was given")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct job_row added, found;

    GOOD(try_add(store, &added, &error));
    GOOD(store_job_get(db, added.id, &found, &error));
    CHECK_INT(found.number, added.number);
    CHECK(strlen(found.id) == JOB_ID_SIZE - 1);
    CHECK(strspn(found.id, "abcdefghijklmnopqrstuvwxyz234567") == JOB_ID_SIZE - 1);
    CHECK_TEXT(found.meta, "{}");
    CHECK_TEXT(found.spec, "{\"a\":1}");
    CHECK_TEXT(found.plan, "{\"b\":2}");
    CHECK(!found.progress && !found.reason);
    CHECK_INT(found.state, JOB_QUEUED);
    CHECK_INT(found.revision, 1);
    CHECK(found.created_at > 1500000000000 && found.started_at == 0 && found.finished_at == 0);
    job_row_drop(&found);
    job_row_drop(&added);
    FAILS(store_job_get(db, "nonesuch", &found, &error), ERROR_NOT_FOUND);
    FAILS(store_job_get(db, "", &found, &error), ERROR_NOT_FOUND);
    job_row_drop(&found);
    db_close(db);
    must_finish(store);
}

TEST("a reason keeps its quotes and its UTF-8, and other bytes become question marks")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct job_row row;
    struct job_move move = {
        job_in(store, JOB_RUNNING), JOB_RUNNING, JOB_FAILED,
        "a \"b\" \\ ö € \xF0\x9F\x98\x80|\xFF|\xC3|\xC0\x80|\xED\xA0\x80|\xF4\x90\x80\x80|"};

    GOOD(try_move(store, &move, &error));
    GOOD(store_job_get_number(db, move.number, &row, &error));
    CHECK_TEXT(row.reason, "a \"b\" \\ ö € \xF0\x9F\x98\x80|?|?|??|???|\?\?\?\?|");
    job_row_drop(&row);
    char *long_reason = malloc(5000);
    CHECK(long_reason);
    memset(long_reason, 'x', 4999);
    long_reason[4999] = '\0';
    move = (struct job_move){job_in(store, JOB_RUNNING), JOB_RUNNING, JOB_FAILED, long_reason};
    GOOD(try_move(store, &move, &error));
    free(long_reason);
    db_close(db);
    must_finish(store);
}

/* ---- claims ---- */

enum { CLAIMERS = 4, CLAIMED = 200 };

/* Written in the writer's thread alone, so the order is that of the claims. */
struct claims {
    struct store *store;
    int64_t order[CLAIMED + 1];
    int count;
};

struct claim {
    struct claims *claims;
    struct job_row row;
};

static bool noted_claim(struct db *db, void *context, struct error *error)
{
    struct claim *claim = context;

    if (!store_job_claim(db, &claim->row, error))
        return false;
    if (claim->claims->count <= CLAIMED)
        claim->claims->order[claim->claims->count++] = claim->row.number;
    return true;
}

static void *claim_all(void *argument)
{
    struct claim claim = {.claims = argument};
    struct error error = {0};

    while (store_write(claim.claims->store, noted_claim, &claim, &error)) {
        CHECK_INT(claim.row.state, JOB_RUNNING);
        CHECK(claim.row.started_at > 0);
        job_row_drop(&claim.row);
    }
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    return NULL;
}

TEST("threads that race for jobs claim each one once, by priority and then by arrival")
{
    struct claims claims = {.store = must_open()};
    pthread_t threads[CLAIMERS];
    int64_t priority[CLAIMED + 1];

    for (int i = 0; i < CLAIMED; i++) {
        int64_t wanted = (i * 7) % 5 - 2;
        int64_t number = must_add(claims.store, wanted);
        CHECK(number == i + 1);
        priority[number] = wanted;
    }
    for (int i = 0; i < CLAIMERS; i++)
        CHECK(pthread_create(&threads[i], NULL, claim_all, &claims) == 0);
    for (int i = 0; i < CLAIMERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(claims.count, CLAIMED);
    for (int i = 1; i < CLAIMED; i++) {
        int64_t first = claims.order[i - 1], second = claims.order[i];
        CHECK(priority[first] > priority[second] ||
              (priority[first] == priority[second] && first < second));
    }
    must_finish(claims.store);
}

TEST("a job that is claimed a second time keeps the time when it first started")
{
    struct store *store = must_open();
    struct error error = {0};
    struct job_row first = {0}, second = {0};
    int64_t number = must_add(store, 0);

    GOOD(try_claim(store, &first, &error));
    GOOD(try_move(store, &(struct job_move){number, JOB_RUNNING, JOB_QUEUED, "stopping"}, &error));
    GOOD(try_claim(store, &second, &error));
    CHECK_INT(second.started_at, first.started_at);
    CHECK_INT(second.restarts, 0);
    CHECK(!second.reason);
    CHECK_INT(second.revision, first.revision + 2);
    job_row_drop(&first);
    job_row_drop(&second);
    must_finish(store);
}

/* ---- lists ---- */

TEST("pages of jobs are newest first and do not shift when jobs are added between them")
{
    static struct job_page page;
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct job_query query = {.order = ORDER_ARRIVAL, .down = true, .limit = 4};
    struct job_place place;
    int64_t expected = 25;

    for (int i = 0; i < 25; i++)
        must_add(store, 0);
    do {
        GOOD(store_job_list(db, &query, &page, &error));
        for (int i = 0; i < page.count; i++)
            CHECK_INT(page.rows[i].number, expected--);
        place = page.last;
        query.after = &place;
        job_page_drop(&page);
        must_add(store, 0);
    } while (page.more);
    CHECK_INT(expected, 0);
    db_close(db);
    must_finish(store);
}

TEST("a list of some states holds those alone, and the counts of all states add up")
{
    static struct job_page page;
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    int64_t counts[JOB_STATES];

    for (int state = 0; state < JOB_STATES; state++)
        for (int i = 0; i <= state; i++)
            job_in(store, (enum job_state)state);
    GOOD(store_job_counts(db, counts, &error));
    for (int state = 0; state < JOB_STATES; state++) {
        const uint32_t states = UINT32_C(1) << state | UINT32_C(1) << JOB_PAUSED;
        CHECK_INT(counts[state], state + 1);
        GOOD(store_job_list(db, &(struct job_query){.states = states, .down = true, .limit = 200},
                            &page, &error));
        CHECK_INT(page.count, state == JOB_PAUSED ? state + 1 : state + 1 + JOB_PAUSED + 1);
        for (int i = 0; i < page.count; i++) {
            CHECK(states & UINT32_C(1) << page.rows[i].state);
            CHECK(i == 0 || page.rows[i].number < page.rows[i - 1].number);
        }
        job_page_drop(&page);
    }
    db_close(db);
    must_finish(store);
}

static bool progress_work(struct db *db, void *context, struct error *error)
{
    return store_job_progress(db, *(int64_t *)context, "{\"step\":7}", error);
}

TEST("progress is stored and raises the revision, and a job that is not there has none")
{
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct job_row row;
    int64_t number = must_add(store, 0), none = 99;

    GOOD(store_write(store, progress_work, &number, &error));
    GOOD(store_job_get_number(db, number, &row, &error));
    CHECK_TEXT(row.progress, "{\"step\":7}");
    CHECK_INT(row.revision, 2);
    job_row_drop(&row);
    FAILS(store_write(store, progress_work, &none, &error), ERROR_NOT_FOUND);
    db_close(db);
    must_finish(store);
}

/* ---- data sets ---- */

static bool dataset_work(struct db *db, void *context, struct error *error)
{
    const char *const *texts = context;

    return store_dataset_put(db, texts[0], texts[1], texts[2], error);
}

TEST("data sets are found by name, listed in order of names, and replaced by the same name")
{
    static const char *first[] = {"zeta", "/z", "{\"n\":1}"},
                      *second[] = {"alpha", "/a", "{\"n\":2}"},
                      *again[] = {"zeta", "/y", "{\"n\":3}"}, *nameless[] = {"", "/y", "{}"};
    struct store *store = must_open();
    struct db *db = must_read(store);
    struct error error = {0};
    struct dataset_row row, *rows = NULL;
    int count = 0;

    GOOD(store_write(store, dataset_work, first, &error));
    GOOD(store_write(store, dataset_work, second, &error));
    GOOD(store_write(store, dataset_work, again, &error));
    FAILS(store_write(store, dataset_work, nameless, &error), ERROR_INVALID);
    GOOD(store_dataset_get(db, "zeta", &row, &error));
    CHECK_TEXT(row.path, "/y");
    CHECK_TEXT(row.info, "{\"n\":3}");
    dataset_row_drop(&row);
    FAILS(store_dataset_get(db, "beta", &row, &error), ERROR_NOT_FOUND);
    GOOD(store_dataset_list(db, &rows, &count, &error));
    CHECK_INT(count, 2);
    CHECK_TEXT(rows[0].name, "alpha");
    CHECK_TEXT(rows[1].name, "zeta");
    dataset_row_drop(&rows[0]);
    dataset_row_drop(&rows[1]);
    free(rows);
    db_close(db);
    must_finish(store);
}
