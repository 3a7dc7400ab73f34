/* The tiles of matrix products: AVX-512, 32 registers of 64 bytes. */
#if defined(__x86_64__)
#define TILE_TARGET __attribute__((target("avx512f")))
enum { TILE_BYTES = 64, TILE_ROWS = 8, TILE_PANELS = 2 };
#include "core/gemm_tile.h"

TILE_FUNCTION(one, 1, 1, false)
TILE_FUNCTION(one, 2, 1, false)
TILE_FUNCTION(one, 3, 1, false)
TILE_FUNCTION(one, 4, 1, false)
TILE_FUNCTION(one, 5, 1, false)
TILE_FUNCTION(one, 6, 1, false)
TILE_FUNCTION(one, 7, 1, false)
TILE_FUNCTION(one, 8, 1, false)
TILE_FUNCTION(two, 1, 2, false)
TILE_FUNCTION(two, 2, 2, false)
TILE_FUNCTION(two, 3, 2, false)
TILE_FUNCTION(two, 4, 2, false)
TILE_FUNCTION(two, 5, 2, false)
TILE_FUNCTION(two, 6, 2, false)
TILE_FUNCTION(two, 7, 2, false)
TILE_FUNCTION(two, 8, 2, false)
TILE_FUNCTION(lanes, 1, 1, true)
TILE_FUNCTION(lanes, 2, 1, true)
TILE_FUNCTION(lanes, 3, 1, true)
TILE_FUNCTION(lanes, 4, 1, true)
TILE_FUNCTION(lanes, 5, 1, true)
TILE_FUNCTION(lanes, 6, 1, true)
TILE_FUNCTION(lanes, 7, 1, true)
TILE_FUNCTION(lanes, 8, 1, true)

const struct gemm_kernel gemm_avx512 = {
    .name = "AVX-512",
    .rows = TILE_ROWS,
    .panels = TILE_PANELS,
    .tiles = {{one_1, one_2, one_3, one_4, one_5, one_6, one_7, one_8},
              {two_1, two_2, two_3, two_4, two_5, two_6, two_7, two_8}},
    .lanewise = {lanes_1, lanes_2, lanes_3, lanes_4, lanes_5, lanes_6, lanes_7, lanes_8},
};
#endif
