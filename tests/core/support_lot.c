/* Support for tests: see support_lot.h. */
#include "tests/core/support_lot.h"

#include "core/kernels.h"
#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

int64_t roll(struct dice *dice, int64_t low, int64_t high)
{
    return low + rng_below(&dice->rng, dice->next++, (uint32_t)(high - low + 1));
}

int64_t roll_channels(struct dice *dice)
{
    static const int64_t usual[] = {1, 3, 6, 8, 15, 16, 17, 32, 33, 48, 64};

    return roll(dice, 0, 1) == 0 ? roll(dice, 1, 40)
                                 : usual[roll(dice, 0, (int64_t)COUNT_OF(usual) - 1)];
}

int64_t roll_side(struct dice *dice, int64_t kernel, int64_t padding)
{
    int64_t least = kernel - 2 * padding > 1 ? kernel - 2 * padding : 1;

    return roll(dice, least, least + 12);
}

struct lot roll_lot(roll_layer *layer, uint64_t number)
{
    struct dice dice = {{number, RNG_SYNTHETIC, 7}, 0};
    struct lot lot = {.samples = 0};

    layer(&dice, &lot);
    lot.samples = roll(&dice, 1, 9);
    lot.way = (struct layer_way){KERNELS_BEST, roll(&dice, 1, 5), (int)roll(&dice, 1, 3),
                                 roll(&dice, 0, 3) > 0};
    lot.block = (int[]){1, 8, 16}[roll(&dice, 0, 2)];
    return lot;
}

/* How much rounding a sum of these may gather, though the sum itself be small. */
static double mass(const real *values, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += fabs((double)values[i]);
    return sum;
}

/* Half of the last of the eight bits that bf16 has: what one rounding may cost. */
static const double bf16_rounding = 0x1p-8;

/* Differences are measured against the largest number of the array: float sums of some hundred
 * products; and those of a gradient against the mass of what is summed up in it as well. */
static void check_alike(const struct lot *lot, const char *what, const struct layer_run *run,
                        const real *both[2], int64_t count)
{
    double largest = 1e-30;
    bool gradient = strchr(what, '.') != NULL;
    double rounding = gradient ? 2e-8 * mass(run->dy, lot->samples * run->y_count) /
                                     (double)run->plan.layers[0].output.channels
                               : 0;

    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)both[1][i]));
    double last_bit = lot->precision == PRECISION_BF16 && !gradient ? bf16_rounding : 0;
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)both[0][i] - (double)both[1][i]) <=
              5e-6 * largest + rounding + last_bit * fabs((double)both[1][i])))
            FAIL("%s on %" PRId64 "×%" PRId64 "×%" PRId64 ", %" PRId64
                 " samples, shards of %" PRId64 ", by %s: %s[%" PRId64 "] is %.9g, not %.9g",
                 lot->words, lot->input.channels, lot->input.height, lot->input.width, lot->samples,
                 lot->way.shard_size, run->kernel, what, i, (double)both[0][i], (double)both[1][i]);
}

static void round_all(real *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = bf16_widen(bf16_round(values[i]));
}

void compare(const struct lot *lot, uint64_t number, bool ties)
{
    const struct layer_way reference = {KERNELS_REFERENCE, lot->samples, 1, lot->way.want_dx};
    struct layer_run best, plain;
    struct layer_run *runs[] = {&best, &plain};

    for (int i = 0; i < 2; i++) {
        struct layer_run *run = runs[i];
        int64_t count = lot->samples * shape_elements(&lot->input);

        layer_open(run, lot->words, &lot->input, lot->samples);
        run->block = i == 0 ? lot->block : 1;
        fill_parameters(&run->plan, number, 1, run->parameters);
        fill_symmetric(run->x, count, number, 0);
        for (int64_t k = 0; ties && k < count; k++)
            run->x[k] = (real)fmax(0, floor(3 * (double)run->x[k]));
        fill_symmetric(run->dy, lot->samples * run->y_count, number, 1);
        if (lot->precision == PRECISION_BF16) {
            round_all(run->parameters, run->plan.numbers);
            round_all(run->x, count);
            round_all(run->dy, lot->samples * run->y_count);
        }
        if (i == 0)
            run->spec.run.precision = lot->precision;
        layer_compute(run, i == 0 ? &lot->way : &reference);
    }
    check_alike(lot, "y", &best, (const real *[]){best.y, plain.y}, lot->samples * plain.y_count);
    check_alike(lot, "dx", &best, (const real *[]){best.dx, plain.dx},
                lot->samples * plain.x_count);
    for (int i = 0; i < plain.plan.tensor_count; i++) {
        const struct plan_tensor *t = &plain.plan.tensors[i];

        check_alike(lot, t->name, &best,
                    (const real *[]){best.gradients + t->offset, plain.gradients + t->offset},
                    t->count);
    }
    layer_close(&best);
    layer_close(&plain);
}

void compare_many_by(enum kernel_choice kernels, roll_layer *layer, uint64_t lots)
{
    for (uint64_t number = 0; number < lots; number++) {
        struct lot lot = roll_lot(layer, number);

        lot.way.kernels = kernels;
        compare(&lot, number, number % 4 == 3);
    }
}

void compare_many(roll_layer *layer, uint64_t lots)
{
    compare_many_by(KERNELS_BEST, layer, lots);
}

void check_numbers(const char *what, const real *got, const real *wanted, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (got[i] != wanted[i])
            FAIL("%s[%" PRId64 "] is %g, not %g", what, i, (double)got[i], (double)wanted[i]);
}
