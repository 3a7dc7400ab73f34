/* The tiles of matrix products: AVX2, 16 registers of 32 bytes. */
#if defined(__x86_64__)
#define TILE_TARGET __attribute__((target("avx2")))
enum { TILE_BYTES = 32, TILE_ROWS = 6, TILE_PANELS = 1 };
#include "core/gemm_tile.h"

TILE_FUNCTION(one, 1, 1, false)
TILE_FUNCTION(one, 2, 1, false)
TILE_FUNCTION(one, 3, 1, false)
TILE_FUNCTION(one, 4, 1, false)
TILE_FUNCTION(one, 5, 1, false)
TILE_FUNCTION(one, 6, 1, false)
TILE_FUNCTION(lanes, 1, 1, true)
TILE_FUNCTION(lanes, 2, 1, true)
TILE_FUNCTION(lanes, 3, 1, true)
TILE_FUNCTION(lanes, 4, 1, true)
TILE_FUNCTION(lanes, 5, 1, true)
TILE_FUNCTION(lanes, 6, 1, true)

const struct gemm_kernel gemm_avx2 = {
    .name = "AVX2",
    .rows = TILE_ROWS,
    .panels = TILE_PANELS,
    .tiles = {{one_1, one_2, one_3, one_4, one_5, one_6}},
    .lanewise = {lanes_1, lanes_2, lanes_3, lanes_4, lanes_5, lanes_6},
};
#endif
