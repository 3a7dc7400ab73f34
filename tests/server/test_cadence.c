/* Tests of when evaluations and checkpoints are due. */
#include "server/cadence.h"
#include "tests/harness.h"

static const struct spec_every every_2_epochs = {.given = true, .epochs = 2, .steps = FIELD_ABSENT};
static const struct spec_every every_10_steps = {
    .given = true, .epochs = FIELD_ABSENT, .steps = 10};
static const struct spec_every never = {
    .given = false, .epochs = FIELD_ABSENT, .steps = FIELD_ABSENT};

TEST("every two epochs is due at the end of each second epoch and at no other step")
{
    CHECK(!cadence_due(&every_2_epochs, &(struct step_report){.step = 20, .epoch = 2}));
    CHECK(!cadence_due(&every_2_epochs,
                       &(struct step_report){.step = 10, .epoch = 1, .epoch_ended = true}));
    CHECK(cadence_due(&every_2_epochs,
                      &(struct step_report){.step = 20, .epoch = 2, .epoch_ended = true}));
    CHECK(!cadence_due(&every_2_epochs,
                       &(struct step_report){.step = 30, .epoch = 3, .epoch_ended = true}));
}

TEST("every ten steps is due at each tenth step, wherever epochs end")
{
    CHECK(cadence_due(&every_10_steps, &(struct step_report){.step = 10, .epoch = 1}));
    CHECK(!cadence_due(&every_10_steps,
                       &(struct step_report){.step = 11, .epoch = 1, .epoch_ended = true}));
    CHECK(cadence_due(&every_10_steps,
                      &(struct step_report){.step = 40, .epoch = 2, .epoch_ended = true}));
}

TEST("the last step is always due")
{
    struct step_report last = {.step = 7, .epoch = 1, .ended = true};

    CHECK(cadence_due(&every_2_epochs, &last));
    CHECK(cadence_due(&every_10_steps, &last));
    CHECK(cadence_due(&never, &last));
}

TEST("what was not asked for is due at the end only")
{
    CHECK(!cadence_due(&never, &(struct step_report){.step = 10, .epoch = 1, .epoch_ended = true}));
}
