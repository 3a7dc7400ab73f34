/* traind train: the weights as a file. It appears under its name only when all of it is on the
 * disk. */
#include "server/command_train_parts.h"

#include "server/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 1 << 20, PATH_BYTES = 4096 };

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool write_pieces(int file, const struct safetensors *tensors, const float *numbers)
{
    char *piece = malloc(PIECE_BYTES);
    bool good = piece != NULL;

    for (uint64_t from = 0; good && from < tensors->size; from += PIECE_BYTES) {
        uint64_t left = tensors->size - from;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

        safetensors_read(tensors, numbers, from, piece, size);
        good = write_all(file, piece, size);
    }
    free(piece);
    return good;
}

/* A new file beside `path`, which takes its place once it is whole. */
static bool begin_file(const char *path, char unfinished[PATH_BYTES], int *file,
                       struct error *error)
{
    int wanted = snprintf(unfinished, PATH_BYTES, "%s.XXXXXX", path);

    if (wanted < 0 || wanted >= PATH_BYTES)
        return error_set(error, ERROR_INVALID, path, "the path is too long");
    *file = mkstemp(unfinished);
    return *file >= 0 || error_set(error, ERROR_IO, path, "cannot be written: %s", strerror(errno));
}

bool train_can_save(const struct train_options *options, struct error *error)
{
    char unfinished[PATH_BYTES];
    int file = -1;

    if (!options->out_path)
        return true;
    if (!begin_file(options->out_path, unfinished, &file, error))
        return false;
    close(file);
    unlink(unfinished);
    return true;
}

static bool write_file(const char *path, const struct safetensors *tensors, const float *numbers,
                       struct error *error)
{
    char unfinished[PATH_BYTES];
    int file = -1;
    mode_t mask = umask(0);
    bool good;

    umask(mask);
    if (!begin_file(path, unfinished, &file, error))
        return false;
    /* mkstemp makes files for the owner alone; weights are as private as any other file of the
     * user. */
    good =
        fchmod(file, 0666 & ~mask) == 0 && write_pieces(file, tensors, numbers) && fsync(file) == 0;
    if (!good)
        error_set(error, ERROR_IO, path, "cannot be written: %s", strerror(errno));
    if (close(file) != 0 || (good && rename(unfinished, path) != 0))
        good = error_set(error, ERROR_IO, path, "cannot be written: %s", strerror(errno));
    if (!good)
        unlink(unfinished);
    return good;
}

bool train_save(const struct training *training, struct error *error)
{
    struct safetensors_meta meta = {.step = trainer_steps_done(training->trainer)};
    struct safetensors tensors;
    bool good;

    if (!safetensors_init(&training->plan, &meta, &tensors, error))
        return false;
    good = write_file(training->options->out_path, &tensors, trainer_parameters(training->trainer),
                      error);
    safetensors_drop(&tensors);
    if (good && !training->options->quiet)
        printf("weights in %s\n", training->options->out_path);
    return good;
}
