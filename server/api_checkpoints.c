/* Checkpoints: the list, and one as a safetensors file, made piece by piece out of the stored
 * bytes. */
#include "server/api.h"

#include "core/digest.h"
#include "server/checkpoint_state.h"
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
    body_print(body,
               ",\"links\":{\"self\":\"/v1/jobs/%s/checkpoints/%" PRId64
               "\",\"full\":\"/v1/jobs/%s/checkpoints/%" PRId64 "?state=full\"}}",
               id, row->step, id, row->step);
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

const char *const api_state_names[] = {"weights", "full", NULL};

struct asked {
    const struct job_row *job;
    const struct checkpoint_row *row;
    bool full; /* with what the optimizer remembers */
};

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

/* Where byte `offset` of the file is. */
static void download_seek(struct http_stream *stream, int64_t offset)
{
    struct download *download = (struct download *)stream;
    const struct safetensors *file = &download->file;

    download->sent = (uint64_t)offset;
    while (download->slice + 1 < file->slice_count &&
           file->slices[download->slice + 1].begin <= download->sent)
        download->slice++;
}

/* Reads on, at most `size` bytes, into `bytes`. Numbers lie in the stored checkpoint as in the
 * file, but for padding between tensors: a slice is a range of both. *got 0: that was all. */
static bool download_read(struct download *download, struct db *db, uint8_t *bytes, size_t size,
                          size_t *got, struct error *error)
{
    const struct safetensors *file = &download->file;
    const struct safetensors_slice *slice;
    uint64_t left;

    while (download->slice + 1 < file->slice_count &&
           file->slices[download->slice + 1].begin <= download->sent)
        download->slice++;
    slice = &file->slices[download->slice];
    left = file->size - download->sent;
    if (download->sent < file->head_size)
        left = file->head_size - download->sent;
    else if (left > 0)
        left = slice->begin + (uint64_t)slice->count * sizeof(float) - download->sent;
    *got = left < size ? (size_t)left : size;
    if (download->sent < file->head_size)
        memcpy(bytes, file->head + download->sent, *got);
    else if (*got > 0 &&
             !store_checkpoint_read(db, download->checkpoint,
                                    download->numbers_at + slice->offset * (int64_t)sizeof(float) +
                                        (int64_t)(download->sent - slice->begin),
                                    bytes, *got, error))
        return false;
    download->sent += *got;
    return true;
}

static enum http_more download_next(struct http_stream *stream, struct db *db, struct body *out,
                                    struct error *error)
{
    struct download *download = (struct download *)stream;
    uint8_t bytes[HTTP_PIECE];
    size_t got = 0;

    if (!download_read(download, db, bytes, sizeof(bytes), &got, error))
        return HTTP_BROKEN;
    body_put(out, bytes, got);
    return download->sent == download->file.size ? HTTP_END : HTTP_MORE;
}

/* The digest of the whole file, which is then read from its beginning again. */
static bool download_digest(struct download *download, struct db *db, char sha256[65],
                            struct error *error)
{
    enum { AT_ONCE = 1 << 20 };
    struct digest_sum digest;
    uint8_t *bytes = malloc(AT_ONCE), out[DIGEST_BYTES];
    size_t got = 1;
    bool good = bytes || error_set(error, ERROR_MEMORY, "", "no memory for the digest");

