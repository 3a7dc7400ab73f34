/* Comparing what a user wrote with what was written back. */
#ifndef TESTS_SERVER_SPEC_KEPT_H
#define TESTS_SERVER_SPEC_KEPT_H

#include <jansson.h>
#include <stdbool.h>

/* Whether all that was given is in what was written, maybe in the other way to write the same. */
bool spec_kept(const json_t *given, const json_t *written);

#endif
