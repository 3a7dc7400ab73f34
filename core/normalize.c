/* Normalization: the kinds, their options, and the loops over pixels. Measuring a data set is
 * normalize_measure.c's. */
#include "core/normalize.h"

#include "core/normalize_measure.h"

#include <string.h>

/* Enough for real pixels of any unit, and far from what a float cannot divide by. */
#define NUMBER_MAX 1e12

/* clang-format off */
static const struct field mean_rows[] = {
    {.name = "mean", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct normalize_number, value), .min = -NUMBER_MAX, .max = NUMBER_MAX,
     .help = "of one channel"},
};
static const struct field std_rows[] = {
    {.name = "std", .type = FIELD_REAL, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct normalize_number, value), .min = 1 / NUMBER_MAX, .max = NUMBER_MAX,
     .help = "of one channel"},
};
static const struct fields mean_fields = {mean_rows, 1, sizeof(struct normalize_number)};
static const struct fields std_fields = {std_rows, 1, sizeof(struct normalize_number)};

static const struct field mean_std_rows[] = {
    {.name = "mean", .type = FIELD_LIST, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct normalize_mean_std_options, mean), .min = 1, .max = 4096,
     .fields = &mean_fields,
     .help = "one number for each channel, on the scale 0 … 1 where pixels are bytes"},
    {.name = "std", .type = FIELD_LIST, .flags = FIELD_REQUIRED,
     .offset = offsetof(struct normalize_mean_std_options, std), .min = 1, .max = 4096,
     .fields = &std_fields, .help = "what the difference from the mean is divided by"},
};
/* clang-format on */

static void check_length(const struct list *list, const char *name, int64_t channels,
                         struct problems *problems)
{
    char pointer[64] = "/dataset/normalize";
    pointer_push(pointer, sizeof pointer, name);
    if (list->count > 0 && (int64_t)list->count != channels)
        problem_add(problems, pointer, "found %zu; the data set has %lld channel%s", list->count,
                    (long long)channels, channels == 1 ? "" : "s");
}

bool normalize_is_for_bytes(const struct variant *normalize)
{
    if (normalize->kind != normalize_kinds.untyped)
        return false;
    const struct normalize_mean_std_options *o = normalize->options;
    const struct normalize_number *mean = o->mean.items;
    for (size_t i = 0; i < o->mean.count; i++)
        if (fabs(mean[i].value) > 2)
            return true;
    return false;
}

static void mean_std_plan(const void *options, const struct data_shape *data,
                          struct problems *problems)
{
    const struct normalize_mean_std_options *o = options;
    check_length(&o->mean, "mean", data->sample.channels, problems);
    check_length(&o->std, "std", data->sample.channels, problems);
}

static void mean_std_take(const void *options, const struct normalize_data *data,
                          struct normalization *out)
{
    const struct normalize_mean_std_options *o = options;
    const struct normalize_number *mean = o->mean.items, *std = o->std.items;
    (void)data;
    for (int64_t c = 0; c < out->channels; c++) {
        out->mean[c] = (real)mean[c].value;
        out->std[c] = (real)std[c].value;
    }
}

static const struct normalize_kind scale = {
    .kind = {"scale", "pixel / 255", {NULL, 0, 0}},
    .divisors = {255, 255},
};
static const struct normalize_kind standard = {
    .kind = {"standard",
             "each channel of the training samples gets mean 0 and standard deviation 1",
             {NULL, 0, 0}},
    .divisors = {255, 1},
    .shifts = true,
    .measure = normalize_measure,
};
static const struct normalize_kind mean_std = {
    .kind = {"mean_std",
             "(x − mean) / std in each channel, x being pixel / 255 where pixels are bytes",
             {mean_std_rows, COUNT_OF(mean_std_rows), sizeof(struct normalize_mean_std_options)}},
    .divisors = {255, 1},
    .shifts = true,
    .plan = mean_std_plan,
    .measure = mean_std_take,
};
static const struct normalize_kind none = {
    .kind = {"none", "the pixel as it is", {NULL, 0, 0}},
    .divisors = {1, 1},
};

static const struct kind *const rows[] = {&scale.kind, &standard.kind, &mean_std.kind, &none.kind};
const struct kinds normalize_kinds = {
    .noun = "normalization", .rows = rows, .count = COUNT_OF(rows), .untyped = &mean_std.kind};

const struct kind *normalize_default(const struct data_shape *data)
{
    return data->real_pixels ? &none.kind : &scale.kind;
}

void normalize_plan(const struct variant *normalize, const struct data_shape *data,
                    struct problems *problems)
{
    const struct normalize_kind *kind = (const struct normalize_kind *)normalize->kind;
    if (kind->plan)
        kind->plan(normalize->options, data, problems);
}

void normalization_reserve(struct normalization *out, int64_t channels, struct block *block)
{
    *out = (struct normalization){.channels = channels};
    block_reserve(block, &out->mean, channels, sizeof *out->mean);
    block_reserve(block, &out->std, channels, sizeof *out->std);
}

void normalization_measure(struct normalization *out, const struct variant *normalize,
                           const struct normalize_data *data)
{
    const struct normalize_kind *kind = (const struct normalize_kind *)normalize->kind;
    out->divisor = kind->divisors[data->split->reals != NULL];
    out->shifts = kind->shifts;
    for (int64_t c = 0; c < out->channels; c++) {
        out->mean[c] = 0;
        out->std[c] = 1;
    }
    if (kind->measure)
        kind->measure(normalize->options, data, out);
}

/* Division, not multiplication by 1/255: it is what PyTorch's ToTensor gives, to the last digit. */
VECTOR_CLONES static void divide(const real *from, real *to, int64_t count, real divisor)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i] / divisor;
}

/* Three roundings, as ToTensor and Normalize make them. */
VECTOR_CLONES static void shift(const real *from, real *to, int64_t count, const real by[3])
{
    real divisor = by[0], mean = by[1], std = by[2];
    for (int64_t i = 0; i < count; i++)
        to[i] = (from[i] / divisor - mean) / std;
}

void normalization_apply(const struct normalization *normalization, const real *from, real *to,
                         int64_t pixels)
{
    const struct normalization *n = normalization;
    int64_t count = n->channels * pixels;
    if (n->shifts)
        for (int64_t c = 0; c < n->channels; c++)
            shift(from + c * pixels, to + c * pixels, pixels,
                  (real[3]){n->divisor, n->mean[c], n->std[c]});
    else if (n->divisor != 1)
        divide(from, to, count, n->divisor);
    else if (from != to)
        memcpy(to, from, (size_t)count * sizeof *to);
}
