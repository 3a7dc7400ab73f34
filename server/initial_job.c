/* Initial numbers from a checkpoint of another job, which may be running still. */
#include "server/initial_match.h"

#include "core/checkpoint.h"
#include "server/job_plan.h"
#include "server/safetensors.h"

#include <stdlib.h>
#include <string.h>

struct source {
    struct job_row job;
    struct checkpoint_row checkpoint;
    struct spec spec;
    struct plan plan;
    float *numbers;
};

struct wanted {
    const struct spec *spec;
    const struct plan *plan;
    struct initial *out;
};

static void source_drop(struct source *source)
{
    plan_drop(&source->plan);
    spec_drop(&source->spec);
    checkpoint_row_drop(&source->checkpoint);
    job_row_drop(&source->job);
    free(source->numbers);
    free(source);
}

/* Which checkpoint, as store_checkpoint_find counts them. */
static int64_t which(const struct either *checkpoint)
{
    if (checkpoint->choice < 0)
        return (int64_t)checkpoint->number;
    return checkpoint->choice == INIT_CHECKPOINT_BEST ? CHECKPOINT_BEST : CHECKPOINT_NEWEST;
}

/* *found false: a problem says why. */
static bool find(struct db *db, const struct spec_init_from *from, struct source *source,
                 bool *found, struct problems *problems, struct error *error)
{
    struct error cause = {0};
    if (!store_job_get(db, from->job, &source->job, &cause) ||
        !job_plan(&source->job, db, &source->spec, &source->plan, &cause))
        return initial_tell(&cause, "/init_from/job", problems, error);
    if (!store_checkpoint_find(db, source->job.number, which(&from->checkpoint),
                               &source->checkpoint, &cause))
        return initial_tell(&cause, "/init_from/checkpoint", problems, error);
    *found = true;
    return true;
}

/* The numbers alone, and not the optimizer's state behind them. That they are what was stored is
 * told by the digest of the file that they make. */
static bool read(struct db *db, struct source *source, struct error *error)
{
    const struct safetensors_meta meta = {.step = source->checkpoint.step};
    const struct plan *plan = &source->plan;
    size_t at = checkpoint_numbers_at(plan, source->checkpoint.bytes);
    struct safetensors file = {0};
    char sha256[65];
    if (at == 0)
        return error_set(error, ERROR_CORRUPT, source->job.id,
                         "its checkpoint does not have the size of its network");
    source->numbers = calloc((size_t)plan->numbers + 1, sizeof(float));
    if (!source->numbers)
        return error_set(error, ERROR_MEMORY, "init_from", "no memory for the weights");
    bool good = store_checkpoint_read(db, source->checkpoint.number, (int64_t)at,
                                      (uint8_t *)source->numbers,
                                      (size_t)plan->numbers * sizeof(float), error) &&
                safetensors_init(plan, &meta, &file, error) &&
                safetensors_digest(&file, source->numbers, sha256, error);
    safetensors_drop(&file);
    if (good && strcmp(sha256, source->checkpoint.file.sha256) != 0)
        return error_set(error, ERROR_CORRUPT, source->job.id, "its checkpoint is damaged");
    return good;
}

static void copy(const struct source *source, const struct plan *plan, const int *index,
                 float *numbers)
{
    for (int i = 0; i < plan->tensor_count; i++)
        memcpy(numbers + plan->tensors[i].offset,
               source->numbers + source->plan.tensors[index[i]].offset,
               (size_t)plan->tensors[i].count * sizeof(float));
}

static bool match(const struct source *source, const struct plan *plan, struct initial *out,
                  struct problems *problems, struct error *error)
{
    const struct plan *from = &source->plan;
    struct initial_tensor *given = calloc((size_t)from->tensor_count + 1, sizeof(*given));
    int *index = calloc((size_t)plan->tensor_count + 1, sizeof(*index));
    bool good = given && index ? initial_take_room(plan, out, error)
                               : error_set(error, ERROR_MEMORY, "init_from",
                                           "no memory to compare the tensors");
    for (int i = 0; good && i < from->tensor_count; i++)
        given[i] = (struct initial_tensor){from->tensors[i].name, from->tensors[i].dims,
                                           from->tensors[i].rank};
    if (good && initial_match(plan, given, from->tensor_count, index, problems))
        copy(source, plan, index, out->numbers);
    free(given);
    free(index);
    return good;
}

/* What the optimizer remembers lies as the weights do, so that both must be the very same. */
static bool same_memory(const struct source *source, const struct spec *spec,
                        const struct plan *plan)
{
    uint8_t there[32], here[32];
    plan_fingerprint(&source->spec, &source->plan, there);
    plan_fingerprint(spec, plan, here);
    return memcmp(there, here, sizeof(here)) == 0;
}

static bool copy_state(const struct checkpoint_view *view, struct initial *out, struct error *error)
{
    size_t count = (size_t)(view->optimizer_slots * view->parameter_count);
    out->optimizer_steps = view->optimizer_steps;
    out->state = calloc(count + 1, sizeof(*out->state));
    if (!out->state)
        return error_set(error, ERROR_MEMORY, "init_from", "no memory for the optimizer's state");
    memcpy(out->state, view->optimizer_state, count * sizeof(*out->state));
    return true;
}

/* The whole checkpoint, whose digest then says that the state is what was stored. */
static bool read_state(struct db *db, const struct source *source, struct initial *out,
                       struct error *error)
{
    size_t size = (size_t)source->checkpoint.bytes;
    uint8_t *bytes = malloc(size);
    struct checkpoint_view view = {0};
    if (!bytes)
        return error_set(error, ERROR_MEMORY, "init_from", "no memory for the checkpoint");
    bool good = store_checkpoint_read(db, source->checkpoint.number, 0, bytes, size, error) &&
                checkpoint_open(bytes, size, &view, error) && copy_state(&view, out, error);
    free(bytes);
    return good;
}

static bool take_state(struct db *db, const struct source *source, const struct wanted *wanted,
                       struct problems *problems, struct error *error)
{
    if (!wanted->out->want_state || problems->count > 0)
        return true;
    if (same_memory(source, wanted->spec, wanted->plan))
        return read_state(db, source, wanted->out, error);
    problem_add(
        problems, "/state",
        "what the optimizer of the one remembers is nothing for the other: it goes with the "
        "same network, the same optimizer and the same use of momentum");
    return true;
}

bool initial_from_job(struct db *db, const struct spec *spec, const struct plan *plan,
                      struct initial *out, struct problems *problems, struct error *error)
{
    const struct wanted wanted = {spec, plan, out};
    struct source *source = calloc(1, sizeof(*source));
    bool found = false;
    if (!source)
        return error_set(error, ERROR_MEMORY, "init_from", "no memory for the weights");
    bool good = find(db, &spec->init_from, source, &found, problems, error) &&
                (!found || (read(db, source, error) && match(source, plan, out, problems, error) &&
                            take_state(db, source, &wanted, problems, error)));
    out->step = source->checkpoint.step;
    source_drop(source);
    return good;
}
