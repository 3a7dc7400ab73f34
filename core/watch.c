/* Watch: see watch.h. */
#include "core/watch.h"

#include <math.h>

struct watch watch_begin(const struct watch_rule *rule)
{
    return (struct watch){.best = rule->larger_is_better ? -INFINITY : INFINITY};
}

/* The order of the operations is PyTorch's, so that the last digit decides alike. */
static bool is_better(const struct watch_rule *rule, double best, double value)
{
    if (rule->larger_is_better)
        return value > (rule->relative ? best * (rule->threshold + 1) : best + rule->threshold);
    return value < (rule->relative ? best * (1 - rule->threshold) : best - rule->threshold);
}

bool watch_look(const struct watch_rule *rule, struct watch *watch, double value)
{
    bool better = is_better(rule, watch->best, value);
    if (better)
        *watch = (struct watch){.best = value};
    else
        watch->bad++;
    return better;
}
