/* Instruction sets: which vectors this processor has, for kernels that are written once for each.
 */
#ifndef CORE_ISA_H
#define CORE_ISA_H

enum isa { ISA_BASELINE, ISA_AVX2, ISA_AVX512 };

/* The best of this processor that the environment allows: TRAIND_MAX_ISA=baseline, avx2 or avx512
 * (default), for tests of what other processors would do. */
enum isa isa_best(void);

#endif
