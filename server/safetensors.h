/* Safetensors: a checkpoint's weights as the file that PyTorch, JAX and others read. Knows nothing
 * of where the numbers are kept: it tells what a file consists of, and copies any range of it.
 *
 * The file: header length (8 bytes, little-endian), a JSON header padded with spaces so that the
 * data begins at a multiple of 8, then the tensors' fp32 numbers without gaps in the order of
 * plan.tensors: running statistics stand with their layer, as in a PyTorch state dict. With the
 * optimizer's state, what it keeps for each learned tensor follows, named as PyTorch names it:
 * "optimizer.0.weight.exp_avg". */
#ifndef SERVER_SAFETENSORS_H
#define SERVER_SAFETENSORS_H

#include "core/checkpoint.h"

#include <jansson.h>

/* A run of numbers of the flat array, and where it begins in the file. */
struct safetensors_slice {
    int64_t offset, count; /* in numbers */
    uint64_t begin;        /* in bytes of the file */
};

struct safetensors {
    char *head; /* length and header as they stand in the file; owned */
    size_t head_size;
    struct safetensors_slice *slices; /* owned */
    int slice_count;
    uint64_t size; /* of the whole file */
};

/* What `__metadata__` says beside the format. Neither the job nor the program's version: the same
 * weights at the same step are the same file for ever, and its digest is stored. */
struct safetensors_meta {
    int64_t step;
    const struct variant *optimizer; /* its state is in the file, too; NULL: the weights alone */
    const json_t *texts;             /* an object of further texts; NULL: none */
};

/* Works out the file for `plan`; to be dropped. ERROR_MEMORY. */
bool safetensors_init(const struct plan *plan, const struct safetensors_meta *meta,
                      struct safetensors *out, struct error *error) MUST_CHECK;
/* SHA-256, in hexadecimal, of the file that the plan.numbers `numbers` of the flat array, what is
 * not learned included, would make; the optimizer's state, where it is wanted, lies right behind
 * them, as in a checkpoint. ERROR_MEMORY. */
bool safetensors_digest(const struct safetensors *file, const float *numbers, char sha256[65],
                        struct error *error) MUST_CHECK;
/* A zeroed one is allowed. */
void safetensors_drop(struct safetensors *file);

/* Copies `size` bytes of the file from byte `from` to `out`; from + size ≤ file->size. `numbers` as
 * for the digest. */
void safetensors_read(const struct safetensors *file, const float *numbers, uint64_t from,
                      void *out, size_t size);

#endif
