/* Tests of `traind train`: the command as main calls it, on small images written here. */
#include "server/commands.h"
#include "tests/harness.h"
#include "tests/server/little.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TEST("traind train makes synthetic data itself, and says what it was evaluated on")
{
    static const char *const words[] = {"spec.json", "--threads", "2", NULL};
    static char output[LITTLE_OUTPUT];

    little_text(
        "spec.json",
        "{\"dataset\": {\"synthetic\": {\"shape\": [1, 12, 12], \"classes\": 4, "
        "\"samples\": 640}, \"validation\": 0.2, \"augment\": [{\"type\": "
        "\"random_crop\", \"padding\": 1}]}, \"seed\": 1, \"epochs\": 5, \"batch_size\": 16, "
        "\"optimizer\": \"adam\", \"model\": [{\"type\": \"conv2d\", "
        "\"out_channels\": 8, \"kernel_size\": 3}, \"relu\", \"flatten\", {\"type\": "
        "\"linear\", \"out_features\": 4}]}");
    CHECK_INT(little_train(words, output), 0);
    little_wants(output, "epoch 5/5  step 160  train loss 0.");
    little_wants(output, "validation accuracy ");
}

TEST("traind train learns an easy task and says how well")
{
    static char output[LITTLE_OUTPUT];

    little_data();
    little_text("spec.json", little_spec);
    CHECK_INT(little_train(little_usual, output), 0);
    little_wants(output, "epoch 3/3  step 96  train loss 0.");
    little_wants(output, "test accuracy 1.0000");
}

TEST("two runs of one spec say the same, whatever the number of threads")
{
    static char first[LITTLE_OUTPUT], second[LITTLE_OUTPUT];
    const char *words[] = {
        "spec.json", "--data=little=data/little", "--threads", "1", "--out", "w1", NULL};
    char one[4096], two[4096];

    little_data();
    little_text("spec.json", little_spec);
    CHECK_INT(little_train(words, first), 0);
    words[3] = "3";
    words[5] = "w2";
    CHECK_INT(little_train(words, second), 0);
    FILE *a = fopen("w1", "rb"), *b = fopen("w2", "rb");
    CHECK(a && b);
    size_t size = fread(one, 1, sizeof(one), a);
    CHECK_INT((int64_t)size, (int64_t)fread(two, 1, sizeof(two), b));
    CHECK(size > 1000);
    CHECK(memcmp(one, two, size) == 0);
    fclose(a);
    fclose(b);
}

/* The one number of a tensor in a safetensors file. */
static double number_in(const char *path, const char *tensor)
{
    static char bytes[LITTLE_OUTPUT];
    FILE *file = fopen(path, "rb");
    uint64_t length;
    float number;

    CHECK(file && fread(bytes, 1, sizeof(bytes), file) > sizeof(length));
    fclose(file);
    memcpy(&length, bytes, sizeof(length));
    json_t *head = json_loadb(bytes + 8, length, 0, NULL);
    const json_t *offsets = json_object_get(json_object_get(head, tensor), "data_offsets");
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));

    CHECK_INT(json_integer_value(json_array_get(offsets, 1)) - begin, sizeof(number));
    memcpy(&number, bytes + 8 + length + begin, sizeof(number));
    json_decref(head);
    return (double)number;
}

TEST("the file of weights has the running statistics that training gathered")
{
    static char output[LITTLE_OUTPUT];
    const char *const words[] = {"spec.json", "--data=little=data/little", "--out", "w", NULL};
    double count = LITTLE_TRAIN * LITTLE_SIDE * LITTLE_SIDE, sum = 0, squares = 0;

    for (int i = 0; i < LITTLE_TRAIN; i++) {
        for (int pixel = 0; pixel < LITTLE_SIDE * LITTLE_SIDE; pixel++) {
            sum += little_pixel(i, pixel) / 255.0;
            squares += little_pixel(i, pixel) / 255.0 * little_pixel(i, pixel) / 255.0;
        }
    }
    little_data();
    /* One step over all samples, which alone counts: the statistics are those of the images. */
    little_text(
        "spec.json",
        "{\"dataset\": {\"name\": \"little\"}, \"seed\": 1, \"max_steps\": 1, "
        "\"batch_size\": 512, \"optimizer\": \"sgd\", \"model\": ["
        "{\"type\": \"residual\", \"body\": [{\"type\": \"batch_norm2d\", \"momentum\": 1}]},"
        " \"flatten\", {\"type\": \"linear\", \"out_features\": 4}]}");
    CHECK_INT(little_train(words, output), 0);
    CHECK_NEAR(number_in("w", "0.body.0.running_mean"), sum / count, 1e-6);
    CHECK_NEAR(number_in("w", "0.body.0.running_var"), (squares - sum * sum / count) / (count - 1),
               1e-5);
}

