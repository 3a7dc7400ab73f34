/* Synthetic data sets: see dataset_synthetic.h. No function of the maths library is used, because
 * their last digits differ from one to the other. */
#include "core/dataset_synthetic.h"

#include "core/dataset_format.h"
#include "core/rng.h"

#include <inttypes.h>
#include <stdlib.h>

/* What is drawn, above RNG_SYNTHETIC in the stream's number. */
enum { DRAW_PATTERN = 1 << 8, DRAW_SAMPLE = 2 << 8, DRAW_NOISE = 3 << 8 };

/* A pattern is a smooth surface over a grid of so many numbers each way, which wraps around, so
 * that a moved pattern has no seam. */
enum { GRID = 4 };

/* How far a pattern is moved at most: this part of a side, either way. */
enum { SHIFT_PART = 8 };

/* Grey levels: the pattern's standard deviation and the noise's (that of two bytes' sum is 104). */
static const float amplitude = 40, noise_factor = 0.35f;

void synthetic_complete(struct spec_synthetic *synthetic, struct problems *problems)
{
    struct data_shape shape;
    size_t before = problems->count;
    if (synthetic->test_samples == FIELD_ABSENT)
        synthetic->test_samples = synthetic->samples / 4 + (synthetic->samples % 4 != 0);
    if (synthetic->shape.count != 3 || synthetic->classes < 1 || synthetic->samples < 1)
        return;
    synthetic_shape(synthetic, &shape);
    if (shape.train_samples < shape.classes)
        problem_add(problems, "/dataset/synthetic/samples",
                    "%" PRId64 " samples cannot show %" PRId64 " classes", shape.train_samples,
                    shape.classes);
    int64_t bytes =
        saturating_product(shape_elements(&shape.sample), shape.train_samples + shape.test_samples);
    if (problems->count == before && bytes > SYNTHETIC_BYTES_MAX)
        problem_add(problems, "/dataset/synthetic/samples",
                    "%" PRId64 " training and %" PRId64 " test samples of %" PRId64
                    " bytes are more than the %d MiB that are made",
                    shape.train_samples, shape.test_samples, shape_elements(&shape.sample),
                    SYNTHETIC_BYTES_MAX >> 20);
}

void synthetic_shape(const struct spec_synthetic *synthetic, struct data_shape *out)
{
    const struct spec_side *side = synthetic->shape.items;
    *out = (struct data_shape){
        .sample = {.channels = side[0].size, .height = side[1].size, .width = side[2].size},
        .classes = synthetic->classes,
        .train_samples = synthetic->samples,
        .test_samples = synthetic->test_samples};
}

void synthetic_key(const struct spec_synthetic *synthetic, uint64_t seed, char out[DIGEST_HEX])
{
    static const char purpose[] = "synthetic";
    struct data_shape shape;
    uint8_t digest[DIGEST_BYTES];
    synthetic_shape(synthetic, &shape);
    const int64_t numbers[] = {(int64_t)seed,      shape.sample.channels, shape.sample.height,
                               shape.sample.width, shape.classes,         shape.train_samples,
                               shape.test_samples};
    const struct digest_piece pieces[] = {{purpose, sizeof purpose}, {numbers, sizeof numbers}};
    digest_pieces(pieces, COUNT_OF(pieces), digest);
    digest_hex(digest, out);
}

/* ---- patterns ---- */

struct maker {
    struct data_shape shape;
    uint64_t seed;
    float *pattern; /* (channels, height, width) of the class that is made */
    float *lines;   /* (GRID, width) of the channel that is made */
    uint8_t *noise; /* bytes of one sample's noise, whole draws */
    int64_t noise_draws;
};

/* Uniform cubic B-spline: what the four grid numbers around place `at` of `size` count there. */
struct spline {
    int64_t first; /* the first of the four; they wrap around */
    float share[4];
};

static struct spline spline_at(int64_t at, int64_t size)
{
    int64_t scaled = at * GRID, cell = scaled / size;
    float f = (float)(scaled % size) / (float)size, g = 1 - f;
    return (struct spline){cell + GRID - 1,
                           {g * g * g / 6, (3 * f * f * f - 6 * f * f + 4) / 6,
                            (3 * g * g * g - 6 * g * g + 4) / 6, f * f * f / 6}};
}

