/* traind dataset add NAME PATH: puts a data set into the data directory, beside a running daemon or
 * without one. */
#include "server/commands.h"

#include "server/catalog.h"
#include "server/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_GOOD = 0, STATUS_FAILED = 1, STATUS_USE = 2, WORDS = 3, NAMES_SHOWN = 10 };

static void usage(FILE *out)
{
    fputs(
        "Usage: traind dataset add NAME PATH [--data-dir DIR]\n\n"
        "Reads and checks the data set at PATH and stores it as NAME in the data directory, where "
        "a\n"
        "running daemon finds it at once, and so does traind train. PATH is a folder or an "
        "archive\n"
        "(tar, tar.gz, tar.zst, zip), with the files in it or in one folder inside it:\n\n"
        "  IDX      train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, each plain or .gz\n"
        "  CIFAR    data_batch_1.bin … data_batch_5.bin, test_batch.bin, batches.meta.txt, or\n"
        "           train.bin, test.bin, fine_label_names.txt\n"
        "  NPY      train_images.npy, train_labels.npy, test_images.npy, test_labels.npy: images\n"
        "           N×C×H×W or N×H×W of uint8 or float32, labels of any integer type;\n"
        "           class_names.txt, one name a line\n"
        "  NPZ      one .npz with those arrays\n"
        "  images   train/CLASS/ and test/CLASS/, or CLASS/ alone, with PNG and JPEG files of one\n"
        "           size\n\n"
        "  --data-dir DIR   instead of what TRAIND_DATA_DIR says, or traind-data\n\n"
        "Exit status: 0 it is there, 1 it could not be stored, 2 the data set or the command line "
        "is wrong.\n",
        out);
}

static void print_classes(const struct dataset *dataset)
{
    int64_t classes = dataset_shape(dataset)->classes;

    printf("classes   %" PRId64, classes);
    for (int64_t i = 0; i < classes && i < NAMES_SHOWN && dataset_class_name(dataset, i); i++)
        printf("%s%s", i == 0 ? ": " : ", ", dataset_class_name(dataset, i));
    if (classes > NAMES_SHOWN && dataset_class_name(dataset, NAMES_SHOWN))
        fputs(", …", stdout);
    fputs("\n", stdout);
}

static void print_addition(const char *name, const struct catalog_addition *addition)
{
    const struct data_shape *shape = dataset_shape(addition->dataset);

    if (addition->there)
        printf("%s is there already, with the same content; nothing was changed\n", name);
    else
        printf("%s is added\n", name);
    printf("format    %s\n", addition->format);
    printf("images    %" PRId64 "×%" PRId64 "×%" PRId64 " (channels × height × width), %s\n",
           shape->sample.channels, shape->sample.height, shape->sample.width,
           shape->real_pixels ? "float32" : "bytes");
    print_classes(addition->dataset);
    printf("samples   %" PRId64 " to train, %" PRId64 " to test\n", shape->train_samples,
           shape->test_samples);
    printf("sha256    %s\n", dataset_digest(addition->dataset));
    printf("stored    %s\n", addition->path);
}

static int add(const struct config *config, const char *name, const char *path)
{
    struct catalog_addition addition;
    struct error error = {0};

    if (catalog_add(config->data_dir, name, path, NULL, &addition, &error)) {
        print_addition(name, &addition);
        dataset_release(addition.dataset);
        return STATUS_GOOD;
    }
    fprintf(stderr, "traind dataset add: %s%s%s\n", error.where, error.where[0] ? ": " : "",
            error.text);
    switch (error.kind) {
    case ERROR_IO:
    case ERROR_FULL:
    case ERROR_MEMORY:
    case ERROR_BUSY:
        return STATUS_FAILED;
    default:
        return STATUS_USE;
    }
}

int command_dataset(int argc, char **argv)
{
    struct config config;
    struct error error = {0};
    const char *words[WORDS] = {NULL};
    char *options[2] = {NULL};
    int count = 0, option_count = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return STATUS_GOOD;
        }
        if (strcmp(argv[i], "--data-dir") == 0 && i + 1 < argc) {
            options[0] = argv[i];
            options[1] = argv[++i];
            option_count = 2;
        } else if (strncmp(argv[i], "--data-dir=", 11) == 0) {
            options[0] = argv[i];
            option_count = 1;
        } else if (count < WORDS && (argv[i][0] != '-' || argv[i][1] == '\0')) {
            words[count++] = argv[i];
        } else {
            count = WORDS + 1;
        }
    }
    if (count != WORDS || strcmp(words[0], "add") != 0) {
        usage(stderr);
        return STATUS_USE;
    }
    if (!config_read(option_count, options, &config, &error)) {
        fprintf(stderr, "traind dataset: %s %s\n", error.where, error.text);
        return STATUS_USE;
    }
    return add(&config, words[1], words[2]);
}
