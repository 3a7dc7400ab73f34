/* Pooling: AVX-512, registers of 64 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx512f")))
#define VECTOR_BYTES 64
#include "core/pool2d_loops.h"

const struct pool2d_kernel pool2d_avx512 = {"AVX-512", VECTOR_LANES, POOL_WORKS};
#endif
