/* Windows of pooling: see pool2d_windows.h. */
#include "core/pool2d_windows.h"

#include "core/layer.h"

#include <stdlib.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* As in PyTorch, a mean with padding counts the window as far as the padding reaches, but not what
 * ceil_mode lets stand out behind it. */
static void sliding_spans(struct pool2d_axis *axis, bool count_padding)
{
    for (int64_t i = 0; i < axis->out; i++) {
        int64_t start = i * axis->stride - axis->padding;
        int64_t end = least(start + axis->kernel, axis->in + axis->padding);
        struct pool2d_span span = {start, most(start, 0), least(end, axis->in), end - start};
        if (!count_padding)
            span.divisor = span.end - span.first;
        axis->spans[i] = span;
    }
}

static void adaptive_spans(struct pool2d_axis *axis)
{
    for (int64_t i = 0; i < axis->out; i++) {
        int64_t first = i * axis->in / axis->out;
        int64_t end = ((i + 1) * axis->in + axis->out - 1) / axis->out;
        axis->spans[i] = (struct pool2d_span){first, first, end, end - first};
    }
}

/* Windows begin and end in order, so those that see an input stand side by side. */
static void find_seers(struct pool2d_axis *axis)
{
    struct pool2d_range by = {0, 0};
    for (int64_t i = 0; i < axis->in; i++) {
        while (by.end < axis->out && axis->spans[by.end].first <= i)
            by.end++;
        while (by.first < by.end && axis->spans[by.first].end <= i)
            by.first++;
        axis->seen_by[i] = by;
    }
}

static void find_ranges(struct pool2d_axis *axis)
{
    axis->whole = axis->cells = (struct pool2d_range){0, 0};
    if (axis->kernel == 0)
        return;
    int64_t overlap = (axis->kernel + axis->stride - 1) / axis->stride - 1;
    int64_t inside = (axis->padding + axis->stride - 1) / axis->stride;
    axis->cells.first = most(overlap, inside);
    axis->cells.end = least(axis->out, (axis->in + axis->padding) / axis->stride);
    axis->whole.first = inside;
    axis->whole.end =
        least(axis->out, (axis->in + axis->padding - axis->kernel) / axis->stride + 1);
    if (axis->in + axis->padding < axis->kernel)
        axis->whole.end = 0;
    if (axis->cells.first >= axis->cells.end)
        axis->cells = (struct pool2d_range){0, 0};
    if (axis->whole.first >= axis->whole.end)
        axis->whole = (struct pool2d_range){0, 0};
}

static void fill_axis(struct pool2d_axis *axis, const struct plan_layer *layer, int number)
{
    const struct pool2d_options *options = layer->options;
    if (layer->kind == &layer_adaptive_avg_pool2d.kind) {
        adaptive_spans(axis);
    } else {
        axis->kernel = options->kernel_size[number];
        axis->stride = options->stride[number];
        axis->padding = options->padding[number];
        sliding_spans(axis, options->count_include_pad);
    }
    find_seers(axis);
    find_ranges(axis);
}

static int64_t vectors(int64_t numbers)
{
    return (numbers + POOL2D_VECTOR - 1) / POOL2D_VECTOR * POOL2D_VECTOR;
}

static void find_lines(struct pool2d_windows *windows)
{
    const struct pool2d_axis *rows = &windows->rows, *axis = &windows->columns;
    struct pool2d_lines *lines = &windows->lines;
    int64_t outputs = vectors(axis->out);
    for (int64_t i = 0; i < outputs; i++) {
        const struct pool2d_span *span = &axis->spans[least(i, axis->out - 1)];
        lines->divisors[i] = (real)span->divisor;
        lines->firsts[i] = (uint8_t)(span->first - span->start);
    }
    if (axis->kernel == 0) {
        lines->scratch = rows->in * axis->in;
        return;
    }
    int64_t reach = most(outputs * axis->stride + axis->kernel, axis->padding + axis->in);
    lines->line = vectors(reach) + POOL2D_VECTOR;
    lines->cells = (axis->in + axis->padding + axis->stride - 1) / axis->stride;
    lines->overlap = (axis->kernel - 1) / axis->stride;
    lines->share = vectors(lines->overlap + most(vectors(lines->cells), outputs)) + POOL2D_VECTOR;
    /* Staged inputs; or staged outputs, their winners, of a byte each, and one line of inputs. */
    lines->work = rows->out * (lines->share + lines->share / 4) + 2 * POOL2D_VECTOR;
    int64_t ahead = rows->in * lines->line + POOL2D_VECTOR;
    int64_t back = lines->work + vectors(lines->cells) * axis->stride + POOL2D_VECTOR;
    lines->scratch = most(ahead, back);
}

bool pool2d_windows_make(const struct plan_layer *layer, struct pool2d_windows *windows)
{
    const struct shape *in = &layer->input, *out = &layer->output;
    size_t outputs = (size_t)(out->height + out->width), inputs = (size_t)(in->height + in->width);
    size_t columns = (size_t)vectors(out->width);
    struct pool2d_span *spans =
        malloc(outputs * sizeof *spans + inputs * sizeof(struct pool2d_range) +
               columns * (sizeof(real) + 1));
    if (!spans)
        return false;
    struct pool2d_range *ranges = (struct pool2d_range *)(spans + outputs);
    *windows = (struct pool2d_windows){
        .rows = {in->height, out->height}, .columns = {in->width, out->width}, .arrays = spans};
    windows->rows.spans = spans;
    windows->rows.seen_by = ranges;
    windows->columns.spans = spans + out->height;
    windows->columns.seen_by = ranges + in->height;
    windows->lines.divisors = (real *)(ranges + inputs);
    windows->lines.firsts = (uint8_t *)(windows->lines.divisors + columns);
    fill_axis(&windows->rows, layer, 0);
    fill_axis(&windows->columns, layer, 1);
    find_lines(windows);
    return true;
}

void pool2d_windows_drop(struct pool2d_windows *windows)
{
    free(windows->arrays);
}
