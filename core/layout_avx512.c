/* Conversions of layout: AVX-512, tiles in registers of 64 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx512f")))
#define VECTOR_BYTES 64
#include "core/layout_tile.h"

const struct layout_kernel layout_avx512 = LAYOUT_KERNEL;
#endif
