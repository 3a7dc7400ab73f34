/* Clock: the two times that the server needs. */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

/* Seconds since some moment; never goes back: for durations. */
double clock_seconds(void);
/* Unix time in milliseconds: for what is stored and shown. May jump when the machine's clock is
 * set. */
int64_t clock_milliseconds(void);

#endif
