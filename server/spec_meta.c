/* Reading what a job has beside its spec, alone. */
#include "server/spec_walk.h"

#include <string.h>

bool job_meta_from_json(const json_t *json, struct arena *arena, struct job_meta *meta,
                        struct problems *problems, struct error *error)
{
    struct spec_reader reader = {.arena = arena, .problems = problems};
    const struct spec_object object = {
        .json = json, .pointer = "", .owner = "a job", .blocks = {{&job_meta_fields, meta}}};

    memset(meta, 0, sizeof(*meta));
    fields_defaults(&job_meta_fields, meta);
    spec_read_object(&reader, &object);
    return !reader.memory_gone ||
           error_set(error, ERROR_MEMORY, "", "no memory to read the labels");
}
