/* Windows: where the taps of a kernel lie on one axis of an image, padding included. What
 * convolution and pooling share. Knows nothing of layers or of numbers. */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* What stands in the padding, as PyTorch's padding_mode: zeros, or one of the image's own pixels.
 */
enum padding_mode { PADDING_ZEROS, PADDING_REFLECT, PADDING_REPLICATE, PADDING_CIRCULAR };

/* A window of `kernel` taps that lie `dilation` pixels apart and move by `stride` over `size`
 * pixels, with `before` more in front of them and `behind` more after them. */
struct sliding {
    int64_t size, kernel, stride, dilation, before, behind;
    int mode; /* enum padding_mode; what it asks of the padding: see window_shows */
    bool ceil_mode;
};

/* Pixels from the first tap to the last: d·(k − 1) + 1. */
int64_t window_extent(const struct sliding *window);

/* How many places it takes: ⌊(size + before + behind − extent) / stride⌋ + 1, or 0 when it does not
 * fit. With ceil_mode ⌈ ⌉, but the last one must begin inside the image or the padding before it,
 * as in PyTorch. */
int64_t window_output(const struct sliding *window);

/* Which pixel stands at place `at` outside the image, −1 where it is a zero. Reflect wants less
 * padding than pixels, circular no more than there are. */
int64_t window_shows(const struct sliding *window, int64_t at);

/* The pixel that a tap of output number `output` reads; −1: a zero. */
static inline int64_t window_reads(const struct sliding *window, int64_t output, int64_t tap)
{
    int64_t at = output * window->stride + tap * window->dilation - window->before;
    return at >= 0 && at < window->size ? at : window_shows(window, at);
}

/* Pixels that no tap of `outputs` windows reads, neither in their place nor in the padding. */
int64_t window_never_reads(const struct sliding *window, int64_t outputs);

#endif
