/* Support for tests: see support_chain.h. */
#include "tests/core/support_chain.h"

#include "core/kernels.h"
#include "core/layer.h"
#include "core/optimizer.h"
#include "tests/core/support_words.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPS = 4, MEMBERS = 2, PATTERN = 0xA5 };

static void *room(int64_t bytes)
{
    void *memory = malloc((size_t)bytes + 1);

    CHECK(memory != NULL);
    memset(memory, PATTERN, (size_t)bytes + 1);
    return memory;
}

void chain_open(struct chain_run *run, const char *words, const struct shape *input,
                int64_t samples)
{
    const struct data_shape data = {*input, 2, samples, 0, false};
    struct problems problems = {0};
    struct error error = {0};
    const struct plan_layer *last;

    memset(run, 0, sizeof(*run));
    spec_init(&run->spec);
    snprintf(run->spec.dataset.name, sizeof(run->spec.dataset.name), "test");
    layers_from_words(&run->spec.arena, words, &run->spec.model);
    variant_from_words(&run->spec.arena, &optimizer_kinds, "sgd", &run->spec.optimizer);
    if (!spec_complete(&run->spec, &problems, &error) ||
        !spec_settle(&run->spec, &data, NULL, &error) ||
        !plan_make(&run->spec, &data, &run->plan, &problems, NULL, &error))
        FAIL("%s", error.text);
    for (size_t i = 0; i < problems.count; i++) /* such a network seldom ends in class scores */
        if (strstr(problems.items[i].detail, "the last layer gives") == NULL)
            FAIL("%s: %s", words, problems.items[i].detail);
    last = &run->plan.layers[run->plan.layer_count - 1];
    run->samples = samples;
    run->x_count = shape_elements(input);
    run->y_count = shape_elements(&last->output);
    run->x = room(samples * run->x_count * (int64_t)sizeof(real));
    run->dx = room(samples * run->x_count * (int64_t)sizeof(real));
    run->y = room(samples * run->y_count * (int64_t)sizeof(real));
    run->dy = room(samples * run->y_count * (int64_t)sizeof(real));
}

void chain_close(struct chain_run *run)
{
    free(run->x);
    free(run->dx);
    free(run->y);
    free(run->dy);
    plan_drop(&run->plan);
    spec_drop(&run->spec);
}

/* ---- layouts ---- */

/* Activations of a shard, and one sample's shape. */
struct lying {
    const struct shape *shape;
    struct layout layout;
    void *numbers;
};

static int64_t place(const struct lying *lying, int64_t channel, int64_t pixel)
{
    int64_t pixels = lying->shape->height * lying->shape->width, block = lying->layout.block;

    return channel / block * pixels * block + pixel * block + channel % block;
}

/* Plain samples into another layout, zeros into channels that only fill up a block. */
static void lay(const real *plain, int64_t samples, const struct lying *to)
{
    int64_t pixels = to->shape->height * to->shape->width, channels = to->shape->channels;
    int64_t count = op_count(to->shape, to->layout.block);

    memset(to->numbers, 0, (size_t)(samples * count) * number_size(to->layout.number));
    for (int64_t n = 0; n < samples; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < pixels; p++)
                number_put(to->layout.number, to->numbers, n * count + place(to, c, p),
                           plain[(n * channels + c) * pixels + p]);
}

static void take(const struct lying *from, int64_t samples, real *plain)
{
    int64_t pixels = from->shape->height * from->shape->width, channels = from->shape->channels;
    int64_t count = op_count(from->shape, from->layout.block);

    for (int64_t n = 0; n < samples; n++)
        for (int64_t c = 0; c < count / pixels; c++)
            for (int64_t p = 0; p < pixels; p++) {
                real value =
                    number_get(from->layout.number, from->numbers, n * count + place(from, c, p));

                if (c < channels)
                    plain[(n * channels + c) * pixels + p] = value;
                else if (value != 0)
                    FAIL("%g in a channel that does not exist", (double)value);
            }
}

/* ---- the ops ---- */

/* Values and gradients before the first op and behind each. */
struct line {
    struct op ops[OPS];
    int count;
    void *values[OPS + 1], *gradients[OPS + 1];
    int64_t bytes[OPS + 1]; /* of one sample */
};

static void line_make(struct line *line, const struct chain_run *run, const struct chain_way *way,
                      struct block *memory)
{
    struct layout layout = {way->block, way->number};
    struct error error = {0};

