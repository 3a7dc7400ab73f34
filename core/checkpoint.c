/* Checkpoint: see checkpoint.h for the layout. */
#include "core/checkpoint.h"

#include "core/digest.h"
#include "core/optimizer.h"
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
    AT_FINGERPRINT = 48,
    AT_NUMBERS = 80,
    AT_EDITS = 88,
    AT_CONTROL = 96,
    AT_PLATEAU_METRIC = 192,
    AT_STOPPING_METRIC = 196,
    AT_INHERITED = 200,
    HEADER_1 = 96 /* of version 1 */
};

static const uint64_t no_metric = 0xffffffff;

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

static size_t numbers_size(const struct plan *plan)
{
    size_t numbers =
        (size_t)plan->numbers + (size_t)plan->parameters * (size_t)plan->optimizer_slots;
    return numbers * sizeof(float);
}

size_t checkpoint_size(const struct plan *plan)
{
    return CHECKPOINT_HEADER + numbers_size(plan) + DIGEST_BYTES;
}

size_t checkpoint_numbers_at(const struct plan *plan, int64_t size)
{
    if (size == (int64_t)checkpoint_size(plan))
        return CHECKPOINT_HEADER;
    bool old = plan->numbers == plan->parameters &&
               size == (int64_t)(HEADER_1 + numbers_size(plan) + DIGEST_BYTES);
    return old ? HEADER_1 : 0;
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

/* What must be the same for a run to go on as if nothing had been: tensors, optimizer, and the
 * data, unless nothing of them is in it yet. */
static void fingerprint(const struct checkpoint_start *of, int64_t steps, const char *data,
                        uint8_t out[DIGEST_BYTES])
{
    uint8_t digest[DIGEST_BYTES];
    data = steps > 0 ? data : "";
    plan_fingerprint(of->spec, of->plan, digest);
    const struct digest_piece pieces[] = {{digest, sizeof digest}, {data, strlen(data)}};
    digest_pieces(pieces, 2, out);
}

/* ---- control: every member is eight bytes ---- */

#define PLACE(member) offsetof(struct control, member)

static const size_t control_places[] = {
    PLACE(plateau.rate),
    PLACE(plateau.watch.best),
    PLACE(plateau.watch.bad),
    PLACE(plateau.cooldown),
    PLACE(stopping.best),
    PLACE(stopping.bad),
    PLACE(factor),
    PLACE(retries),
    PLACE(observed),
    PLACE(samples),
    PLACE(correct),
    PLACE(loss_sum),
};
_Static_assert(sizeof control_places / sizeof control_places[0] * 8 == sizeof(struct control) &&
                   AT_CONTROL + sizeof(struct control) == AT_PLATEAU_METRIC,
               "every member has its place");

static uint64_t plateau_metric_of(const struct spec *spec)
{
    return plateau_is(&spec->lr_schedule) ? (uint64_t)plateau_metric(&spec->lr_schedule)
                                          : no_metric;
}

static uint64_t stopping_metric_of(const struct spec *spec)
{
    return spec->early_stopping.given ? (uint64_t)spec->early_stopping.metric : no_metric;
}

static void put_control(uint8_t *bytes, const struct spec *spec, const struct control *control)
{
    for (size_t i = 0; i < COUNT_OF(control_places); i++)
        memcpy(bytes + AT_CONTROL + 8 * i, (const char *)control + control_places[i], 8);
    put(bytes, AT_PLATEAU_METRIC, plateau_metric_of(spec), 4);
    put(bytes, AT_STOPPING_METRIC, stopping_metric_of(spec), 4);
}

static struct control get_raw_control(const uint8_t *bytes)
{
    struct control control;
    for (size_t i = 0; i < COUNT_OF(control_places); i++)
        memcpy((char *)&control + control_places[i], bytes + AT_CONTROL + 8 * i, 8);
    return control;
}

static int get_metric(const uint8_t *bytes, int at)
{
    uint64_t metric = get(bytes, at, 4);
    return metric < SPEC_METRICS ? (int)metric : -1;
}

bool checkpoint_read_head(const uint8_t *bytes, struct checkpoint_head *out)
{
    uint64_t version = get(bytes, AT_VERSION, 4);
    *out = (struct checkpoint_head){.version = (int)version,
                                    .steps = (int64_t)get(bytes, AT_STEPS, 8),
                                    .optimizer_steps = (int64_t)get(bytes, AT_OPTIMIZER_STEPS, 8),
                                    .plateau_metric = -1,
                                    .stopping_metric = -1};
    if (memcmp(bytes, magic, sizeof magic) != 0 || version < 1 || version > CHECKPOINT_VERSION)
        return false;
    if (version == 1)
        return true;
    out->has_control = true;
    out->inherited_steps = (int64_t)get(bytes, AT_INHERITED, 8);
    out->edits = (int64_t)get(bytes, AT_EDITS, 8);
    out->plateau_metric = get_metric(bytes, AT_PLATEAU_METRIC);
    out->stopping_metric = get_metric(bytes, AT_STOPPING_METRIC);
    out->control = get_raw_control(bytes);
    return true;
}

/* What was watched by another metric, or not at all, begins anew. */
static struct control get_control(const uint8_t *bytes, const struct spec *spec)
{
    struct control control, fresh = control_begin(spec);
    if (get(bytes, AT_VERSION, 4) == 1)
        return fresh;
    control = get_raw_control(bytes);
    uint64_t metric = plateau_metric_of(spec);
    if (metric == no_metric || metric != get(bytes, AT_PLATEAU_METRIC, 4))
        control.plateau = fresh.plateau;
    if (stopping_metric_of(spec) != get(bytes, AT_STOPPING_METRIC, 4))
        control.stopping = fresh.stopping;
    return control;
}

/* ---- writing ---- */

struct position {
    int64_t steps, edits;
    int64_t optimizer_steps, inherited; /* the latter are among the former */
    const char *data;                   /* digest of the data set; NULL: the run has not begun */
};

/* All before the numbers, but for the control. */
static void put_header(uint8_t *bytes, const struct checkpoint_start *of,
                       const struct position *position)
{
    const struct plan *plan = of->plan;
    memset(bytes, 0, CHECKPOINT_HEADER);
    memcpy(bytes, magic, sizeof magic);
    put(bytes, AT_VERSION, CHECKPOINT_VERSION, 4);
    put(bytes, AT_SLOTS, (uint64_t)plan->optimizer_slots, 4);
    put(bytes, AT_STEPS, (uint64_t)position->steps, 8);
    put(bytes, AT_PARAMETERS, (uint64_t)plan->parameters, 8);
    put(bytes, AT_OPTIMIZER_STEPS, (uint64_t)position->optimizer_steps, 8);
    put(bytes, AT_TOTAL, checkpoint_size(plan), 8);
    put(bytes, AT_NUMBERS, (uint64_t)plan->numbers, 8);
    put(bytes, AT_EDITS, (uint64_t)position->edits, 8);
    put(bytes, AT_INHERITED, (uint64_t)position->inherited, 8);
    fingerprint(of, position->steps, position->data, bytes + AT_FINGERPRINT);
}

static void put_digest(uint8_t *bytes, const struct plan *plan)
{
    size_t size = checkpoint_size(plan);
    digest_sha256(bytes, size - DIGEST_BYTES, bytes + size - DIGEST_BYTES);
}

void trainer_save(const struct trainer *trainer, uint8_t *bytes)
{
    const struct plan *plan = trainer->setup.plan;
    const struct checkpoint_start of = {.spec = trainer->setup.spec, .plan = plan};
    const struct position position = {.steps = trainer->steps_done,
                                      .edits = trainer->course.edits,
                                      .optimizer_steps = trainer->memory.steps,
                                      .inherited = trainer->memory.inherited,
                                      .data = dataset_digest(trainer->dataset)};
    uint8_t *numbers = bytes + CHECKPOINT_HEADER;

    put_header(bytes, &of, &position);
    put_control(bytes, trainer->course.spec, &trainer->control);
    store_numbers(numbers, trainer->parameters, plan->numbers);
    store_numbers(numbers + (size_t)plan->numbers * sizeof(float), trainer->memory.state,
                  plan->parameters * plan->optimizer_slots);
    put_digest(bytes, plan);
}

static void put_state(uint8_t *bytes, const struct checkpoint_start *start)
{
    int64_t parameters = start->plan->parameters, slots = start->plan->optimizer_slots;

    if (start->state) {
        memcpy(bytes, start->state, (size_t)(parameters * slots) * sizeof(float));
        return;
    }
    for (int slot = 0; slot < (int)slots; slot++) {
        float value = (float)optimizer_initial(&start->spec->optimizer, slot);
        for (int64_t i = 0; i < parameters; i++, bytes += sizeof value)
            memcpy(bytes, &value, sizeof value);
    }
}

void checkpoint_start(const struct checkpoint_start *start, uint8_t *bytes)
{
    const struct plan *plan = start->plan;
    const struct position position = {.optimizer_steps = start->optimizer_steps,
                                      .inherited = start->optimizer_steps};
    const struct control control = control_begin(start->spec);
    size_t size = (size_t)plan->numbers * sizeof(float);

    put_header(bytes, start, &position);
    put_control(bytes, start->spec, &control);
    memcpy(bytes + CHECKPOINT_HEADER, start->numbers, size);
    put_state(bytes + CHECKPOINT_HEADER + size, start);
    put_digest(bytes, plan);
}

/* ---- reading ---- */

static bool known_version(const uint8_t *bytes, struct error *error)
{
    unsigned long long version = get(bytes, AT_VERSION, 4);
    return (version >= 1 && version <= CHECKPOINT_VERSION) ||
           error_set(error, ERROR_CORRUPT, "checkpoint", "version %llu is not known here (%d is)",
                     version, CHECKPOINT_VERSION);
}

/* Whether the header's counts make up the size; in *out what they are. */
static bool read_counts(const uint8_t *bytes, size_t size, struct checkpoint_view *out)
{
    bool old = get(bytes, AT_VERSION, 4) == 1;
    size_t header = old ? HEADER_1 : CHECKPOINT_HEADER;
    uint64_t parameters = get(bytes, AT_PARAMETERS, 8), slots = get(bytes, AT_SLOTS, 4);
    uint64_t count = old ? parameters : get(bytes, AT_NUMBERS, 8), state, all;
    if (size < header + DIGEST_BYTES || count < parameters ||
        __builtin_mul_overflow(parameters, slots, &state) ||
        __builtin_add_overflow(count, state, &all) ||
        all != (size - header - DIGEST_BYTES) / sizeof(float) ||
        all * sizeof(float) != size - header - DIGEST_BYTES)
        return false;
    *out = (struct checkpoint_view){
        .version = (int)get(bytes, AT_VERSION, 4),
        .steps = (int64_t)get(bytes, AT_STEPS, 8),
        .optimizer_steps = (int64_t)get(bytes, AT_OPTIMIZER_STEPS, 8),
        .inherited_steps = old ? 0 : (int64_t)get(bytes, AT_INHERITED, 8),
        .edits = old ? 0 : (int64_t)get(bytes, AT_EDITS, 8),
        .parameters = (const float *)(const void *)(bytes + header),
        .optimizer_slots = (int64_t)slots,
        .parameter_count = (int64_t)parameters,
        .number_count = (int64_t)count,
    };
    out->optimizer_state = out->parameters + count;
    return true;
}

int64_t checkpoint_edits(const uint8_t *bytes, size_t size)
{
    bool has = size >= CHECKPOINT_HEADER && get(bytes, AT_VERSION, 4) > 1;
    return has ? (int64_t)get(bytes, AT_EDITS, 8) : 0;
}

bool checkpoint_open(const uint8_t *bytes, size_t size, struct checkpoint_view *out,
                     struct error *error)
{
    uint8_t digest[DIGEST_BYTES];
    if (size < HEADER_1 + DIGEST_BYTES || memcmp(bytes, magic, sizeof magic) != 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "these %zu bytes are not a checkpoint",
                         size);
    if (!known_version(bytes, error))
        return false;
    if (get(bytes, AT_TOTAL, 8) != size)
        return error_set(error, ERROR_CORRUPT, "checkpoint", "%zu bytes, but it says it has %llu",
                         size, (unsigned long long)get(bytes, AT_TOTAL, 8));
    digest_sha256(bytes, size - DIGEST_BYTES, digest);
    if (memcmp(digest, bytes + size - DIGEST_BYTES, DIGEST_BYTES) != 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint",
                         "the SHA-256 does not match the bytes");
    return read_counts(bytes, size, out) ||
           error_set(error, ERROR_CORRUPT, "checkpoint", "its lengths do not add up");
}

/* Whether the bytes are of this very run, as far as can be seen. */
static bool belongs(const struct trainer *trainer, const uint8_t *bytes,
                    const struct checkpoint_view *view)
{
    const struct plan *plan = trainer->setup.plan;
    const struct checkpoint_start of = {.spec = trainer->setup.spec, .plan = plan};
    uint8_t wanted[DIGEST_BYTES];
    fingerprint(&of, view->steps, dataset_digest(trainer->dataset), wanted);
    return memcmp(wanted, bytes + AT_FINGERPRINT, DIGEST_BYTES) == 0 &&
           view->parameter_count == plan->parameters && view->number_count == plan->numbers &&
           view->optimizer_slots == plan->optimizer_slots;
}

bool trainer_load(struct trainer *trainer, const uint8_t *bytes, size_t size, struct error *error)
{
    const struct plan *plan = trainer->setup.plan;
    const struct trainer_course *course = &trainer->course;
    struct checkpoint_view view = {0};
    if (!checkpoint_open(bytes, size, &view, error))
        return false;
    if (!belongs(trainer, bytes, &view))
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "it belongs to another network, optimizer or data set");
    if (view.edits != course->edits)
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "its run had been edited %lld times, and %lld edits are known",
                         (long long)view.edits, (long long)course->edits);
    /* An edit may have ended the run where it stood, behind the end that it named. */
    if (view.steps < 0 || (view.steps > course->plan->steps && view.edits == 0) ||
        view.inherited_steps < 0 || view.optimizer_steps < view.inherited_steps ||
        view.optimizer_steps - view.inherited_steps > view.steps)
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "step %lld is not in a run of %lld steps", (long long)view.steps,
                         (long long)course->plan->steps);
    struct control control = get_control(bytes, course->spec);
    if (!control_is_sound(&control, view.steps))
        return error_set(error, ERROR_INVALID, "checkpoint",
                         "no run can have counted what it says of its evaluations");
    load_numbers(trainer->parameters, view.parameters, plan->numbers);
    load_numbers(trainer->memory.state, view.optimizer_state,
                 plan->parameters * plan->optimizer_slots);
    trainer->memory.steps = view.optimizer_steps;
    trainer->memory.inherited = view.inherited_steps;
    trainer->control = control;
    trainer->course.steps = view.steps > course->plan->steps ? view.steps : course->plan->steps;
    trainer_seek(trainer, view.steps);
    return true;
}
