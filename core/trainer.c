/* Trainer: the flat arrays, the position in the run, and the order of things in one step. */
#include "core/trainer_state.h"

#include "core/init.h"
#include "core/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The update and the gradient norm go over the flat arrays in ranges of this many numbers: by it
 * alone the order of the norm's sum is fixed. */
enum { RANGE = 65536 };

static int range_count(const struct trainer *trainer)
{
    return (int)((trainer->setup.plan->parameters + RANGE - 1) / RANGE);
}

static int64_t range_size(const struct trainer *trainer, int range)
{
    int64_t left = trainer->setup.plan->parameters - (int64_t)range * RANGE;
    return left < RANGE ? left : RANGE;
}

/* Each tensor has a stream of its own. */
static bool draw_weights(struct trainer *trainer, struct error *error)
{
    const struct plan *plan = trainer->setup.plan;
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        struct rng rng = {(uint64_t)trainer->setup.spec->run.seed, RNG_WEIGHTS | (uint32_t)i << 8,
                          0};
        if (!init_tensor(tensor, &rng, trainer->parameters + tensor->offset, error))
            return false;
    }
    return true;
}

void trainer_seek(struct trainer *trainer, int64_t steps_done)
{
    const struct plan *plan = trainer->setup.plan;
    trainer->steps_done = steps_done;
    trainer->packed = false;
    split_seek(&trainer->data.split, (uint64_t)trainer->setup.spec->run.seed,
               steps_done / plan->steps_per_epoch);
}

static void greet(void *context, int member)
{
    (void)context;
    (void)member;
    kernels_greet_thread();
}

static bool take_memory(struct trainer *trainer, struct error *error)
{
    const struct plan *plan = trainer->setup.plan;
    struct model_setup setup = {.spec = trainer->setup.spec,
                                .plan = plan,
                                .threads = trainer->setup.threads,
                                .kernels = trainer->setup.kernels,
                                .halt = trainer->setup.halt};
    if (!model_make(&setup, &trainer->model, error))
        return false;
    trainer_reserve(trainer, &trainer->setup);
    return model_take(trainer->model, error);
}

void trainer_reserve(struct trainer *trainer, const struct trainer_setup *setup)
{
    const struct plan *plan = setup->plan;
    struct block *block = model_block(trainer->model);
    block_reserve(block, &trainer->parameters, plan->numbers, sizeof(real));
    block_reserve(block, &trainer->gradients, plan->parameters, sizeof(real));
    block_reserve(block, &trainer->memory.state,
                  saturating_product(plan->parameters, plan->optimizer_slots), sizeof(real));
    block_reserve(block, &trainer->norms, (plan->parameters + RANGE - 1) / RANGE, sizeof(double));
    split_reserve(&trainer->data.split, setup->spec, plan, block);
    batch_reserve(&trainer->data.input, setup->spec, plan, setup->threads, block);
}

/* Draws what is held out, and measures what is left. */
static void prepare_data(struct trainer *trainer)
{
    const struct spec *spec = trainer->setup.spec;
    split_draw(&trainer->data.split, (uint64_t)spec->run.seed);
    const struct normalize_data data = {.split = dataset_train(trainer->dataset),
                                        .samples = split_train(&trainer->data.split),
                                        .count = trainer->data.split.train,
                                        .shape = trainer->data.input.shape};
    normalization_measure(&trainer->data.input.normalization, &spec->dataset.normalize, &data);
}

bool trainer_begin(struct trainer *trainer, struct error *error)
{
    if (!draw_weights(trainer, error))
        return false;
    optimizer_begin(&trainer->setup.spec->optimizer, trainer->memory.state,
                    trainer->setup.plan->parameters);
    trainer->memory.steps = trainer->memory.inherited = 0;
    trainer->control = control_begin(trainer->course.spec);
    trainer_seek(trainer, 0);
    return true;
}

bool trainer_new(const struct trainer_setup *setup, struct trainer **out, struct error *error)
{
    struct trainer *trainer = calloc(1, sizeof *trainer);
    *out = NULL;
    if (!trainer)
        return error_set(error, ERROR_MEMORY, "trainer", "no memory for the trainer");
    if (setup->spec->run.precision == PRECISION_BF16 && !kernels_have_bf16(setup->kernels, error)) {
        free(trainer);
        return false;
    }
    trainer->setup = *setup;
    trainer->course = (struct trainer_course){setup->spec, setup->plan, setup->plan->steps, 0};
    trainer->dataset = dataset_share(setup->dataset);
    if (!take_memory(trainer, error) || !team_start(setup->threads, &trainer->team, error)) {
        trainer_free(trainer);
        return false;
    }
    team_each(trainer->team, greet, NULL);
    prepare_data(trainer);
    if (!trainer_begin(trainer, error)) {
        trainer_free(trainer);
        return false;
    }
    *out = trainer;
    return true;
}

