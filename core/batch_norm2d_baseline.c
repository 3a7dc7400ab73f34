/* Batch normalization's loops over rows: what every processor of this build has, registers of 16
 * bytes. */
#define LOOPS_TARGET
#define LOOPS_ROUNDS 0
#define LOOPS_KERNEL rows_baseline
enum { LOOPS_BYTES = 16 };
#include "core/batch_norm2d_loops.h"
