/* Review: see review.h. */
#include "server/review.h"

#include "core/loss.h"
#include "server/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* How far behind those that train. */
enum { MODEST = 10 };

void review_drop(struct review *review)
{
    free(review->pairs);
    free(review->support);
    free(review->worst);
    *review = (struct review){.pairs = NULL};
}

/* One evaluation under way. */
struct reviewing {
    const struct review_setup *setup;
    struct review *out;
    real *scores;          /* (batch size, classes) */
    double *probabilities; /* (classes) */
    struct error *error;
    bool good;
};

/* NaN is the worst; of equals the first is. */
static bool is_worse(const struct review_sample *one, const struct review_sample *other)
{
    if (isnan(one->surprise) || isnan(other->surprise))
        return isnan(one->surprise) && !isnan(other->surprise);
    return one->surprise > other->surprise;
}

static void keep_if_bad(struct review *review, const struct review_sample *sample)
{
    int64_t at = review->worst_count;

    while (at > 0 && is_worse(sample, &review->worst[at - 1]))
        at--;
    if (at == REVIEW_WORST)
        return;
    if (review->worst_count < REVIEW_WORST)
        review->worst_count++;
    memmove(&review->worst[at + 1], &review->worst[at],
            (size_t)(review->worst_count - at - 1) * sizeof(*sample));
    review->worst[at] = *sample;
}

static void look(struct reviewing *reviewing, int64_t index, const real *scores)
{
    const struct review_setup *setup = reviewing->setup;
    const struct dataset_split *split =
        setup->part.of_training ? dataset_train(setup->dataset) : dataset_test(setup->dataset);
    const struct variant *loss = &setup->network->spec.loss;
    struct review *review = reviewing->out;
    int64_t label = split->labels[index], predicted = loss_decision(scores, review->classes);

    loss_probabilities(loss, scores, review->classes, reviewing->probabilities);
    const struct review_sample sample = {
        .index = index,
        .label = label,
        .predicted = predicted,
        .surprise = loss_surprise(loss, scores, review->classes, label),
        .probability = {reviewing->probabilities[label],
                        predicted < 0 ? NAN : reviewing->probabilities[predicted]}};
    keep_if_bad(review, &sample);
    review->support[label]++;
    if (predicted < 0)
        review->undecided++;
    else
        review->pairs[review->pair_count++] = (uint32_t)label << 16 | (uint32_t)predicted;
}

/* Batch by batch of the job's size, as its own evaluations go. */
static bool run(struct reviewing *reviewing)
{
    const struct review_setup *setup = reviewing->setup;
    struct review *review = reviewing->out;
    int64_t size = setup->network->plan.batch_size;
    struct predictor_batch batch = {.split = setup->part.of_training ? dataset_train(setup->dataset)
                                                                     : dataset_test(setup->dataset),
                                    .order = setup->part.order,
                                    .scores = reviewing->scores};

    for (; batch.first < setup->part.count; batch.first += size) {
        int64_t left = setup->part.count - batch.first;
        struct model_result sums;

        batch.samples = left < size ? left : size;
        if (atomic_load(setup->stop))
            return error_set(reviewing->error, ERROR_BUSY, "", "the daemon is stopping");
        if (!predictor_run(setup->network->predictor, &batch, &sums, reviewing->error))
            return false;
        review->loss_sum += sums.loss_sum;
        review->correct += sums.correct;
        for (int64_t i = 0; i < batch.samples; i++) {
            int64_t at = batch.first + i;
            look(reviewing, batch.order ? batch.order[at] : at,
                 reviewing->scores + i * review->classes);
        }
    }
    return true;
}

static void *run_modestly(void *context)
{
    struct reviewing *reviewing = context;

    (void)setpriority(PRIO_PROCESS, 0, MODEST); /* on Linux, of this thread alone */
    reviewing->good = run(reviewing);
    return NULL;
}

static bool take_memory(struct reviewing *reviewing, struct error *error)
{
    struct review *review = reviewing->out;
    const struct plan *plan = &reviewing->setup->network->plan;
    size_t samples = (size_t)review->samples, classes = (size_t)review->classes;

    review->pairs = calloc(samples, sizeof(*review->pairs));
    review->support = calloc(classes, sizeof(*review->support));
    review->worst = calloc(REVIEW_WORST, sizeof(*review->worst));
    reviewing->scores = calloc((size_t)plan->batch_size * classes, sizeof(real));
    reviewing->probabilities = calloc(classes, sizeof(double));
    bool good = review->pairs && review->support && review->worst && reviewing->scores &&
                reviewing->probabilities;
    return good || error_set(error, ERROR_MEMORY, "", "no memory for the evaluation just now");
}

static int compare_pairs(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

bool review_make(const struct review_setup *setup, struct review *out, struct error *error)
{
    struct reviewing reviewing = {.setup = setup, .out = out, .error = error};
    double start = clock_seconds();
    pthread_t thread;

    *out =
        (struct review){.samples = setup->part.count, .classes = setup->network->plan.data.classes};
    bool good = take_memory(&reviewing, error);
    if (good) {
        good = pthread_create(&thread, NULL, run_modestly, &reviewing) == 0 &&
               pthread_join(thread, NULL) == 0;
        if (!good)
            error_set(error, ERROR_IO, "", "cannot start a thread");
        good = good && reviewing.good;
    }
    free(reviewing.scores);
    free(reviewing.probabilities);
    if (!good)
        return false;
    qsort(out->pairs, (size_t)out->pair_count, sizeof(*out->pairs), compare_pairs);
    out->seconds = clock_seconds() - start;
    return true;
}
