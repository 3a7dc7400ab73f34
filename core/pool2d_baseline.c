/* Pooling: what every processor of this build has, registers of 16 bytes. */
#define VECTOR_TARGET
#define VECTOR_BYTES 16
#include "core/pool2d_loops.h"

const struct pool2d_kernel pool2d_baseline = {"baseline", VECTOR_LANES, POOL_WORKS};
