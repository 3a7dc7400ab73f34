/* Between layout.c and the tiles of each instruction set. */
#ifndef CORE_LAYOUT_KERNEL_H
#define CORE_LAYOUT_KERNEL_H

#include "core/number.h"

/* One sample: plain, (channels, pixels), and in blocks of channels, (…, pixels, block). */
struct layout_sample {
    int64_t channels, pixels, block;
    const void *from;
    void *to;
};

typedef void layout_run(const struct layout_sample *sample);

enum { LAYOUT_NUMBERS = NUMBER_BF16 + 1 };

struct layout_kernel {
    int lanes;                                            /* blocks are multiples of it */
    layout_run *to_plain[LAYOUT_NUMBERS][LAYOUT_NUMBERS]; /* by the numbers of from and to */
    layout_run *to_blocks[LAYOUT_NUMBERS][LAYOUT_NUMBERS];
};

extern const struct layout_kernel layout_baseline;
#if defined(__x86_64__)
extern const struct layout_kernel layout_avx2, layout_avx512;
#endif

#endif
