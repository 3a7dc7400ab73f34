/* OpenAPI's components: schemas from files that are embedded and from the program's tables, and the
 * parameters and headers that several routes have. */
#include "server/openapi_parts.h"

#include "core/spec.h"
#include "server/assets.h"
#include "server/spec_json.h"
#include "server/store_control.h"

#include <stdio.h>
#include <string.h>

/* A named value outside the body. `schema`: JSON. */
struct value_row {
    const char *name, *about, *schema;
};

/* clang-format off */
static const struct value_row path_rows[] = {
    {"id", "The job's id", "{\"type\": \"string\", \"pattern\": \"^[a-z2-7]{12}$\"}"},
    {"which", "best, last, or a step",
     "{\"oneOf\": [{\"enum\": [\"best\", \"last\"]}, {\"type\": \"integer\", \"minimum\": 0}]}"},
    {"name", "The name by which it was stored",
     "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 64}"},
    {"file", "The sample's number from 0 on, and .png",
     "{\"type\": \"string\", \"pattern\": \"^[0-9]+\\\\.png$\"}"},
    {NULL, NULL, NULL},
};

static const struct value_row request_headers[] = {
    {"If-Match", "Only if the ETag is still this one", "{\"type\": \"string\"}"},
    {"If-None-Match", "Only if the ETag is no longer this one", "{\"type\": \"string\"}"},
    {"If-Range", "The range only if the ETag is still this one", "{\"type\": \"string\"}"},
    {"Range", "A part of the bytes", "{\"type\": \"string\", \"pattern\": \"^bytes=\"}"},
    {"Last-Event-ID", "Number of the last event that was seen",
     "{\"type\": \"integer\", \"minimum\": 0}"},
    {"Idempotency-Key",
     "A text of the client's: the same request with the same key makes one job. Visible ASCII, or "
     "printable between double quotes",
     "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 512}"},
    {NULL, NULL, NULL},
};

static const struct value_row answer_headers[] = {
    {"ETag", "What the answer is a copy of", "{\"type\": \"string\"}"},
    {"Location", "The new thing's address",
     "{\"type\": \"string\", \"format\": \"uri-reference\"}"},
    {"Idempotency-Replayed", "The request came before; this is the job that it made",
     "{\"const\": \"true\"}"},
    {"Repr-Digest", "SHA-256 of the whole file (RFC 9530)", "{\"type\": \"string\"}"},
    {"Content-Disposition", "A name for the file", "{\"type\": \"string\"}"},
    {"Traind-Cursor", "For the query parameter since", "{\"type\": \"integer\"}"},
    {"Traind-Drop-After", "Rows behind this step that the client has are no longer true",
     "{\"type\": \"integer\"}"},
    {"Retry-After", "Seconds to wait before the next try", "{\"type\": \"integer\"}"},
    {NULL, NULL, NULL},
};

static const struct value_row tag_rows[] = {
    {"jobs", "Submitting and looking", NULL},
    {"control", "Steering what runs", NULL},
    {"results", "What comes of a job: curves, checkpoints, predictions", NULL},
    {"streams", "What happens, as it happens", NULL},
    {"data", "Data sets and weights", NULL},
    {"server", "The server itself", NULL},
    {NULL, NULL, NULL},
};
/* clang-format on */

static const struct value_row *find_row(const struct value_row *rows, const char *name, size_t size)
{
    for (; rows->name; rows++)
        if (strlen(rows->name) == size && memcmp(rows->name, name, size) == 0)
            return rows;
    return NULL;
}

static json_t *schema_of(struct openapi *out, const struct value_row *row)
{
    json_t *schema = json_loads(row->schema, 0, NULL);

    if (!schema)
        openapi_miss(out, row->name);
    return schema;
}

static json_t *parameter(struct openapi *out, const struct value_row *row, const char *in)
{
    if (!row)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", row->name, "in", in, "description",
                     row->about, "required", strcmp(in, "path") == 0, "schema",
                     schema_of(out, row));
}