    digest_begin(&digest);
    while (good && got > 0) {
        good = download_read(download, db, bytes, AT_ONCE, &got, error);
        if (good)
            digest_add(&digest, bytes, got);
    }
    digest_end(&digest, out);
    free(bytes);
    if (good)
        digest_hex(out, sha256);
    download->sent = 0;
    download->slice = 0;
    return good;
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

/* A file name that needs no quoting anywhere: the id and a number. The digest of the weights alone
 * is stored; that of the whole state's file follows from the stored bytes and the file's form. */
static void describe(const struct asked *asked, struct http_response *response)
{
    const struct checkpoint_row *row = asked->row;

    if (asked->full) {
        http_response_etag(response, "%s-full1", row->sha256);
    } else {
        http_response_etag(response, "%s", row->file.sha256);
        api_put_digest(response, row->file.sha256);
    }
    http_response_header(response, "Cache-Control", "private, no-cache");
    http_response_header(response, "Content-Disposition",
                         "attachment; filename=\"%s-step%" PRId64 "%s.safetensors\"",
                         asked->job->id, row->step, asked->full ? "-full" : "");
}

/* `texts`: to be freed. */
static bool describe_state(const struct asked *asked, const struct spec *spec, struct db *db,
                           json_t **texts, struct error *error)
{
    uint8_t head[CHECKPOINT_HEADER];
    bool known = false;

    if (asked->row->bytes < CHECKPOINT_HEADER)
        return error_set(error, ERROR_CORRUPT, asked->job->id, "the checkpoint is cut off");
    if (!store_checkpoint_read(db, asked->row->number, 0, head, sizeof(head), error))
        return false;
    *texts = checkpoint_state_texts(asked->row, spec, head, &known);
    if (*texts)
        return true;
    return known ? error_set(error, ERROR_MEMORY, "", "no memory for the download")
                 : error_set(error, ERROR_CORRUPT, asked->job->id, "the checkpoint is damaged");
}

static bool open_download(struct download *download, const struct asked *asked, struct db *db,
                          struct error *error)
{
    const struct checkpoint_row *row = asked->row;
    struct safetensors_meta meta = {.step = row->step};
    json_t *texts = NULL;
    struct spec spec;
    struct plan plan;
    bool good = job_plan(asked->job, db, &spec, &plan, error) &&
                (!asked->full || describe_state(asked, &spec, db, &texts, error));
    if (good && asked->full) {
        meta.optimizer = &spec.optimizer;
        meta.texts = texts;
    }
    good = good && safetensors_init(&plan, &meta, &download->file, error);
    download->numbers_at = good ? (int64_t)checkpoint_numbers_at(&plan, row->bytes) : 0;
    if (good && download->numbers_at == 0)
        good = error_set(error, ERROR_CORRUPT, asked->job->id,
                         "the checkpoint does not have the size of its network");
    json_decref(texts);
    plan_drop(&plan);
    spec_drop(&spec);
    download->stream.size = (int64_t)download->file.size;
    download->checkpoint = row->number;
    return good;
}

/* Who goes on with a part has heard the digest before. */
static bool digest_state(const struct http_request *request, struct download *download,
                         struct http_response *response, struct error *error)
{
    char sha256[65];

    if (http_header(request, "Range"))
        return true;
    if (!download_digest(download, request->db, sha256, error))
        return false;
    api_put_digest(response, sha256);
    return true;
}

static bool answer(const struct http_request *request, const struct job_row *job,
                   const struct checkpoint_row *row, struct http_response *response,
                   struct error *error)
{
    const struct asked asked = {job, row, http_query_choice(request, "state", 0) == 1};
    struct download *download;

    describe(&asked, response);
    if (http_settled(request, response))
        return true;
    download = calloc(1, sizeof(*download));
    if (!download)
        return error_set(error, ERROR_MEMORY, "", "no memory for the download");
    download->stream =
        (struct http_stream){.next = download_next, .drop = download_drop, .seek = download_seek};
    if (!open_download(download, &asked, request->db, error) ||
        (asked.full && !digest_state(request, download, response, error))) {
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
    int form = http_query_choice(request, "format", 0);

    if (form > 0 && http_query_choice(request, "state", 0) > 0)
        return error_set(
            error, ERROR_INVALID, "",
            "state=full is of safetensors files: other formats hold the network alone");
    bool good = read_which(request->params[1], &which, error) &&
                api_find_job(request, &job, error) &&
                store_checkpoint_find(request->db, job.number, which, &row, error) &&
                answers[form](request, &job, &row, response, error);

    checkpoint_row_drop(&row);
    job_row_drop(&job);
    return good;
}
