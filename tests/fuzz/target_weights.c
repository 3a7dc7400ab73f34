/* Fuzz targets of weights: safetensors files, which anybody may have made. */
#include "tests/fuzz/target_weights.h"

#include "server/safetensors_read.h"

#include <stdio.h>
#include <stdlib.h>

/* Every number that a tensor claims is there. */
static void take(const struct safetensors_reader *reader, const struct safetensors_entry *entry,
                 size_t size)
{
    struct error error = {0};

    if (entry->count < 0 || entry->end < entry->begin || entry->end - entry->begin > size ||
        (uint64_t)entry->count > size)
        fuzz_fail("a tensor is larger than its file");
    if (!safetensors_is_real(entry))
        return;
    float *numbers = malloc(((size_t)entry->count + 1) * sizeof(*numbers));
    if (numbers == NULL)
        fuzz_fail("no memory");
    if (!safetensors_reader_take(reader, entry, numbers, &error))
        fuzz_fail("the numbers of a tensor that was taken cannot be read");
    free(numbers);
}

void fuzz_safetensors(const uint8_t *bytes, size_t size)
{
    static const char path[] = "weights";
    struct safetensors_reader reader;
    struct error error = {0};
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        fuzz_fail("cannot write a file in the working directory");
    if (safetensors_reader_open(path, &reader, &error))
        for (int i = 0; i < reader.count; i++)
            take(&reader, &reader.entries[i], size);
    else
        fuzz_check_error(&error);
    safetensors_reader_close(&reader);
}
