/* Safetensors: header and ranges. The reference is huggingface's format description: "data_offsets"
 * count from the end of the header, every byte of the data belongs to exactly one tensor, keys are
 * unique. */
#include "server/safetensors.h"

#include "core/digest.h"
#include "core/optimizer.h"
#include "server/body.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "numbers are written as they lie in memory");

enum { LENGTH_SIZE = 8, ALIGNMENT = 8 };

/* One tensor of the file: a tensor of the plan, or what the optimizer keeps for one. */
struct part {
    const struct plan_tensor *tensor;
    int64_t offset;   /* of its numbers */
    const char *slot; /* NULL: the tensor itself */
};

static int count_learned(const struct plan *plan)
{
    int count = 0;

    for (int i = 0; i < plan->tensor_count; i++)
        count += plan->tensors[i].learned;
    return count;
}

static int count_parts(const struct plan *plan, const struct safetensors_meta *meta)
{
    int slots = meta->optimizer ? (int)plan->optimizer_slots : 0;

    return plan->tensor_count + slots * count_learned(plan);
}

/* All of them in the order of the file; malloc'ed. */
static struct part *list_parts(const struct plan *plan, const struct safetensors_meta *meta)
{
    struct part *parts = calloc((size_t)count_parts(plan, meta) + 1, sizeof(*parts)), *next = parts;
    int slots = meta->optimizer ? (int)plan->optimizer_slots : 0;

    for (int i = 0; parts && i < plan->tensor_count; i++)
        *next++ = (struct part){&plan->tensors[i], plan->tensors[i].offset, NULL};
    for (int slot = 0; parts && slot < slots; slot++)
        for (int i = 0; i < plan->tensor_count; i++)
            if (plan->tensors[i].learned)
                *next++ =
                    (struct part){&plan->tensors[i],
                                  plan->numbers + slot * plan->parameters + plan->tensors[i].offset,
                                  optimizer_slot_name(meta->optimizer, slot)};
    return parts;
}

static json_t *metadata(const struct safetensors_meta *meta)
{
    char step[24];
    json_t *texts;

    snprintf(step, sizeof(step), "%" PRId64, meta->step);
    texts = json_pack("{s:s, s:s}", "format", "pt", "step", step);
    if (texts && meta->texts && json_object_update(texts, (json_t *)(uintptr_t)meta->texts) != 0) {
        json_decref(texts);
        return NULL;
    }
    return texts;
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

static int put_entry(json_t *object, const struct part *part, uint64_t begin)
{
    json_t *entry = tensor_entry(part->tensor, begin);
    struct body name = {0};
    char *text;
    size_t size;
    int failed;

    if (!part->slot)
        return json_object_set_new(object, part->tensor->name, entry);
    body_print(&name, "optimizer.%s.%s", part->tensor->name, part->slot);
    text = body_take(&name, &size, NULL);
    if (!text) {
        json_decref(entry);
        return -1;
    }
    failed = json_object_set_new(object, text, entry);
    free(text);
    return failed;
}

static json_t *header(const struct plan *plan, const struct part *parts,
                      const struct safetensors_meta *meta)
{
    json_t *object = json_object();
    uint64_t begin = 0;
    int failed = json_object_set_new(object, "__metadata__", metadata(meta));

    for (int i = 0; failed == 0 && i < count_parts(plan, meta); i++) {
        failed = put_entry(object, &parts[i], begin);
        begin += (uint64_t)parts[i].tensor->count * sizeof(float);
    }
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* The header as it stands in the file: length, JSON, spaces. */
static char *head_make(json_t *object, size_t *size)
{
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
    int count = count_parts(plan, meta);
    struct part *parts = list_parts(plan, meta);

    *out = (struct safetensors){.slice_count = count};
    if (parts)
        out->head = head_make(header(plan, parts, meta), &out->head_size);
    out->slices = calloc((size_t)count + 1, sizeof(out->slices[0]));
    if (!out->head || !out->slices) {
        free(parts);
        safetensors_drop(out);
        return error_set(error, ERROR_MEMORY, "safetensors", "no memory for the header");
    }
    out->size = out->head_size;
    for (int i = 0; i < count; i++) {
        out->slices[i] =
            (struct safetensors_slice){parts[i].offset, parts[i].tensor->count, out->size};
        out->size += (uint64_t)parts[i].tensor->count * sizeof(float);
    }
    free(parts);
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
