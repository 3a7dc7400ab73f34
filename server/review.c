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
    review->worst[review->worst_count++] = sample;
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
    review->worst = calloc(samples, sizeof(*review->worst));
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

/* ---- which samples are kept ---- */

/* NaN is the worst; of equals the first is. */
static int compare_badness(const void *left, const void *right)
{
    const struct review_sample *a = left, *b = right;
    int nan = isnan(b->surprise) - isnan(a->surprise);

    if (nan != 0 || a->surprise == b->surprise || isnan(a->surprise))
        return nan != 0 ? nan : (a->index > b->index) - (a->index < b->index);
    return a->surprise < b->surprise ? 1 : -1;
}

/* Whether its cell of the matrix has room for one more. */
static bool counts_for_cell(const struct review *review, uint8_t *cells,
                            const struct review_sample *sample)
{
    if (!cells || sample->predicted < 0)
        return false;
    uint8_t *cell = &cells[sample->label * review->classes + sample->predicted];
    if (*cell == REVIEW_OF_CELL)
        return false;
    ++*cell;
    return true;
}

/* The worst of all, and the worst of each cell, in one order. Without memory for the cells those of
 * all suffice. */
static void keep_worst(struct review *review)
{
    size_t classes = (size_t)review->classes;
    bool matrix = classes <= REVIEW_MATRIX_CLASSES;
    uint8_t *cells = matrix ? calloc(classes * classes, sizeof(*cells)) : NULL;
    int64_t kept = 0;

    qsort(review->worst, (size_t)review->worst_count, sizeof(*review->worst), compare_badness);
    for (int64_t i = 0; i < review->worst_count && kept < REVIEW_KEPT; i++) {
        bool of_cell = counts_for_cell(review, cells, &review->worst[i]);

        if (i < REVIEW_WORST || of_cell)
            review->worst[kept++] = review->worst[i];
    }
    review->worst_count = kept;
    free(cells);
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
    keep_worst(out);
    out->seconds = clock_seconds() - start;
    return true;
}
