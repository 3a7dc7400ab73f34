/* Weights as they were uploaded: the list, each file, and what is in it. */
#include "server/api.h"
#include "server/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- GET /v1/weights ---- */

bool api_weights_list(const struct http_request *request, struct http_response *response,
                      struct error *error)
{
    const char *after = http_query(request, "cursor");
    int limit = (int)http_query_integer(request, "limit", API_PAGE_DEFAULT), count = 0;
    struct weights_row *rows = calloc((size_t)limit + 1, sizeof(*rows));
    struct body body = {0};
    bool more;

    if (!rows)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list");
    bool good = store_weights_list(request->db, after ? after : "", rows, limit + 1, &count, error);
    more = count > limit;
    body_text(&body, "{\"items\":[");
    for (int i = 0; i < count - more; i++) {
        body_text(&body, i > 0 ? "," : "");
        api_put_weights(&body, &rows[i], NULL);
    }
    body_text(&body, "],\"next_cursor\":");
    body_string(&body, more ? rows[limit - 1].name : NULL);
    body_text(&body, "}");
    good = good && http_response_json(response, 200, &body, error);
    body_drop(&body);
    free(rows);
    return good;
}

/* ---- GET /v1/weights/{name} ---- */

struct file_stream {
    struct http_stream stream;
    int file;
    off_t at;
};

static void file_drop(struct http_stream *stream)
{
    struct file_stream *own = (struct file_stream *)stream;

    (void)close(own->file);
    free(own);
}

static void file_seek(struct http_stream *stream, int64_t offset)
{
    ((struct file_stream *)stream)->at = offset;
}

static enum http_more file_next(struct http_stream *stream, struct db *db, struct body *out,
                                struct error *error)
{
    struct file_stream *own = (struct file_stream *)stream;
    char bytes[HTTP_PIECE];
    ssize_t got = pread(own->file, bytes, sizeof(bytes), own->at);

    (void)db;
    if (got < 0) {
        error_set(error, ERROR_IO, "weights", "a file cannot be read: %s", strerror(errno));
        return HTTP_BROKEN;
    }
    body_put(out, bytes, (size_t)got);
    own->at += got;
    return got == 0 ? HTTP_END : HTTP_MORE;
}

static bool answer_file(const struct http_request *request, const struct weights_row *row,
                        struct http_response *response, struct error *error)
{
    struct file_stream *own;
    char path[WEIGHTS_PATH_SIZE];
    struct stat status;

    http_response_etag(response, "%s", row->sha256);
    http_response_header(response, "Cache-Control", "private, no-cache");
    http_response_header(response, "Content-Disposition", "attachment; filename=\"%s.safetensors\"",
                         row->name);
    api_put_digest(response, row->sha256);
    if (http_settled(request, response))
        return true;
    weights_path(request->app->config->data_dir, row->file, path);
    own = calloc(1, sizeof(*own));
    if (!own)
        return error_set(error, ERROR_MEMORY, "", "no memory for the download");
    own->stream = (struct http_stream){.next = file_next, .drop = file_drop, .seek = file_seek};
    own->file = open(path, O_RDONLY | O_CLOEXEC);
    if (own->file < 0 || fstat(own->file, &status) != 0 || status.st_size != row->bytes) {
        file_drop(&own->stream);
        return error_set(error, ERROR_IO, row->name, "the file of these weights is gone or cut");
    }
    own->stream.size = row->bytes;
    response->status = 200;
    response->content_type = "application/octet-stream";
    response->stream = &own->stream;
    return true;
}

static bool answer_facts(const struct http_request *request, const struct weights_row *row,
                         struct http_response *response, struct error *error)
{
    struct safetensors_reader reader;
    struct body body = {0};
    char path[WEIGHTS_PATH_SIZE], *tensors = NULL;
    struct error cause = {0};

    weights_path(request->app->config->data_dir, row->file, path);
    if (safetensors_reader_open(path, &reader, &cause))
        tensors = api_tensors_text(&reader, &cause);
    safetensors_reader_close(&reader);
    if (!tensors)
        return error_set(error, cause.kind == ERROR_MEMORY ? ERROR_MEMORY : ERROR_IO, row->name,
                         "the file of these weights cannot be read: %s", cause.text);
    api_put_weights(&body, row, tensors);
    http_response_etag(response, "%s.", row->sha256);
    bool good = http_response_json(response, 200, &body, error);
    body_drop(&body);
    free(tensors);
    return good;
}

bool api_weights_get(const struct http_request *request, struct http_response *response,
                     struct error *error)
{
    struct weights_row row;

    if (!store_weights_get(request->db, request->params[0], &row, error))
        return false;
    return http_accepts(request, "application/json") ? answer_facts(request, &row, response, error)
                                                     : answer_file(request, &row, response, error);
}
