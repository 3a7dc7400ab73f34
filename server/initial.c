/* Initial: from numbers to a run's first checkpoint. Where they come from is in initial_*.c. */
#include "server/initial.h"

#include "core/checkpoint.h"
#include "server/initial_match.h"
#include "server/safetensors.h"

#include <stdlib.h>

void initial_drop(struct initial *initial)
{
    free(initial->numbers);
    free(initial->bytes);
    free(initial->state);
    *initial = (struct initial){0};
}

bool initial_take_room(const struct plan *plan, struct initial *out, struct error *error)
{
    out->numbers = calloc((size_t)plan->numbers + 1, sizeof(*out->numbers));
    return out->numbers ||
           error_set(error, ERROR_MEMORY, "init_from", "no memory for the initial weights");
}

bool initial_tell(const struct error *cause, const char *pointer, struct problems *problems,
                  struct error *error)
{
    static const bool users[ERROR_KINDS] = {
        [ERROR_INVALID] = true, [ERROR_NOT_FOUND] = true, [ERROR_CONFLICT] = true};
    if (!users[cause->kind])
        return error_set(error, cause->kind, cause->where, "%s", cause->text);
    problem_add(problems, pointer, "%s", cause->text);
    return true;
}

static bool describe_file(const struct plan *plan, struct initial *initial, struct error *error)
{
    const struct safetensors_meta meta = {.step = 0};
    struct safetensors file = {0};
    bool good = safetensors_init(plan, &meta, &file, error) &&
                safetensors_digest(&file, initial->numbers, initial->file.sha256, error);
    initial->file.bytes = (int64_t)file.size;
    safetensors_drop(&file);
    return good;
}

bool initial_make_checkpoint(const struct spec *spec, const struct plan *plan,
                             struct initial *initial, struct error *error)
{
    initial->size = checkpoint_size(plan);
    initial->bytes = malloc(initial->size);
    if (!initial->bytes)
        return error_set(error, ERROR_MEMORY, "init_from", "no memory for the first checkpoint");
    checkpoint_start(&(struct checkpoint_start){.spec = spec,
                                                .plan = plan,
                                                .numbers = initial->numbers,
                                                .state = initial->state,
                                                .optimizer_steps = initial->optimizer_steps},
                     initial->bytes);
    return describe_file(plan, initial, error);
}
