/* A network that only answers says what the one that is trained says, sample by sample. */
#include "core/loss.h"
#include "core/predictor.h"
#include "core/sampling.h"
#include "tests/core/support.h"
#include "tests/core/support_job.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES = 5, TRAIN = 61, TEST = 23 };

static const char net[] =
    "conv2d out_channels=5 kernel_size=3 padding=1 | batch_norm2d | relu | max_pool2d "
    "kernel_size=2 | flatten | dropout p=0.5 | linear out_features=5";

/* A job on random images that has taken two epochs. */
struct stage {
    struct job job;
    struct dataset *dataset;
    struct trainer *trainer;
};

static void stage_open(struct stage *stage, enum kernel_choice kernels)
{
    const struct data_shape shape = {.sample = {.channels = 1, .height = 9, .width = 8},
                                     .classes = CLASSES,
                                     .train_samples = TRAIN,
                                     .test_samples = TEST};
    const struct job_words words = {.model = net,
                                    .optimizer = "adam lr=0.01",
                                    .epochs = 2,
                                    .batch_size = 12,
                                    .shuffle = true,
                                    .normalize = "standard",
                                    .validation = 0.3,
                                    .seed = 3};
    make_idx_dataset("set", &shape, 11);
    stage->dataset = open_dataset("set");
    job_make(&stage->job, &words, stage->dataset);
    stage->trainer = job_trainer(&stage->job, 1, kernels);
    while (!trainer_ended(stage->trainer))
        (void)step(stage->trainer);
}

static void stage_close(struct stage *stage)
{
    trainer_free(stage->trainer);
    job_drop(&stage->job);
    dataset_release(stage->dataset);
}

static struct predictor *stage_predictor(const struct stage *stage, enum kernel_choice kernels,
                                         bool as_trained)
{
    struct error error = {0};
    struct predictor *predictor;
    const struct predictor_setup setup = {.spec = &stage->job.spec,
                                          .plan = &stage->job.plan,
                                          .numbers = trainer_parameters(stage->trainer),
                                          .normalization = trainer_normalization(stage->trainer),
                                          .kernels = kernels,
                                          .as_trained = as_trained};
    if (!predictor_new(&setup, &predictor, &error))
        FAIL("%s", error.text);
    return predictor;
}

static struct evaluation evaluate(struct trainer *trainer, enum data_split split)
{
    struct evaluation evaluation;
    trainer_evaluation_begin(trainer, split, &evaluation);
    while (!evaluation.done)
        trainer_evaluate_batch(trainer, &evaluation);
    return evaluation;
}

/* All of a split, in batches of the job's size, as evaluations add them up. */
static struct model_result predict_all(const struct stage *stage, struct predictor *predictor,
                                       enum data_split split, real *scores)
{
    struct sampling sampling;
    struct error error = {0};
    struct model_result sums = {0};
    CHECK(sampling_make(&sampling, &stage->job.spec, &stage->job.plan, NULL, &error));
    struct sampling_part part = sampling_part(&sampling, &stage->job.plan, split);
    struct predictor_batch batch = {.split = part.of_training ? dataset_train(stage->dataset)
                                                              : dataset_test(stage->dataset),
                                    .order = part.order,
                                    .samples = part.count,
                                    .scores = scores};
    if (!predictor_run(predictor, &batch, &sums, &error))
        FAIL("%s", error.text);
    sampling_drop(&sampling);
    return sums;
}

TEST("a predictor as trained gives the digits of the trainer's own evaluations, split by split")
{
    static const enum kernel_choice choices[] = {KERNELS_BEST, KERNELS_PORTABLE, KERNELS_REFERENCE};
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        struct stage stage;
        stage_open(&stage, choices[i]);
        struct predictor *predictor = stage_predictor(&stage, choices[i], true);
        for (int split = SPLIT_TRAIN; split <= SPLIT_TEST; split++) {
            struct evaluation wanted = evaluate(stage.trainer, (enum data_split)split);
            struct model_result got = predict_all(&stage, predictor, (enum data_split)split, NULL);
            CHECK(wanted.total > 0);
            CHECK_INT(got.correct, wanted.correct);
            CHECK(got.loss_sum == wanted.loss_sum);
        }
        predictor_free(predictor);
        stage_close(&stage);
    }
}

TEST("what is measured on a data set apart from training is what the trainer normalizes with")
{
    struct stage stage;
    struct sampling sampling;
    struct error error = {0};
    stage_open(&stage, KERNELS_REFERENCE);
    CHECK(sampling_make(&sampling, &stage.job.spec, &stage.job.plan, stage.dataset, &error));
    const struct normalization *wanted = trainer_normalization(stage.trainer);
    CHECK(sampling.normalization.shifts && wanted->shifts);
    CHECK_INT(sampling.normalization.channels, wanted->channels);
    CHECK(sampling.normalization.divisor == wanted->divisor);
    for (int64_t c = 0; c < wanted->channels; c++) {
        CHECK(sampling.normalization.mean[c] == wanted->mean[c]);
        CHECK(sampling.normalization.std[c] == wanted->std[c]);
    }
    sampling_drop(&sampling);
    stage_close(&stage);
}

