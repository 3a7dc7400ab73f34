/* Stretch: see stretch.h. */
#include "server/stretch.h"

#include <math.h>

/* Whether `row` comes before `kept`, both with the same value, or there is none kept. */
static bool is_earlier(struct stretch_row row, struct stretch_row kept)
{
    return kept.step == 0 || row.step < kept.step;
}

void stretch_take(struct stretch *stretch, struct stretch_row row)
{
    if (row.step == 0)
        return;
    if (!isfinite(row.value)) {
        if (is_earlier(row, stretch->odd))
            stretch->odd = row;
        return;
    }
    if (stretch->min.step == 0 || row.value < stretch->min.value ||
        (row.value == stretch->min.value && is_earlier(row, stretch->min)))
        stretch->min = row;
    if (stretch->max.step == 0 || row.value > stretch->max.value ||
        (row.value == stretch->max.value && is_earlier(row, stretch->max)))
        stretch->max = row;
}

void stretch_join(struct stretch *stretch, const struct stretch *other)
{
    stretch_take(stretch, other->min);
    stretch_take(stretch, other->max);
    stretch_take(stretch, other->odd);
}

size_t stretch_count(const struct stretch *stretch)
{
    size_t finite = stretch->min.step == 0 ? 0 : stretch->min.step == stretch->max.step ? 1 : 2;

    return finite + (stretch->odd.step != 0);
}
