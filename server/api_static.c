/* The dashboard's files, out of the binary. No path ever reaches the file system. */
#include "server/api.h"

#include "server/assets.h"

#include <string.h>

static const struct asset *find_asset(const char *path)
{
    for (size_t i = 0; i < asset_count; i++)
        if (strcmp(assets[i].path, path) == 0)
            return &assets[i];
    return NULL;
}

bool api_static_serves(const char *path)
{
    return find_asset(path) != NULL;
}

bool api_static(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    const struct asset *asset = find_asset(request->path);

    if (!asset)
        return error_set(error, ERROR_NOT_FOUND, "", "there is nothing at this address");
    /* The tag is quoted in the table. */
    http_response_etag(response, "%.*s", (int)strlen(asset->etag) - 2, asset->etag + 1);
    /* Libraries are pinned by the lock file; our own files change with the program. */
    http_response_header(response, "Cache-Control",
                         strncmp(asset->path, "/vendor/", 8) == 0
                             ? "public, max-age=31536000, immutable"
                             : "no-cache");
    response->status = 200;
    response->content_type = asset->content_type;
    response->fixed = asset->bytes;
    response->body_size = asset->size;
    response->packed = asset->gzip;
    response->packed_size = asset->gzip_size;
    return true;
}
