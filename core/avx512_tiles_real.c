/* The tiles of reals: AVX-512. */
#if TRAIND_ONEDNN && defined(__x86_64__)
#define TILE_TARGET __attribute__((target("avx512f")))
#define TILE_MULTIPLY(sums, a, b)                                                                  \
    _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sums)
#include "core/avx512_tile.h"

TILE_TABLE(avx512_tiles_real)
#endif
