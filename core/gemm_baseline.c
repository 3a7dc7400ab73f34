/* The tiles of matrix products: what every processor of this build has, registers of 16 bytes. */
#define TILE_TARGET
enum { TILE_BYTES = 16, TILE_ROWS = 3, TILE_PANELS = 1 };
#include "core/gemm_tile.h"

TILE_FUNCTION(one, 1, 1, false)
TILE_FUNCTION(one, 2, 1, false)
TILE_FUNCTION(one, 3, 1, false)
TILE_FUNCTION(lanes, 1, 1, true)
TILE_FUNCTION(lanes, 2, 1, true)
TILE_FUNCTION(lanes, 3, 1, true)

const struct gemm_kernel gemm_baseline = {
    .name = "baseline",
    .rows = TILE_ROWS,
    .panels = TILE_PANELS,
    .tiles = {{one_1, one_2, one_3}},
    .lanewise = {lanes_1, lanes_2, lanes_3},
};
