/* Text: telling clean UTF-8 from other bytes. Knows nothing of where texts come from. */
#include "core/text.h"

/* What may begin a character, by its first byte. The second byte's range shuts out overlong forms,
 * surrogates and what is beyond U+10FFFF (RFC 3629, section 4). */
struct text_lead {
    unsigned char first, last;
    unsigned char length;
    unsigned char second_min, second_max;
};

static const struct text_lead leads[] = {
    {0x20, 0x7E, 1, 0, 0},       {0xC2, 0xC2, 2, 0xA0, 0xBF}, /* U+0080 … U+009F are controls */
    {0xC3, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

/* Length of the clean character that `text` begins with, 0 when it begins with none. */
static size_t clean_character(const unsigned char *text)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        const struct text_lead *lead = &leads[i];

        if (text[0] < lead->first || text[0] > lead->last)
            continue;
        /* A NUL fails each comparison, so nothing behind it is read. */
        if (lead->length > 1 && (text[1] < lead->second_min || text[1] > lead->second_max))
            return 0;
        for (size_t k = 2; k < lead->length; k++)
            if ((text[k] & 0xC0) != 0x80)
                return 0;
        return lead->length;
    }
    return 0;
}

bool text_clean(const char *text)
{
    const unsigned char *next = (const unsigned char *)text;

    while (*next != '\0') {
        size_t length = clean_character(next);

        if (length == 0)
            return false;
        next += length;
    }
    return true;
}

void text_show(char *out, size_t size, const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    size_t used = 0;

    while (*next != '\0') {
        size_t length = clean_character(next);
        size_t taken = length > 0 ? length : 1;

        if (used + taken >= size)
            break;
        for (size_t i = 0; i < taken; i++)
            out[used++] = length > 0 ? (char)next[i] : '?';
        next += taken;
    }
    out[used] = '\0';
}
