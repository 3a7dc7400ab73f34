/* Conversions of layout: what every processor of this build has, tiles in registers of 16 bytes. */
#define VECTOR_TARGET
#define VECTOR_BYTES 16
#include "core/layout_tile.h"

const struct layout_kernel layout_baseline = LAYOUT_KERNEL;
