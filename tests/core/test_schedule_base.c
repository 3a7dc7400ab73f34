/* Which schedules ask for the optimizer's rate. */
#include "tests/harness.h"

#include "core/schedule.h"
#include "tests/core/support_words.h"

static bool uses_base(const char *words, int64_t step)
{
    const struct schedule_run run = {.base_lr = 0.1, .steps = 20, .steps_per_epoch = 5};
    const struct spec_run length = {.epochs = FIELD_ABSENT, .max_steps = 20};
    struct problems problems = {0};
    struct arena arena = {0};
    struct variant schedule;

    variant_from_words(&arena, &schedule_kinds, words, &schedule);
    schedule_complete(&schedule, &length, "", &problems);
    CHECK(problems.count == 0);
    bool uses = schedule_uses_base(&schedule, &run, step);
    arena_drop(&arena);
    return uses;
}

TEST("schedules with rates of their own do not ask for the optimizer's, piecewise from its first "
     "point on")
{
    CHECK(uses_base("constant", 1) && uses_base("cosine", 20));
    CHECK(uses_base("reduce_on_plateau", 3) && uses_base("polynomial", 20));
    CHECK(!uses_base("one_cycle max_lr=1", 1));
    CHECK(!uses_base("cyclic base_lr=0.1 max_lr=1", 7));
    CHECK(uses_base("piecewise points=4,0.5,9,0.1", 3));
    CHECK(!uses_base("piecewise points=4,0.5,9,0.1", 4));
    CHECK(uses_base("piecewise unit=epoch points=2,0.5", 5));
    CHECK(!uses_base("piecewise unit=epoch points=2,0.5", 6));
}
