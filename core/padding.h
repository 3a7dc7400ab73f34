/* Padding: images with their padding around them as numbers of their own, for kernels that cannot
 * pad as the layer wants, and the way back for gradients. Knows nothing of layers. */
#ifndef CORE_PADDING_H
#define CORE_PADDING_H

#include "core/number.h"
#include "core/window.h"

/* Images of size (height, width, lanes): `lanes` channels lie side by side. Height and width,
 * padding and its mode are those of the windows. */
struct padding {
    struct sliding windows[2];
    int lanes;
    enum number number;
};

/* Numbers of one image without and with its padding. */
int64_t padding_bare(const struct padding *padding);
int64_t padding_whole(const struct padding *padding);

/* whole (images, height + padding, width + padding, lanes) is written from bare (images, height,
 * width, lanes), both of padding.number. */
void padding_put(const struct padding *padding, int64_t images, const void *bare, void *whole);

/* The transpose of padding_put, of reals whatever the padding's numbers are: every pixel of `bare`
 * becomes the sum of what stands for it in `whole`, in one fixed order. */
void padding_fold(const struct padding *padding, int64_t images, const real *whole, real *bare);

#endif