void trainer_free(struct trainer *trainer)
{
    if (!trainer)
        return;
    team_stop(trainer->team);
    model_free(trainer->model);
    profile_free(trainer->profile);
    dataset_release(trainer->dataset);
    free(trainer);
}

VECTOR_CLONES static void norm_task(void *context, int task, int member)
{
    struct trainer *trainer = context;
    const real *g = trainer->gradients + (int64_t)task * RANGE;
    int64_t count = range_size(trainer, task), began = profile_begin(trainer->profile);
    double lanes[8] = {0};
    /* Tensors are padded with zeros to whole cache lines. */
    for (int64_t i = 0; i < count; i += 8)
        for (int64_t lane = 0; lane < 8; lane++)
            lanes[lane] += (double)g[i + lane] * (double)g[i + lane];
    trainer->norms[task] = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
                           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    profile_end(trainer->profile, member, PROFILE_NORM, began);
}

static double gradient_norm(struct trainer *trainer)
{
    double sum = 0;
    team_run(trainer->team, range_count(trainer), norm_task, trainer);
    for (int range = 0; range < range_count(trainer); range++)
        sum += trainer->norms[range];
    return sqrt(sum);
}

/* 0 when all are finite, else NaN: x − x is. */
VECTOR_CLONES static double spoilt(const real *w, int64_t count)
{
    real lanes[16] = {0}, sum = 0;
    for (int64_t i = 0; i < count; i += 16)
        for (int64_t lane = 0; lane < 16; lane++)
            lanes[lane] += w[i + lane] - w[i + lane];
    for (int lane = 0; lane < 16; lane++)
        sum += lanes[lane];
    return (double)sum;
}

static void update_task(void *context, int task, int member)
{
    struct trainer *trainer = context;
    const struct variant *optimizer = &trainer->course.spec->optimizer;
    int64_t first = (int64_t)task * RANGE, began = profile_begin(trainer->profile);
    struct update update = {.options = optimizer->options,
                            .w = trainer->parameters + first,
                            .g = trainer->gradients + first,
                            .state = trainer->memory.state + first,
                            .slot_stride = trainer->setup.plan->parameters,
                            .count = range_size(trainer, task),
                            .step = trainer->memory.steps,
                            .lr = trainer->update.lr,
                            .base_lr = trainer->update.base_lr};
    clip_apply(&trainer->update.clip, trainer->gradients + first, update.count);
    ((const struct optimizer_kind *)optimizer->kind)->update(&update);
    trainer->norms[task] = spoilt(update.w, update.count);
    profile_end(trainer->profile, member, PROFILE_UPDATE, began);
}

/* Whether every weight is still finite. */
static bool apply_update(struct trainer *trainer)
{
    const struct plan *plan = trainer->setup.plan;
    double sum = 0;
    trainer->memory.steps++;
    team_run(trainer->team, range_count(trainer), update_task, trainer);
    for (int range = 0; range < range_count(trainer); range++)
        sum += trainer->norms[range];
    model_commit(trainer->model, trainer->parameters);
    return sum + spoilt(trainer->parameters + plan->parameters, plan->numbers - plan->parameters) ==
           0;
}

static void pack_if_changed(struct trainer *trainer)
{
    if (!trainer->packed)
        model_pack(trainer->model, trainer->team, trainer->parameters);
    trainer->packed = true;
}

static struct model_batch step_batch(const struct trainer *trainer)
{
    const struct plan *plan = trainer->setup.plan;
    int64_t first = trainer->steps_done % plan->steps_per_epoch * plan->batch_size;
    int64_t left = plan->data.train_samples - first;
    return (struct model_batch){.input = &trainer->data.input,
                                .split = dataset_train(trainer->dataset),
                                .order = split_epoch(&trainer->data.split),
                                .first = first,
                                .samples = left < plan->batch_size ? left : plan->batch_size,
                                .train = true,
                                .epoch = trainer->steps_done / plan->steps_per_epoch};
}

static bool pass_is_whole(struct trainer *trainer, struct error *error)
{
    if (model_failed(trainer->model)) {
        trainer->packed = false;
        return error_set(error, ERROR_MEMORY, "trainer", "a kernel could not do its work");
    }
    if (model_cut_short(trainer->model))
        return error_set(error, ERROR_CANCELLED, "trainer", "the step was cut short");
    return true;
}

