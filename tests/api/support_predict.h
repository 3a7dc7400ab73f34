/* For tests of what trained networks say. Everything fails the test when it cannot do what it says.
 */
#ifndef TESTS_API_SUPPORT_PREDICT_H
#define TESTS_API_SUPPORT_PREDICT_H

#include "tests/api/support.h"
#include "tests/core/support_image.h"

/* Of the data set "tiny". */
enum { SIDE = 10, PIXELS = SIDE * SIDE, CLASSES = 4 };

/* Some pixels that are all over the range. */
void predict_pixels(uint8_t *pixels, int count);

/* Submits the spec; the job's id. */
void predict_submit(const struct api *api, const char *spec, char id[16]);
/* A daemon with a trained job: convolution, batch normalization, relu, pool, linear; two epochs;
 * its samples are normalized with mean 0.4 and deviation 0.3. */
void predict_begin(struct api *api, char id[16]);

struct predict_request {
    const char *id, *query, *type;
    const void *bytes;
    size_t size;
};
struct answer predict_ask(const struct api *api, const struct predict_request *request);
/* The predictions of a good request; the caller owns them. */
json_t *predict(const struct api *api, const struct predict_request *request);
/* Fails unless it is refused with this status and this word, and the daemon goes on. */
void predict_refused(const struct api *api, const struct predict_request *request, int status,
                     const char *word);

/* An NPY file; the bytes are malloc'ed. */
struct file_bytes predict_npy(const char *type, const char *shape, const void *numbers,
                              size_t size);
/* {"instances": …}: samples of rows, or with their one channel around them. malloc'ed. */
char *predict_json(const uint8_t *pixels, int count, bool channels);

#endif