    line->count = 0;
    for (int i = 0; i < run->plan.layer_count;) {
        struct op *op = &line->ops[line->count];
        const struct op_setup setup = {.plan = &run->plan,
                                       .layer = &run->plan.layers[i],
                                       .cut.shard_size = way->shard_size,
                                       .cut.shards =
                                           (run->samples + way->shard_size - 1) / way->shard_size,
                                       .cut.members = MEMBERS,
                                       .cut.keepers = MEMBERS,
                                       .block = layout.block,
                                       .number = layout.number,
                                       .chain = run->plan.layer_count - i,
                                       .want_dx = true,
                                       .memory = memory};

        CHECK(line->count < OPS);
        if (!kernels_make(&setup, way->kernels, op, &error))
            FAIL("%s", error.text);
        if (op->x.block != layout.block || op->x.number != layout.number)
            FAIL("%s wants another layout", op->kernel);
        layout = (struct layout){op->y.block, op->y.number};
        i += op->layers > 1 ? op->layers : 1;
        line->count++;
    }
    if (!block_take(memory, &error))
        FAIL("%s", error.text);
}

static void line_room(struct line *line, int64_t shard_size)
{
    for (int i = 0; i <= line->count; i++) {
        const struct op *op = &line->ops[i > 0 ? i - 1 : 0];
        int64_t count = i > 0 ? op->y.count : op->x.count;

        line->bytes[i] = count * (int64_t)number_size(i > 0 ? op->y.number : op->x.number);
        if (i > 0 && (op->traits & OP_IN_PLACE)) {
            line->values[i] = line->values[i - 1];
            line->gradients[i] = line->gradients[i - 1];
        } else {
            line->values[i] = room(shard_size * line->bytes[i]);
            line->gradients[i] = room(shard_size * line->bytes[i]);
        }
    }
}

static void line_drop(struct line *line)
{
    for (int i = 0; i <= line->count; i++)
        if (i == 0 || !(line->ops[i - 1].traits & OP_IN_PLACE)) {
            free(line->values[i]);
            free(line->gradients[i]);
        }
    for (int i = 0; i < line->count; i++)
        if (line->ops[i].drop != NULL)
            line->ops[i].drop(&line->ops[i]);
}

/* Nothing behind the shard's samples has been touched. */
static void check_behind(const struct line *line, const struct chain_way *way, int64_t samples)
{
    for (int i = 0; i <= line->count; i++)
        for (int64_t k = samples * line->bytes[i]; k <= way->shard_size * line->bytes[i]; k++)
            if (((unsigned char *)line->values[i])[k] != PATTERN ||
                ((unsigned char *)line->gradients[i])[k] != PATTERN)
                FAIL("an op wrote behind its samples");
}

static void run_shard(struct chain_run *run, const struct chain_way *way, struct line *line,
                      int64_t first)
{
    int64_t left = run->samples - first, samples = left < way->shard_size ? left : way->shard_size;
    int shard = (int)(first / way->shard_size), last = line->count;
    const struct op *begin = &line->ops[0], *end = &line->ops[last - 1];
    const struct layout in = {begin->x.block, begin->x.number}, out = {end->y.block, end->y.number};
    const struct shape *from = &run->plan.layers[0].input;
    const struct shape *to = &run->plan.layers[run->plan.layer_count - 1].output;
    struct op_call call = {.samples = samples,
                           .shard = shard,
                           .member = shard % MEMBERS,
                           .keeper = shard % MEMBERS,
                           .train = true,
                           .first = first};

    for (int i = 0; i <= last; i++) {
        memset(line->values[i], PATTERN, (size_t)(way->shard_size * line->bytes[i]));
        memset(line->gradients[i], PATTERN, (size_t)(way->shard_size * line->bytes[i]));
    }
    lay(run->x + first * run->x_count, samples, &(struct lying){from, in, line->values[0]});
    for (int i = 0; i < last; i++) {
        call.x = line->values[i];
        call.y = line->values[i + 1];
        line->ops[i].forward(&line->ops[i], &call);
    }
    take(&(struct lying){to, out, line->values[last]}, samples, run->y + first * run->y_count);
    lay(run->dy + first * run->y_count, samples, &(struct lying){to, out, line->gradients[last]});
    for (int i = last - 1; i >= 0; i--) {
        call.x = line->values[i];
        call.y = line->values[i + 1];
        call.dy = line->gradients[i + 1];
        call.dx = line->gradients[i];
        line->ops[i].backward(&line->ops[i], &call);
    }
    take(&(struct lying){from, in, line->gradients[0]}, samples, run->dx + first * run->x_count);
    check_behind(line, way, samples);
}

void chain_compute(struct chain_run *run, const struct chain_way *way)
{
    struct block memory = {0};
    struct line line;

    kernels_greet_thread();
    line_make(&line, run, way, &memory);
    line_room(&line, way->shard_size);
    snprintf(run->kernel, sizeof(run->kernel), "%s", line.ops[0].kernel);
    run->ops = line.count;
    for (int64_t first = 0; first < run->samples; first += way->shard_size)
        run_shard(run, way, &line, first);
    line_drop(&line);
    block_drop(&memory);
}
