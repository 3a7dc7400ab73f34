/* Little: see little.h. */
#include "tests/server/little.h"

#include "server/commands.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEST_SAMPLES = 128 };

static void put_u32(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(number >> shift & 0xFF), file);
}

/* Class k is a bright column k with some noise: any network learns it. */
int little_pixel(int sample, int pixel)
{
    return pixel % LITTLE_SIDE == sample % 4 ? 200 : (sample * 7 + pixel * 13) % 50;
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
    put_u32(images, LITTLE_SIDE);
    put_u32(images, LITTLE_SIDE);
    put_u32(labels, 0x801);
    put_u32(labels, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        fputc(i % 4, labels);
        for (int pixel = 0; pixel < LITTLE_SIDE * LITTLE_SIDE; pixel++)
            fputc(little_pixel(i, pixel), images);
    }
    CHECK(fclose(images) == 0 && fclose(labels) == 0);
}

void little_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    CHECK(file && fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

void little_data(void)
{
    CHECK(mkdir("data", 0755) == 0 && mkdir("data/little", 0755) == 0);
    write_split("train", LITTLE_TRAIN);
    write_split("t10k", TEST_SAMPLES);
}

const char little_spec[] = "{\"dataset\": {\"name\": \"little\"}, \"seed\": 1, \"epochs\": 3, "
                           "\"batch_size\": 16, \"optimizer\": \"adam\","
                           " \"model\": [{\"type\": \"conv2d\", \"out_channels\": 4, "
                           "\"kernel_size\": 3}, \"relu\", \"flatten\","
                           " {\"type\": \"linear\", \"out_features\": 4}]}";

/* Runs the command with both outputs in files of the test's folder; its exit status. */
int little_train(const char *const *words, char output[LITTLE_OUTPUT])
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
    size = fread(output, 1, LITTLE_OUTPUT - 1, file);
    output[size] = '\0';
    fclose(file);
    return status;
}

void little_wants(const char *output, const char *text)
{
    if (!strstr(output, text))
        FAIL("\"%s\" is not in:\n%s", text, output);
}

const char *const little_usual[] = {"spec.json", "--data", "little=data/little",
                                    "--threads", "2",      NULL};