static void make_lines(const struct maker *maker, int64_t channel)
{
    const struct rng rng = {maker->seed, RNG_SYNTHETIC | DRAW_PATTERN, 0};
    int64_t width = maker->shape.sample.width;
    for (int64_t line = 0; line < GRID; line++) {
        struct rng_block block = rng_draw(&rng, (uint64_t)(channel * GRID + line));
        for (int64_t x = 0; x < width; x++) {
            struct spline spline = spline_at(x, width);
            float sum = 0;
            for (int64_t k = 0; k < 4; k++)
                sum += spline.share[k] *
                       ((float)(block.word[(spline.first + k) % GRID] >> 8) * 0x1p-23f - 1);
            maker->lines[line * width + x] = sum;
        }
    }
}

static void make_channel(const struct maker *maker, float *pattern)
{
    int64_t height = maker->shape.sample.height, width = maker->shape.sample.width;
    for (int64_t y = 0; y < height; y++) {
        struct spline spline = spline_at(y, height);
        for (int64_t x = 0; x < width; x++) {
            float sum = 0;
            for (int64_t k = 0; k < 4; k++)
                sum += spline.share[k] * maker->lines[(spline.first + k) % GRID * width + x];
            pattern[y * width + x] = sum;
        }
    }
}

/* Every class's pattern is as strong as another's. */
static void make_pattern(const struct maker *maker, int64_t label)
{
    const struct shape *sample = &maker->shape.sample;
    int64_t elements = shape_elements(sample), pixels = sample->height * sample->width;
    double squares = 0;
    for (int64_t c = 0; c < sample->channels; c++) {
        make_lines(maker, label * sample->channels + c);
        make_channel(maker, maker->pattern + c * pixels);
    }
    for (int64_t i = 0; i < elements; i++)
        squares += (double)maker->pattern[i] * (double)maker->pattern[i];
    float factor = squares > 0 ? amplitude / (float)sqrt(squares / (double)elements) : 0;
    for (int64_t i = 0; i < elements; i++)
        maker->pattern[i] *= factor;
}

/* ---- samples ---- */

/* What one sample does to its pattern. */
struct variation {
    int64_t down, right; /* 0 … height − 1, width − 1: moved around the edges */
    float contrast, brightness;
};

/* 0 … size − 1, at most size / SHIFT_PART from 0 either way. */
static int64_t draw_shift(uint32_t word, int64_t size)
{
    int64_t most = size / SHIFT_PART;
    int64_t shift = (int64_t)((uint64_t)word * (uint64_t)(2 * most + 1) >> 32) - most;
    return shift < 0 ? shift + size : shift;
}

static struct variation draw_variation(const struct maker *maker, uint32_t split, int64_t index)
{
    const struct rng rng = {maker->seed, RNG_SYNTHETIC | DRAW_SAMPLE, split};
    struct rng_block block = rng_draw(&rng, (uint64_t)index);
    return (struct variation){
        .down = draw_shift(block.word[0], maker->shape.sample.height),
        .right = draw_shift(block.word[1], maker->shape.sample.width),
        .contrast = 0.75f + (float)(block.word[2] >> 8) * 0x1p-25f,         /* 0.75 … 1.25 */
        .brightness = 116 + (float)(block.word[3] >> 8) * (24 * 0x1p-24f)}; /* 128 ± 12 */
}

static void draw_noise(const struct maker *maker, uint32_t split, int64_t index)
{
    const struct rng rng = {maker->seed, RNG_SYNTHETIC | DRAW_NOISE, split};
    for (int64_t i = 0; i < maker->noise_draws; i++) {
        struct rng_block block = rng_draw(&rng, (uint64_t)(index * maker->noise_draws + i));
        for (int byte = 0; byte < 16; byte++)
            maker->noise[i * 16 + byte] = (uint8_t)(block.word[byte / 4] >> byte % 4 * 8);
    }
}

