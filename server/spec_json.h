/* Spec as JSON: reads a submitted job by walking the core's field tables, writes it back with every
 * default, and makes the JSON Schema, all from the same rows. The only place where a row's type
 * meets JSON. Knows no layer, optimizer or schedule by name. */
#ifndef SERVER_SPEC_JSON_H
#define SERVER_SPEC_JSON_H

#include "core/estimate.h"
#include "core/spec.h"

#include <jansson.h>

/* What a job has beside its spec. */
struct job_meta {
    char name[201];
    struct labels labels; /* in the spec's arena */
    int64_t priority;
};

/* Parses text strictly: one JSON object, no duplicate keys, depth ≤ 32, no NUL. On failure
 * *problems gets one entry with line and column in the text and false comes back with ERROR_INVALID
 * (HTTP 400). */
bool json_parse_strict(const char *text, size_t size, json_t **out, struct problems *problems,
                       struct error *error) MUST_CHECK;

/* Compact text, malloc'ed, NUL-terminated; its length in *size unless NULL. Every real has the
 * fewest digits that read back as the same number (0.1 stays 0.1), which json_dumps cannot do. NULL
 * when memory is gone or `value` is NULL. */
char *json_text(const json_t *value, size_t *size);
/* One finite real as json_text writes it: "0.1", "1.0", "1e-08". */
enum { JSON_REAL_TEXT = 40 };
void json_real_text(double value, char out[JSON_REAL_TEXT]);

/* Fills *spec (spec_init'ed here) and *meta from a job object. Everything wrong goes to *problems,
 * all at once: unknown keys with the nearest name, wrong types naming what was found, ranges,
 * unknown kinds with what is allowed. Includes spec_complete. False only when memory is gone.
 * spec_drop is the caller's in every case.
 *
 * Integers may be written as 3.0 or 1e3 (as JSON Schema counts integers), never as 3.5, "3" or
 * true. Reals may be written as integers. A bare string for a variant is its kind with no options.
 */
bool spec_from_json(const json_t *job, struct spec *spec, struct job_meta *meta,
                    struct problems *problems, struct error *error) MUST_CHECK;

/* Fills *meta from an object with its keys alone; the labels are in `arena`. False only when memory
 * is gone. */
bool job_meta_from_json(const json_t *json, struct arena *arena, struct job_meta *meta,
                        struct problems *problems, struct error *error) MUST_CHECK;

/* Fills *spec from the text that a job was stored with. ERROR_CORRUPT when that is no JSON,
 * ERROR_INVALID, with the pointer in `where`, when this version no longer takes it. spec_drop in
 * any case. */
bool spec_from_stored(const char *text, struct spec *spec, struct error *error) MUST_CHECK;

/* New references; NULL when memory is gone. Reading what was written gives the same spec. */
json_t *spec_to_json(const struct spec *spec);
json_t *job_meta_to_json(const struct job_meta *meta);

struct plan_view {
    const struct spec *spec;
    const struct plan *plan;
    const struct plan_warnings *warnings; /* NULL: none */
    int64_t bytes;                        /* of memory; −1: unknown */
    struct estimate estimate;
};

/* The plan as sent to users: per layer, in the order of computing, type, path, depth (how many
 * layers hold it), inputs (the paths of the layers it reads, "data" for the images), output shape,
 * parameters, multiply-adds, receptive field, bytes; totals; steps; the schedule's curve (at most
 * 201 points [step, lr]); the estimated seconds, null while they are not known; warnings. `layers`
 * false: totals only, as stored with the job. */
json_t *plan_to_json(const struct plan_view *view, bool layers);

/* The shape of its data set out of a stored plan's text, which holds for its job for ever: the set
 * itself may be gone. False: the plan of an earlier version does not say. */
bool plan_data_from_text(const char *text, struct data_shape *out);
/* Bytes of memory that a stored plan's job takes together with its data set; what the plan does not
 * say is not counted. */
int64_t plan_bytes_from_text(const char *text);

/* JSON Schema (2020-12) of the job object. */
json_t *spec_schema(void);

/* [{"pointer", "detail", "allowed"?, "suggestion"?}, …] */
json_t *problems_to_json(const struct problems *problems);

#endif
