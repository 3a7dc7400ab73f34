/* Trained: see trained.h. */
#include "server/trained.h"

#include "core/checkpoint.h"
#include "server/job_network.h"
#include "server/job_plan.h"

#include <inttypes.h>
#include <stdlib.h>

void trained_free(struct trained *network)
{
    if (!network)
        return;
    predictor_free(network->predictor);
    job_data_drop(&network->data);
    plan_drop(&network->plan);
    spec_drop(&network->spec);
    free(network);
}

static bool find_data(const struct trained_source *source, const struct job_row *job,
                      struct trained *network, struct error *error)
{
    const struct job_data_source where = {source->catalog, source->db, &network->spec,
                                          &network->plan};

    return job_data_find(&where, job, &network->data, error);
}

static bool read_numbers(const struct trained_source *source, const struct checkpoint_row *row,
                         struct trained *network, struct error *error)
{
    size_t size = (size_t)row->bytes;
    struct checkpoint_view view;
    uint8_t *bytes;

    if (checkpoint_numbers_at(&network->plan, row->bytes) == 0)
        return error_set(error, ERROR_CORRUPT, "checkpoint",
                         "it has %" PRId64 " bytes, which is not what its network has", row->bytes);
    bytes = malloc(size);
    if (!bytes)
        return error_set(error, ERROR_MEMORY, "", "no memory to read the checkpoint just now");
    bool good = store_checkpoint_read(source->db, row->number, 0, bytes, size, error) &&
                checkpoint_open(bytes, size, &view, error);
    if (good) {
        const struct predictor_setup setup = {.spec = &network->spec,
                                              .plan = &network->plan,
                                              .numbers = view.parameters,
                                              .normalization = &network->data.normalization,
                                              .kernels = source->kernels,
                                              .as_trained = source->as_trained};
        good = predictor_new(&setup, &network->predictor, error);
    }
    free(bytes);
    return good;
}

bool trained_open(const struct trained_source *source, const struct job_row *job,
                  const struct checkpoint_row *checkpoint, struct trained **out,
                  struct error *error)
{
    struct trained *network = calloc(1, sizeof(*network));

    *out = NULL;
    if (!network)
        return error_set(error, ERROR_MEMORY, "", "no memory for the network just now");
    struct error cause = {0};
    if (!job_plan(job, source->db, &network->spec, &network->plan, &cause) ||
        !find_data(source, job, network, &cause) ||
        !read_numbers(source, checkpoint, network, &cause)) {
        trained_free(network);
        return error_set(error, cause.kind == ERROR_NOT_FOUND ? ERROR_CONFLICT : cause.kind,
                         cause.where, "%s", cause.text);
    }
    network->bytes = predictor_bytes(network->predictor) + (int64_t)sizeof(*network);
    *out = network;
    return true;
}
