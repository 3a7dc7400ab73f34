/* Image fit: channels, and sizes by two passes of the same filter, along the rows and along the
 * columns. */
#include "core/image_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, "", "no memory for an image");
}

bool image_set_channels(struct image *image, int64_t channels, struct error *error)
{
    size_t plane = (size_t)(image->height * image->width);
    if (channels == image->channels)
        return true;
    uint8_t *planes = malloc(plane * (size_t)channels);
    if (!planes)
        return no_memory(error);
    const uint8_t *from = image->planes;
    if (image->channels == 1)
        for (int64_t channel = 0; channel < channels; channel++)
            memcpy(planes + (size_t)channel * plane, from, plane);
    else
        for (size_t i = 0; i < plane; i++)
            planes[i] = (uint8_t)((299 * from[i] + 587 * from[plane + i] +
                                   114 * from[2 * plane + i] + 500) /
                                  1000);
    free(image->planes);
    image->planes = planes;
    image->channels = channels;
    return true;
}

/* ---- sizes ---- */

/* One side of an image that gets another length. */
struct axis {
    int64_t from, to;
    int64_t taps;  /* most pixels that one new pixel is made of */
    int64_t *near; /* (to) the first of them */
    float *weight; /* (to, taps), each row's sum 1 */
};

static void axis_drop(struct axis *axis)
{
    free(axis->near);
    free(axis->weight);
}

static void weigh(struct axis *axis, int64_t i)
{
    double scale = (double)axis->from / (double)axis->to, reach = scale > 1 ? scale : 1, sum = 0;
    double centre = ((double)i + 0.5) * scale;
    int64_t first = (int64_t)floor(centre - reach);
    float *weight = axis->weight + i * axis->taps;
    axis->near[i] = first < 0 ? 0 : first;
    for (int64_t k = 0; k < axis->taps; k++) {
        int64_t pixel = axis->near[i] + k;
        double away = fabs((double)pixel + 0.5 - centre) / reach;
        weight[k] = pixel < axis->from && away < 1 ? (float)(1 - away) : 0;
        sum += (double)weight[k];
    }
    for (int64_t k = 0; k < axis->taps; k++)
        weight[k] = (float)((double)weight[k] / sum);
}

static bool axis_make(struct axis *axis, int64_t from, int64_t to, struct error *error)
{
    double scale = (double)from / (double)to;
    *axis = (struct axis){.from = from, .to = to};
    axis->taps = 2 * (int64_t)ceil(scale > 1 ? scale : 1) + 1;
    axis->near = calloc((size_t)to, sizeof *axis->near);
    axis->weight = calloc((size_t)(to * axis->taps), sizeof *axis->weight);
    if (!axis->near || !axis->weight)
        return no_memory(error);
    for (int64_t i = 0; i < to; i++)
        weigh(axis, i);
    return true;
}

/* How many of the taps lie inside. */
static int64_t inside(const struct axis *axis, int64_t i)
{
    int64_t left = axis->from - axis->near[i];
    return left < axis->taps ? left : axis->taps;
}

/* `out` (to) from the row `in` (from). */
static void resize_row(const struct axis *axis, const uint8_t *in, float *out)
{
    for (int64_t i = 0; i < axis->to; i++) {
        const float *weight = axis->weight + i * axis->taps;
        float sum = 0;
        for (int64_t k = 0; k < inside(axis, i); k++)
            sum += weight[k] * (float)in[axis->near[i] + k];
        out[i] = sum;
    }
}

/* One plane: rows first, into `half` (height, columns.to), then columns. */
static void resize_plane(const struct axis axes[2], const uint8_t *in, float *half, uint8_t *out)
{
    const struct axis *rows = &axes[0], *columns = &axes[1];
    int64_t width = columns->to;
    for (int64_t y = 0; y < rows->from; y++)
        resize_row(columns, in + y * columns->from, half + y * width);
    for (int64_t y = 0; y < rows->to; y++) {
        const float *weight = rows->weight + y * rows->taps;
        for (int64_t x = 0; x < width; x++) {
            float sum = 0;
            for (int64_t k = 0; k < inside(rows, y); k++)
                sum += weight[k] * half[(rows->near[y] + k) * width + x];
            out[y * width + x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum + 0.5f);
        }
    }
}

bool image_resize(struct image *image, int64_t height, int64_t width, struct error *error)
{
    struct axis axes[2] = {{.from = 0}, {.from = 0}};
    float *half = NULL;
    uint8_t *planes = NULL;
    if (height == image->height && width == image->width)
        return true;
    bool good = axis_make(&axes[0], image->height, height, error) &&
                axis_make(&axes[1], image->width, width, error);
    if (good) {
        half = malloc((size_t)(image->height * width) * sizeof *half);
        planes = malloc((size_t)(image->channels * height * width));
        good = (half && planes) || no_memory(error);
    }
    for (int64_t channel = 0; good && channel < image->channels; channel++)
        resize_plane(axes, image->planes + channel * image->height * image->width, half,
                     planes + channel * height * width);
    if (good) {
        free(image->planes);
        image->planes = planes;
        image->height = height;
        image->width = width;
    } else {
        free(planes);
    }
    free(half);
    axis_drop(&axes[0]);
    axis_drop(&axes[1]);
    return good;
}
