/* Nearest: see nearest.h. */
#include "core/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

/* What Keras, Caffe, MATLAB, papers and habit call things, without lines between words. */
/* clang-format off */
static const struct {
    const char *theirs, *ours;
} habits[] = {
    {"dense", "linear"}, {"fullyconnected", "linear"}, {"fc", "linear"},
    {"innerproduct", "linear"}, {"convolution", "conv2d"}, {"conv", "conv2d"},
    {"convolution2d", "conv2d"}, {"maxpooling2d", "max_pool2d"}, {"maxpooling", "max_pool2d"},
    {"pool", "max_pool2d"}, {"averagepooling2d", "avg_pool2d"}, {"averagepool2d", "avg_pool2d"},
    {"globalaveragepooling2d", "adaptive_avg_pool2d"}, {"globalavgpool2d", "adaptive_avg_pool2d"},
    {"batchnormalization", "batch_norm2d"}, {"batchnorm", "batch_norm2d"}, {"swish", "silu"},
    {"spatialdropout2d", "dropout2d"}, {"reshape", "flatten"}, {"add", "residual"},
    {"skip", "residual"}, {"concatenate", "concat"}, {"filters", "out_channels"},
    {"numoutput", "out_channels"}, {"units", "out_features"}, {"poolsize", "kernel_size"},
    {"kernel", "kernel_size"}, {"size", "kernel_size"}, {"dilationrate", "dilation"},
    {"usebias", "bias"}, {"kernelinitializer", "init"}, {"rate", "p"}, {"dropoutrate", "p"},
    {"probability", "p"}, {"learningrate", "lr"}, {"stepsize", "lr"}, {"baselr", "lr"},
    {"l2", "weight_decay"}, {"wd", "weight_decay"}, {"epsilon", "eps"}, {"beta", "betas"},
    {"beta1", "betas"}, {"beta2", "betas"}, {"scheduler", "lr_schedule"},
    {"lrscheduler", "lr_schedule"}, {"schedule", "lr_schedule"}, {"lrpolicy", "lr_schedule"},
    {"network", "model"}, {"layers", "model"}, {"net", "model"}, {"architecture", "model"},
    {"data", "dataset"}, {"criterion", "loss"}, {"objective", "loss"}, {"numepochs", "epochs"},
    {"steps", "max_steps"}, {"iterations", "max_steps"}, {"maxiter", "max_steps"},
    {"dtype", "precision"}, {"randomseed", "seed"}, {"tags", "labels"}, {"title", "name"},
    {"gradclip", "clip_grad_norm"}, {"clipnorm", "clip_grad_norm"},
    {"clipvalue", "clip_grad_value"}, {"pretrained", "init_from"}, {"initweights", "init_from"},
    {"crossentropyloss", "cross_entropy"}, {"categoricalcrossentropy", "cross_entropy"},
    {"nll", "cross_entropy"}, {"mseloss", "mse"}, {"meansquarederror", "mse"},
    {"cosineannealing", "cosine"}, {"cosineannealinglr", "cosine"}, {"steplr", "step"},
    {"onecyclelr", "one_cycle"}, {"reducelronplateau", "reduce_on_plateau"}, {"fp16", "bf16"},
    {"float32", "fp32"}, {"bfloat16", "bf16"}, {"batch", "step"}, {"iteration", "step"},
    {"latest", "last"}, {"newest", "last"}, {"stop", "cancel"}, {"kill", "cancel"},
    {"abort", "cancel"}, {"continue", "resume"}, {"unpause", "resume"}, {"curves", "metrics"},
    {"history", "metrics"}, {"logs", "events"}, {"stream", "events"}, {"infer", "predict"},
    {"classify", "predict"}, {"evaluate", "evaluation"}, {"models", "jobs"}, {"runs", "jobs"},
    {"health", "readyz"}, {"healthz", "livez"}, {"swagger.json", "openapi.json"},
};
/* clang-format on */

/* Upper and lower case count as equal: "ReLU" should find "relu". */
static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Whether `text` is `word`, whatever its capitals and its lines between words. */
static bool is_word(const char *text, const char *word)
{
    for (; *text; text++) {
        if (*text == '_' || *text == '-' || *text == ' ')
            continue;
        if (lower(*text) != (unsigned char)*word)
            return false;
        word++;
    }
    return *word == '\0';
}

static bool is_habit(const char *theirs, const char *ours)
{
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
        if (strcmp(habits[i].ours, ours) == 0 && is_word(theirs, habits[i].theirs))
            return true;
    return false;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t width = strlen(b), height = strlen(a);

    for (size_t x = 0; x <= width; x++)
        above[x] = before[x] = x;
    for (size_t y = 1; y <= height; y++) {
        size_t *spare = before;

        row[0] = y;
        for (size_t x = 1; x <= width; x++) {
            size_t replaced = above[x - 1] + (lower(a[y - 1]) != lower(b[x - 1]));

            row[x] = least(replaced, least(above[x], row[x - 1]) + 1);
            if (y > 1 && x > 1 && lower(a[y - 1]) == lower(b[x - 2]) &&
                lower(a[y - 2]) == lower(b[x - 1]))
                row[x] = least(row[x], before[x - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[width];
}

void nearest_begin(struct nearest *nearest, const char *found)
{
    size_t length = strlen(found);
    size_t limit = length / 3 > 1 ? length / 3 : 1;

    /* One letter is as near to any other letter: no guess. */
    if (length < 2 || length > NAME_MAX_BYTES)
        limit = 0;
    *nearest = (struct nearest){.found = found, .distance = limit > 0 ? limit + 1 : 0};
}

void nearest_try(struct nearest *nearest, const char *name)
{
    size_t away;

    if (nearest->distance == 0 || strlen(name) > NAME_MAX_BYTES)
        return;
    away = is_habit(nearest->found, name) ? 0 : distance(nearest->found, name);
    if (away < nearest->distance) {
        nearest->distance = away;
        nearest->name = name;
    }
}
