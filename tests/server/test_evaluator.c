/* One evaluation at a time; who asks for the same waits for it, and no more than one waits. */
#include "server/evaluator.h"
#include "tests/harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct maker {
    _Atomic int made;
    _Atomic bool go; /* until then it takes its time */
    bool fails;
};

static bool make(void *context, struct evaluation_row *out, struct error *error)
{
    struct maker *maker = context;
    int number = ++maker->made;
    while (!maker->go)
        (void)usleep(500);
    if (maker->fails)
        return error_set(error, ERROR_CONFLICT, "", "it cannot be made");
    out->data = strdup(number == 1 ? "first" : "second");
    out->worst = strdup("[]");
    return true;
}

struct asker {
    struct evaluator *evaluator;
    struct evaluator_task task;
    pthread_t thread;
    struct evaluation_row row;
    bool good, fresh;
    _Atomic bool done;
    struct error error;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    asker->good =
        evaluator_ask(asker->evaluator, &asker->task, &asker->row, &asker->fresh, &asker->error);
    asker->done = true;
    return NULL;
}

static void start(struct asker *asker, struct evaluator *evaluator, struct maker *maker,
                  int64_t checkpoint)
{
    *asker = (struct asker){.evaluator = evaluator, .task = {checkpoint, "test", make, maker}};
    CHECK(pthread_create(&asker->thread, NULL, ask, asker) == 0);
}

static void finish(struct asker *asker)
{
    CHECK(pthread_join(asker->thread, NULL) == 0);
}

TEST("who asks for what is just being made gets it too, and a third one is told to come back")
{
    struct maker maker = {.go = false};
    struct evaluator *evaluator;
    struct error error = {0};
    struct asker first, others[2];
    CHECK(evaluator_new(&evaluator, &error));
    start(&first, evaluator, &maker, 7);
    while (maker.made == 0)
        (void)usleep(500);
    for (int i = 0; i < 2; i++)
        start(&others[i], evaluator, &maker, 7);
    while (!others[0].done && !others[1].done)
        (void)usleep(500);
    maker.go = true;
    finish(&first);
    for (int i = 0; i < 2; i++)
        finish(&others[i]);
    const struct asker *refused = &others[others[0].good], *same = &others[!others[0].good];
    CHECK(first.good && first.fresh && same->good && !same->fresh && !refused->good);
    CHECK_INT(refused->error.kind, ERROR_BUSY);
    CHECK_TEXT(first.row.data, "first");
    CHECK_TEXT(same->row.data, "first");
    CHECK_INT(maker.made, 1);
    evaluation_row_drop(&first.row);
    evaluation_row_drop(&others[0].row);
    evaluation_row_drop(&others[1].row);
    evaluator_free(evaluator);
}

TEST(
    "what was made last is remembered, of another checkpoint it is made anew, and a failure is not "
    "kept")
{
    struct maker maker = {.go = true};
    struct evaluator *evaluator;
    struct error error = {0};
    struct asker asker;
    CHECK(evaluator_new(&evaluator, &error));
    maker.fails = true;
    start(&asker, evaluator, &maker, 7);
    finish(&asker);
    CHECK(!asker.good);
    CHECK_INT(asker.error.kind, ERROR_CONFLICT);
    maker.fails = false;
    static const struct {
        int64_t checkpoint;
        bool fresh;
    } turns[] = {{7, true}, {7, false}, {8, true}, {7, true}};
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
        start(&asker, evaluator, &maker, turns[i].checkpoint);
        finish(&asker);
        CHECK(asker.good);
        CHECK_INT(asker.fresh, turns[i].fresh);
        evaluation_row_drop(&asker.row);
    }
    evaluator_free(evaluator);
}
