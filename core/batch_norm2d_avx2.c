/* Batch normalization's loops over rows: AVX2, registers of 32 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx2")))
#define VECTOR_BYTES 32
#define LOOPS_KERNEL rows_avx2
#include "core/batch_norm2d_loops.h"
#endif
