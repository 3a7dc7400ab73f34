/* Instruction sets: see isa.h. */
#include "core/isa.h"

#include <stdlib.h>
#include <string.h>

static enum isa of_processor(void)
{
#if defined(__x86_64__) && !defined(TRAIND_BASELINE)
    if (__builtin_cpu_supports("avx512f"))
        return ISA_AVX512;
    if (__builtin_cpu_supports("avx2"))
        return ISA_AVX2;
#endif
    return ISA_BASELINE;
}

static enum isa allowed(void)
{
    const char *most = getenv("TRAIND_MAX_ISA");
    if (most && strcmp(most, "baseline") == 0)
        return ISA_BASELINE;
    return most && strcmp(most, "avx2") == 0 ? ISA_AVX2 : ISA_AVX512;
}

enum isa isa_best(void)
{
    enum isa best = of_processor(), most = allowed();
    return best < most ? best : most;
}

bool isa_has_bf16(void)
{
#if defined(__x86_64__) && !defined(TRAIND_BASELINE)
    return isa_best() == ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

bool isa_adds_apart(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_is("amd");
#else
    return false;
#endif
}
