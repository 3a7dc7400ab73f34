/* GET /v1/jobs: jobs by state, labels and name, in pages, in one of several orders. */
#include "server/api.h"

#include "server/job_json.h"
#include "server/list_cursor.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_ASKED_MAX = 16 };

/* ---- label=team:a,gpu ---- */

/* Takes one part off the list, up to a byte of `ends`; a backslash takes the byte behind it as it
 * is. */
static json_t *take_part(const char **list, const char *ends)
{
    struct body part = {0};
    json_t *json;

    for (; **list && !strchr(ends, **list); ++*list) {
        if (**list == '\\' && (*list)[1] != '\0')
            ++*list;
        body_put(&part, *list, 1);
    }
    json = json_stringn(part.bytes ? part.bytes : "", part.size);
    body_drop(&part);
    return json;
}

static bool refuse_labels(struct error *error)
{
    return error_set(error, ERROR_INVALID, "label",
                     "the query parameter \"label\" must be key:value, or key alone for any value, "
                     "and up to %d of them with commas between; a backslash takes away the meaning "
                     "of the ':', ',' or '\\' behind it",
                     LABELS_ASKED_MAX);
}

/* [["team", "a"], ["gpu", null]]; NULL when memory is gone, or *good is false. */
static json_t *read_labels(const char *list, bool *good)
{
    json_t *labels = json_array();

    for (;; list++) {
        json_t *key = take_part(&list, ":,");
        json_t *value = *list == ':' ? (list++, take_part(&list, ",")) : json_null();
        bool empty = key && json_string_length(key) == 0;

        *good = *good && !empty && json_array_size(labels) < LABELS_ASKED_MAX;
        if (json_array_append_new(labels, json_pack("[o, o]", key, value)) != 0)
            *good = false;
        if (*list == '\0' || !*good)
            return labels;
    }
}

/* Fills in the query's labels with a text that is the caller's. */
static bool ask_labels(const struct http_request *request, struct job_query *query, char **out,
                       struct error *error)
{
    const char *list = http_query(request, "label");
    bool good = true;
    json_t *labels;

    *out = NULL;
    if (!list)
        return true;
    labels = read_labels(list, &good);
    if (good)
        *out = json_dumps(labels, JSON_COMPACT);
    query->labels = *out;
    query->label_count = (int)json_array_size(labels);
    json_decref(labels);
    if (!good)
        return refuse_labels(error);
    return *out || error_set(error, ERROR_MEMORY, "", "no memory for the list");
}

/* ---- the page ---- */

static bool put_page(struct body *body, struct db *db, const struct job_page *page,
                     const struct list_sort *sort, struct error *error)
{
    body_text(body, "{\"items\":[");
    for (int i = 0; i < page->count; i++) {
        body_text(body, i > 0 ? "," : "");
        if (!job_json_put(body, db, &page->rows[i], error))
            return false;
    }
    body_text(body, "],\"next_cursor\":");
    if (page->more) {
        body_text(body, "\"");
        list_cursor_put(body, sort, &page->last);
        body_text(body, "\"}");
    } else {
        body_text(body, "null}");
    }
    return true;
}

static bool list(const struct http_request *request, const struct job_query *query,
                 struct http_response *response, struct error *error)
{
    const struct list_sort sort = {query->order, query->down};
    struct job_page *page = calloc(1, sizeof(*page));
    struct body body = {0};
    bool good;

    if (!page)
        return error_set(error, ERROR_MEMORY, "", "no memory for the list");
    good = store_job_list(request->db, query, page, error) &&
           put_page(&body, request->db, page, &sort, error) &&
           http_response_json(response, 200, &body, error);
    body_drop(&body);
    job_page_drop(page);
    free(page);
    return good;
}

bool api_jobs_list(const struct http_request *request, struct http_response *response,
                   struct error *error)
{
    int sort = http_query_choice(request, "sort", 2 * ORDER_ARRIVAL + 1);
    const char *cursor = http_query(request, "cursor");
    struct job_place place;
    struct job_query query = {
        .states = http_query_choices(request, "state", 0),
        .name = http_query(request, "name"),
        .order = (enum job_order)(sort / 2),
        .down = sort % 2 == 1,
        .after = cursor ? &place : NULL,
        .limit = (int)http_query_integer(request, "limit", API_PAGE_DEFAULT),
    };
    const struct list_sort sorted = {query.order, query.down};
    char *labels = NULL;
    bool good = (!cursor || list_cursor_read(cursor, &sorted, &place, error)) &&
                ask_labels(request, &query, &labels, error) &&
                list(request, &query, response, error);

    free(labels);
    return good;
}
