/* Safetensors, the way in: a file of named tensors that anybody may have made. Knows nothing of
 * networks.
 *
 * The format (https://github.com/huggingface/safetensors): header length (8 bytes, little-endian),
 * a JSON object {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …, "__metadata__":
 * {texts}}, then the data, which the tensors cover without gaps or overlaps. All of that is checked
 * before the first number is read; no file makes this take more memory than SAFETENSORS_HEADER_MAX
 * calls for. */
#ifndef SERVER_SAFETENSORS_READ_H
#define SERVER_SAFETENSORS_READ_H

#include "core/plan.h"

enum { SAFETENSORS_HEADER_MAX = 4 << 20, SAFETENSORS_TENSORS_MAX = 65536 };
/* Room for a tensor's name in a message: see text_show. */
enum { SAFETENSORS_SHOWN = 64 };

struct safetensors_entry {
    const char *name; /* UTF-8 of any kind */
    int dtype;        /* see safetensors_is_real */
    int rank;
    int64_t dims[PLAN_RANK_MAX];
    int64_t count;
    uint64_t begin, end; /* in bytes, behind the header */
};

struct safetensors_reader {
    struct arena arena; /* owns the entries */
    int file;
    uint64_t data; /* where the data begin in the file */
    struct safetensors_entry *entries;
    int count;
};

/* Opens and checks; to be closed in any case. ERROR_NOT_FOUND; ERROR_INVALID, with a sentence about
 * what is wrong, for a file that is none of the format. */
bool safetensors_reader_open(const char *path, struct safetensors_reader *out,
                             struct error *error) MUST_CHECK;
void safetensors_reader_close(struct safetensors_reader *reader);

/* Whether the tensor holds real numbers that can be read as fp32 (F64, F32, F16, BF16), and the
 * name of what it holds. */
bool safetensors_is_real(const struct safetensors_entry *entry);
const char *safetensors_dtype(const struct safetensors_entry *entry);

/* Reads all numbers of a real tensor as fp32 to `out` (entry->count). */
bool safetensors_reader_take(const struct safetensors_reader *reader,
                             const struct safetensors_entry *entry, float *out,
                             struct error *error) MUST_CHECK;

#endif
