/* Tests of `traind train`: the command as main calls it, on small images written here. */
#include "server/commands.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIDE = 8, TRAIN = 512, TEST_SAMPLES = 128, OUTPUT_BYTES = 1 << 16 };

static void put_u32(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(number >> shift & 0xFF), file);
}

/* Class k is a bright column k with some noise: any network learns it. */
static int pixel_of(int sample, int pixel)
{
    return pixel % SIDE == sample % 4 ? 200 : (sample * 7 + pixel * 13) % 50;
}

static void write_split(const char *prefix, int count)
{
    char path[256];

    snprintf(path, sizeof(path), "data/little/%s-images-idx3-ubyte", prefix);
    FILE *images = fopen(path, "wb");
    snprintf(path, sizeof(path), "data/little/%s-labels-idx1-ubyte", prefix);
    FILE *labels = fopen(path, "wb");
    CHECK(images && labels);
    put_u32(images, 0x803);
    put_u32(images, (uint32_t)count);
    put_u32(images, SIDE);
    put_u32(images, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        fputc(i % 4, labels);
        for (int pixel = 0; pixel < SIDE * SIDE; pixel++)
            fputc(pixel_of(i, pixel), images);
    }
    CHECK(fclose(images) == 0 && fclose(labels) == 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    CHECK(file && fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

static void write_data(void)
{
    CHECK(mkdir("data", 0755) == 0 && mkdir("data/little", 0755) == 0);
    write_split("train", TRAIN);
    write_split("t10k", TEST_SAMPLES);
}

static const char spec[] = "{\"dataset\": {\"name\": \"little\"}, \"seed\": 1, \"epochs\": 3, "
                           "\"batch_size\": 16, \"optimizer\": \"adam\","
                           " \"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, "
                           "\"kernel_size\": 3}, \"relu\", \"flatten\","
                           " {\"type\": \"linear\", \"out_features\": 4}]}";

/* Runs the command with both outputs in files of the test's folder; its exit status. */
static int train(const char *const *words, char output[OUTPUT_BYTES])
{
    char *argv[16];
    int argc = 0, status;
    size_t size;

    while (words[argc]) {
        argv[argc] = (char *)words[argc];
        argc++;
    }
    argv[argc] = NULL;
    int both = open("output", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(dup2(both, STDOUT_FILENO) >= 0 && dup2(both, STDERR_FILENO) >= 0);
    close(both);
    status = command_train(argc, argv);
    fflush(NULL);
    FILE *file = fopen("output", "r");
    CHECK(file != NULL);
    size = fread(output, 1, OUTPUT_BYTES - 1, file);
    output[size] = '\0';
    fclose(file);
    return status;
}

static void wants(const char *output, const char *text)
{
    if (!strstr(output, text))
        FAIL("\"%s\" is not in:\n%s", text, output);
}

static const char *const usual[] = {"spec.json", "--data", "little=data/little",
                                    "--threads", "2",      NULL};

TEST("traind train makes synthetic data itself, and says what it was evaluated on")
{
    static const char *const words[] = {"spec.json", "--threads", "2", NULL};
    static char output[OUTPUT_BYTES];

    write_text(
        "spec.json",
        "{\"dataset\": {\"synthetic\": {\"shape\": [1, 12, 12], \"classes\": 4, "
        "\"samples\": 640}, \"validation\": 0.2, \"augment\": [{\"type\": "
        "\"random_crop\", \"padding\": 1}]}, \"seed\": 1, \"epochs\": 5, \"batch_size\": 16, "
        "\"optimizer\": \"adam\", \"model\": [{\"type\": \"conv2d\", "
        "\"out_channels\": 8, \"kernel_size\": 3}, \"relu\", \"flatten\", {\"type\": "
        "\"linear\", \"out_features\": 4}]}");
    CHECK_INT(train(words, output), 0);
    wants(output, "epoch 5/5  step 160  train loss 0.");
    wants(output, "validation accuracy ");
}

TEST("traind train learns an easy task and says how well")
{
    static char output[OUTPUT_BYTES];

    write_data();
    write_text("spec.json", spec);
    CHECK_INT(train(usual, output), 0);
    wants(output, "epoch 3/3  step 96  train loss 0.");
    wants(output, "test accuracy 1.0000");
}

TEST("two runs of one spec say the same, whatever the number of threads")
{
    static char first[OUTPUT_BYTES], second[OUTPUT_BYTES];
    const char *words[] = {
        "spec.json", "--data=little=data/little", "--threads", "1", "--out", "w1", NULL};
    char one[4096], two[4096];

    write_data();
    write_text("spec.json", spec);
    CHECK_INT(train(words, first), 0);
    words[3] = "3";
    words[5] = "w2";
    CHECK_INT(train(words, second), 0);
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
    static char bytes[OUTPUT_BYTES];
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
    static char output[OUTPUT_BYTES];
    const char *const words[] = {"spec.json", "--data=little=data/little", "--out", "w", NULL};
    double count = TRAIN * SIDE * SIDE, sum = 0, squares = 0;

    for (int i = 0; i < TRAIN; i++) {
        for (int pixel = 0; pixel < SIDE * SIDE; pixel++) {
            sum += pixel_of(i, pixel) / 255.0;
            squares += pixel_of(i, pixel) / 255.0 * pixel_of(i, pixel) / 255.0;
        }
    }
    write_data();
    /* One step over all samples, which alone counts: the statistics are those of the images. */
    write_text(
        "spec.json",
        "{\"dataset\": {\"name\": \"little\"}, \"seed\": 1, \"max_steps\": 1, "
        "\"batch_size\": 512, \"optimizer\": \"sgd\", \"model\": ["
        "{\"type\": \"residual\", \"body\": [{\"type\": \"batch_norm2d\", \"momentum\": 1}]},"
        " \"flatten\", {\"type\": \"linear\", \"out_features\": 4}]}");
    CHECK_INT(train(words, output), 0);
    CHECK_NEAR(number_in("w", "0.body.0.running_mean"), sum / count, 1e-6);
    CHECK_NEAR(number_in("w", "0.body.0.running_var"), (squares - sum * sum / count) / (count - 1),
               1e-5);
}

TEST("a data set's name is also looked for in the folder that TRAIND_DATASETS names")
{
    static char output[OUTPUT_BYTES];
    const char *const words[] = {"spec.json", "--quiet", NULL};

    write_data();
    write_text("spec.json", spec);
    CHECK(setenv("TRAIND_DATASETS", "data", 1) == 0);
    CHECK_INT(train(words, output), 0);
    CHECK(strncmp(output, "test accuracy", 13) == 0);
}

TEST("every problem of a spec is printed with its place, and the exit status is 2")
{
    static char output[OUTPUT_BYTES];

    write_text("spec.json",
               "{\"dataset\": {\"name\": \"little\"}, \"model\": [\"reul\"], \"epoch\": 3}");
    CHECK_INT(train(usual, output), 2);
    wants(output, "spec.json: /model/0: found the string \"reul\"");
    wants(output, "did you mean \"relu\"?");
    wants(output, "spec.json: /epoch: a job has no such key; did you mean \"epochs\"?");
    wants(output, "spec.json: /optimizer: is required");
}

TEST("a spec that is no JSON is refused with line and column")
{
    static char output[OUTPUT_BYTES];

    write_text("spec.json", "{\n  \"epochs\": NaN\n}\n");
    CHECK_INT(train(usual, output), 2);
    wants(output, "spec.json: line 2, column 15: invalid token near 'NaN'");
}

TEST("an unknown data set is refused, and so is a name that is a path")
{
    static char output[OUTPUT_BYTES];
    const char *const words[] = {"spec.json", NULL};

    write_text("spec.json", spec);
    CHECK_INT(train(words, output), 2);
    wants(output, "/dataset/name: there is no /usr/share/datasets/little");
    write_text("spec.json", "{\"dataset\": {\"name\": \"../secret\"}, \"model\": [\"flatten\"], "
                            "\"optimizer\": \"sgd\"}");
    CHECK_INT(train(words, output), 2);
    wants(output, "/dataset/name: a name has letters");
}

TEST("a network that does not fit its data is refused with the layer's pointer")
{
    static char output[OUTPUT_BYTES];

    write_data();
    write_text("spec.json",
               "{\"dataset\": {\"name\": \"little\"}, \"optimizer\": \"sgd\", \"model\": ["
               "{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 9}]}");
    CHECK_INT(train(usual, output), 2);
    wants(output, "spec.json: /model/0: ");
}

TEST("a diverged run ends with status 1 and says at which step")
{
    static char output[OUTPUT_BYTES];

    write_data();
    write_text(
        "spec.json",
        "{\"dataset\": {\"name\": \"little\", \"normalize\": \"none\"}, \"seed\": 1, \"epochs\": 3,"
        " \"optimizer\": {\"type\": \"sgd\", \"lr\": 1000000},"
        " \"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3},"
        " {\"type\": \"conv2d\", \"out_channels\": 4, \"kernel_size\": 3}, \"flatten\","
        " {\"type\": \"linear\", \"out_features\": 4}]}");
    CHECK_INT(train(usual, output), 1);
    wants(output, "diverged at step ");
}

TEST("an interrupted run ends after its step with status 130")
{
    static char output[OUTPUT_BYTES];
    sigset_t interrupt;

    write_data();
    write_text("spec.json", spec);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    CHECK(pthread_sigmask(SIG_BLOCK, &interrupt, NULL) == 0);
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK_INT(train(usual, output), 130);
    wants(output, "stopped after step 0 of 96");
}

TEST("weights that cannot be written are an error, and no half file is left")
{
    static char output[OUTPUT_BYTES];
    const char *const words[] = {
        "spec.json", "--data", "little=data/little", "--out", "missing/w.safetensors", NULL};

    write_data();
    write_text("spec.json", spec);
    CHECK_INT(train(words, output), 1);
    wants(output, "missing/w.safetensors: cannot be written: No such file or directory");
}

TEST("wrong options are named")
{
    static char output[OUTPUT_BYTES];
    const char *const none[] = {NULL};
    const char *const two[] = {"a.json", "b.json", NULL};
    const char *const threads[] = {"a.json", "--threads", "many", NULL};
    const char *const kernels[] = {"a.json", "--kernels", "fast", NULL};
    const char *const unknown[] = {"a.json", "--thread", "2", NULL};
    const char *const valueless[] = {"a.json", "--out", NULL};

    CHECK_INT(train(none, output), 2);
    wants(output, "SPEC.json is missing");
    CHECK_INT(train(two, output), 2);
    wants(output, "b.json is one file too many");
    CHECK_INT(train(threads, output), 2);
    wants(output, "--threads must be from 1 to 256, not 'many'");
    CHECK_INT(train(kernels, output), 2);
    wants(output, "--kernels must be auto or reference");
    CHECK_INT(train(unknown, output), 2);
    wants(output, "--thread is no option");
    CHECK_INT(train(valueless, output), 2);
    wants(output, "--out wants a value");
}
