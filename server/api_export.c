/* GET /v1/jobs/{id}/export/pytorch: the network as a script. It depends on the job's spec and data
 * alone: the weights are a checkpoint, which the script reads. */
#include "server/api.h"

#include "server/job_network.h"
#include "server/pytorch.h"
#include "server/spec_json.h"

#include <stdlib.h>

/* What of a spec is told in the script's words, and not in its code. */
static const char *const told[] = {
    "dataset",    "loss",      "optimizer",      "lr_schedule",     "epochs", "max_steps",
    "batch_size", "precision", "clip_grad_norm", "clip_grad_value", NULL};

/* A line for each. JSON has no line breaks of its own, and escapes those of texts. */
static void put_training(struct body *out, const json_t *spec)
{
    for (const char *const *key = told; *key; key++) {
        char *text = json_text(json_object_get(spec, *key), NULL);
        if (text)
            body_print(out, "# %s: %s\n", *key, text);
        free(text);
    }
}

static bool write_script(const struct job_row *job, const struct job_network *network,
                         struct body *out, struct problems *problems, struct error *error)
{
    const struct job_data *data = &network->data;
    json_t *meta = json_loads(job->meta, 0, NULL), *spec = json_loads(job->spec, 0, NULL);
    struct body training = {0};
    char *classes = data->class_names ? json_text(data->class_names, NULL) : NULL;
    const char *name = json_string_value(json_object_get(meta, "name"));
    put_training(&training, spec);
    const struct pytorch_source source = {.spec = &network->spec,
                                          .plan = &network->plan,
                                          .normalization = &data->normalization,
                                          .job = job->id,
                                          .name = name ? name : "",
                                          .classes = classes,
                                          .training = training.bytes ? training.bytes : ""};

    pytorch_write(&source, out, problems);
    out->failed |= training.failed || (data->class_names && !classes);
    free(classes);
    body_drop(&training);
    json_decref(meta);
    json_decref(spec);
    return !out->failed || error_set(error, ERROR_MEMORY, "", "no memory for the script");
}

static bool answer(const struct job_row *job, struct body *script, struct http_response *response,
                   struct error *error)
{
    response->body = body_take(script, &response->body_size, error);
    if (!response->body)
        return false;
    response->status = 200;
    response->content_type = "text/x-python; charset=utf-8";
    http_response_header(response, "Cache-Control", "private, no-cache");
    http_response_header(response, "Content-Disposition", "attachment; filename=\"%s.py\"",
                         job->id);
    return true;
}

bool api_export_pytorch(const struct http_request *request, struct http_response *response,
                        struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct job_network network = {.data = {.class_names = NULL}};
    struct job_row job = {0};
    struct body script = {0};

    if (!problems)
        return error_set(error, ERROR_MEMORY, "", "no memory for the script");
    bool good = api_find_job(request, &job, error) &&
                job_network_open(request->app->catalog, request->db, &job, &network, error) &&
                write_script(&job, &network, &script, problems, error);
    if (good && problems->count > 0)
        good = api_refuse_export(problems, "PyTorch", response, error);
    else if (good)
        good = answer(&job, &script, response, error);
    body_drop(&script);
    job_network_drop(&network);
    job_row_drop(&job);
    free(problems);
    return good;
}

bool api_refuse_export(const struct problems *problems, const char *form,
                       struct http_response *response, struct error *error)
{
    json_t *list = problems_to_json(problems);
    char *text = json_text(list, NULL);

    json_decref(list);
    if (!text)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list of problems");
    http_problem(response, 422, text, "this network cannot be written as %s: %s", form,
                 problems->items[0].detail);
    free(text);
    return true;
}
