/* Instruction sets: which vectors this processor has, for kernels that are written once for each.
 */
#ifndef CORE_ISA_H
#define CORE_ISA_H

#include <stdbool.h>

enum isa { ISA_BASELINE, ISA_AVX2, ISA_AVX512 };

/* The best of this processor that the environment allows: TRAIND_MAX_ISA=baseline, avx2 or avx512
 * (default), for tests of what other processors would do. */
enum isa isa_best(void);

/* Whether it multiplies pairs of bf16 beside AVX-512 (AVX512-BF16), and isa_best allows that. */
bool isa_has_bf16(void);

/* Whether vectors are added by units of their own, beside those that multiply, as in AMD's
 * processors: then a product and a sum one by one take no longer than a fused multiply-add. */
bool isa_adds_apart(void);

#endif
