/* The tiles of bf16: AVX512-BF16. */
#if TRAIND_ONEDNN && defined(__x86_64__)
#define TILE_TARGET __attribute__((target("avx512f,avx512bf16")))
#define TILE_MULTIPLY(sums, a, b) _mm512_dpbf16_ps(sums, (__m512bh)(a), (__m512bh)(b))
#include "core/avx512_tile.h"

TILE_TABLE(avx512_tiles_bf16)
#endif
