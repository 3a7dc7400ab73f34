/* ONNX: a trained network as the file that other runtimes read. Knows nothing of where the numbers
 * are kept: it tells what the file consists of, and asks for them by ranges of the flat array.
 *
 * The model (opset 13) takes `input`, float N × C × H × W, pixels as the data set has them: bytes
 * as 0 … 255. What training did to them before the first layer is done inside, so that nobody can
 * get it wrong. It gives `logits`, the scores, and `probabilities`. What training alone does is
 * left out. Every tensor has its name of the safetensors file. All in fp32, whatever the precision
 * that the job was trained in. */
#ifndef SERVER_ONNX_H
#define SERVER_ONNX_H

#include "core/normalize.h"
#include "core/plan.h"
#include "server/body.h"

struct onnx_source {
    const struct spec *spec;
    const struct plan *plan;
    const struct normalization *normalization;
    const char *job;     /* its id */
    const char *classes; /* JSON list of their names; NULL: they have none */
    int64_t step;
};

/* A stretch of the file: text, then numbers of the flat array. */
struct onnx_piece {
    uint64_t begin;         /* in bytes of the file */
    size_t text, text_size; /* in the file's texts */
    int64_t offset, count;  /* numbers; count 0: none */
    int64_t turned;         /* see onnx_weight */
};

struct onnx_file {
    struct body texts;
    struct onnx_piece *pieces; /* owned */
    int piece_count;
    uint64_t size;
};

/* Works out the file; to be dropped in any case. What cannot be exported goes to *problems, with
 * the layer's pointer. False only when memory is gone. */
bool onnx_init(const struct onnx_source *source, struct onnx_file *out, struct problems *problems,
               struct error *error) MUST_CHECK;
void onnx_drop(struct onnx_file *file);

/* Reads numbers[offset … offset + count − 1] of the flat array. */
typedef bool onnx_numbers(void *context, int64_t offset, size_t count, float *out,
                          struct error *error);
struct onnx_reader {
    const struct onnx_file *file;
    onnx_numbers *numbers;
    void *context;
    int piece; /* of the last read: where to look first */
};
enum { ONNX_READ_MAX = 32 * 1024 };
/* Appends bytes from byte `from` < size on: at least one, at most about ONNX_READ_MAX more than the
 * text there. */
bool onnx_read(struct onnx_reader *reader, uint64_t from, struct body *out,
               struct error *error) MUST_CHECK;

#endif
