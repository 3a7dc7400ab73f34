/* Batch normalization's loops over rows: what every processor of this build has, registers of 16
 * bytes. */
#define VECTOR_TARGET
#define VECTOR_BYTES 16
#define LOOPS_KERNEL rows_baseline
#include "core/batch_norm2d_loops.h"
