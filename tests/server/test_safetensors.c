/* Tests of the safetensors writer, with a parser of their own. */
#include "server/safetensors.h"
#include "tests/core/network.h"
#include "tests/harness.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

enum { PARAMETERS = 64, NUMBERS = PARAMETERS + 16 };

/* Tensors with padding between them in the flat array, as the plan lays them out: what is not
 * learned lies behind all else. */
static struct plan_tensor tensors[] = {
    {.name = "0.weight", .dims = {2, 3, 2, 1}, .rank = 4, .offset = 0, .count = 12, .fan_in = 6},
    {.name = "0.bias", .dims = {3}, .rank = 1, .offset = 16, .count = 3, .fan_in = 6},
    {.name = "1.running_mean", .dims = {3}, .rank = 1, .offset = PARAMETERS, .count = 3},
    {.name = "3.weight", .dims = {4, 5}, .rank = 2, .offset = 32, .count = 20, .fan_in = 5},
};
static const struct plan plan = {
    .tensors = tensors, .tensor_count = 4, .parameters = PARAMETERS, .numbers = NUMBERS};

static char *whole_file(const struct safetensors *file, const float *numbers)
{
    char *bytes = malloc((size_t)file->size);

    CHECK(bytes != NULL);
    safetensors_read(file, numbers, 0, bytes, (size_t)file->size);
    return bytes;
}

static void make(const struct plan *of, struct safetensors *file, float *numbers)
{
    struct safetensors_meta meta = {.step = 938};
    struct error error = {0};

    for (int i = 0; i < of->numbers; i++)
        numbers[i] = (float)i + 0.25f;
    CHECK(safetensors_init(of, &meta, file, &error));
}

static json_t *parse_header(const char *bytes, uint64_t *data)
{
    uint64_t length;
    json_t *header;

    memcpy(&length, bytes, 8);
    CHECK_INT((int64_t)(length % 8), 0);
    CHECK_INT(bytes[8], '{');
    header = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
    CHECK(header != NULL);
    *data = 8 + length;
    return header;
}

/* Checks one entry against its tensor; returns where its data ends. */
static json_int_t check_entry(const json_t *header, const struct plan_tensor *tensor,
                              json_int_t begin, const char *data)
{
    const json_t *entry = json_object_get(header, tensor->name);
    const json_t *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    json_int_t end = json_integer_value(json_array_get(offsets, 1));

    CHECK_TEXT(json_string_value(json_object_get(entry, "dtype")), "F32");
    CHECK_INT((int64_t)json_array_size(shape), tensor->rank);
    for (int i = 0; i < tensor->rank; i++)
        CHECK_INT(json_integer_value(json_array_get(shape, (size_t)i)), tensor->dims[i]);
    CHECK_INT(json_integer_value(json_array_get(offsets, 0)), begin);
    CHECK_INT(end - begin, tensor->count * 4);
    for (int64_t i = 0; i < tensor->count; i++) {
        float number;

        memcpy(&number, data + begin + i * 4, 4);
        CHECK(number == (float)(tensor->offset + i) + 0.25f);
    }
    return end;
}

TEST("a safetensors file holds every tensor once, in order, without gaps and without the plan's "
     "padding")
{
    float numbers[NUMBERS];
    struct safetensors file;
    uint64_t data;
    json_int_t end = 0;

    make(&plan, &file, numbers);
    char *bytes = whole_file(&file, numbers);
    json_t *header = parse_header(bytes, &data);
    for (int i = 0; i < plan.tensor_count; i++)
        end = check_entry(header, &tensors[i], end, bytes + data);
    CHECK_INT((int64_t)file.size, (int64_t)data + end);
    CHECK_INT((int64_t)json_object_size(header), plan.tensor_count + 1);
    json_decref(header);
    free(bytes);
    safetensors_drop(&file);
}

/* Batch norm with and without learned numbers, the one inside a block. */
static struct spec *normalizing_network(void)
{
    struct spec *spec = network_new();
    struct batch_norm2d_options *plain = network_layer(spec, "batch_norm2d");
    struct residual_options *block = network_layer(spec, "residual");
    const struct kind *kind = kinds_find(&layer_kinds, "batch_norm2d");

