/* Safetensors: header and ranges. The reference is huggingface's format description: "data_offsets"
 * count from the end of the header, every byte of the data belongs to exactly one tensor, keys are
 * unique. */
#include "server/safetensors.h"

#include "core/digest.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "numbers are written as they lie in memory");

enum { LENGTH_SIZE = 8, ALIGNMENT = 8 };

static json_t *metadata(const struct safetensors_meta *meta)
{
    char step[24];

    snprintf(step, sizeof(step), "%" PRId64, meta->step);
    return json_pack("{s:s, s:s}", "format", "pt", "step", step);
}

static json_t *tensor_entry(const struct plan_tensor *tensor, uint64_t begin)
{
    json_t *dims = json_array();

    for (int i = 0; i < tensor->rank; i++)
        if (json_array_append_new(dims, json_integer(tensor->dims[i])) != 0)
            break; /* the shape would lie: its length is checked below */
    if (json_array_size(dims) != (size_t)tensor->rank) {
        json_decref(dims);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", dims, "data_offsets",
                     (json_int_t)begin,
                     (json_int_t)(begin + (uint64_t)tensor->count * sizeof(float)));
}

static json_t *header(const struct plan *plan, const struct safetensors_meta *meta)
{
    json_t *object = json_object();
    uint64_t begin = 0;

    if (json_object_set_new(object, "__metadata__", metadata(meta)) != 0) {
        json_decref(object);
        return NULL;
    }
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        if (json_object_set_new(object, tensor->name, tensor_entry(tensor, begin)) != 0) {
            json_decref(object);
            return NULL;
        }
        begin += (uint64_t)tensor->count * sizeof(float);
    }
    return object;
}

/* The header as it stands in the file: length, JSON, spaces. */
static char *head_make(const struct plan *plan, const struct safetensors_meta *meta, size_t *size)
{
    json_t *object = header(plan, meta);
    size_t text_size;
    char *text = json_text(object, &text_size);
    char *head = NULL;
    uint64_t length;

    json_decref(object);
    if (!text)
        return NULL;
    length = (text_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *size = LENGTH_SIZE + length;
    head = malloc(*size);
    if (head) {
        memcpy(head, &length, LENGTH_SIZE);
        memset(head + LENGTH_SIZE, ' ', length);
        memcpy(head + LENGTH_SIZE, text, text_size);
    }
    free(text);
    return head;
}

bool safetensors_init(const struct plan *plan, const struct safetensors_meta *meta,
                      struct safetensors *out, struct error *error)
{
    size_t count = (size_t)plan->tensor_count;

    *out = (struct safetensors){.slice_count = plan->tensor_count};
    out->head = head_make(plan, meta, &out->head_size);
    out->slices = calloc(count > 0 ? count : 1, sizeof(out->slices[0]));
    if (!out->head || !out->slices) {
        safetensors_drop(out);
        return error_set(error, ERROR_MEMORY, "safetensors", "no memory for the header");
    }
    out->size = out->head_size;
    for (size_t i = 0; i < count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];

        out->slices[i] = (struct safetensors_slice){tensor->offset, tensor->count, out->size};
        out->size += (uint64_t)tensor->count * sizeof(float);
    }
    return true;
}

void safetensors_drop(struct safetensors *file)
{
    free(file->head);
    free(file->slices);
    *file = (struct safetensors){0};
}

struct range {
    uint64_t from, to; /* in bytes of the file */
    char *out;
};

/* Copies what the range shares with `size` bytes that begin at byte `begin` of the file. */
static void copy_shared(const struct range *range, uint64_t begin, const char *bytes, uint64_t size)
{
    uint64_t from = range->from > begin ? range->from : begin;
    uint64_t to = range->to < begin + size ? range->to : begin + size;

    if (from < to)
        memcpy(range->out + (from - range->from), bytes + (from - begin), (size_t)(to - from));
}

void safetensors_read(const struct safetensors *file, const float *numbers, uint64_t from,
                      void *out, size_t size)
{
    struct range range = {.from = from, .to = from + size, .out = out};

    copy_shared(&range, 0, file->head, file->head_size);
    for (int i = 0; i < file->slice_count; i++) {
        const struct safetensors_slice *slice = &file->slices[i];

        copy_shared(&range, slice->begin, (const char *)(numbers + slice->offset),
                    (uint64_t)slice->count * sizeof(float));
    }
}

bool safetensors_digest(const struct safetensors *file, const float *numbers, char sha256[65],
                        struct error *error)
{
    uint8_t digest[DIGEST_BYTES];
    struct digest_piece *pieces = calloc((size_t)file->slice_count + 1, sizeof(*pieces));

    if (!pieces)
        return error_set(error, ERROR_MEMORY, "", "no memory for the digest of the weights");
    pieces[0] = (struct digest_piece){file->head, file->head_size};
    for (int i = 0; i < file->slice_count; i++)
        pieces[i + 1] = (struct digest_piece){numbers + file->slices[i].offset,
                                              (size_t)file->slices[i].count * sizeof(float)};
    digest_pieces(pieces, (size_t)file->slice_count + 1, digest);
    digest_hex(digest, sha256);
    free(pieces);
    return true;
}
