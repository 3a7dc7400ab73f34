/* A strict reader of what /metrics answers: see exposition.h. */
#include "tests/api/exposition.h"

#include "tests/harness.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct exposition_read *out;
    bool open_metrics;
    char line[1024];
    char family[128], kind[32]; /* as the lines with # call them */
    bool helped, united;
    char bucket[512]; /* labels but le of the histogram under way; its newest bucket */
    double bound, cumulated;
    int samples; /* of the family */
};

#define WRONG(reader, what) FAIL("%s: %s", what, (reader)->line)

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Bytes of a name at `text`. */
static size_t name_size(const char *text, const char *more)
{
    size_t size = 0;

    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return 0;
    while (isalnum((unsigned char)text[size]) || (text[size] && strchr(more, text[size])))
        size++;
    return size;
}

/* ---- lines with # ---- */

static void check_family_ended(const struct reader *reader)
{
    if (reader->family[0] && (reader->samples == 0 || reader->kind[0] == '\0') &&
        strcmp(reader->family, "traind_http_request_duration_seconds") != 0)
        FAIL("%s has no type or no samples", reader->family);
}

static void read_help(struct reader *reader, const char *name, const char *text)
{
    check_family_ended(reader);
    if (strcmp(name, reader->family) <= 0)
        WRONG(reader, "families must be sorted, and each is there once");
    if (strlen(text) < 8 || ends_with(text, "."))
        WRONG(reader, "no proper help");
    (void)snprintf(reader->family, sizeof(reader->family), "%s", name);
    reader->kind[0] = '\0';
    reader->helped = true;
    reader->united = false;
    reader->samples = 0;
    reader->bucket[0] = '\0';
    reader->out->families++;
}

/* Names say what is counted, in base units. */
static void check_family_name(struct reader *reader, const char *name, const char *kind)
{
    static const char *const banned[] = {"millisecond", "microsecond", "kilobyte", "megabyte",
                                         "minute",      "percent",     "_info_"};
    bool counter = strcmp(kind, "counter") == 0;

    for (size_t i = 0; i < sizeof(banned) / sizeof(banned[0]); i++)
        if (strstr(name, banned[i]))
            WRONG(reader, "units must be base units");
    if (ends_with(name, "_total") != (counter && !reader->open_metrics))
        WRONG(reader, "counters, and only they, end with _total");
    if (ends_with(name, "_bucket") || ends_with(name, "_count") || ends_with(name, "_sum"))
        WRONG(reader, "this end belongs to the samples of histograms");
}

static void read_kind(struct reader *reader, const char *name, const char *kind)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram", "info"};
    bool known = false;

    if (strcmp(name, reader->family) != 0 || !reader->helped || reader->kind[0])
        WRONG(reader, "a type stands behind its help, once");
    for (size_t i = 0; i < 3 + (size_t)reader->open_metrics; i++)
        known |= strcmp(kinds[i], kind) == 0;
    if (!known)
        WRONG(reader, "there is no such type");
    check_family_name(reader, name, kind);
    (void)snprintf(reader->kind, sizeof(reader->kind), "%s", kind);
}

static void read_unit(struct reader *reader, const char *name, const char *unit)
{
    if (!reader->open_metrics || reader->united || strcmp(name, reader->family) != 0)
        WRONG(reader, "a unit is out of place");
    if (!ends_with(name, unit) || strlen(unit) >= strlen(name))
        WRONG(reader, "a unit ends its name");
    reader->united = true;
}

static void read_comment(struct reader *reader)
{
    static const struct {
        const char *word;
        void (*read)(struct reader *reader, const char *name, const char *rest);
    } words[] = {{"# HELP ", read_help}, {"# TYPE ", read_kind}, {"# UNIT ", read_unit}};
    char name[128];

    for (size_t i = 0; i < 3; i++) {
        const char *at = reader->line + strlen(words[i].word);
        size_t size = name_size(at, "_:");

        if (strncmp(reader->line, words[i].word, strlen(words[i].word)) != 0)
            continue;
        if (size == 0 || size >= sizeof(name) || at[size] != ' ')
            WRONG(reader, "no proper name");
        (void)snprintf(name, sizeof(name), "%.*s", (int)size, at);
        words[i].read(reader, name, at + size + 1);
        return;
    }
    WRONG(reader, "no such comment");
}

/* ---- samples ---- */

