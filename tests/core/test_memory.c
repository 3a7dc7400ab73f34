/* How much memory there is to be had, and the budget of it. */
#include "core/memory.h"
#include "tests/core/support.h"
#include "tests/core/support_image.h"
#include "tests/harness.h"

#include <string.h>

static void put(const char *path, const char *text)
{
    make_folders(path);
    write_bytes(path, text, strlen(text));
}

static int64_t limit_of(const char *groups)
{
    put("groups", groups);
    return memory_limit_of_groups("groups", "root");
}

TEST("a control group of version 2 limits the memory, and so does any that it is in")
{
    CHECK_INT(memory_limit_of_groups("missing", "root"), INT64_MAX);
    put("root/a/b/memory.max", "max\n");
    CHECK_INT(limit_of("0::/a/b\n"), INT64_MAX);
    put("root/a/memory.max", "3000000\n");
    CHECK_INT(limit_of("0::/a/b\n"), 3000000);
    put("root/a/b/memory.max", "2000000\n");
    CHECK_INT(limit_of("0::/a/b\n"), 2000000);
    CHECK_INT(limit_of("0::/a\n"), 3000000);
    CHECK_INT(limit_of("0::/\n"), INT64_MAX);
    /* A container's own limit stands at the root, and its path on the host is not there. */
    put("root/memory.max", "1000000\n");
    CHECK_INT(limit_of("0::/system.slice/docker-0123.scope\n"), 1000000);
}

TEST("a control group of version 1 limits the memory, among other controllers' lines")
{
    static const char groups[] = "7:cpuset:/x\n5:cpu,memory:/a/b\n1:name=systemd:/a\nnonsense\n";

    put("root/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK_INT(limit_of(groups), INT64_C(9223372036854771712));
    put("root/memory/a/memory.limit_in_bytes", "5000000\n");
    put("root/memory/x/memory.limit_in_bytes", "1\n");
    CHECK_INT(limit_of(groups), 5000000);
    CHECK(memory_limit() > 0 && memory_limit() < INT64_C(1) << 50);
}

TEST("what is taken of a budget is not there for others until it is given back")
{
    struct memory memory;

    memory_init(&memory, 100);
    CHECK(memory_take(&memory, 60) && !memory_take(&memory, 41) && memory_take(&memory, 40));
    CHECK_INT(memory_left(&memory), 0);
    memory_charge(&memory, 50);
    memory_give(&memory, 60);
    CHECK(!memory_take(&memory, 11) && memory_take(&memory, 10));
    memory_drop(&memory);
}
