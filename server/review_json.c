/* Review as JSON. */
#include "server/review.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was taken for what, how often. */
struct confusion {
    int64_t label, predicted, count;
};

/* The pairs from *at on that are equal: one confusion. False at the end. */
static bool next_confusion(const struct review *review, int64_t *at, struct confusion *out)
{
    int64_t first = *at;

    if (first == review->pair_count)
        return false;
    while (*at < review->pair_count && review->pairs[*at] == review->pairs[first])
        ++*at;
    *out =
        (struct confusion){review->pairs[first] >> 16, review->pairs[first] & 0xffff, *at - first};
    return true;
}

/* ---- class by class ---- */

struct class_count {
    int64_t predicted, right;
};

/* 0 / 0 is not known. */
static void put_share(struct body *out, const char *key, int64_t part, int64_t whole)
{
    body_print(out, ",\"%s\":", key);
    if (whole == 0)
        body_text(out, "null");
    else
        body_real(out, (double)part / (double)whole);
}

static void put_class(struct body *out, const struct review *review, int64_t class,
                      const struct class_count *count, const char *name)
{
    int64_t support = review->support[class];

    body_print(out, "%s{\"class\":%" PRId64, class > 0 ? "," : "", class);
    if (name) {
        body_text(out, ",\"name\":");
        body_string(out, name);
    }
    body_print(out, ",\"support\":%" PRId64 ",\"predicted\":%" PRId64, support, count->predicted);
    put_share(out, "precision", count->right, count->predicted);
    put_share(out, "recall", count->right, support);
    put_share(out, "f1", 2 * count->right, support + count->predicted);
    body_text(out, "}");
}

static void put_classes(struct body *out, const struct review *review, const struct job_data *data)
{
    struct class_count *counts = calloc((size_t)review->classes, sizeof(*counts));
    struct confusion confusion;

    out->failed |= !counts;
    if (!counts)
        return;
    for (int64_t at = 0; next_confusion(review, &at, &confusion);) {
        counts[confusion.predicted].predicted += confusion.count;
        if (confusion.label == confusion.predicted)
            counts[confusion.label].right += confusion.count;
    }
    body_text(out, ",\"classes\":[");
    for (int64_t i = 0; i < review->classes; i++)
        put_class(out, review, i, &counts[i], job_data_class(data, i));
    body_text(out, "]");
    free(counts);
}

/* ---- the matrix ---- */

/* One row: the pairs of one label, which lie together. */
static void put_row(struct body *out, const struct review *review, int64_t label, int64_t *at)
{
    int64_t column = 0;

    body_text(out, label > 0 ? ",[" : "[");
    while (column < review->classes) {
        int64_t before = *at;
        struct confusion confusion = {.label = -1};

        if (!next_confusion(review, at, &confusion) || confusion.label != label) {
            *at = before;
            confusion.predicted = review->classes;
        }
        for (; column < confusion.predicted; column++)
            body_text(out, column > 0 ? ",0" : "0");
        if (column == review->classes)
            break;
        body_print(out, "%s%" PRId64, column > 0 ? "," : "", confusion.count);
        column++;
    }
    body_text(out, "]");
}

static void put_matrix(struct body *out, const struct review *review)
{
    int64_t at = 0;

    body_text(out, ",\"confusion\":");
    if (review->classes > REVIEW_MATRIX_CLASSES) {
        body_text(out, "null");
        return;
    }
    body_text(out, "[");
    for (int64_t label = 0; label < review->classes; label++)
        put_row(out, review, label, &at);
    body_text(out, "]");
}

static void put_most_confused(struct body *out, const struct review *review)
{
    struct confusion most[REVIEW_PAIRS + 1] = {{.count = 0}}, next;
    int count = 0;

    for (int64_t at = 0; next_confusion(review, &at, &next);) {
        int place = count;

        if (next.label == next.predicted)
            continue;
        while (place > 0 && next.count > most[place - 1].count)
            place--;
        if (place == REVIEW_PAIRS)
            continue;
        count += count < REVIEW_PAIRS;
        memmove(&most[place + 1], &most[place], (size_t)(count - place - 1) * sizeof(next));
        most[place] = next;
    }
    body_text(out, ",\"most_confused\":[");
    for (int i = 0; i < count; i++)
        body_print(out, "%s{\"true\":%" PRId64 ",\"predicted\":%" PRId64 ",\"count\":%" PRId64 "}",
                   i > 0 ? "," : "", most[i].label, most[i].predicted, most[i].count);
    body_text(out, "]");
}

/* ---- all of it ---- */

void review_put(struct body *out, const struct review *review, const struct job_data *data)
{
    double samples = (double)review->samples;

    body_print(out, "{\"samples\":%" PRId64 ",\"loss\":", review->samples);
    body_real(out, review->loss_sum / samples);
    body_text(out, ",\"accuracy\":");
    body_real(out, (double)review->correct / samples);
    body_print(out, ",\"undecided\":%" PRId64, review->undecided);
    put_classes(out, review, data);
    put_matrix(out, review);
    put_most_confused(out, review);
    body_text(out, ",\"seconds\":");
    body_real(out, review->seconds);
    body_text(out, "}");
}

static void put_worst(struct body *out, const struct review_sample *sample,
                      const struct review_images *images)
{
    body_print(out, "{\"index\":%" PRId64 ",\"true\":%" PRId64 ",\"predicted\":", sample->index,
               sample->label);
    if (sample->predicted < 0)
        body_text(out, "null");
    else
        body_print(out, "%" PRId64, sample->predicted);
    body_text(out, ",\"probability\":{\"true\":");
    body_real(out, sample->probability[0]);
    body_text(out, ",\"predicted\":");
    body_real(out, sample->probability[1]);
    body_text(out, "},\"links\":{");
    if (images)
        body_print(out, "\"image\":\"%s%" PRId64 "%s\"", images->before, sample->index,
                   images->after);
    body_text(out, "}}");
}

void review_put_worst(struct body *out, const struct review *review,
                      const struct review_images *images)
{
    body_text(out, "[");
    for (int64_t i = 0; i < review->worst_count; i++) {
        body_text(out, i > 0 ? "," : "");
        put_worst(out, &review->worst[i], images);
    }
    body_text(out, "]");
}
