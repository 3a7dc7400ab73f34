/* Text: what is clean, and how the rest is shown. */
#include "core/text.h"
#include "tests/harness.h"

#include <string.h>

TEST("UTF-8 without control characters is clean, and nothing else is")
{
    static const char *const clean[] = {"",
                                        "a b~",
                                        "\u00a0ä",
                                        "日本",
                                        "\U0001F600",
                                        "\xef\xbf\xbd",
                                        "\xed\x9f\xbf",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xe0\xa0\x80"};
    static const char *const unclean[] = {"\n",
                                          "a\tb",
                                          "\x7f",
                                          "\x1f",
                                          "\xc2\x80",
                                          "\xc2\x9f",
                                          "\x80",
                                          "a\xff",
                                          "\xc0\xaf",
                                          "\xc1\xbf",
                                          "\xe0\x9f\xbf",
                                          "\xed\xa0\x80",
                                          "\xe4\xbd",
                                          "\xe4\xbd\x41",
                                          "\xc3",
                                          "\xc3(",
                                          "\xf5\x80\x80",
                                          "\xf0\x8f\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xf0\x9f\x98"};

    for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
        if (!text_clean(clean[i]))
            FAIL("clean text %zu is refused", i);
    for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++)
        if (text_clean(unclean[i]))
            FAIL("unclean text %zu is taken", i);
}

TEST("what is shown of any bytes is clean, and whole characters of it fit")
{
    char out[8], every[256];

    text_show(out, sizeof(out), "a\nb\xffä");
    CHECK_TEXT(out, "a?b?ä");
    text_show(out, sizeof(out), "123456ä");
    CHECK_TEXT(out, "123456");
    text_show(out, sizeof(out), "12345ä");
    CHECK_TEXT(out, "12345ä");
    text_show(out, 1, "a");
    CHECK_TEXT(out, "");
    for (int i = 0; i < 255; i++)
        every[i] = (char)(255 - i);
    every[255] = '\0';
    for (size_t size = 1; size < 256; size++) {
        char shown[256];

        text_show(shown, size, every);
        CHECK(text_clean(shown) && strlen(shown) < size);
    }
}
