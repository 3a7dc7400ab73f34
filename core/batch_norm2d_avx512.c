/* Batch normalization's loops over rows: AVX-512, registers of 64 bytes. */
#if defined(__x86_64__)
#define LOOPS_TARGET __attribute__((target("avx512f")))
#define LOOPS_ROUNDS 0
#define LOOPS_KERNEL rows_avx512
enum { LOOPS_BYTES = 64 };
#include "core/batch_norm2d_loops.h"
#endif
