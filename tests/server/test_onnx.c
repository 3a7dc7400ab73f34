/* The ONNX file as bytes: its writer, its tables, and reading from anywhere. That other runtimes
 * understand it is tests/export's. */
#include "server/onnx.h"
#include "server/onnx_layer.h"
#include "server/pytorch.h"
#include "tests/core/network.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

static const struct data_shape tiny = {{2, 9, 7, 0}, 4, 32, 8};

TEST("protobuf's bytes are those of its description")
{
    static const char wanted[] = "\x08\x96\x01"         /* 1: 150 */
                                 "\x12\x07testing"      /* 2: text */
                                 "\x1a\x03\x08\x96\x01" /* 3: {1: 150} */
                                 "\x25\x00\x00\x80\x3f" /* 4: 1.0f */
                                 "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"; /* 16: −1 */
    struct body body = {0}, inner = {0};

    protobuf_integer(&body, 1, 150);
    protobuf_text(&body, 2, "testing");
    protobuf_integer(&inner, 1, 150);
    protobuf_message(&body, 3, &inner);
    protobuf_float(&body, 4, 1);
    protobuf_integer(&body, 16, -1);
    CHECK_INT((int64_t)body.size, (int64_t)sizeof(wanted) - 1);
    CHECK(memcmp(body.bytes, wanted, body.size) == 0);
    CHECK(inner.bytes == NULL);
    body_drop(&body);
}

TEST("every kind of layer is written as ONNX and as a module of PyTorch")
{
    for (size_t i = 0; i < layer_kinds.count; i++) {
        const struct kind *kind = layer_kinds.rows[i];
        void *options = calloc(1, kind->options.size + 1);
        if (!onnx_exporter_find(kind) || !pytorch_layer_find(kind, options))
            FAIL("%s has no row in onnx_layers.c or pytorch_layers.c", kind->name);
        free(options);
    }
}

/* ---- files ---- */

static void flipped(struct spec *spec, int64_t kernel)
{
    network_conv2d(spec, 3, kernel, 1, kernel / 2);
    ((struct conv2d_options *)spec->model.items[spec->model.count - 1].options)->flip_kernel = true;
}

struct making {
    struct spec *spec;
    struct plan plan;
    float mean[2], std[2];
    struct normalization normalization;
    struct onnx_file file;
    struct problems problems;
};

static void make_file(struct making *making)
{
    struct error error = {0};

    making->normalization = (struct normalization){255, true, 2, making->mean, making->std};
    const struct onnx_source source = {.spec = making->spec,
                                       .plan = &making->plan,
                                       .normalization = &making->normalization,
                                       .job = "abc",
                                       .step = 7};
    CHECK(onnx_init(&source, &making->file, &making->problems, &error));
}

static void drop(struct making *making)
{
    onnx_drop(&making->file);
    plan_drop(&making->plan);
    network_free(making->spec);
    free(making);
}

static bool read_numbers(void *context, int64_t offset, size_t count, float *out,
                         struct error *error)
{
    (void)error;
    memcpy(out, (const float *)context + offset, count * sizeof(*out));
    return true;
}

static char *read_all(struct onnx_reader *reader)
{
    struct error error = {0};
    struct body body = {0};

    while (body.size < reader->file->size)
        CHECK(onnx_read(reader, body.size, &body, &error));
    CHECK_INT((int64_t)body.size, (int64_t)reader->file->size);
    return body.bytes;
}

/* Where these numbers begin in the file; fails where they are not. */
static const char *find_numbers(const struct making *making, const char *bytes,
                                const float *numbers, size_t count)
{
    const char *found = memmem(bytes, making->file.size, numbers, count * sizeof(*numbers));

    CHECK(found != NULL);
    return found;
}

