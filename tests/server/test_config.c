/* Options and addresses. */
#include "server/address.h"
#include "server/config.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

static bool config_of(const char *first, const char *second, struct config *out,
                      struct error *error)
{
    char one[256], two[256];
    char *arguments[] = {one, two};
    *error = (struct error){0};
    (void)strncpy(one, first ? first : "", sizeof(one) - 1);
    (void)strncpy(two, second ? second : "", sizeof(two) - 1);
    one[sizeof(one) - 1] = two[sizeof(two) - 1] = '\0';
    return config_read(!first ? 0 : !second ? 1 : 2, arguments, out, error);
}

TEST("the command line wins over the environment, and that over the default")
{
    struct config config;
    struct error error;
    CHECK(config_of(NULL, NULL, &config, &error));
    CHECK_TEXT(config.listen, "127.0.0.1:8080");
    CHECK_INT(config.workers, 1);
    CHECK_INT(config.log.level, LOG_INFO);
    CHECK_INT(config.log.form, LOG_PLAIN);
    CHECK(config_of("--log", "json", &config, &error));
    CHECK_INT(config.log.form, LOG_JSON);
    CHECK(config_of("--log-level=debug", NULL, &config, &error));
    CHECK_INT(config.log.level, LOG_DEBUG);
    CHECK(setenv("TRAIND_WORKERS", "3", 1) == 0 && setenv("TRAIND_LISTEN", "[::1]:0", 1) == 0);
    CHECK(config_of("--workers", "5", &config, &error));
    CHECK_INT(config.workers, 5);
    CHECK_TEXT(config.listen, "[::1]:0");
    CHECK(config_of("--workers=7", NULL, &config, &error));
    CHECK_INT(config.workers, 7);
    CHECK_INT(config.streams, 64);
    CHECK(setenv("TRAIND_STREAMS", "300", 1) == 0);
    CHECK(config_of(NULL, NULL, &config, &error));
    CHECK_INT(config.streams, 300);
}

TEST("a wrong option is refused, and the message names where it came from")
{
    struct config config;
    struct error error;
    CHECK(!config_of("--workers", "0", &config, &error));
    CHECK_TEXT(error.where, "--workers");
    CHECK(!config_of("--workers", "9999999999999999999", &config, &error));
    CHECK(!config_of("--workers", "2x", &config, &error));
    CHECK(!config_of("--workers", "", &config, &error));
    CHECK(!config_of("--workers", NULL, &config, &error));
    CHECK(!config_of("--work", "1", &config, &error));
    CHECK_TEXT(error.where, "--work");
    CHECK(!config_of("--kernels", "fastest", &config, &error));
    CHECK(!config_of("--log-level", "loud", &config, &error));
    CHECK(!config_of("--log", "xml", &config, &error));
    CHECK(strstr(error.text, "plain, json"));
    CHECK(!config_of("--data-dir", "", &config, &error));
    CHECK(setenv("TRAIND_THREADS", "-1", 1) == 0);
    CHECK(!config_of(NULL, NULL, &config, &error));
    CHECK_TEXT(error.where, "TRAIND_THREADS");
    CHECK(unsetenv("TRAIND_THREADS") == 0);
    char *longer = calloc(1, 2000);
    CHECK(longer);
    memset(longer, 'x', 1999);
    char option[] = "--listen";
    error = (struct error){0};
    CHECK(!config_read(2, (char *[]){option, longer}, &config, &error));
    free(longer);
}

TEST("addresses are numbers with a port, and loopback is told from the rest")
{
    static const struct {
        const char *text;
        int wanted; /* −1: refused, 0: reachable from outside, 1: loopback */
    } rows[] = {
        {"127.0.0.1:8080", 1},
        {"127.9.9.9:0", 1},
        {"localhost:80", 1},
        {"[::1]:1", 1},
        {"0.0.0.0:80", 0},
        {"[::]:80", 0},
        {"10.0.0.1:80", 0},
        {"128.0.0.1:1", 0},
        {"", -1},
        {":80", -1},
        {"127.0.0.1", -1},
        {"127.0.0.1:", -1},
        {"127.0.0.1:x", -1},
        {"1.2.3.4:65536", -1},
        {"::1:80", -1},
        {"example.com:80", -1},
        {"127.0.0.1:-1", -1},
        {"[::1:80", -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address;
        struct error error = {0};
        int got =
            !address_parse(rows[i].text, &address, &error) ? -1 : address_is_loopback(&address);
        if (got != rows[i].wanted)
            FAIL("%s gives %d", rows[i].text, got);
    }
}
