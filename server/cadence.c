/* Cadence: pure arithmetic on the step just reported. */
#include "server/cadence.h"

bool cadence_due(const struct spec_every *every, const struct step_report *report)
{
    if (report->ended)
        return true;
    if (!every->given)
        return false;
    /* A wrong count would be a problem of the spec; here it only must not divide by zero. */
    if (every->steps > 0)
        return report->step % every->steps == 0;
    return every->epochs > 0 && report->epoch_ended && report->epoch % every->epochs == 0;
}
