/* Inspection: a look into a checkpoint's network, and what the answers to such requests have in
 * common. */
#ifndef SERVER_INSPECTION_H
#define SERVER_INSPECTION_H

#include "core/tiles.h"
#include "server/api.h"
#include "server/trained.h"

/* Of the query parameter `format`: inspect_formats has their names. */
enum { FORMAT_JSON, FORMAT_PNG };

struct inspection {
    const struct http_request *request;
    struct job_row job;
    struct checkpoint_row checkpoint;
    struct trained *network; /* by the reference kernels, which show every layer */
    struct body body;
};

/* The checkpoint that the second {…} of the route names. Drop it in any case. */
bool inspection_open(struct inspection *inspection, struct error *error) MUST_CHECK;
void inspection_drop(struct inspection *inspection);

/* Begins the answer: `{"model": {…}`. */
void inspection_put_model(struct inspection *inspection);
/* `,"key":[1,2,3]` */
void inspection_put_sizes(struct body *body, const char *key, const int64_t *sizes, int count);
/* Lists inside each other, the last size innermost. ERROR_TOO_LARGE when they are too many. */
bool inspection_put_numbers(struct body *body, const real *numbers, const int64_t *sizes,
                            int levels, struct error *error) MUST_CHECK;
bool inspection_answer_json(struct inspection *inspection, struct http_response *response,
                            struct error *error) MUST_CHECK;
bool inspection_answer_tiles(const struct inspection *inspection, const struct tiles *tiles,
                             struct http_response *response, struct error *error) MUST_CHECK;

/* How numbers are spread; those that are none are only counted. */
struct spread {
    int64_t count, finite, zeros;
    double min, max, mean, std;
};
struct spread spread_of(const real *numbers, int64_t count);
/* `,"count":…,"nonfinite":…,"zeros":…,"min":…,"max":…,"mean":…,"std":…` */
void spread_put(struct body *body, const struct spread *spread);

#endif
