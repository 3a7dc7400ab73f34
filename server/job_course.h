/* Job's course: what of a job's spec may change after the job was accepted, and how such changes
 * are written down. All in JSON; knows nothing of training or of the store.
 *
 * Changes are {"lr": {"from": 0.1, "to": 0.05}, …}, null standing for what is absent. `to` is the
 * whole new value, with every default. "implied": true stands where the user has not named the part
 * and it went with another, as a schedule of the whole run goes with the run's length. */
#ifndef SERVER_JOB_COURSE_H
#define SERVER_JOB_COURSE_H

#include "core/error.h"

#include <jansson.h>

/* A part of the course, by the key that users write. */
struct course_part {
    const char *key;
    const char *parent; /* member of the spec that has it; NULL: the spec itself */
};
extern const struct course_part course_parts[];
extern const size_t course_part_count;
const struct course_part *course_part_find(const char *key); /* NULL when there is none */

/* The merge patch of a spec that a user's request is: {"lr": 1} → {"optimizer": {"lr": 1}}. Other
 * keys are left out. New reference; NULL when memory is gone. */
json_t *course_patch(const json_t *request);

/* What changed between two specs of all that the request names, or that went with it. New
 * reference; NULL when memory is gone. */
json_t *course_changes(const json_t *request, const json_t *before, const json_t *after);

/* The stored spec, whose stored plan that is, as one that is to be changed: a default that follows
 * from the run's length is left out, so that it follows the new length. New reference; NULL when
 * memory is gone or it is not JSON. */
json_t *course_unsettle(const char *spec, const char *plan);

/* Whether the user has named that part. */
bool course_names(const json_t *changes, const char *key);

/* Makes the changes once more. */
bool course_apply(json_t *spec, const json_t *changes, struct error *error) MUST_CHECK;

#endif
