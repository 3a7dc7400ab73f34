/* List cursor: see list_cursor.h. Inside it is lines (the order's name, the job's number, whether
 * it has a key, the key), in hexadecimal, so that nobody is tempted to make one. */
#include "server/list_cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_SIZE = 320 };

static const char *name_of(const struct list_sort *sort)
{
    return job_order_names[2 * (int)sort->order + (sort->down ? 1 : 0)];
}

static void put_key(struct body *out, enum job_key key, const struct job_place *place)
{
    if (key == KEY_INTEGER)
        body_print(out, "%" PRId64, place->integer);
    else if (key == KEY_REAL)
        body_print(out, "%.17g", place->real);
    else if (key == KEY_TEXT)
        body_text(out, place->text);
}

void list_cursor_put(struct body *out, const struct list_sort *sort, const struct job_place *place)
{
    enum job_key key = place->without ? KEY_NONE : job_order_key(sort->order);
    struct body lines = {0};

    body_print(&lines, "%s\n%" PRId64 "\n%d\n", name_of(sort), place->number, !place->without);
    put_key(&lines, key, place);
    for (size_t i = 0; i < lines.size; i++)
        body_print(out, "%02x", (unsigned char)lines.bytes[i]);
    out->failed |= lines.failed;
    body_drop(&lines);
}

/* ---- reading ---- */

static bool refuse(struct error *error, const char *why)
{
    return error_set(error, ERROR_INVALID, "cursor", "the query parameter \"cursor\" %s", why);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *text, char out[LINES_SIZE])
{
    size_t size = strlen(text) / 2;

    if (strlen(text) % 2 != 0 || size >= LINES_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0 || high + low == 0)
            return false;
        out[i] = (char)(unsigned char)(high * 16 + low);
    }
    out[size] = '\0';
    return true;
}

/* Takes the next line off. NULL: there is none. */
static char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');

    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return line;
}

static bool read_whole(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool read_key(enum job_key key, const char *text, struct job_place *out)
{
    char *end;

    switch (key) {
    case KEY_NONE:
        return text[0] == '\0';
    case KEY_INTEGER:
        return read_whole(text, &out->integer);
    case KEY_REAL:
        out->real = strtod(text, &end);
        return end != text && *end == '\0' && isfinite(out->real);
    case KEY_TEXT:
        return (size_t)snprintf(out->text, sizeof(out->text), "%s", text) < sizeof(out->text);
    }
    return false;
}

bool list_cursor_read(const char *text, const struct list_sort *sort, struct job_place *out,
                      struct error *error)
{
    char lines[LINES_SIZE], *rest = lines;
    const char *name, *number, *keyed;

    *out = (struct job_place){0};
    if (!unhex(text, lines) || !(name = next_line(&rest)) || !(number = next_line(&rest)) ||
        !(keyed = next_line(&rest)))
        return refuse(error, "is none that this server gave: take next_cursor as it came");
    if (strcmp(name, name_of(sort)) != 0)
        return refuse(error, "is of a list with another \"sort\"");
    out->without = strcmp(keyed, "0") == 0;
    if (read_whole(number, &out->number) && out->number > 0 &&
        read_key(out->without ? KEY_NONE : job_order_key(sort->order), rest, out))
        return true;
    return refuse(error, "is none that this server gave: take next_cursor as it came");
}
