/* How many threads a job gets. */
#include "server/threads.h"
#include "tests/core/network.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

TEST("the workers share the processors, one each at least, unless the operator says otherwise")
{
    static const int cases[][4] = {/* processors, workers, --threads; threads of a job */
                                   {1, 1, 0, 1}, {2, 1, 0, 2}, {8, 1, 0, 8},  {8, 3, 0, 2},
                                   {2, 4, 0, 1}, {8, 8, 0, 1}, {2, 1, 16, 16}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct threads threads = threads_share(cases[i][0], cases[i][1], cases[i][2]);

        CHECK_INT(threads.usual, cases[i][3]);
        CHECK(cases[i][2] > 0 || cases[i][1] > cases[i][0] ||
              threads.usual * cases[i][1] <= cases[i][0]);
    }
}

TEST("a spec's threads are honoured as far as there are processors, and shards for them")
{
    static const struct data_shape data = {{1, 4, 4, 0}, 2, 64, 16};
    const struct threads two = {2, 4}, many = {64, 64};
    struct spec *spec = network_new();
    struct plan plan;

    network_layer(spec, "flatten");
    network_linear(spec, 2);
    network_plan(spec, &data, &plan);
    CHECK_INT(threads_of_job(&two, spec, &plan), 2);
    CHECK_INT(threads_of_job(&many, spec, &plan), plan.cut.shards);
    spec->run.threads = 1;
    CHECK_INT(threads_of_job(&two, spec, &plan), 1);
    spec->run.threads = 3;
    CHECK_INT(threads_of_job(&two, spec, &plan), 3);
    spec->run.threads = 5;
    CHECK_INT(threads_of_job(&two, spec, &plan), 4);
    spec->run.threads = 256;
    CHECK_INT(threads_of_job(&many, spec, &plan), plan.cut.shards);
    plan_drop(&plan);
    network_free(spec);
}

static int quota_of(const char *text)
{
    write_bytes("cpu.max", text, strlen(text));
    return threads_quota("cpu.max");
}

TEST("a container's quota counts as that many whole processors")
{
    CHECK_INT(threads_quota("missing"), INT_MAX);
    CHECK_INT(quota_of("max 100000\n"), INT_MAX);
    CHECK_INT(quota_of("200000 100000\n"), 2);
    CHECK_INT(quota_of("399999 100000\n"), 3);
    CHECK_INT(quota_of("150000 100000\n"), 1);
    CHECK_INT(quota_of("5000 100000\n"), 1);
    CHECK_INT(quota_of(""), INT_MAX);
    CHECK_INT(quota_of("1000"), INT_MAX);
    CHECK_INT(quota_of("-1 100000\n"), INT_MAX);
    CHECK_INT(quota_of("100000 0\n"), INT_MAX);
    CHECK_INT(quota_of("9223372036854775807 1\n"), INT_MAX);
}

TEST("a process that may use one processor counts one")
{
    cpu_set_t set;

    CHECK(threads_processors() >= 1);
    CPU_ZERO(&set);
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
    CHECK(threads_processors() <= CPU_COUNT(&set));
    for (size_t i = 0, kept = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set) && kept++ > 0)
            CPU_CLR(i, &set);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
    CHECK_INT(threads_processors(), 1);
}
