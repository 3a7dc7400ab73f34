/* Watch: whether a metric still gets better. Knows no metric by name and no schedule: what follows
 * from standing still is for who watches. Pure. */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* What counts as better: by more than `threshold`, which is a share of the best value where
 * `relative`. As in torch.optim.lr_scheduler.ReduceLROnPlateau: a value is better when, for a
 * smaller one being the better, it is below best·(1 − threshold) or best − threshold, and else
 * above best·(1 + threshold) or best + threshold. */
struct watch_rule {
    bool larger_is_better, relative;
    double threshold; /* ≥ 0 */
};

struct watch {
    double best; /* the value of the newest improvement; before the first: the worst number */
    int64_t bad; /* values since then that were no improvement */
};

struct watch watch_begin(const struct watch_rule *rule);
/* Takes the next value; true when it is better. A NaN never is. */
bool watch_look(const struct watch_rule *rule, struct watch *watch, double value);

#endif
