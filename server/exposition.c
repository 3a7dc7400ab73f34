/* Exposition: see exposition.h. Where the two formats differ: OpenMetrics calls a family by its
 * name without the suffix of its samples, knows units and the kind "info", and has a last line. */
#include "server/exposition.h"

#include "core/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* By enum exposition_kind; `old`: as the format 0.0.4 knows it. */
static const struct kind_text {
    const char *name, *old, *suffix;
} kinds[] = {
    [EXPOSE_COUNTER] = {"counter", "counter", "_total"},
    [EXPOSE_GAUGE] = {"gauge", "gauge", ""},
    [EXPOSE_HISTOGRAM] = {"histogram", "histogram", ""},
    [EXPOSE_INFO] = {"info", "gauge", "_info"},
};

const char *exposition_type(const struct exposition *out)
{
    return out->open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8";
}

static const struct kind_text *kind_of(const struct exposition *out)
{
    return &kinds[out->family->kind];
}

static void put_about(struct exposition *out, const char *word, const char *text)
{
    body_print(out->body, "# %s %s%s %s\n", word, out->family->name,
               out->open_metrics ? "" : kind_of(out)->suffix, text);
}

void exposition_begin(struct exposition *out, const struct exposition_family *family)
{
    out->family = family;
    put_about(out, "HELP", family->help);
    put_about(out, "TYPE", out->open_metrics ? kind_of(out)->name : kind_of(out)->old);
    if (out->open_metrics && family->unit)
        put_about(out, "UNIT", family->unit);
}

static void put_quoted(struct body *body, const char *text)
{
    body_text(body, "\"");
    for (; *text; text++) {
        if (*text == '\n')
            body_text(body, "\\n");
        else if (*text == '"' || *text == '\\')
            body_print(body, "\\%c", *text);
        else
            body_put(body, text, 1);
    }
    body_text(body, "\"");
}

/* {a="1",le="0.5"}; `bound` NULL: without le. */
static void put_labels(struct body *body, const struct exposition_label *labels, const char *bound)
{
    const char *before = "{";

    for (; labels && labels->name; labels++) {
        body_print(body, "%s%s=", before, labels->name);
        put_quoted(body, labels->value);
        before = ",";
    }
    if (bound) {
        body_print(body, "%sle=\"%s\"", before, bound);
        before = ",";
    }
    body_text(body, *before == ',' ? "}" : "");
}

/* The name, the labels and a space. */
static void put_name(struct exposition *out, const char *suffix,
                     const struct exposition_label *labels, const char *bound)
{
    body_print(out->body, "%s%s", out->family->name, suffix);
    put_labels(out->body, labels, bound);
    body_text(out->body, " ");
}

static void put_real(struct body *body, double value)
{
    body_real(body, value);
    body_text(body, "\n");
}

void exposition_sample(struct exposition *out, const struct exposition_label *labels, double value)
{
    put_name(out, kind_of(out)->suffix, labels, NULL);
    if (value == floor(value) && fabs(value) < 1e15)
        body_print(out->body, "%.0f\n", value);
    else
        put_real(out->body, value);
}

/* As both formats write it: 0.5, 1.0. */
static void bound_text(double bound, char *out, size_t size)
{
    struct body text = {0};

    body_real(&text, bound);
    (void)snprintf(out, size, "%s%s", text.bytes ? text.bytes : "",
                   text.bytes && strpbrk(text.bytes, ".e") ? "" : ".0");
    body_drop(&text);
}

void exposition_histogram(struct exposition *out, const struct exposition_label *labels,
                          const struct histogram_view *view)
{
    char bound[32];

    for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
        bound_text(histogram_bounds[i], bound, sizeof(bound));
        put_name(out, "_bucket", labels, bound);
        body_print(out->body, "%" PRIu64 "\n", view->counts[i]);
    }
    put_name(out, "_bucket", labels, "+Inf");
    body_print(out->body, "%" PRIu64 "\n", view->counts[HISTOGRAM_BOUNDS]);
    put_name(out, "_count", labels, NULL);
    body_print(out->body, "%" PRIu64 "\n", view->counts[HISTOGRAM_BOUNDS]);
    put_name(out, "_sum", labels, NULL);
    put_real(out->body, view->seconds);
}

void exposition_end(struct exposition *out)
{
    body_text(out->body, out->open_metrics ? "# EOF\n" : "");
}
