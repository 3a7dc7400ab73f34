/* Batch normalization's loops over rows: AVX-512 with BF16, which rounds to bf16. */
#if defined(__x86_64__)
#define LOOPS_TARGET __attribute__((target("avx512f,avx512bf16")))
#define LOOPS_ROUNDS 1
#define LOOPS_KERNEL rows_avx512_bf16
enum { LOOPS_BYTES = 64 };
#include "core/batch_norm2d_loops.h"
#endif
