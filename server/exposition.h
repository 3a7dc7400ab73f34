/* Exposition: measurements as Prometheus reads them: the text format 0.0.4, or OpenMetrics 1.0.
 * Knows no measurement. */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

#include "server/body.h"
#include "server/instruments.h"

enum exposition_kind { EXPOSE_COUNTER, EXPOSE_GAUGE, EXPOSE_HISTOGRAM, EXPOSE_INFO };

/* What is said of a family of samples. */
struct exposition_family {
    const char *name; /* with its unit, without _total, _info, _bucket … */
    enum exposition_kind kind;
    const char *unit; /* "seconds", "bytes": the end of the name; NULL: it has none */
    const char *help; /* one line without a full stop */
};

struct exposition_label {
    const char *name;
    const char *value; /* any text; NULL ends a list of them */
};

struct exposition {
    struct body *body;
    bool open_metrics;
    const struct exposition_family *family; /* the one whose samples come now */
};

const char *exposition_type(const struct exposition *out); /* the Content-Type */
/* HELP, TYPE and UNIT. Samples of one family stand together. */
void exposition_begin(struct exposition *out, const struct exposition_family *family);
/* `labels` may be NULL. An EXPOSE_INFO's value is 1. */
void exposition_sample(struct exposition *out, const struct exposition_label *labels, double value);
void exposition_histogram(struct exposition *out, const struct exposition_label *labels,
                          const struct histogram_view *view);
void exposition_end(struct exposition *out);

#endif
