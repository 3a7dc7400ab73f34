/* Pace, by a clock of the test's own. */
#include "server/pace.h"
#include "tests/harness.h"

TEST("before the first step there is no pace, and then it counts everything since the beginning")
{
    struct pace pace;
    struct pace_rates rates;

    pace_begin(&pace, 100);
    CHECK(!pace_read(&pace, &rates));
    pace_count(&pace, 64, 100.25);
    CHECK(pace_read(&pace, &rates));
    CHECK_NEAR(rates.steps, 4, 1e-9);
    CHECK_NEAR(rates.samples, 256, 1e-9);
    /* An evaluation of two seconds, and the last batch of an epoch. */
    pace_count(&pace, 32, 102.5);
    CHECK(pace_read(&pace, &rates));
    CHECK_NEAR(rates.steps, 2 / 2.5, 1e-9);
    CHECK_NEAR(rates.samples, 96 / 2.5, 1e-9);
    pace_begin(&pace, 200);
    CHECK(!pace_read(&pace, &rates));
}

TEST("the pace is that of the recent past, for fast steps and for slow ones")
{
    static const double seconds_of_step[] = {0.001, 0.1, 3};

    for (int i = 0; i < 3; i++) {
        struct pace pace;
        struct pace_rates rates;
        double now = 0, each = seconds_of_step[i];

        pace_begin(&pace, now);
        while (now < 1000)
            pace_count(&pace, 10, now += 10 * each);
        double slow = now;
        while (now < slow + 200)
            pace_count(&pace, 10, now += each);
        CHECK(pace_read(&pace, &rates));
        CHECK_NEAR(rates.steps, 1 / each, 1e-3 / each);
        CHECK_NEAR(rates.samples, 10 * rates.steps, 1e-6 / each);
    }
}