bool trainer_step(struct trainer *trainer, struct step_report *report, struct error *error)
{
    const struct spec *spec = trainer->course.spec;
    const struct plan *plan = trainer->course.plan;
    if (trainer_ended(trainer))
        return error_set(error, ERROR_CONFLICT, "trainer", "all %lld steps are done",
                         (long long)trainer->course.steps);

    struct model_batch batch = step_batch(trainer);
    pack_if_changed(trainer);
    struct model_result result = model_pass(trainer->model, trainer->team, &batch);
    model_gather(trainer->model, trainer->team, trainer->gradients);
    if (!pass_is_whole(trainer, error))
        return false;

    int64_t step = trainer->steps_done + 1;
    *report = (struct step_report){.step = step,
                                   .epoch = trainer->steps_done / plan->steps_per_epoch + 1,
                                   .samples = batch.samples,
                                   .train_loss = result.loss_sum / (double)batch.samples,
                                   .lr = control_lr(spec, plan, &trainer->control, step),
                                   .grad_norm = gradient_norm(trainer)};
    trainer->update =
        (struct trainer_update){.lr = report->lr,
                                .base_lr = optimizer_base_lr(&trainer->setup.spec->optimizer),
                                .clip = clip_for(&spec->run, report->grad_norm)};
    report->finite =
        isfinite(report->train_loss) && isfinite(report->grad_norm) && apply_update(trainer);
    if (!report->finite)
        return true;
    trainer->control.samples += batch.samples;
    trainer->control.correct += result.correct;
    trainer->control.loss_sum += result.loss_sum;
    report->epoch_ended = step % plan->steps_per_epoch == 0;
    report->ended = step == trainer->course.steps;
    trainer_seek(trainer, step);
    return true;
}

int64_t trainer_steps_done(const struct trainer *trainer)
{
    return trainer->steps_done;
}

bool trainer_ended(const struct trainer *trainer)
{
    return trainer->steps_done >= trainer->course.steps;
}

/* The batch of `split` that begins at its sample `first`, of at most `most` samples. */
static struct model_batch evaluation_batch(const struct trainer *trainer, enum data_split split,
                                           int64_t first, int64_t most)
{
    const struct split *samples = &trainer->data.split;
    struct model_batch batch = {.input = &trainer->data.input, .first = first, .samples = most};
    bool training = split == SPLIT_TRAIN || (split == SPLIT_VALIDATION && samples->held_out > 0);
    batch.split = training ? dataset_train(trainer->dataset) : dataset_test(trainer->dataset);
    if (training)
        batch.order = split == SPLIT_TRAIN ? split_train(samples) : split_validation(samples);
    return batch;
}

void trainer_evaluation_begin(const struct trainer *trainer, enum data_split split,
                              struct evaluation *out)
{
    const struct plan *plan = trainer->setup.plan;
    const int64_t totals[] = {[SPLIT_TRAIN] = plan->data.train_samples,
                              [SPLIT_VALIDATION] = plan->data.validation_samples,
                              [SPLIT_TEST] = plan->data.test_samples};
    *out = (struct evaluation){.split = split, .total = totals[split], .done = totals[split] == 0};
}

void trainer_evaluate_batch(struct trainer *trainer, struct evaluation *evaluation)
{
    int64_t left = evaluation->total - evaluation->next, size = trainer->setup.plan->batch_size;
    struct model_batch batch =
        evaluation_batch(trainer, evaluation->split, evaluation->next, left < size ? left : size);
    if (left <= 0)
        return;
    pack_if_changed(trainer);
    struct model_result result = model_pass(trainer->model, trainer->team, &batch);
    if (model_failed(trainer->model)) {
        result.loss_sum = NAN;
        trainer->packed = false;
    }
    evaluation->loss_sum += result.loss_sum;
    evaluation->correct += result.correct;
    evaluation->next += batch.samples;
    evaluation->done = evaluation->next == evaluation->total;
}

const real *trainer_parameters(const struct trainer *trainer)
{
    return trainer->parameters;
}

void trainer_set_parameters(struct trainer *trainer, const real *parameters)
{
    memcpy(trainer->parameters, parameters,
           (size_t)trainer->setup.plan->numbers * sizeof *parameters);
    trainer->packed = false;
}

const real *trainer_gradients(const struct trainer *trainer)
{
    return trainer->gradients;
}

const struct normalization *trainer_normalization(const struct trainer *trainer)
{
    return &trainer->data.input.normalization;
}

int64_t trainer_bytes(const struct trainer *trainer)
{
    return (int64_t)model_block(trainer->model)->size;
}

const char *trainer_kernel(const struct trainer *trainer, int layer)
{
    return model_kernel(trainer->model, layer);
}

int64_t plan_bytes(const struct spec *spec, const struct plan *plan, int threads)
{
    struct model_setup setup = {
        .spec = spec, .plan = plan, .threads = threads, .kernels = KERNELS_BEST, .dry = true};
    struct trainer_setup job = {.spec = spec, .plan = plan, .threads = threads};
    struct trainer trainer = {.model = NULL};
    struct error error = {.kind = ERROR_NONE};
    if (!model_make(&setup, &trainer.model, &error))
        return -1;
    trainer_reserve(&trainer, &job);
    const struct block *block = model_block(trainer.model);
    int64_t bytes = block->failed ? -1 : (int64_t)block->size;
    model_free(trainer.model);
    return bytes;
}
