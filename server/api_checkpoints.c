/* Checkpoints: the list, and one as a safetensors file, made piece by piece out of the stored
 * bytes. */
#include "server/api.h"

#include "server/job_plan.h"
#include "server/safetensors.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- GET /v1/jobs/{id}/checkpoints ---- */

static void put_checkpoint(struct body *body, const char *id, const struct checkpoint_row *row)
{
    body_print(body,
               "{\"step\":%" PRId64 ",\"epoch\":%" PRId64 ",\"metrics\":%s,\"bytes\":%" PRId64
               ",\"sha256\":\"%s\",\"best\":%s,\"created_at\":",
               row->step, row->epoch, row->metrics ? row->metrics : "null", row->file.bytes,
               row->file.sha256, row->best ? "true" : "false");
    body_time(body, row->created_at);
    body_print(body, ",\"links\":{\"self\":\"/v1/jobs/%s/checkpoints/%" PRId64 "\"}}", id,
               row->step);
}

bool api_checkpoints_list(const struct http_request *request, struct http_response *response,
                          struct error *error)
{
    struct job_row job = {0};
    struct checkpoint_row *rows = NULL;
    struct body body = {0};
    int count = 0;
    bool good = api_find_job(request, &job, error) &&
                store_checkpoint_list(request->db, job.number, &rows, &count, error);

    body_text(&body, "{\"items\":[");
    for (int i = 0; i < count; i++) {
        body_text(&body, i > 0 ? "," : "");
        put_checkpoint(&body, job.id, &rows[i]);
        checkpoint_row_drop(&rows[i]);
    }
    body_text(&body, "],\"next_cursor\":null}");
    good = good && http_response_json(response, 200, &body, error);
    body_drop(&body);
    free(rows);
    job_row_drop(&job);
    return good;
}

/* ---- GET /v1/jobs/{id}/checkpoints/{step|best|last} ---- */

struct download {
    struct http_stream stream;
    struct safetensors file;
    int64_t checkpoint; /* internal number */
    int64_t numbers_at; /* in its bytes */
    uint64_t sent;
    int slice; /* the one that `sent` is in or before */
};

static void download_drop(struct http_stream *stream)
{
    struct download *download = (struct download *)stream;

    safetensors_drop(&download->file);
    free(download);
}

/* Numbers lie in the stored checkpoint as in the file, but for padding between tensors: a slice is
 * a range of both. */
static enum http_more download_next(struct http_stream *stream, struct db *db, struct body *out,
                                    struct error *error)
{
    struct download *download = (struct download *)stream;
    const struct safetensors *file = &download->file;
    const struct safetensors_slice *slice = &file->slices[download->slice];
    uint8_t bytes[HTTP_PIECE];
    uint64_t inside, left;
    size_t size;

    if (download->sent < file->head_size) {
        body_put(out, file->head, file->head_size);
        download->sent = file->head_size;
        return download->sent == file->size ? HTTP_END : HTTP_MORE;
    }
    inside = download->sent - slice->begin;
    left = (uint64_t)slice->count * sizeof(float) - inside;
    size = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
    if (!store_checkpoint_read(db, download->checkpoint,
                               download->numbers_at + slice->offset * (int64_t)sizeof(float) +
                                   (int64_t)inside,
                               bytes, size, error))
        return HTTP_BROKEN;
    body_put(out, bytes, size);
    download->sent += size;
    download->slice += size == left;
    return download->sent == file->size ? HTTP_END : HTTP_MORE;
}

static bool read_which(const char *text, int64_t *out, struct error *error)
{
    if (strcmp(text, "last") == 0)
        *out = CHECKPOINT_NEWEST;
    else if (strcmp(text, "best") == 0)
        *out = CHECKPOINT_BEST;
    else if (!query_read_integer(text, out))
        return error_set(error, ERROR_NOT_FOUND, "",
                         "a checkpoint is named by its step, best or last");
    return true;
}

/* A file name that needs no quoting anywhere: the id and a number. */
static void describe(struct http_response *response, const struct job_row *job,
                     const struct checkpoint_row *row)
{
    http_response_etag(response, "%s", row->file.sha256);
    http_response_header(response, "Cache-Control", "private, no-cache");
    http_response_header(response, "Content-Disposition",
                         "attachment; filename=\"%s-step%" PRId64 ".safetensors\"", job->id,
                         row->step);
}

static bool open_download(struct download *download, const struct job_row *job,
                          const struct checkpoint_row *row, struct db *db, struct error *error)
{
    const struct safetensors_meta meta = {.step = row->step};
    struct spec spec;
    struct plan plan;
    bool good = job_plan(job, db, &spec, &plan, error) &&
                safetensors_init(&plan, &meta, &download->file, error);
    download->numbers_at = good ? (int64_t)checkpoint_numbers_at(&plan, row->bytes) : 0;
    if (good && download->numbers_at == 0)
        good = error_set(error, ERROR_CORRUPT, job->id,
                         "the checkpoint does not have the size of its network");
    plan_drop(&plan);
    spec_drop(&spec);
    download->stream.size = (int64_t)download->file.size;
    download->checkpoint = row->number;
    return good;
}

static bool answer(const struct http_request *request, const struct job_row *job,
                   const struct checkpoint_row *row, struct http_response *response,
                   struct error *error)
{
    struct download *download;

    describe(response, job, row);
    if (http_settled(request, response))
        return true;
    download = calloc(1, sizeof(*download));
    if (!download)
        return error_set(error, ERROR_MEMORY, "", "no memory for the download");
    download->stream = (struct http_stream){.next = download_next, .drop = download_drop};
    if (!open_download(download, job, row, request->db, error)) {
        download_drop(&download->stream);
        return false;
    }
    response->status = 200;
    response->content_type = "application/octet-stream";
    response->stream = &download->stream;
    return true;
}

typedef bool form_answer(const struct http_request *request, const struct job_row *job,
                         const struct checkpoint_row *row, struct http_response *response,
                         struct error *error);

const char *const api_checkpoint_formats[] = {"safetensors", "onnx", NULL};

bool api_checkpoints_get(const struct http_request *request, struct http_response *response,
                         struct error *error)
{
    /* In the order of api_checkpoint_formats. */
    static form_answer *const answers[] = {answer, api_checkpoint_onnx};
    struct job_row job = {0};
    struct checkpoint_row row = {0};
    int64_t which = 0;
    bool good =
        read_which(request->params[1], &which, error) && api_find_job(request, &job, error) &&
        store_checkpoint_find(request->db, job.number, which, &row, error) &&
        answers[http_query_choice(request, "format", 0)](request, &job, &row, response, error);

    checkpoint_row_drop(&row);
    job_row_drop(&job);
    return good;
}
