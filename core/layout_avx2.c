/* Conversions of layout: AVX2, tiles in registers of 32 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx2")))
#define VECTOR_BYTES 32
#include "core/layout_tile.h"

const struct layout_kernel layout_avx2 = LAYOUT_KERNEL;
#endif
