/* traind train: weights to begin with, from a file of safetensors. */
#include "server/command_train_parts.h"

#include "server/initial.h"
#include "server/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = WEIGHTS_PATH_SIZE };

/* What was uploaded under that name to the daemon of this data directory, which may be running. */
static bool find_uploaded(const char *folder, const char *name, char path[WEIGHTS_PATH_SIZE])
{
    struct db *db = NULL;
    struct weights_row row;
    bool found = store_peek(folder, &db, NULL) && db && store_weights_get(db, name, &row, NULL);

    if (found)
        weights_path(folder, row.file, path);
    if (db)
        db_close(db);
    return found;
}

/* What --weights says, or the data directory. False when the path is too long. */
static bool find_weights(const struct training *training, char path[PATH_BYTES])
{
    const struct train_options *options = training->options;
    const char *folder = options->data_dir ? options->data_dir : getenv("TRAIND_DATA_DIR");
    const char *name = training->spec.init_from.weights;
    size_t length = strlen(name);
    int wanted = -1;

    for (int i = 0; i < options->weights_count && wanted < 0; i++)
        if (strncmp(options->weights[i], name, length) == 0 && options->weights[i][length] == '=')
            wanted = snprintf(path, PATH_BYTES, "%s", options->weights[i] + length + 1);
    if (wanted < 0 && find_uploaded(folder ? folder : "traind-data", name, path))
        return true;
    if (wanted < 0)
        wanted = snprintf(path, PATH_BYTES, "%s/weights/%s.safetensors",
                          folder ? folder : "traind-data", name);
    return wanted >= 0 && wanted < PATH_BYTES;
}

bool train_read_initial(const struct training *training, struct initial *out,
                        struct problems *problems, struct error *error)
{
    const struct spec_init_from *from = &training->spec.init_from;
    struct error cause = {0};
    char path[PATH_BYTES];

    *out = (struct initial){0};
    if (!from->given)
        return true;
    if (from->job[0] != '\0') {
        problem_add(problems, "/init_from/job",
                    "no server runs here, and so there are no jobs; \"weights\" names a file");
        return true;
    }
    if (!find_weights(training, path))
        return error_set(error, ERROR_INVALID, "--weights", "the path is too long");
    if (initial_from_file(path, &training->plan, out, problems, &cause))
        return true;
    if (cause.kind != ERROR_NOT_FOUND)
        return error_set(error, cause.kind, cause.where, "%s", cause.text);
    problem_add(problems, "/init_from/weights",
                "there is no file %.100s; --weights %s=FILE says where it is", path, from->weights);
    return true;
}
