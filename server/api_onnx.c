/* GET /v1/jobs/{id}/checkpoints/{step|best|last}?format=onnx: made piece by piece out of the stored
 * bytes, as the safetensors file is. Its tag is a digest of all that it follows from, known without
 * reading the numbers. They are read twice only where all of the file is sent, with its digest. */
#include "server/api.h"

#include "core/checkpoint.h"
#include "core/digest.h"
#include "server/job_network.h"
#include "server/onnx.h"
#include "server/spec_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the numbers of a checkpoint are. */
struct place {
    struct db *db;
    int64_t checkpoint; /* internal number */
    int64_t numbers_at; /* in its bytes */
};

struct download {
    struct http_stream stream;
    struct onnx_file file;
    struct place place;
    struct onnx_reader reader;
    uint64_t sent;
};

static bool read_numbers(void *context, int64_t offset, size_t count, float *out,
                         struct error *error)
{
    const struct place *place = context;

    return store_checkpoint_read(place->db, place->checkpoint,
                                 place->numbers_at + offset * (int64_t)sizeof(float),
                                 (uint8_t *)out, count * sizeof(float), error);
}

static void download_drop(struct http_stream *stream)
{
    struct download *download = (struct download *)stream;

    onnx_drop(&download->file);
    free(download);
}

static void download_seek(struct http_stream *stream, int64_t offset)
{
    ((struct download *)stream)->sent = (uint64_t)offset;
}

static enum http_more download_next(struct http_stream *stream, struct db *db, struct body *out,
                                    struct error *error)
{
    struct download *download = (struct download *)stream;
    size_t before = out->size;

    download->place.db = db;
    if (!onnx_read(&download->reader, download->sent, out, error))
        return HTTP_BROKEN;
    download->sent += out->size - before;
    return download->sent == download->file.size ? HTTP_END : HTTP_MORE;
}

static bool digest_file(struct download *download, char sha256[DIGEST_HEX], struct error *error)
{
    uint8_t digest[DIGEST_BYTES];
    struct digest_sum sum;
    struct body piece = {0};
    bool good = true;

    digest_begin(&sum);
    for (uint64_t at = 0; good && at < download->file.size; at += piece.size) {
        piece.size = 0;
        good = onnx_read(&download->reader, at, &piece, error) &&
               (!piece.failed || error_set(error, ERROR_MEMORY, "", "no memory for the digest"));
        if (good)
            digest_add(&sum, piece.bytes, piece.size);
    }
    digest_end(&sum, digest);
    digest_hex(digest, sha256);
    body_drop(&piece);
    return good;
}

/* What the file follows from: its texts, where numbers stand between them, and the checkpoint. */
static void make_tag(const struct download *download, const struct checkpoint_row *row,
                     char tag[DIGEST_HEX])
{
    const struct onnx_file *file = &download->file;
    uint8_t digest[DIGEST_BYTES];
    struct digest_sum sum;

    digest_begin(&sum);
    digest_add(&sum, row->sha256, strlen(row->sha256));
    digest_add(&sum, file->texts.bytes, file->texts.size);
    for (int i = 0; i < file->piece_count; i++) {
        const struct onnx_piece *piece = &file->pieces[i];
        const int64_t place[] = {(int64_t)piece->text_size, piece->offset, piece->count,
                                 piece->turned};
        digest_add(&sum, place, sizeof(place));
    }
    digest_end(&sum, digest);
    digest_hex(digest, tag);
}

static bool make_file(const struct job_row *job, const struct checkpoint_row *row,
                      const struct job_network *network, struct download *download,
                      struct problems *problems, struct error *error)
{
    char *classes = network->data.class_names ? json_text(network->data.class_names, NULL) : NULL;
    const struct onnx_source source = {.spec = &network->spec,
                                       .plan = &network->plan,
                                       .normalization = &network->data.normalization,
                                       .job = job->id,
                                       .classes = classes,
                                       .step = row->step};
    bool good = onnx_init(&source, &download->file, problems, error);

    free(classes);
    download->place.checkpoint = row->number;
    download->place.numbers_at = (int64_t)checkpoint_numbers_at(&network->plan, row->bytes);
    download->reader = (struct onnx_reader){
        .file = &download->file, .numbers = read_numbers, .context = &download->place};
    download->stream.size = (int64_t)download->file.size;
    if (good && download->place.numbers_at == 0)
        good = error_set(error, ERROR_CORRUPT, job->id,
                         "the checkpoint does not have the size of its network");
    return good;
}

static bool open_download(const struct http_request *request, const struct job_row *job,
                          const struct checkpoint_row *row, struct download *download,
                          struct problems *problems, struct error *error)
{
    struct job_network network;
    bool good = job_network_open(request->app->catalog, request->db, job, &network, error) &&
                make_file(job, row, &network, download, problems, error);

    job_network_drop(&network);
    return good;
}

/* Takes the download. */
static bool answer(const struct http_request *request, const struct job_row *job,
                   const struct checkpoint_row *row, struct download *download,
                   struct http_response *response, struct error *error)
{
    char tag[DIGEST_HEX], sha256[DIGEST_HEX];
    bool good = true, settled;

    download->place.db = request->db;
    make_tag(download, row, tag);
    http_response_etag(response, "%s", tag);
    http_response_header(response, "Cache-Control", "private, no-cache");
    http_response_header(response, "Content-Disposition",
                         "attachment; filename=\"%s-step%" PRId64 ".onnx\"", job->id, row->step);
    settled = http_settled(request, response);
    if (!settled && !http_header(request, "Range")) {
        good = digest_file(download, sha256, error);
        if (good)
            api_put_digest(response, sha256);
    }
    if (!good || settled) {
        download_drop(&download->stream);
        return good;
    }
    response->status = 200;
    response->content_type = "application/octet-stream";
    response->stream = &download->stream;
    return true;
}

bool api_checkpoint_onnx(const struct http_request *request, const struct job_row *job,
                         const struct checkpoint_row *row, struct http_response *response,
                         struct error *error)
{
    struct problems *problems = calloc(1, sizeof(*problems));
    struct download *download = calloc(1, sizeof(*download));
    bool good = problems && download;

    if (!good)
        (void)error_set(error, ERROR_MEMORY, "", "no memory for the download");
    else
        download->stream = (struct http_stream){
            .next = download_next, .drop = download_drop, .seek = download_seek};
    good = good && open_download(request, job, row, download, problems, error);
    if (good && problems->count == 0) {
        good = answer(request, job, row, download, response, error);
        download = NULL;
    } else if (good) {
        good = api_refuse_export(problems, "ONNX", response, error);
    }
    if (download)
        download_drop(&download->stream);
    free(problems);
    return good;
}