/* Reads {a="b",le="1.0"}; what is not le goes to `rest`. Where it ends. */
static const char *read_labels(struct reader *reader, const char *at, char rest[512], double *le)
{
    *le = NAN;
    rest[0] = '\0';
    if (*at != '{')
        return at;
    while (*at != '}') {
        const char *name = ++at;
        size_t size = name_size(at, "_");
        bool bound = size == 2 && strncmp(at, "le", 2) == 0;

        at += size;
        if (size == 0 || at[0] != '=' || at[1] != '"')
            WRONG(reader, "no proper label");
        if (bound)
            *le = at[2] == '+' ? (double)INFINITY : strtod(at + 2, NULL);
        for (at += 2; *at && *at != '"'; at++)
            at += *at == '\\';
        if (*at != '"' || (at[1] != ',' && at[1] != '}'))
            WRONG(reader, "no proper end of a label");
        at++;
        if (!bound)
            (void)snprintf(rest + strlen(rest), 512 - strlen(rest), "%.*s;", (int)(at - name),
                           name);
    }
    return at + 1;
}

static void check_histogram(struct reader *reader, const char *suffix, const char *rest, double le)
{
    double value = reader->out->points[reader->out->count - 1].value;

    if (strcmp(suffix, "_bucket") == 0) {
        if (isnan(le))
            WRONG(reader, "a bucket has its bound");
        if (reader->bound == (double)INFINITY || strcmp(rest, reader->bucket) != 0 ||
            reader->samples == 0) {
            (void)snprintf(reader->bucket, sizeof(reader->bucket), "%s", rest);
            reader->bound = 0;
            reader->cumulated = 0;
        }
        if (le <= reader->bound || value < reader->cumulated)
            WRONG(reader, "bounds and counts ascend");
        reader->bound = le;
        reader->cumulated = value;
        return;
    }
    if (strcmp(rest, reader->bucket) != 0 || reader->bound != (double)INFINITY)
        WRONG(reader, "a histogram has all its buckets first");
    if (strcmp(suffix, "_count") == 0 ? value != reader->cumulated : strcmp(suffix, "_sum") != 0)
        WRONG(reader, "the last bucket counts all");
}

/* What is behind the family's name in a sample's. */
static void check_sample(struct reader *reader, const char *name, const char *rest, double le)
{
    const char *suffix = name + strlen(reader->family);
    bool om = reader->open_metrics;

    if (strncmp(name, reader->family, strlen(reader->family)) != 0)
        WRONG(reader, "this sample belongs to another family");
    if (strcmp(reader->kind, "histogram") == 0) {
        check_histogram(reader, suffix, rest, le);
        return;
    }
    if (!isnan(le))
        WRONG(reader, "only histograms have le");
    if (strcmp(suffix, om && strcmp(reader->kind, "counter") == 0 ? "_total"
                       : om && strcmp(reader->kind, "info") == 0  ? "_info"
                                                                  : "") != 0)
        WRONG(reader, "no sample of this type has that end");
}

static void read_sample(struct reader *reader)
{
    struct exposition_read *out = reader->out;
    struct exposition_point *point;
    char name[128], rest[512], *end = NULL;
    size_t size = name_size(reader->line, "_:");
    double le;
    const char *at;

    if (size == 0 || size >= sizeof(name))
        WRONG(reader, "no proper name");
    (void)snprintf(name, sizeof(name), "%.*s", (int)size, reader->line);
    at = read_labels(reader, reader->line + size, rest, &le);
    if (*at != ' ')
        WRONG(reader, "a space stands before the value");
    out->points = realloc(out->points, (size_t)(out->count + 1) * sizeof(*out->points));
    CHECK(out->points);
    point = &out->points[out->count];
    (void)snprintf(point->series, sizeof(point->series), "%.*s", (int)(at - reader->line),
                   reader->line);
    point->value = strtod(at + 1, &end);
    if (end == at + 1 || *end != '\0')
        WRONG(reader, "no proper value");
    for (int i = 0; i < out->count; i++)
        if (strcmp(out->points[i].series, point->series) == 0)
            WRONG(reader, "this series is there twice");
    out->count++;
    check_sample(reader, name, rest, le);
    reader->samples++;
}

void exposition_read(const char *text, bool open_metrics, struct exposition_read *out)
{
    struct reader reader = {.out = out, .open_metrics = open_metrics};
    bool ended = false;

    *out = (struct exposition_read){0};
    CHECK(strlen(text) > 0 && ends_with(text, "\n"));
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        CHECK(strcspn(at, "\n") < sizeof(reader.line));
        (void)snprintf(reader.line, sizeof(reader.line), "%.*s", (int)strcspn(at, "\n"), at);
        if (ended)
            WRONG(&reader, "nothing follows the end");
        ended = open_metrics && strcmp(reader.line, "# EOF") == 0;
        if (!ended && reader.line[0] == '#')
            read_comment(&reader);
        else if (!ended)
            read_sample(&reader);
    }
    check_family_ended(&reader);
    CHECK(ended == open_metrics);
}

void exposition_drop(struct exposition_read *read)
{
    free(read->points);
    *read = (struct exposition_read){0};
}

double exposition_value(const struct exposition_read *read, const char *series)
{
    for (int i = 0; i < read->count; i++)
        if (strcmp(read->points[i].series, series) == 0)
            return read->points[i].value;
    FAIL("there is no series %s", series);
}
