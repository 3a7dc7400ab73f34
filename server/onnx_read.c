/* ONNX: bytes of the file. */
#include "server/onnx.h"

#include <string.h>

enum { NUMBERS_MAX = ONNX_READ_MAX / sizeof(float) };

static uint64_t piece_end(const struct onnx_piece *piece)
{
    return piece->begin + piece->text_size + (uint64_t)piece->count * sizeof(float);
}

static size_t least(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

static void reverse(float *numbers, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        float kept = numbers[i];
        numbers[i] = numbers[count - 1 - i];
        numbers[count - 1 - i] = kept;
    }
}

/* Numbers `at` and behind of a piece; how many. Runs that stand in reverse are taken whole, several
 * at once, where they fit; else as far as one goes. */
static bool take(const struct onnx_reader *reader, const struct onnx_piece *piece, uint64_t at,
                 float numbers[NUMBERS_MAX], size_t *count, struct error *error)
{
    uint64_t left = (uint64_t)piece->count - at, run = (uint64_t)piece->turned, from = at;

    *count = least(left, NUMBERS_MAX);
    if (run > 1 && at % run == 0 && run <= NUMBERS_MAX) {
        *count -= *count % run;
    } else if (run > 1) {
        *count = least(*count, run - at % run);
        from = at - at % run + run - at % run - *count;
    }
    if (!reader->numbers(reader->context, piece->offset + (int64_t)from, *count, numbers, error))
        return false;
    size_t stretch = run > 1 ? least(run, *count) : 0;
    for (size_t i = 0; stretch > 0 && i < *count; i += stretch)
        reverse(numbers + i, stretch);
    return true;
}

bool onnx_read(struct onnx_reader *reader, uint64_t from, struct body *out, struct error *error)
{
    const struct onnx_file *file = reader->file;
    float numbers[NUMBERS_MAX];
    size_t count;

    while (reader->piece > 0 && file->pieces[reader->piece].begin > from)
        reader->piece--;
    while (reader->piece < file->piece_count - 1 && piece_end(&file->pieces[reader->piece]) <= from)
        reader->piece++;
    const struct onnx_piece *piece = &file->pieces[reader->piece];
    uint64_t inside = from - piece->begin;
    if (inside < piece->text_size) {
        body_put(out, file->texts.bytes + piece->text + inside, piece->text_size - (size_t)inside);
        return true;
    }
    inside -= piece->text_size;
    if (!take(reader, piece, inside / sizeof(float), numbers, &count, error))
        return false;
    size_t skipped = inside % sizeof(float);
    body_put(out, (const char *)numbers + skipped, count * sizeof(float) - skipped);
    return true;
}