/* A run of pixels that lie side by side in the pattern too. */
VECTOR_CLONES static void fill_run(const float *restrict pattern, const uint8_t *restrict noise,
                                   uint8_t *restrict out, int64_t count,
                                   const struct variation *variation)
{
    float contrast = variation->contrast, brightness = variation->brightness;
    for (int64_t i = 0; i < count; i++) {
        float value = brightness + contrast * pattern[i] +
                      noise_factor * (float)(noise[2 * i] + noise[2 * i + 1] - 255);
        value = value < 0 ? 0 : value > 255 ? 255 : value;
        out[i] = (uint8_t)(int)(value + 0.5f);
    }
}

static void make_sample(const struct maker *maker, uint32_t split, int64_t index, uint8_t *out)
{
    const struct shape *sample = &maker->shape.sample;
    struct variation variation = draw_variation(maker, split, index);
    int64_t height = sample->height, width = sample->width, wrapped = variation.right;
    draw_noise(maker, split, index);
    for (int64_t row = 0; row < sample->channels * height; row++) {
        int64_t from = row / height * height + (row % height + height - variation.down) % height;
        const float *pattern = maker->pattern + from * width;
        const uint8_t *noise = maker->noise + 2 * row * width;
        uint8_t *to = out + row * width;
        fill_run(pattern + width - wrapped, noise, to, wrapped, &variation);
        fill_run(pattern, noise + 2 * wrapped, to + wrapped, width - wrapped, &variation);
    }
}

/* ---- the whole ---- */

static bool part_take(struct dataset_part *part, const struct shape *sample, int64_t count,
                      struct error *error)
{
    part->sample = *sample;
    part->count = count;
    if (count == 0)
        return true;
    part->images = malloc((size_t)(count * shape_elements(sample)));
    part->labels = malloc((size_t)count * sizeof *part->labels);
    return (part->images && part->labels) ||
           error_set(error, ERROR_MEMORY, "", "no memory for %" PRId64 " synthetic images", count);
}

static bool maker_take(struct maker *maker, struct error *error)
{
    int64_t elements = shape_elements(&maker->shape.sample);
    maker->noise_draws = (2 * elements + 15) / 16;
    maker->pattern = malloc((size_t)elements * sizeof *maker->pattern);
    maker->lines = malloc((size_t)(GRID * maker->shape.sample.width) * sizeof *maker->lines);
    maker->noise = malloc((size_t)maker->noise_draws * 16);
    return (maker->pattern && maker->lines && maker->noise) ||
           error_set(error, ERROR_MEMORY, "", "no memory to make synthetic images");
}

/* Class by class, so that one pattern is there at a time. */
static void make_samples(const struct maker *maker, struct dataset_part *parts)
{
    int64_t elements = shape_elements(&maker->shape.sample), classes = maker->shape.classes;
    for (int64_t label = 0; label < classes; label++) {
        make_pattern(maker, label);
        for (uint32_t split = 0; split < 2; split++)
            for (int64_t i = label; i < parts[split].count; i += classes) {
                make_sample(maker, split, i, parts[split].images + i * elements);
                parts[split].labels[i] = (uint16_t)label;
            }
    }
}

bool synthetic_make(const struct spec_synthetic *synthetic, uint64_t seed, struct dataset **out,
                    struct error *error)
{
    static const struct dataset_format format = {.name = "synthetic"};
    struct maker maker = {.seed = seed};
    struct dataset_content content = {0};
    struct dataset_part *parts = content.parts;
    bool good;
    synthetic_shape(synthetic, &maker.shape);
    content.classes = maker.shape.classes;
    good = part_take(&parts[0], &maker.shape.sample, maker.shape.train_samples, error) &&
           part_take(&parts[1], &maker.shape.sample, maker.shape.test_samples, error) &&
           maker_take(&maker, error);
    if (good)
        make_samples(&maker, parts);
    free(maker.pattern);
    free(maker.lines);
    free(maker.noise);
    if (good)
        return dataset_adopt(&format, &content, out, error);
    dataset_content_drop(&content);
    return false;
}
