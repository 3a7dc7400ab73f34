/* Windows: see window.h. */
#include "core/window.h"

int64_t window_extent(const struct sliding *w)
{
    return w->dilation * (w->kernel - 1) + 1;
}

int64_t window_output(const struct sliding *w)
{
    int64_t room =
        w->size + w->before + w->behind - window_extent(w) + (w->ceil_mode ? w->stride - 1 : 0);
    if (room < 0)
        return 0;
    int64_t last = room / w->stride;
    return w->ceil_mode && last * w->stride >= w->size + w->before ? last : last + 1;
}

int64_t window_shows(const struct sliding *w, int64_t at)
{
    switch (w->mode) {
    case PADDING_REFLECT: /* the edge pixel itself is not repeated */
        return at < 0 ? -at : 2 * (w->size - 1) - at;
    case PADDING_REPLICATE:
        return at < 0 ? 0 : w->size - 1;
    case PADDING_CIRCULAR:
        return at < 0 ? at + w->size : at - w->size;
    default:
        return -1;
    }
}

/* ---- pixels that are never read ----
 *
 * A tap stands on place t, counted from the first padded one, when t = i·s + j·d with an output i
 * and a tap j. Modulo s that is j·d ≡ t: solvable when g = gcd(s, d) divides t, and then for every
 * (s / g)-th j. So one look at the least such j that i allows answers for a place, however large
 * the kernel. */

struct lattice {
    int64_t step;    /* s / g: distance of the taps that stand on the same place modulo s */
    int64_t inverse; /* of d / g, modulo step */
    int64_t divisor; /* g */
};

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct lattice lattice_of(const struct sliding *w)
{
    struct lattice lattice = {.divisor = greatest_divisor(w->stride, w->dilation)};
    lattice.step = w->stride / lattice.divisor;
    int64_t dilation = w->dilation / lattice.divisor % lattice.step;
    while (lattice.inverse < lattice.step && lattice.inverse * dilation % lattice.step != 1)
        lattice.inverse++;
    return lattice; /* with step 1 there is nothing to invert: every inverse does */
}

/* Whether a tap of `outputs` windows stands on pixel `at`, which lies in the padding when it is
 * negative or behind the last. */
static bool stands_on(const struct sliding *w, const struct lattice *lattice, int64_t outputs,
                      int64_t at)
{
    int64_t t = at + w->before;
    if (t < 0 || t % lattice->divisor != 0)
        return false;
    int64_t most = t / w->dilation < w->kernel - 1 ? t / w->dilation : w->kernel - 1;
    int64_t beyond = t - (outputs - 1) * w->stride; /* what the last window's taps must reach */
    int64_t least = beyond > 0 ? (beyond + w->dilation - 1) / w->dilation : 0;
    int64_t first = t / lattice->divisor % lattice->step * lattice->inverse % lattice->step;
    int64_t rounds = least > first ? (least - first + lattice->step - 1) / lattice->step : 0;
    return first + rounds * lattice->step <= most;
}

/* Where in the padding pixel `at` is shown once more: at most one place on either side that needs a
 * look. */
static void shown_at(const struct sliding *w, int64_t at, int64_t outputs, int64_t places[2])
{
    int64_t last = (outputs - 1) * w->stride + window_extent(w) - 1 - w->before;
    places[0] = places[1] = at;
    if (w->mode == PADDING_REFLECT) {
        places[0] = -at;
        places[1] = 2 * (w->size - 1) - at;
    } else if (w->mode == PADDING_CIRCULAR) {
        places[0] = at - w->size;
        places[1] = at + w->size;
    } else if (w->mode == PADDING_REPLICATE) {
        /* The first window's first tap and the last one's last reach out the furthest. */
        places[0] = at == 0 ? -w->before : at;
        places[1] = at == w->size - 1 && last > at ? last : at;
    }
}

int64_t window_never_reads(const struct sliding *w, int64_t outputs)
{
    struct lattice lattice = lattice_of(w);
    int64_t missed = 0, shown[2];
    for (int64_t at = 0; at < w->size; at++) {
        shown_at(w, at, outputs, shown);
        missed += !stands_on(w, &lattice, outputs, at) &&
                  !stands_on(w, &lattice, outputs, shown[0]) &&
                  !stands_on(w, &lattice, outputs, shown[1]);
    }
    return missed;
}