TEST("numbers of filters that are flipped stand in the file in reverse, all others as they are")
{
    struct making *making = calloc(1, sizeof(*making));
    making->spec = network_new();
    flipped(making->spec, 3);
    network_layer(making->spec, "flatten");
    network_linear(making->spec, 4);
    network_plan(making->spec, &tiny, &making->plan);
    make_file(making);
    CHECK_INT((int64_t)making->problems.count, 0);

    float *numbers = calloc((size_t)making->plan.numbers, sizeof(*numbers));
    for (int64_t i = 0; i < making->plan.numbers; i++)
        numbers[i] = (float)i + 0.5f;
    struct onnx_reader reader = {
        .file = &making->file, .numbers = read_numbers, .context = numbers};
    char *bytes = read_all(&reader);

    float turned[3 * 2 * 9];
    for (int i = 0; i < 54; i++)
        turned[i] = numbers[i / 9 * 9 + 8 - i % 9];
    const char *weight = find_numbers(making, bytes, turned, 54);
    const struct plan_tensor *bias = &making->plan.tensors[1], *linear = &making->plan.tensors[2];
    CHECK(find_numbers(making, bytes, numbers + bias->offset, (size_t)bias->count) > weight);
    (void)find_numbers(making, bytes, numbers + linear->offset, (size_t)linear->count);
    free(bytes);
    free(numbers);
    drop(making);
}

/* Filters of so many numbers that a piece holds no whole one. */
TEST("a file reads the same from every place on, in the middle of numbers too")
{
    struct making *making = calloc(1, sizeof(*making));
    struct error error = {0};
    making->spec = network_new();
    flipped(making->spec, 3);
    flipped(making->spec, 121);
    network_layer(making->spec, "flatten");
    network_linear(making->spec, 4);
    network_plan(making->spec, &tiny, &making->plan);
    make_file(making);
    CHECK_INT((int64_t)making->problems.count, 0);

    float *numbers = calloc((size_t)making->plan.numbers, sizeof(*numbers));
    for (int64_t i = 0; i < making->plan.numbers; i++)
        numbers[i] = (float)i + 0.5f;
    struct onnx_reader reader = {
        .file = &making->file, .numbers = read_numbers, .context = numbers};
    char *bytes = read_all(&reader);
    uint64_t size = making->file.size;
    for (uint64_t from = 0; from < size; from += from < 4000 ? 1 : 997) {
        struct body piece = {0};
        CHECK(onnx_read(&reader, from, &piece, &error));
        CHECK(piece.size > 0 && piece.size <= size - from);
        if (memcmp(piece.bytes, bytes + from, piece.size) != 0)
            FAIL("from byte %llu on it is another file", (unsigned long long)from);
        body_drop(&piece);
    }
    free(bytes);
    free(numbers);
    drop(making);
}

TEST("a layer without an exporter and a file that is too large are problems, told with their place")
{
    static const struct kind stranger = {"stranger", "a layer of tomorrow", {NULL, 0, 0}};
    struct making *making = calloc(1, sizeof(*making));
    struct body script = {0};
    making->spec = network_new();
    network_layer(making->spec, "flatten");
    network_linear(making->spec, 1 << 20);
    network_linear(making->spec, 1000);
    network_linear(making->spec, 4);
    network_plan(making->spec, &tiny, &making->plan);
    make_file(making);
    CHECK_INT((int64_t)making->problems.count, 1);
    CHECK_TEXT(making->problems.items[0].pointer, "/model");
    CHECK(strstr(making->problems.items[0].detail, "2147483647"));
    onnx_drop(&making->file);

    making->problems.count = 0;
    making->plan.layers[1].kind = &stranger;
    make_file(making);
    CHECK_INT((int64_t)making->problems.count, 1);
    CHECK_TEXT(making->problems.items[0].pointer, "/model/1");
    CHECK(strstr(making->problems.items[0].detail, "stranger"));

    making->problems.count = 0;
    making->spec->model.items[1].kind = &stranger;
    const struct pytorch_source source = {.spec = making->spec,
                                          .plan = &making->plan,
                                          .normalization = &making->normalization,
                                          .job = "abc",
                                          .name = "",
                                          .training = ""};
    pytorch_write(&source, &script, &making->problems);
    CHECK_INT((int64_t)making->problems.count, 1);
    CHECK_TEXT(making->problems.items[0].pointer, "/model/1");
    body_drop(&script);
    drop(making);
}
