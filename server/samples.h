/* Samples: images and arrays that came in a request's body, as a split like those of data sets, for
 * a network to look at. Knows no network but the shape of what it takes. The body is hostile: sizes
 * are checked before memory is taken. */
#ifndef SERVER_SAMPLES_H
#define SERVER_SAMPLES_H

#include "core/dataset.h"

/* At most so many at once, and so many numbers where they are written as text. */
enum { SAMPLES_MAX = 1024, SAMPLES_JSON_NUMBERS = 2 << 20 };

/* What the network takes. */
struct samples_wish {
    struct shape shape;
    bool real_pixels; /* of the data set: numbers of any scale, not 0 … 255 */
    bool resize;      /* images of other sizes are brought to this one */
};

struct samples {
    struct dataset_split split; /* its labels are all 0 */
    uint8_t *images;            /* owned: either these … */
    float *reals;               /* … or these */
    uint16_t *labels;
};
void samples_drop(struct samples *samples); /* a zeroed one is allowed */

/* The types of bodies that are read, NULL-ended. */
extern const char *const samples_types[];
/* Which of them a Content-Type header names; −1: none. NULL is allowed. */
int samples_type(const char *type);

/* A body as it lies in a file (NULL: it is empty), and the header that says what it is (NULL: there
 * is none). */
struct samples_body {
    const char *path;
    const char *type;
};

/* What is wrong with what is in it goes to *problems, by JSON pointers where it is JSON, and it is
 * then ERROR_INVALID; so is what cannot be decoded. ERROR_CORRUPT: it is no JSON, with line and
 * column. ERROR_UNSUPPORTED: no such type is read. ERROR_TOO_LARGE, ERROR_MEMORY, ERROR_IO. */
bool samples_read(const struct samples_wish *wish, const struct samples_body *body,
                  struct samples *out, struct problems *problems, struct error *error) MUST_CHECK;

/* samples_json.c: {"instances": […]}; `text` has `size` bytes. */
bool samples_from_json(const struct samples_wish *wish, const char *text, size_t size,
                       struct samples *out, struct problems *problems,
                       struct error *error) MUST_CHECK;

#endif
