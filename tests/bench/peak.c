/* peak THREADS SECONDS: how fast this machine multiplies and adds when nothing else is in the way,
 * as JSON: GFLOP/s of all threads together, in single precision and, where the processor has it,
 * in bf16. Knows nothing of traind.
 *
 * Every thread runs independent chains of fused multiply-adds out of registers, as wide as the
 * processor takes them, in short slices; the best slice counts, because a slice that was
 * interrupted says nothing about the processor. Built with -ffp-contract=fast. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAIN_COUNT = 12, ROUNDS = 100000, THREADS_MOST = 256 };

/* As many chains as hide the latency of one operation, each a variable of its own: compilers keep
 * an array of them in memory. */
#define CHAINS(each)                                                                               \
    each(a) each(b) each(c) each(d) each(e) each(f) each(g) each(h) each(i) each(j) each(k) each(l)

/* Factors that keep the numbers finite. The sum is handed out so that the loop has to be run. */
#define BEGIN(chain) lanes chain = more * (float)#chain[0];
#define STEP(chain) chain = chain * factor + more;
#define SUM(chain) all += chain;
#define LOOP_BODY                                                                                  \
    lanes factor = {0}, more = {0}, all = {0};                                                     \
    factor += 0.5f;                                                                                \
    more += 0.25f;                                                                                 \
    CHAINS(BEGIN)                                                                                  \
    for (int round = 0; round < ROUNDS; round++) {                                                 \
        CHAINS(STEP)                                                                               \
    }                                                                                              \
    CHAINS(SUM)                                                                                    \
    return all[0];

static float plain(void)
{
    typedef float lanes __attribute__((vector_size(16)));
    LOOP_BODY
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2,fma"))) static float avx2(void)
{
    typedef float lanes __attribute__((vector_size(32)));
    LOOP_BODY
}

__attribute__((target("avx512f"))) static float avx512(void)
{
    typedef float lanes __attribute__((vector_size(64)));
    LOOP_BODY
}

/* Two products of bf16 pairs go into each sum, which is single precision. */
#define BEGIN_PAIRS(chain) __m512 chain = _mm512_set1_ps((float)#chain[0]);
#define STEP_PAIRS(chain) chain = _mm512_dpbf16_ps(chain, factor, factor);
__attribute__((target("avx512f,avx512bf16"))) static float bf16(void)
{
    const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3e803e80); /* a quarter, twice */
    __m512 all = _mm512_setzero_ps();

    CHAINS(BEGIN_PAIRS)
    for (int round = 0; round < ROUNDS; round++) {
        CHAINS(STEP_PAIRS)
    }
    CHAINS(SUM)
    return all[0];
}
#endif

struct loop {
    float (*run)(void);
    double flops; /* of one call */
};

static struct loop single_precision(void)
{
    const double lane = 2.0 * CHAIN_COUNT * ROUNDS;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (struct loop){avx512, 16 * lane};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct loop){avx2, 8 * lane};
#endif
    return (struct loop){plain, 4 * lane};
}

static struct loop half_precision(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16"))
        return (struct loop){bf16, 2 * 16 * 2.0 * CHAIN_COUNT * ROUNDS};
#endif
    return (struct loop){NULL, 0};
}

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct work {
    pthread_t thread;
    struct loop loop;
    double seconds, best; /* best: FLOP/s */
    float sum;
};

static void *work_main(void *argument)
{
    struct work *work = argument;
    double end = now() + work->seconds;

    do {
        double began = now(), rate;

        work->sum += work->loop.run();
        rate = work->loop.flops / (now() - began);
        if (rate > work->best)
            work->best = rate;
    } while (now() < end);
    return NULL;
}

/* GFLOP/s; 0 where the processor has no such loop. */
static double measure(struct loop loop, int threads, double seconds)
{
    static struct work works[THREADS_MOST];
    double sum = 0;
    int started = 0;

    if (!loop.run)
        return 0;
    for (; started < threads; started++) {
        works[started] = (struct work){.loop = loop, .seconds = seconds};
        if (pthread_create(&works[started].thread, NULL, work_main, &works[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(works[i].thread, NULL);
        sum += works[i].best;
    }
    return started == threads ? sum * 1e-9 : 0;
}

int main(int argc, char **argv)
{
    int threads = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0;
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;

    if (threads < 1 || threads > THREADS_MOST || !(seconds > 0)) {
        fprintf(stderr, "usage: peak THREADS SECONDS\n");
        return 2;
    }
    printf("{\"threads\": %d, \"fp32\": %.1f, \"bf16\": %.1f}\n", threads,
           measure(single_precision(), threads, seconds),
           measure(half_precision(), threads, seconds));
    return 0;
}