json_t *openapi_path_parameter(struct openapi *out, const char *name, size_t size)
{
    return parameter(out, find_row(path_rows, name, size), "path");
}

json_t *openapi_request_header(struct openapi *out, const char *name, size_t size)
{
    return parameter(out, find_row(request_headers, name, size), "header");
}

json_t *openapi_answer_header(struct openapi *out, const char *name, size_t size)
{
    const struct value_row *row = find_row(answer_headers, name, size);

    if (!row)
        return NULL;
    return json_pack("{s:s, s:o}", "description", row->about, "schema", schema_of(out, row));
}

json_t *openapi_tags(struct openapi *out)
{
    json_t *list = json_array();

    for (const struct value_row *row = tag_rows; row->name; row++)
        openapi_append(out, list,
                       json_pack("{s:s, s:s}", "name", row->name, "description", row->about));
    return list;
}

/* ---- schemas ---- */

static json_t *choices(struct openapi *out, const char *const *names, const char *about)
{
    json_t *list = json_array();

    for (; *names; names++)
        openapi_append(out, list, json_string(*names));
    return json_pack("{s:s, s:o, s:s}", "type", "string", "enum", list, "description", about);
}

/* In its own document a schema says "#/$defs/layer"; here that is a component of its own. */
static const char defined[] = "#/$defs/";
static const char defined_here[] = "#/components/schemas/spec_";

static void move_references(struct openapi *out, json_t *value)
{
    const char *key, *target = json_string_value(json_object_get(value, "$ref"));
    char moved[160];
    json_t *part;
    size_t i;

    if (target && strncmp(target, defined, strlen(defined)) == 0) {
        (void)snprintf(moved, sizeof(moved), "%s%s", defined_here, target + strlen(defined));
        openapi_set(out, value, "$ref", json_string(moved));
    }
    json_object_foreach (value, key, part)
        move_references(out, part);
    json_array_foreach (value, i, part)
        move_references(out, part);
}

/* The schema of a job, and what it defines. */
static void put_spec(struct openapi *out, json_t *schemas)
{
    json_t *spec = spec_schema();
    const char *key;
    json_t *part;
    char name[96];

    move_references(out, spec);
    json_object_foreach (json_object_get(spec, "$defs"), key, part) {
        (void)snprintf(name, sizeof(name), "spec_%s", key);
        openapi_set(out, schemas, name, json_incref(part));
    }
    (void)json_object_del(spec, "$defs");
    (void)json_object_del(spec, "$schema");
    openapi_set(out, schemas, "JobSpec", spec);
}

static json_t *make_schemas(struct openapi *out)
{
    json_t *schemas = json_object();

    put_spec(out, schemas);
    openapi_set(out, schemas, "JobState",
                choices(out, job_state_names, "From queued to cancelled, succeeded or failed."));
    openapi_set(out, schemas, "StopWhen",
                choices(out, stop_when_names, "Of a job that is cancelling: what it goes on to."));
    for (size_t i = 0; i < component_count; i++) {
        json_t *schema = json_loads(components[i].json, JSON_REJECT_DUPLICATES, NULL);

        if (!schema)
            openapi_miss(out, components[i].name);
        openapi_set(out, schemas, components[i].name, schema);
    }
    return schemas;
}

json_t *openapi_components(struct openapi *out)
{
    static const char about[] = "A token of `traind token add`; its scope (read, submit, admin) is "
                                "beside each operation. A server without tokens asks for none.";
    json_t *problem =
        json_pack("{s:{s:{s:o}}, s:s}", "content", "application/problem+json", "schema",
                  openapi_reference("schemas", "Problem"), "description", "What is wrong");

    return json_pack("{s:o, s:{s:o}, s:{s:{s:s, s:s, s:s}}}", "schemas", make_schemas(out),
                     "responses", "Problem", problem, "securitySchemes", "bearer", "type", "http",
                     "scheme", "bearer", "description", about);
}
