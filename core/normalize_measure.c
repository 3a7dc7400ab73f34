/* Measuring a data set's channels, in double and in one fixed order. Bytes are summed as integers,
 * which no order can change. Knows nothing of options or kinds. */
#include "core/normalize_measure.h"

/* So many squares of bytes fit into 32 bits. */
enum { PIECE = 65536 };

struct moments {
    double mean, variance;
};

static int64_t sample_at(const struct normalize_data *data, int64_t i)
{
    return data->samples ? data->samples[i] : i;
}

VECTOR_CLONES static void add_bytes(const uint8_t *pixels, int64_t count, uint64_t sums[2])
{
    uint32_t sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t pixel = pixels[i];
        sum += pixel;
        squares += pixel * pixel;
    }
    sums[0] += sum;
    sums[1] += squares;
}

/* The squares are taken about the whole number next to the mean: that sum is exact too, and little
 * is left to be subtracted. */
static struct moments byte_moments(const struct normalize_data *data, int64_t channel)
{
    int64_t pixels = data->shape.height * data->shape.width, count = data->count * pixels;
    uint64_t sums[2] = {0, 0};
    for (int64_t i = 0; i < data->count; i++) {
        const uint8_t *from =
            data->split->images + (sample_at(data, i) * data->shape.channels + channel) * pixels;
        for (int64_t at = 0; at < pixels; at += PIECE)
            add_bytes(from + at, pixels - at < PIECE ? pixels - at : PIECE, sums);
    }
    int64_t sum = (int64_t)sums[0], near = (sum + count / 2) / count;
    int64_t squares = (int64_t)sums[1] - 2 * near * sum + count * near * near;
    double rest = (double)(sum - count * near) / (double)count;
    return (struct moments){(double)near + rest, (double)squares / (double)count - rest * rest};
}

/* Σ (x − origin)^power for power 1 or 2, in eight lanes. */
VECTOR_CLONES static double sum_reals(const float *pixels, int64_t count, double origin,
                                      bool squares)
{
    double lanes[8] = {0};
    for (int64_t i = 0; i < count; i += 8)
        for (int64_t lane = 0; lane < 8 && i + lane < count; lane++) {
            double away = (double)pixels[i + lane] - origin;
            lanes[lane] += squares ? away * away : away;
        }
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static double mean_about(const struct normalize_data *data, int64_t channel, double origin,
                         bool squares)
{
    int64_t pixels = data->shape.height * data->shape.width;
    double sum = 0;
    for (int64_t i = 0; i < data->count; i++)
        sum += sum_reals(data->split->reals +
                             (sample_at(data, i) * data->shape.channels + channel) * pixels,
                         pixels, origin, squares);
    return sum / ((double)data->count * (double)pixels);
}

/* About the first number, so that a channel of one value gets exactly that mean and variance 0. */
static struct moments real_moments(const struct normalize_data *data, int64_t channel)
{
    int64_t pixels = data->shape.height * data->shape.width;
    double first =
        data->split->reals[(sample_at(data, 0) * data->shape.channels + channel) * pixels];
    double mean = first + mean_about(data, channel, first, false);
    return (struct moments){mean, mean_about(data, channel, mean, true)};
}

void normalize_measure(const void *options, const struct normalize_data *data,
                       struct normalization *out)
{
    (void)options;
    for (int64_t c = 0; c < out->channels; c++) {
        struct moments moments = data->split->reals ? real_moments(data, c) : byte_moments(data, c);
        double std = sqrt(moments.variance) / (double)out->divisor;
        out->mean[c] = (real)(moments.mean / (double)out->divisor);
        out->std[c] = (real)std > 0 ? (real)std : 1;
    }
}
