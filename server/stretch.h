/* Stretch: what is left of the rows of one series over some steps: the smallest and the largest
 * value, and the first that is not finite. A single row is a stretch too. Knows nothing of where
 * rows are kept. */
#ifndef SERVER_STRETCH_H
#define SERVER_STRETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Steps count from 1; step 0: there is no such row. */
struct stretch_row {
    int64_t step;
    double value;
};

/* Of equal extremes the earliest counts. A zeroed stretch has no rows. */
struct stretch {
    struct stretch_row min, max; /* of the rows that are finite */
    struct stretch_row odd;      /* the first that is not */
};

/* Rows and stretches may come in any order of their steps. */
void stretch_take(struct stretch *stretch, struct stretch_row row);
void stretch_join(struct stretch *stretch, const struct stretch *other);
/* How many different rows are in it: at most 3. */
size_t stretch_count(const struct stretch *stretch);

#endif
