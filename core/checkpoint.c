/* Checkpoint: see checkpoint.h for the layout. */
#include "core/checkpoint.h"

#include "core/digest.h"
#include "core/trainer_state.h"

#include <string.h>

static const uint8_t magic[8] = {'T', 'R', 'A', 'I', 'N', 'D', 'C', 'K'};

enum {
    AT_VERSION = 8,
    AT_SLOTS = 12,
    AT_STEPS = 16,
    AT_PARAMETERS = 24,
    AT_OPTIMIZER_STEPS = 32,
    AT_TOTAL = 40,
    AT_FINGERPRINT = 48
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "checkpoints are little-endian and copied as they are");

static void put(uint8_t *bytes, int at, uint64_t value, size_t size)
{
    memcpy(bytes + at, &value, size);
}

static uint64_t get(const uint8_t *bytes, int at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes + at, size);
    return value;
}

size_t checkpoint_size(const struct plan *plan)
{
    size_t numbers = (size_t)plan->parameters * (size_t)(1 + plan->optimizer_slots);
    return CHECKPOINT_HEADER + numbers * sizeof(float) + DIGEST_BYTES;
}

/* The double build of the tests has checkpoints too, rounded to what the format holds. */
static void store_numbers(uint8_t *to, const real *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        float value = (float)from[i];
        memcpy(to + (size_t)i * sizeof value, &value, sizeof value);
    }
}

static void load_numbers(real *to, const float *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (real)from[i];
}

/* What must be the same for a run to go on as if nothing had been: tensors, optimizer, data. */
static void fingerprint(const struct trainer *trainer, uint8_t out[DIGEST_BYTES])
{
    uint8_t plan[DIGEST_BYTES];
    const char *data = dataset_digest(trainer->dataset);
    plan_fingerprint(trainer->setup.spec, trainer->setup.plan, plan);
    const struct digest_piece pieces[] = {{plan, sizeof plan}, {data, strlen(data)}};
    digest_pieces(pieces, 2, out);
}

void trainer_save(const struct trainer *trainer, uint8_t *bytes)
{
    const struct plan *plan = trainer->setup.plan;
    size_t size = checkpoint_size(plan);

    memset(bytes, 0, CHECKPOINT_HEADER);
    memcpy(bytes, magic, sizeof magic);
    put(bytes, AT_VERSION, CHECKPOINT_VERSION, 4);
    put(bytes, AT_SLOTS, (uint64_t)plan->optimizer_slots, 4);
    put(bytes, AT_STEPS, (uint64_t)trainer->steps_done, 8);
    put(bytes, AT_PARAMETERS, (uint64_t)plan->parameters, 8);
    put(bytes, AT_OPTIMIZER_STEPS, (uint64_t)trainer->optimizer_steps, 8);
    put(bytes, AT_TOTAL, size, 8);
    fingerprint(trainer, bytes + AT_FINGERPRINT);
    uint8_t *numbers = bytes + CHECKPOINT_HEADER;
    store_numbers(numbers, trainer->parameters, plan->parameters);
    store_numbers(numbers + (size_t)plan->parameters * sizeof(float), trainer->state,
                  plan->parameters * plan->optimizer_slots);
    digest_sha256(bytes, size - DIGEST_BYTES, bytes + size - DIGEST_BYTES);
}

bool checkpoint_open(const uint8_t *bytes, size_t size, struct checkpoint_view *out,
                     struct error *error)
{
    uint8_t digest[DIGEST_BYTES];
    if (size < CHECKPOINT_HEADER + DIGEST_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "these %zu bytes are not a checkpoint",
                         size);
    if (get(bytes, AT_VERSION, 4) != CHECKPOINT_VERSION)
        return error_set(error, ERROR_CORRUPT, "checkpoint",
                         "version %llu is not known here (%d is)",
                         (unsigned long long)get(bytes, AT_VERSION, 4), CHECKPOINT_VERSION);
    if (get(bytes, AT_TOTAL, 8) != size)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "%zu bytes, but it says it has %llu",
                         size, (unsigned long long)get(bytes, AT_TOTAL, 8));
    digest_sha256(bytes, size - DIGEST_BYTES, digest);
    if (memcmp(digest, bytes + size - DIGEST_BYTES, DIGEST_BYTES) != 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint",
                         "the SHA-256 does not match the bytes");

    uint64_t parameters = get(bytes, AT_PARAMETERS, 8), slots = get(bytes, AT_SLOTS, 4), numbers;
    if (__builtin_mul_overflow(parameters, slots + 1, &numbers) ||
        numbers != (size - CHECKPOINT_HEADER - DIGEST_BYTES) / sizeof(float) ||
        numbers * sizeof(float) != size - CHECKPOINT_HEADER - DIGEST_BYTES)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "its lengths do not add up");
    const float *values = (const float *)(const void *)(bytes + CHECKPOINT_HEADER);
    *out = (struct checkpoint_view){.steps = (int64_t)get(bytes, AT_STEPS, 8),
                                    .optimizer_steps = (int64_t)get(bytes, AT_OPTIMIZER_STEPS, 8),
                                    .parameters = values,
                                    .optimizer_state = values + parameters,
                                    .optimizer_slots = (int64_t)slots,
                                    .parameter_count = (int64_t)parameters};
    return true;
}

bool trainer_load(struct trainer *trainer, const uint8_t *bytes, size_t size, struct error *error)
{
    const struct plan *plan = trainer->setup.plan;
    struct checkpoint_view view = {0};
    uint8_t wanted[DIGEST_BYTES];
    if (!checkpoint_open(bytes, size, &view, error))
        return false;
    fingerprint(trainer, wanted);
    if (memcmp(wanted, bytes + AT_FINGERPRINT, DIGEST_BYTES) != 0 ||
        view.parameter_count != plan->parameters || view.optimizer_slots != plan->optimizer_slots)
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "it belongs to another network, optimizer or data set");
    if (view.steps < 0 || view.steps > plan->steps || view.optimizer_steps < 0 ||
        view.optimizer_steps > view.steps)
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "step %lld is not in a run of %lld steps", (long long)view.steps,
                         (long long)plan->steps);
    load_numbers(trainer->parameters, view.parameters, plan->parameters);
    load_numbers(trainer->state, view.optimizer_state, plan->parameters * plan->optimizer_slots);
    trainer->optimizer_steps = view.optimizer_steps;
    trainer_seek(trainer, view.steps);
    return true;
}
