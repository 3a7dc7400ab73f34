/* Pace: see pace.h. */
#include "server/pace.h"

/* With the number of marks: how long the window gets. */
static const double mark_seconds = 0.5;

void pace_begin(struct pace *pace, double now)
{
    *pace = (struct pace){.marks[0].at = now, .mark_count = 1, .last.at = now};
}

void pace_count(struct pace *pace, int64_t samples, double now)
{
    const struct pace_mark *newest = &pace->marks[(pace->mark_count - 1) % PACE_MARKS];

    pace->last.at = now;
    pace->last.steps++;
    pace->last.samples += samples;
    if (now - newest->at >= mark_seconds)
        pace->marks[pace->mark_count++ % PACE_MARKS] = pace->last;
}

bool pace_read(const struct pace *pace, struct pace_rates *out)
{
    int64_t oldest = pace->mark_count > PACE_MARKS ? pace->mark_count % PACE_MARKS : 0;
    const struct pace_mark *mark = &pace->marks[oldest];
    double seconds = pace->last.at - mark->at;

    if (!(seconds > 0) || pace->last.steps == mark->steps)
        return false;
    out->steps = (double)(pace->last.steps - mark->steps) / seconds;
    out->samples = (double)(pace->last.samples - mark->samples) / seconds;
    return true;
}
