/* What initial*.c share: matching of tensors by name and shape. */
#ifndef SERVER_INITIAL_MATCH_H
#define SERVER_INITIAL_MATCH_H

#include "server/initial.h"

/* A tensor of the source, wherever it is. */
struct initial_tensor {
    const char *name;
    const int64_t *dims;
    int rank;
};

/* Fills index[0..plan->tensor_count) with the place in `given` of each of the plan's tensors. The
 * first ones that do not match become problems at /init_from, and false comes back. */
bool initial_match(const struct plan *plan, const struct initial_tensor *given, int count,
                   int *index, struct problems *problems);

/* Room for the plan's numbers, all zero: padding between tensors stays so. */
bool initial_take_room(const struct plan *plan, struct initial *out,
                       struct error *error) MUST_CHECK;

/* What is the user's mistake becomes a problem at `pointer`, true; any other failure stays one. */
bool initial_tell(const struct error *cause, const char *pointer, struct problems *problems,
                  struct error *error) MUST_CHECK;

/* Whether all numbers are finite; otherwise a problem names the tensor. */
bool initial_check_finite(const struct plan *plan, const float *numbers, struct problems *problems);

#endif
