/* Pooling: AVX2, registers of 32 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx2")))
#define VECTOR_BYTES 32
#include "core/pool2d_loops.h"

const struct pool2d_kernel pool2d_avx2 = {"AVX2", VECTOR_LANES, POOL_WORKS};
#endif
