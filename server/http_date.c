/* Dates in headers (RFC 9110, 5.6.7). Knows nothing of what they are dates of. */
#include "server/http_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Spelled out: strftime would write them in the language of the locale. */
static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void date_print(int64_t milliseconds, char out[DATE_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm utc = {0};

    (void)gmtime_r(&seconds, &utc);
    (void)snprintf(out, DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                   days + 3 * (size_t)utc.tm_wday, utc.tm_mday, months + 3 * (size_t)utc.tm_mon,
                   utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

int64_t date_read(const char *text)
{
    /* Today's form, and two that are obsolete and must be understood all the same. */
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm utc = {0};
        const char *end = strptime(text, forms[i], &utc);

        if (end && end[strspn(end, " \t")] == '\0')
            return (int64_t)timegm(&utc);
    }
    return -1;
}
