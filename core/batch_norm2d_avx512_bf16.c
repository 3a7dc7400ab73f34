/* Batch normalization's loops over rows: AVX-512 with BF16, which rounds to bf16. */
#if defined(__x86_64__)
#define VECTOR_TARGET __attribute__((target("avx512f,avx512bf16")))
#define VECTOR_BYTES 64
#define VECTOR_ROUNDS
#define LOOPS_KERNEL rows_avx512_bf16
#include "core/batch_norm2d_loops.h"
#endif
