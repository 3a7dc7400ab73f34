/* A strict reader of what /metrics answers: the text format 0.0.4 and OpenMetrics 1.0, with the
 * rules that Prometheus' own tool checks: each family once, sorted, with its help, its type and its
 * unit, samples together, counters named _total, buckets that ascend and add up. */
#ifndef TESTS_API_EXPOSITION_H
#define TESTS_API_EXPOSITION_H

#include <stdbool.h>

struct exposition_read {
    struct exposition_point {
        char series[512]; /* name and labels as they came */
        double value;
    } * points;
    int count, families;
};

/* Fails the test at the first line that is not as it must be. */
void exposition_read(const char *text, bool open_metrics, struct exposition_read *out);
void exposition_drop(struct exposition_read *read);
/* The value of a series; fails the test when it is not there. */
double exposition_value(const struct exposition_read *read, const char *series);

#endif
