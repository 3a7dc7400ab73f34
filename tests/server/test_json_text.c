/* Tests of JSON as text: the fewest digits, and nothing lost. */
#include "server/spec_json.h"
#include "tests/harness.h"
#include "tests/server/spec_random.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_real(double value, const char *wanted)
{
    char text[JSON_REAL_TEXT];

    json_real_text(value, text);
    CHECK_TEXT(text, wanted);
}

TEST("a real is written with the fewest digits that read back as the same number")
{
    check_real(0.1, "0.1");
    check_real(0.001, "0.001");
    check_real(1e-8, "1e-08");
    check_real(1.0, "1.0");
    check_real(0, "0.0");
    check_real(-0.0, "-0.0");
    check_real(1e300, "1e+300");
    check_real(1.0 / 3, "0.3333333333333333");
    check_real(0.1 + 0.2, "0.30000000000000004");
    check_real(5e-324, "5e-324");
    check_real(DBL_MAX, "1.7976931348623157e+308");
}

TEST("every finite real survives writing and reading, bit for bit")
{
    struct dice dice = {.state = 5};

    for (int i = 0; i < 100000; i++) {
        uint64_t bits = dice_roll(&dice, UINT64_MAX / 2048) * 2048 + dice_roll(&dice, 2048);
        char text[JSON_REAL_TEXT];
        double value, again;

        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        json_real_text(value, text);
        again = strtod(text, NULL);
        CHECK(memcmp(&again, &value, sizeof(value)) == 0);
        CHECK(strpbrk(text, ".e") != NULL);
    }
}

TEST("strings, lists, objects and numbers read back as what was written")
{
    json_t *value =
        json_pack("{s:s, s:[i,f,b,n,[]], s:{}, s:I}", "text\n\"\\", "tab\t nul-free \x01 é 🚀 \x7f",
                  "list", -3, 0.1, 1, "object", "large", (json_int_t)INT64_MIN);
    json_error_t error;
    char *text;
    json_t *again;
    size_t size;

    CHECK(value != NULL);
    text = json_text(value, &size);
    CHECK(text != NULL);
    CHECK_INT((int64_t)size, (int64_t)strlen(text));
    again = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!again)
        FAIL("%s: %s", error.text, text);
    CHECK(json_equal(value, again));
    CHECK(strstr(text, "\"list\":[-3,0.1,true,null,[]]") != NULL);
    free(text);
    json_decref(value);
    json_decref(again);
}

TEST("a long text grows without losing a byte")
{
    json_t *list = json_array(), *again;
    char *text;

    for (int i = 0; i < 20000; i++)
        json_array_append_new(list, json_integer(i));
    text = json_text(list, NULL);
    again = json_loads(text, 0, NULL);
    CHECK(json_equal(list, again));
    CHECK(!json_text(NULL, NULL));
    free(text);
    json_decref(list);
    json_decref(again);
}