TEST("a sample's scores do not depend on the samples beside it, whatever the kernels")
{
    static const enum kernel_choice choices[] = {KERNELS_BEST, KERNELS_PORTABLE, KERNELS_REFERENCE};
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        struct stage stage;
        real scores[TEST][CLASSES], alone[CLASSES];
        struct error error = {0};
        stage_open(&stage, choices[i]);
        struct predictor *predictor = stage_predictor(&stage, choices[i], false);
        (void)predict_all(&stage, predictor, SPLIT_TEST, scores[0]);
        for (int64_t k = 0; k < TEST; k++) {
            struct model_result sums;
            const struct predictor_batch one = {
                .split = dataset_test(stage.dataset), .first = k, .samples = 1, .scores = alone};
            CHECK(predictor_run(predictor, &one, &sums, &error));
            CHECK(memcmp(alone, scores[k], sizeof alone) == 0);
            /* Whose loss belongs to these scores. */
            double surprise = loss_surprise(&stage.job.spec.loss, alone, CLASSES,
                                            dataset_test(stage.dataset)->labels[k]);
            CHECK_NEAR(sums.loss_sum, surprise, 1e-5);
        }
        predictor_free(predictor);
        stage_close(&stage);
    }
}

struct seen {
    const struct plan *plan;
    int count;
    int layers[32];
    real last[CLASSES];
    bool negative; /* in what the relu gave */
};

static void see(void *context, int layer, const real *values)
{
    struct seen *seen = context;
    const struct shape *shape = &seen->plan->layers[layer].output;
    seen->layers[seen->count++] = layer;
    if (strcmp(seen->plan->layers[layer].kind->name, "relu") == 0)
        for (int64_t i = 0; i < shape_elements(shape); i++)
            seen->negative |= values[i] < 0;
    if (layer == seen->plan->layer_count - 1)
        memcpy(seen->last, values, sizeof seen->last);
}

TEST("with the reference kernels every layer's output of a sample can be seen, in order")
{
    struct stage stage;
    struct error error = {0};
    struct model_result sums;
    real scores[CLASSES];
    stage_open(&stage, KERNELS_REFERENCE);
    struct seen seen = {.plan = &stage.job.plan};
    const struct model_look look = {see, &seen};
    struct predictor *predictor = stage_predictor(&stage, KERNELS_REFERENCE, false);
    const struct predictor_batch batch = {.split = dataset_test(stage.dataset),
                                          .first = 4,
                                          .samples = 1,
                                          .scores = scores,
                                          .look = &look};
    CHECK(predictor_run(predictor, &batch, &sums, &error));
    CHECK_INT(seen.count, stage.job.plan.layer_count);
    for (int i = 0; i < seen.count; i++)
        CHECK_INT(seen.layers[i], i);
    CHECK(!seen.negative);
    CHECK(memcmp(seen.last, scores, sizeof scores) == 0);
    predictor_free(predictor);
    stage_close(&stage);
}

TEST("a predictor takes no memory for gradients: less than the trainer's")
{
    struct stage stage;
    stage_open(&stage, KERNELS_BEST);
    struct predictor *predictor = stage_predictor(&stage, KERNELS_BEST, true);
    CHECK(predictor_bytes(predictor) < trainer_bytes(stage.trainer));
    predictor_free(predictor);
    stage_close(&stage);
}

TEST("probabilities are the softmax, or each class's sigmoid; scores that are no numbers have none")
{
    static const real scores[] = {1, 3, -2}, huge[] = {800, 1000, 0}, none[] = {1, NAN, 2};
    struct variant softmax = {.kind = &loss_cross_entropy.kind}, apart;
    double p[3];
    apart = (struct variant){.kind = &loss_binary_cross_entropy.kind};
    loss_probabilities(&softmax, scores, 3, p);
    double sum = exp(1) + exp(3) + exp(-2);
    CHECK_NEAR(p[0], exp(1) / sum, 1e-12);
    CHECK_NEAR(p[1] + p[0] + p[2], 1, 1e-12);
    CHECK_NEAR(loss_surprise(&softmax, scores, 3, 2), -log(exp(-2) / sum), 1e-12);
    loss_probabilities(&softmax, huge, 3, p);
    CHECK_NEAR(p[1], 1, 1e-12);
    CHECK(p[2] == 0);
    CHECK_NEAR(loss_surprise(&softmax, huge, 3, 2), 1000, 1e-12);
    loss_probabilities(&apart, scores, 3, p);
    CHECK_NEAR(p[0], 1 / (1 + exp(-1)), 1e-12);
    CHECK_NEAR(loss_surprise(&apart, scores, 3, 0), -log(p[0]), 1e-12);
    CHECK_INT(loss_decision(scores, 3), 1);
    CHECK_INT(loss_decision(none, 3), -1);
    loss_probabilities(&softmax, none, 3, p);
    CHECK(isnan(p[0]) && isnan(p[2]));
    CHECK(isnan(loss_surprise(&softmax, none, 3, 0)));
}
