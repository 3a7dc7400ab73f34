/* Initial numbers from a safetensors file, which anybody may have made. */
#include "server/initial_match.h"

#include "core/text.h"
#include "server/safetensors_read.h"

#include <stdlib.h>

static const char pointer[] = "/init_from/weights";

/* Before any is read. */
static bool all_real(const struct safetensors_reader *reader, const int *index, int count,
                     struct problems *problems)
{
    char shown[SAFETENSORS_SHOWN];
    for (int i = 0; i < count; i++) {
        const struct safetensors_entry *entry = &reader->entries[index[i]];
        if (safetensors_is_real(entry))
            continue;
        text_show(shown, sizeof(shown), entry->name);
        problem_add(problems, pointer, "\"%s\" holds %s; want F32, F64, F16 or BF16", shown,
                    safetensors_dtype(entry));
        return false;
    }
    return true;
}

static bool read_all(const struct safetensors_reader *reader, const int *index,
                     const struct plan *plan, struct initial *out, struct error *error)
{
    if (!initial_take_room(plan, out, error))
        return false;
    for (int i = 0; i < plan->tensor_count; i++)
        if (!safetensors_reader_take(reader, &reader->entries[index[i]],
                                     out->numbers + plan->tensors[i].offset, error))
            return false;
    return true;
}

static bool match(const struct safetensors_reader *reader, const struct plan *plan,
                  struct initial *out, struct problems *problems, struct error *error)
{
    struct initial_tensor *given = calloc((size_t)reader->count + 1, sizeof(*given));
    int *index = calloc((size_t)plan->tensor_count + 1, sizeof(*index));
    bool good = (given && index) ||
                error_set(error, ERROR_MEMORY, "init_from", "no memory to compare the tensors");
    for (int i = 0; good && i < reader->count; i++)
        given[i] = (struct initial_tensor){reader->entries[i].name, reader->entries[i].dims,
                                           reader->entries[i].rank};
    if (good && initial_match(plan, given, reader->count, index, problems) &&
        all_real(reader, index, plan->tensor_count, problems)) {
        good = read_all(reader, index, plan, out, error);
        if (good)
            (void)initial_check_finite(plan, out->numbers, problems);
    }
    free(given);
    free(index);
    return good;
}

bool initial_from_file(const char *path, const struct plan *plan, struct initial *out,
                       struct problems *problems, struct error *error)
{
    struct safetensors_reader reader;
    struct error cause = {0};
    bool good;
    if (safetensors_reader_open(path, &reader, &cause))
        good = match(&reader, plan, out, problems, error);
    else if (cause.kind == ERROR_INVALID) {
        problem_add(problems, pointer, "the file is no safetensors file: %s", cause.text);
        good = true;
    } else {
        good = error_set(error, cause.kind, cause.where, "%s", cause.text);
    }
    safetensors_reader_close(&reader);
    return good;
}
