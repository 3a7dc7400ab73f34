/* Shapes and the number type of the core. */
#ifndef CORE_TENSOR_H
#define CORE_TENSOR_H

#include <math.h>
#include <stdint.h>

/* float in every build that trains. The gradient checks build the reference kernels with double,
 * where a finite difference has digits to spare (see tests/core). */
#ifdef TRAIND_REAL_DOUBLE
typedef double real;
#define real_sqrt sqrt
#define real_exp exp
#define real_log log
#define real_expm1 expm1
#define real_tanh tanh
#define real_erf erf
#else
typedef float real;
#define real_sqrt sqrtf
#define real_exp expf
#define real_log logf
#define real_expm1 expm1f
#define real_tanh tanhf
#define real_erf erff
#endif

/* In front of a function with a hot loop: compiled for several instruction sets, the processor
 * picks at start. Without fused multiply-adds (see Makefile) all of them give the same digits. */
#if !defined(TRAIND_BASELINE) && defined(__x86_64__) && defined(__linux__) &&                      \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

/* One sample's shape. A flat vector of n features is {n, 1, 1} with flat set. */
struct shape {
    int64_t channels, height, width;
    int flat;
};

/* a·b for non-negative numbers, INT64_MAX where that is too large: for counts of hostile specs. */
static inline int64_t saturating_product(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static inline int64_t shape_elements(const struct shape *shape)
{
    return saturating_product(saturating_product(shape->channels, shape->height), shape->width);
}

#endif
