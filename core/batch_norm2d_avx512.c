/* Batch normalization's loops over rows: AVX-512, registers of 64 bytes. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx512f")))
#define VECTOR_BYTES 64
#define LOOPS_KERNEL rows_avx512
#include "core/batch_norm2d_loops.h"
#endif
