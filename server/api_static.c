/* The dashboard's files, out of the binary. No path ever reaches the file system. */
#include "server/api.h"

#include "server/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* Whether Accept-Encoding lists gzip with a weight above 0. */
static bool takes_gzip(const struct http_request *request)
{
    const char *at = http_header(request, "Accept-Encoding");

    for (; at && *at; at += strcspn(at, ","), at += *at == ',') {
        const char *weight;
        size_t item;

        at += strspn(at, " \t");
        item = strcspn(at, ",");
        if (strncasecmp(at, "gzip", 4) != 0 ||
            !strchr(",; \t", at[4])) /* its NUL ends the last one */
            continue;
        weight = memmem(at, item, "q=", 2);
        return !weight || strtod(weight + 2, NULL) > 0;
    }
    return false;
}

bool api_static(const struct http_request *request, struct http_response *response,
                struct error *error)
{
    const struct asset *asset = find_asset(request->path);
    char etag[128];
    bool gzip;

    if (!asset)
        return error_set(error, ERROR_NOT_FOUND, "", "there is nothing at this address");
    gzip = asset->gzip && takes_gzip(request);
    /* Two encodings are two representations and want two tags. */
    snprintf(etag, sizeof(etag), "%.*s%s", (int)strlen(asset->etag) - 1, asset->etag,
             gzip ? "-gzip\"" : "\"");
    http_response_header(response, "ETag", "%s", etag);
    http_response_header(response, "Vary", "Accept-Encoding");
    /* Libraries are pinned by the lock file; our own files change with the program. */
    http_response_header(response, "Cache-Control",
                         strncmp(asset->path, "/vendor/", 8) == 0
                             ? "public, max-age=31536000, immutable"
                             : "no-cache");
    response->status = 304;
    if (api_has_etag(request, etag))
        return true;
    response->status = 200;
    response->content_type = asset->content_type;
    response->fixed = gzip ? asset->gzip : asset->bytes;
    response->body_size = gzip ? asset->gzip_size : asset->size;
    if (gzip)
        http_response_header(response, "Content-Encoding", "gzip");
    return true;
}
