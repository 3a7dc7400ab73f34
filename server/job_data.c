/* Job's data: see job_data.h. As JSON {"shape": [channels, height, width], "pixels", "classes",
 * "class_names", "train_samples", "test_samples", "sha256", "divisor", "mean", "std"}; mean and std
 * are null where they change nothing. */
#include "server/job_data.h"

#include "server/spec_json.h"
#include "server/store_network.h"

#include <stdlib.h>
#include <string.h>

/* More names than this nobody reads, and a job has them for ever. */
enum { NAMES_MAX = 10000, CHANNELS_MAX = 4096 };

void job_data_drop(struct job_data *data)
{
    json_decref(data->class_names);
    block_drop(&data->block);
    *data = (struct job_data){.class_names = NULL};
}

const char *job_data_class(const struct job_data *data, int64_t class)
{
    return class < 0 ? NULL : json_string_value(json_array_get(data->class_names, (size_t) class));
}

/* A new list; null where there are none. */
static json_t *names_of(const struct dataset *dataset)
{
    int64_t classes = dataset_shape(dataset)->classes;
    bool good = true;

    if (!dataset_class_name(dataset, 0) || classes > NAMES_MAX)
        return json_null();
    json_t *names = json_array();
    for (int64_t i = 0; names && good && dataset_class_name(dataset, i); i++)
        good = json_array_append_new(names, json_string(dataset_class_name(dataset, i))) == 0;
    if (good)
        return names;
    json_decref(names);
    return NULL;
}

static json_t *reals_to_json(const real *numbers, int64_t count)
{
    json_t *list = json_array();

    for (int64_t i = 0; list && i < count; i++)
        if (json_array_append_new(list, json_real((double)numbers[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *to_json(const struct dataset *dataset, const struct normalization *normalization)
{
    const struct data_shape *shape = dataset_shape(dataset);
    const struct normalization *n = normalization;

    return json_pack(
        "{s:[I,I,I], s:s, s:I, s:o, s:I, s:I, s:s, s:f, s:o, s:o}", "shape",
        (json_int_t)shape->sample.channels, (json_int_t)shape->sample.height,
        (json_int_t)shape->sample.width, "pixels", shape->real_pixels ? "float32" : "uint8",
        "classes", (json_int_t)shape->classes, "class_names", names_of(dataset), "train_samples",
        (json_int_t)shape->train_samples, "test_samples", (json_int_t)shape->test_samples, "sha256",
        dataset_digest(dataset), "divisor", (double)n->divisor, "mean",
        n->shifts ? reals_to_json(n->mean, n->channels) : json_null(), "std",
        n->shifts ? reals_to_json(n->std, n->channels) : json_null());
}

bool job_data_text(const struct dataset *dataset, const struct normalization *normalization,
                   char **out, struct error *error)
{
    json_t *json = to_json(dataset, normalization);

    *out = json ? json_text(json, NULL) : NULL;
    json_decref(json);
    return *out || error_set(error, ERROR_MEMORY, "", "no memory for the job's data");
}

/* ---- reading ---- */

static bool read_reals(const json_t *list, real *out, int64_t count)
{
    if (json_array_size(list) != (size_t)count)
        return false;
    for (int64_t i = 0; i < count; i++)
        out[i] = (real)json_number_value(json_array_get(list, (size_t)i));
    return true;
}

/* Arrays are 0 and 1 unless the job shifts. */
static bool take_normalization(struct job_data *out, double divisor, const json_t *mean,
                               const json_t *std, struct error *error)
{
    struct normalization *n = &out->normalization;
    int64_t channels = out->shape.sample.channels;

    normalization_reserve(n, channels, &out->block);
    if (!block_take(&out->block, error))
        return false;
    n->divisor = (real)divisor;
    n->shifts = json_is_array(mean);
    for (int64_t i = 0; i < channels; i++)
        n->std[i] = 1;
    return !n->shifts ||
           (read_reals(mean, n->mean, channels) && read_reals(std, n->std, channels)) ||
           error_set(error, ERROR_CORRUPT, "", "the stored normalization has other channels");
}

static bool from_json(json_t *json, struct job_data *out, struct error *error)
{
    json_int_t channels, height, width, classes, train, test;
    const char *pixels, *sha256;
    json_t *names, *mean, *std;
    double divisor;

    if (json_unpack(json, "{s:[I,I,I], s:s, s:I, s:o, s:I, s:I, s:s, s:F, s:o, s:o}", "shape",
                    &channels, &height, &width, "pixels", &pixels, "classes", &classes,
                    "class_names", &names, "train_samples", &train, "test_samples", &test, "sha256",
                    &sha256, "divisor", &divisor, "mean", &mean, "std", &std) != 0 ||
        strlen(sha256) != DIGEST_HEX - 1 || channels < 1 || channels > CHANNELS_MAX)
        return error_set(error, ERROR_CORRUPT, "", "what is stored of the job's data is damaged");
    out->shape =
        (struct data_shape){.sample = {.channels = channels, .height = height, .width = width},
                            .classes = classes,
                            .train_samples = train,
                            .test_samples = test,
                            .real_pixels = strcmp(pixels, "float32") == 0};
    memcpy(out->digest, sha256, DIGEST_HEX);
    out->class_names = json_is_array(names) ? json_incref(names) : NULL;
    return take_normalization(out, divisor, mean, std, error);
}

static bool from_text(const char *text, struct job_data *out, struct error *error)
{
    json_t *json = json_loads(text, 0, NULL);
    bool good;

    *out = (struct job_data){.class_names = NULL};
    if (!json)
        return error_set(error, ERROR_CORRUPT, "", "what is stored of the job's data is no JSON");
    good = from_json(json, out, error);
    json_decref(json);
    if (!good)
        job_data_drop(out);
    return good;
}

bool job_data_read(struct db *db, int64_t job, struct job_data *out, struct error *error)
{
    char *text = NULL;
    bool good;

    *out = (struct job_data){.class_names = NULL};
    if (!store_job_data_get(db, job, &text, error))
        return false;
    good = from_text(text, out, error);
    free(text);
    return good;
}

bool job_data_make(const struct dataset *dataset, const struct normalization *normalization,
                   struct job_data *out, struct error *error)
{
    char *text = NULL;
    bool good;

    *out = (struct job_data){.class_names = NULL};
    if (!job_data_text(dataset, normalization, &text, error))
        return false;
    good = from_text(text, out, error);
    free(text);
    return good;
}
