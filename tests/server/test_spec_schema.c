/* Tests of the JSON Schema: it must say what the reader does. */
#include "server/spec_walk.h"
#include "tests/harness.h"
#include "tests/server/schema_check.h"
#include "tests/server/spec_random.h"

#include <stdlib.h>

/* Rules between fields are in no row, and therefore not compared. */
static bool reader_accepts(const json_t *job)
{
    static struct problems problems;
    struct spec spec;
    struct job_meta meta;
    struct error error = {0};

    problems = (struct problems){0};
    CHECK(spec_read_rows(job, &spec, &meta, &problems, &error));
    spec_drop(&spec);
    return problems.count == 0;
}

TEST("every random job that the tables allow is accepted by the reader and by the schema")
{
    json_t *schema = spec_schema();
    struct dice dice = {.state = 1};

    CHECK(schema != NULL);
    for (int i = 0; i < 500; i++) {
        json_t *job = spec_random(&dice);
        char *text = json_text(job, NULL);

        if (!reader_accepts(job))
            FAIL("the reader refuses %s", text);
        if (!schema_accepts(schema, schema, job))
            FAIL("the schema refuses %s", text);
        free(text);
        json_decref(job);
    }
    json_decref(schema);
}

TEST_SLOW("reader and schema agree about jobs with one thing wrong", 120)
{
    json_t *schema = spec_schema();
    struct dice dice = {.state = 2};
    int refused = 0;

    for (int i = 0; i < 4000; i++) {
        json_t *job = spec_random(&dice);
        char *text;
        bool right;

        spec_damage(&dice, job);
        text = json_text(job, NULL);
        right = reader_accepts(job);
        if (right != schema_accepts(schema, schema, job))
            FAIL("the reader %s, the schema does not: %s", right ? "accepts" : "refuses", text);
        refused += !right;
        free(text);
        json_decref(job);
    }
    CHECK(refused > 2000);
    CHECK(refused < 4000);
    json_decref(schema);
}

TEST("every row of every table has a sentence of help, and the schema shows it")
{
    json_t *schema = spec_schema();
    const char *key;
    json_t *row, *family;

    json_object_foreach (json_object_get(schema, "properties"), key, row)
        if (!json_string_length(json_object_get(row, "description")))
            FAIL("\"%s\" has no help", key);
    json_object_foreach (json_object_get(schema, "$defs"), key, family) {
        const json_t *alternatives = json_object_get(family, "oneOf");

        for (size_t i = 0; i < json_array_size(alternatives); i++) {
            const json_t *alternative = json_array_get(alternatives, i);

            if (json_object_get(alternative, "properties") &&
                !json_string_length(json_object_get(alternative, "description")))
                FAIL("a %s has no help", key);
        }
    }
    json_decref(schema);
}

TEST("the schema names the defaults and no default that the reader would refuse")
{
    json_t *schema = spec_schema();
    json_t *properties = json_object_get(schema, "properties");
    const char *key;
    json_t *row;

    CHECK_INT(
        json_integer_value(json_object_get(json_object_get(properties, "batch_size"), "default")),
        64);
    json_object_foreach (properties, key, row) {
        const json_t *fallback = json_object_get(row, "default");

        if (fallback && !schema_accepts(schema, row, fallback))
            FAIL("the default of \"%s\" is not allowed", key);
    }
    json_decref(schema);
}
