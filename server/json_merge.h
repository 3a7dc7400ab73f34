/* JSON merge patches (RFC 7396) of a job's spec. Knows no field by name but those that exclude each
 * other.
 *
 * Two things differ from the RFC, both where its result could never be a spec: an object whose
 * "type" is another than before takes the place of the whole object, since kinds do not share their
 * options; and of two keys of which a spec has one (epochs and max_steps, or epochs and steps) the
 * one that is given puts the other out. */
#ifndef SERVER_JSON_MERGE_H
#define SERVER_JSON_MERGE_H

#include <jansson.h>

/* New reference; neither of both is changed. NULL when memory is gone. `target` may be NULL. */
json_t *json_merge(const json_t *target, const json_t *patch);

#endif
