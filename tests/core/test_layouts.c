/* Conversions between layouts and kinds of numbers: against their definition, with every
 * instruction set. */
#include "tests/harness.h"

#include "core/kernels.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 3, PATTERN = 0x5A };

/* Samples in one layout, and a byte behind them that must not change. */
struct heap {
    const struct shape *shape;
    struct layout layout;
    int64_t count; /* numbers of one sample */
    size_t bytes;
    unsigned char *numbers;
};

static struct heap heap_make(const struct shape *shape, struct layout layout)
{
    struct heap heap = {.shape = shape, .layout = layout};

    heap.count = op_count(shape, layout.block);
    heap.bytes = (size_t)(SAMPLES * heap.count) * number_size(layout.number);
    heap.numbers = malloc(heap.bytes + 1);
    CHECK(heap.numbers != NULL);
    memset(heap.numbers, PATTERN, heap.bytes + 1);
    return heap;
}

static int64_t heap_place(const struct heap *heap, int64_t sample, int64_t channel, int64_t pixel)
{
    int64_t pixels = heap->shape->height * heap->shape->width, block = heap->layout.block;

    return sample * heap->count + channel / block * pixels * block + pixel * block +
           channel % block;
}

static real heap_get(const struct heap *heap, int64_t sample, int64_t channel, int64_t pixel)
{
    return number_get(heap->layout.number, heap->numbers, heap_place(heap, sample, channel, pixel));
}

static void heap_draw(struct heap *heap, struct dice *dice)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0F, 1e-40F, 3.4e38F};
    int64_t pixels = heap->shape->height * heap->shape->width;
    real *drawn = malloc((size_t)(SAMPLES * heap->shape->channels * pixels) * sizeof(*drawn));

    CHECK(drawn != NULL);
    fill_symmetric(drawn, SAMPLES * heap->shape->channels * pixels, dice->next++, 0);
    memset(heap->numbers, 0, heap->bytes);
    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t c = 0; c < heap->shape->channels; c++)
            for (int64_t p = 0; p < pixels; p++) {
                real value = drawn[(n * heap->shape->channels + c) * pixels + p];

                if (roll(dice, 0, 20) == 0)
                    value = (real)odd[roll(dice, 0, (int64_t)COUNT_OF(odd) - 1)];
                number_put(heap->layout.number, heap->numbers, heap_place(heap, n, c, p), value);
            }
    free(drawn);
}

/* Each number stands where it belongs, rounded once, with zeros in channels that do not exist. */
static void check_converted(const struct heap *from, const struct heap *to)
{
    const struct shape *shape = from->shape;
    int64_t pixels = shape->height * shape->width;

    for (int64_t n = 0; n < SAMPLES; n++)
        for (int64_t c = 0; c < to->count / pixels; c++)
            for (int64_t p = 0; p < pixels; p++) {
                real got = heap_get(to, n, c, p), wanted = 0;

                if (c < shape->channels)
                    wanted = heap_get(from, n, c, p);
                if (to->layout.number == NUMBER_BF16)
                    wanted = bf16_widen(bf16_round(wanted));
                if (got != wanted && !(isnan(got) && isnan(wanted)))
                    FAIL("%" PRId64 "×%" PRId64 "×%" PRId64 ", blocks of %d to blocks of %d: "
                         "channel %" PRId64 ", pixel %" PRId64 " is %.9g, not %.9g",
                         shape->channels, shape->height, shape->width, from->layout.block,
                         to->layout.block, c, p, (double)got, (double)wanted);
            }
    CHECK(to->numbers[to->bytes] == PATTERN);
}

static void check_both_ways(const struct shape *shape, const struct layout layouts[2],
                            struct dice *dice)
{
    struct heap x = heap_make(shape, layouts[0]), dx = heap_make(shape, layouts[0]);
    struct heap y = heap_make(shape, layouts[1]), dy = heap_make(shape, layouts[1]);
    const struct op_call call = {
        .samples = SAMPLES, .x = x.numbers, .y = y.numbers, .dy = dy.numbers, .dx = dx.numbers};
    struct error error = {0};
    struct op op;

    heap_draw(&x, dice);
    heap_draw(&dy, dice);
    CHECK(layout_make(shape, layouts[0], layouts[1], &op, &error));
    CHECK(op.x.count == x.count && op.y.count == y.count);
    op.forward(&op, &call);
    op.backward(&op, &call);
    check_converted(&x, &y);
    check_converted(&dy, &dx);
    if (op.drop != NULL)
        op.drop(&op);
    free(x.numbers);
    free(dx.numbers);
    free(y.numbers);
    free(dy.numbers);
}

TEST("activations keep their values on the way from any layout and kind of numbers to any other, "
     "with every instruction set")
{
    static const char *const sets[] = {"avx512", "avx2", "baseline"};
    static const struct layout layouts[] = {{1, NUMBER_REAL}, {8, NUMBER_REAL}, {16, NUMBER_REAL},
                                            {1, NUMBER_BF16}, {8, NUMBER_BF16}, {16, NUMBER_BF16}};
    const size_t all = COUNT_OF(layouts);

    for (uint64_t number = 0; number < 720; number++) {
        const struct layout pair[] = {layouts[number % all], layouts[number / all % all]};
        struct dice dice = {{number, RNG_SYNTHETIC, 6}, 0};
        const struct shape shape = {roll_channels(&dice), roll(&dice, 1, 8), roll(&dice, 1, 8), 0};

        if (number % all == number / all % all)
            continue;
        CHECK(setenv("TRAIND_MAX_ISA", sets[number % 7 % COUNT_OF(sets)], 1) == 0);
        check_both_ways(&shape, pair, &dice);
    }
}
