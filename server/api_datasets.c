/* Data sets: the registry as users see it. Where the files lie is nobody's business. */
#include "server/api.h"

#include "server/spec_json.h"

#include <stdlib.h>
#include <string.h>

bool api_put_dataset(struct body *body, const struct dataset_row *row, struct error *error)
{
    json_error_t place;
    json_t *info = json_loads(row->info, 0, &place);
    const char *key;
    json_t *value;

    if (!info)
        return error_set(error, ERROR_CORRUPT, row->name, "the stored facts are not JSON: %s",
                         place.text);
    body_text(body, "{\"name\":");
    body_string(body, row->name);
    json_object_foreach (info, key, value) {
        if (strcmp(key, "files") != 0) /* those are the catalog's own */
            api_put_member(body, key, value);
    }
    body_text(body, ",\"created_at\":");
    body_time(body, row->created_at);
    body_text(body, "}");
    json_decref(info);
    return true;
}

bool api_datasets_list(const struct http_request *request, struct http_response *response,
                       struct error *error)
{
    struct dataset_row *rows = NULL;
    struct body body = {0};
    int count = 0;
    bool good = catalog_list(request->db, &rows, &count, error);

    body_text(&body, "{\"items\":[");
    for (int i = 0; i < count && good; i++) {
        body_text(&body, i > 0 ? "," : "");
        good = api_put_dataset(&body, &rows[i], error);
    }
    body_text(&body, "],\"next_cursor\":null}");
    good = good && http_response_json(response, 200, &body, error);
    body_drop(&body);
    for (int i = 0; i < count; i++)
        dataset_row_drop(&rows[i]);
    free(rows);
    return good;
}

bool api_datasets_get(const struct http_request *request, struct http_response *response,
                      struct error *error)
{
    struct dataset_row row = {0};
    struct body body = {0};
    char sha256[65] = "";
    bool good = catalog_find(request->db, request->params[0], &row, error) &&
                api_put_dataset(&body, &row, error) && catalog_row_digest(&row, sha256, error) &&
                http_response_json(response, 200, &body, error);

    http_response_etag(response, "%s.", sha256);
    body_drop(&body);
    dataset_row_drop(&row);
    return good;
}