TEST("a data set's name is also looked for in the folder that TRAIND_DATASETS names")
{
    static char output[LITTLE_OUTPUT];
    const char *const words[] = {"spec.json", "--quiet", NULL};

    little_data();
    little_text("spec.json", little_spec);
    CHECK(setenv("TRAIND_DATASETS", "data", 1) == 0);
    CHECK_INT(little_train(words, output), 0);
    CHECK(strncmp(output, "test accuracy", 13) == 0);
}

TEST("every problem of a spec is printed with its place, and the exit status is 2")
{
    static char output[LITTLE_OUTPUT];

    little_text("spec.json",
                "{\"dataset\": {\"name\": \"little\"}, \"model\": [\"reul\"], \"epoch\": 3}");
    CHECK_INT(little_train(little_usual, output), 2);
    little_wants(output, "spec.json: /model/0: found the string \"reul\"");
    little_wants(output, "did you mean \"relu\"?");
    little_wants(output, "spec.json: /epoch: a job has no such key; did you mean \"epochs\"?");
    little_wants(output, "spec.json: /optimizer: is required");
}

TEST("a spec that is no JSON is refused with line and column")
{
    static char output[LITTLE_OUTPUT];

    little_text("spec.json", "{\n  \"epochs\": NaN\n}\n");
    CHECK_INT(little_train(little_usual, output), 2);
    little_wants(output, "spec.json: line 2, column 15: invalid token near 'NaN'");
}

TEST("an unknown data set is refused, and so is a name that is a path")
{
    static char output[LITTLE_OUTPUT];
    const char *const words[] = {"spec.json", NULL};

    little_text("spec.json", little_spec);
    CHECK_INT(little_train(words, output), 2);
    little_wants(output, "/dataset/name: there is no /usr/share/datasets/little");
    little_text("spec.json", "{\"dataset\": {\"name\": \"../secret\"}, \"model\": [\"flatten\"], "
                             "\"optimizer\": \"sgd\"}");
    CHECK_INT(little_train(words, output), 2);
    little_wants(output, "/dataset/name: a name has letters");
}

TEST("a network that does not fit its data is refused with the layer's pointer")
{
    static char output[LITTLE_OUTPUT];

    little_data();
    little_text("spec.json",
                "{\"dataset\": {\"name\": \"little\"}, \"optimizer\": \"sgd\", \"model\": ["
                "{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 9}]}");
    CHECK_INT(little_train(little_usual, output), 2);
    little_wants(output, "spec.json: /model/0: ");
}

TEST("a diverged run ends with status 1 and says at which step")
{
    static char output[LITTLE_OUTPUT];

    little_data();
    little_text(
        "spec.json",
        "{\"dataset\": {\"name\": \"little\", \"normalize\": \"none\"}, \"seed\": 1, \"epochs\": 3,"
        " \"optimizer\": {\"type\": \"sgd\", \"lr\": 1000000},"
        " \"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3},"
        " {\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, \"flatten\","
        " {\"type\": \"linear\", \"out_features\": 4}]}");
    CHECK_INT(little_train(little_usual, output), 1);
    little_wants(output, "diverged at step ");
}

TEST("an interrupted run ends after its step with status 130")
{
    static char output[LITTLE_OUTPUT];
    sigset_t interrupt;

    little_data();
    little_text("spec.json", little_spec);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    CHECK(pthread_sigmask(SIG_BLOCK, &interrupt, NULL) == 0);
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK_INT(little_train(little_usual, output), 130);
    little_wants(output, "stopped after step 0 of 96");
}

TEST("weights that cannot be written are an error, and no half file is left")
{
    static char output[LITTLE_OUTPUT];
    const char *const words[] = {
        "spec.json", "--data", "little=data/little", "--out", "missing/w.safetensors", NULL};

    little_data();
    little_text("spec.json", little_spec);
    CHECK_INT(little_train(words, output), 1);
    little_wants(output, "missing/w.safetensors: cannot be written: No such file or directory");
}

TEST("wrong options are named")
{
    static char output[LITTLE_OUTPUT];
    const char *const none[] = {NULL};
    const char *const two[] = {"a.json", "b.json", NULL};
    const char *const threads[] = {"a.json", "--threads", "many", NULL};
    const char *const kernels[] = {"a.json", "--kernels", "fast", NULL};
    const char *const unknown[] = {"a.json", "--thread", "2", NULL};
    const char *const valueless[] = {"a.json", "--out", NULL};

    CHECK_INT(little_train(none, output), 2);
    little_wants(output, "SPEC.json is missing");
    CHECK_INT(little_train(two, output), 2);
    little_wants(output, "b.json is one file too many");
    CHECK_INT(little_train(threads, output), 2);
    little_wants(output, "--threads must be from 1 to 256, not 'many'");
    CHECK_INT(little_train(kernels, output), 2);
    little_wants(output, "--kernels must be auto, portable or reference");
    CHECK_INT(little_train(unknown, output), 2);
    little_wants(output, "--thread is no option");
    CHECK_INT(little_train(valueless, output), 2);
    little_wants(output, "--out wants a value");
}
