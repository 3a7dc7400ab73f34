/* Predictor: see predictor.h. */
#include "core/predictor.h"

#include <stdlib.h>
#include <string.h>

struct predictor {
    struct plan plan; /* the setup's with a cut of its own; owns nothing */
    struct model *model;
    struct team *team; /* of the caller alone */
    struct batch_input input;
    real *numbers; /* (plan.numbers) */
};

static bool take_memory(struct predictor *predictor, const struct predictor_setup *setup,
                        struct error *error)
{
    const struct model_setup model = {.spec = setup->spec,
                                      .plan = &predictor->plan,
                                      .threads = 1,
                                      .kernels = setup->kernels,
                                      .forward_only = true};
    if (!model_make(&model, &predictor->model, error))
        return false;
    struct block *block = model_block(predictor->model);
    batch_reserve(&predictor->input, setup->spec, &predictor->plan, 1, block);
    block_reserve(block, &predictor->numbers, predictor->plan.numbers, sizeof(real));
    return model_take(predictor->model, error);
}

static void copy_normalization(struct normalization *to, const struct normalization *from)
{
    to->divisor = from->divisor;
    to->shifts = from->shifts;
    memcpy(to->mean, from->mean, (size_t)to->channels * sizeof *to->mean);
    memcpy(to->std, from->std, (size_t)to->channels * sizeof *to->std);
}

bool predictor_new(const struct predictor_setup *setup, struct predictor **out, struct error *error)
{
    bool half = setup->spec->run.precision == PRECISION_BF16;
    *out = NULL;
    if (half && setup->kernels == KERNELS_BEST && !kernels_have_bf16(setup->kernels, error))
        return false;
    struct predictor *predictor = calloc(1, sizeof *predictor);
    if (!predictor)
        return error_set(error, ERROR_MEMORY, "predictor", "no memory for the network");
    predictor->plan = *setup->plan;
    if (!setup->as_trained) {
        predictor->plan.batch_size = 1;
        predictor->plan.cut = (struct plan_cut){1, 1};
    }
    if (!take_memory(predictor, setup, error) || !team_start(1, &predictor->team, error)) {
        predictor_free(predictor);
        return false;
    }
    copy_normalization(&predictor->input.normalization, setup->normalization);
    for (int64_t i = 0; i < predictor->plan.numbers; i++)
        predictor->numbers[i] = (real)setup->numbers[i];
    model_pack(predictor->model, predictor->team, predictor->numbers);
    *out = predictor;
    return true;
}

void predictor_free(struct predictor *predictor)
{
    if (!predictor)
        return;
    team_stop(predictor->team);
    model_free(predictor->model);
    free(predictor);
}

const real *predictor_numbers(const struct predictor *predictor)
{
    return predictor->numbers;
}

int64_t predictor_bytes(const struct predictor *predictor)
{
    return (int64_t)model_block(predictor->model)->size;
}

bool predictor_run(struct predictor *predictor, const struct predictor_batch *batch,
                   struct model_result *out, struct error *error)
{
    int64_t classes = predictor->plan.data.classes, size = predictor->plan.batch_size;
    kernels_greet_thread();
    *out = (struct model_result){0};
    for (int64_t done = 0; done < batch->samples; done += size) {
        int64_t left = batch->samples - done;
        const struct model_batch pass = {.input = &predictor->input,
                                         .split = batch->split,
                                         .order = batch->order,
                                         .first = batch->first + done,
                                         .samples = left < size ? left : size,
                                         .scores =
                                             batch->scores ? batch->scores + done * classes : NULL,
                                         .look = batch->look};
        struct model_result result = model_pass(predictor->model, predictor->team, &pass);
        if (model_failed(predictor->model))
            return error_set(error, ERROR_MEMORY, "predictor", "a kernel could not do its work");
        out->loss_sum += result.loss_sum;
        out->correct += result.correct;
    }
    return true;
}