    plain->affine = false;
    block->body = (struct variants){arena_take(&spec->arena, sizeof(struct variant)), 1};
    CHECK(block->body.items && variant_make(&spec->arena, &layer_kinds, kind, block->body.items));
    network_layer(spec, "flatten");
    network_linear(spec, 2);
    return spec;
}

TEST("running statistics are exported under PyTorch's names, though they lie behind all that is "
     "learned")
{
    static const char *const names[] = {
        "0.running_mean",        "0.running_var",        "1.body.0.weight", "1.body.0.bias",
        "1.body.0.running_mean", "1.body.0.running_var", "3.weight",        "3.bias"};
    static const struct data_shape shape = {
        .sample = {3, 4, 4, 0}, .classes = 2, .train_samples = 8};
    struct spec *spec = normalizing_network();
    struct safetensors file;
    struct plan real_plan;
    uint64_t data;
    json_int_t end = 0;

    network_plan(spec, &shape, &real_plan);
    CHECK(real_plan.numbers > real_plan.parameters);
    float *numbers = calloc((size_t)real_plan.numbers, sizeof(*numbers));
    CHECK(numbers != NULL);
    make(&real_plan, &file, numbers);
    char *bytes = whole_file(&file, numbers);
    json_t *header = parse_header(bytes, &data);
    CHECK_INT(real_plan.tensor_count, (int64_t)COUNT_OF(names));
    for (int i = 0; i < real_plan.tensor_count; i++) {
        const struct plan_tensor *tensor = &real_plan.tensors[i];

        CHECK_TEXT(tensor->name, names[i]);
        CHECK_INT(strstr(names[i], "running") == NULL, tensor->offset < real_plan.parameters);
        end = check_entry(header, tensor, end, bytes + data);
    }
    CHECK_INT((int64_t)file.size, (int64_t)data + end);
    json_decref(header);
    free(bytes);
    free(numbers);
    safetensors_drop(&file);
    plan_drop(&real_plan);
    network_free(spec);
}

TEST("the metadata are strings, as the format wants")
{
    float numbers[NUMBERS];
    struct safetensors file;
    uint64_t data;
    const char *key;
    json_t *value;

    make(&plan, &file, numbers);
    char *bytes = whole_file(&file, numbers);
    json_t *header = parse_header(bytes, &data);
    json_t *metadata = json_object_get(header, "__metadata__");
    json_object_foreach (metadata, key, value)
        CHECK(json_is_string(value));
    CHECK_TEXT(json_string_value(json_object_get(metadata, "format")), "pt");
    CHECK_TEXT(json_string_value(json_object_get(metadata, "step")), "938");
    json_decref(header);
    free(bytes);
    safetensors_drop(&file);
}

TEST("any range of the file is what stands there in the whole file")
{
    float numbers[NUMBERS];
    struct safetensors file;
    char piece[512];

    make(&plan, &file, numbers);
    char *bytes = whole_file(&file, numbers);
    CHECK(file.size < sizeof(piece));
    for (size_t from = 0; from <= file.size; from++) {
        for (size_t size = 0; from + size <= file.size; size++) {
            memset(piece, 0xA5, sizeof(piece));
            safetensors_read(&file, numbers, from, piece, size);
            CHECK(memcmp(piece, bytes + from, size) == 0);
            CHECK_INT((unsigned char)piece[size], 0xA5);
        }
    }
    free(bytes);
    safetensors_drop(&file);
}

TEST("a plan without weights gives a file of its header alone")
{
    static const struct plan empty = {0};
    struct safetensors_meta meta = {.step = 0};
    struct error error = {0};
    struct safetensors file;

    CHECK(safetensors_init(&empty, &meta, &file, &error));
    CHECK_INT((int64_t)file.size, (int64_t)file.head_size);
    safetensors_drop(&file);
    safetensors_drop(&file);
}
