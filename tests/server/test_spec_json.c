/* Tests of reading and writing a spec as JSON. Wrong input stands in tests/cases/spec, one folder a
 * case: `input.json`, and `problems`, one line each, when it must be refused. */
#include "server/spec_json.h"
#include "tests/harness.h"
#include "tests/server/spec_kept.h"
#include "tests/server/spec_random.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE_BYTES = 1 << 16 };

static size_t read_case(const char *name, const char *file, char out[CASE_BYTES])
{
    char path[1200];
    FILE *stream;
    size_t size;

    snprintf(path, sizeof(path), "%s/tests/cases/spec/%s/%s", test_root(), name, file);
    stream = fopen(path, "rb");
    size = stream ? fread(out, 1, CASE_BYTES - 1, stream) : 0;
    out[size] = '\0';
    if (stream)
        fclose(stream);
    return size;
}

static void problems_text(const struct problems *problems, char out[CASE_BYTES])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        const char *suggestion = problem->suggestion;

        used += (size_t)snprintf(out + used, CASE_BYTES - used, "%s: %s%s%s%s\n", problem->pointer,
                                 problem->detail, suggestion[0] ? " (did you mean " : "",
                                 suggestion, suggestion[0] ? "?)" : "");
    }
    if (problems->dropped > 0)
        snprintf(out + used, CASE_BYTES - used, "dropped %zu\n", problems->dropped);
}

/* Everything that is wrong with a text, on either of the two levels. */
static void find_problems(const char *text, size_t size, struct problems *problems)
{
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;
    json_t *json;

    if (!json_parse_strict(text, size, &json, problems, &error)) {
        CHECK_INT(error.kind, ERROR_INVALID);
        CHECK_INT((int64_t)problems->count, 1);
        CHECK_TEXT(error.text, problems->items[0].detail);
        return;
    }
    CHECK(spec_from_json(json, &spec, &meta, problems, &error));
    json_decref(json);
    spec_drop(&spec);
}

static void run_case(const char *name)
{
    static char input[CASE_BYTES], wanted[CASE_BYTES], got[CASE_BYTES];
    static struct problems problems;

    problems = (struct problems){0};
    find_problems(input, read_case(name, "input.json", input), &problems);
    read_case(name, "problems", wanted);
    problems_text(&problems, got);
    if (strcmp(got, wanted) != 0)
        FAIL("tests/cases/spec/%s: got\n%s\nwanted\n%s", name, got[0] ? got : "nothing\n",
             wanted[0] ? wanted : "nothing\n");
    json_decref(problems_to_json(&problems));
}

TEST("every spec in tests/cases/spec is told exactly what is wrong with it")
{
    char path[1100];
    const struct dirent *entry;
    int cases = 0;

    snprintf(path, sizeof(path), "%s/tests/cases/spec", test_root());
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        run_case(entry->d_name);
        cases++;
    }
    closedir(folder);
    CHECK(cases > 40);
}

TEST("nesting past the limit and NUL bytes are refused before the parser sees them")
{
    enum { DEEP = 2000000 };
    static struct problems problems;
    char *deep = malloc(DEEP);

    CHECK(deep != NULL);
    memset(deep, '[', DEEP);
    memcpy(deep, "{\"a\":\n", 6);
    find_problems(deep, DEEP, &problems);
    CHECK_TEXT(problems.items[0].detail,
               "line 2, column 32: more than 32 objects and lists inside each other");
    free(deep);
    problems = (struct problems){0};
    find_problems("{\"name\": \"a\0b\"}", 15, &problems);
    CHECK_TEXT(problems.items[0].detail, "line 1, column 12: a NUL byte; JSON is text");
}

static void read_text(const char *text, struct spec *spec, struct job_meta *meta)
{
    static struct problems problems;
    struct error error = {0};
    json_t *json;

    problems = (struct problems){0};
    if (!json_parse_strict(text, strlen(text), &json, &problems, &error))
        FAIL("%s", error.text);
    CHECK(spec_from_json(json, spec, meta, &problems, &error));
    json_decref(json);
    if (problems.count > 0)
        FAIL("%s: %s", problems.items[0].pointer, problems.items[0].detail);
}

TEST("a spec arrives in the struct as it was written, with the defaults around it")
{
    static char text[CASE_BYTES];
    struct job_meta meta;
    struct spec spec;

    read_case("lenet5", "input.json", text);
    read_text(text, &spec, &meta);
    CHECK_TEXT(meta.name, "lenet5 on fashion-mnist");
    CHECK_INT(meta.priority, 0);
    CHECK_TEXT(spec.dataset.name, "fashion-mnist");
    CHECK(spec.dataset.shuffle);
    CHECK_INT(spec.dataset.limit, FIELD_ABSENT);
    CHECK_INT((int64_t)spec.model.count, 12);
    CHECK_TEXT(spec.model.items[0].kind->name, "conv2d");
    const struct field *padding = fields_find(&spec.model.items[0].kind->options, "padding");
    CHECK_INT(((struct pair_or *)field_at(padding, spec.model.items[0].options))->pair[1], 2);
    CHECK_TEXT(spec.optimizer.kind->name, "adam");
    const struct field *betas = fields_find(&spec.optimizer.kind->options, "betas");
    CHECK(((double *)field_at(betas, spec.optimizer.options))[1] == 0.999);
    CHECK_TEXT(spec.lr_schedule.kind->name, "cosine");
    CHECK_TEXT(spec.loss.kind->name, "cross_entropy");
    CHECK_INT(spec.run.epochs, 5);
    CHECK_INT(spec.run.max_steps, FIELD_ABSENT);
    CHECK_INT(spec.run.seed, 1);
    CHECK(spec.evaluate_every.given);
    CHECK_INT(spec.evaluate_every.epochs, 1);
    CHECK_INT(spec.checkpoint.keep_last, 2);
    spec_drop(&spec);
}

/* The job's JSON after reading it, or NULL when rules between fields refuse it. */
static char *rewritten(const json_t *job)
{
    static struct problems problems;
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;
    char *text = NULL;

    problems = (struct problems){0};
    CHECK(spec_from_json(job, &spec, &meta, &problems, &error));
    if (problems.count == 0) {
        json_t *written = spec_to_json(&spec), *written_meta = job_meta_to_json(&meta);

        CHECK(written && written_meta);
        CHECK_INT(json_object_update(written, written_meta), 0);
        text = json_text(written, NULL);
        json_decref(written);
        json_decref(written_meta);
        CHECK(text != NULL);
    }
    spec_drop(&spec);
    return text;
}

TEST("a spec that was written and read again is written the same, byte by byte")
{
    struct dice dice = {.state = 3};
    int compared = 0;

    for (int i = 0; i < 500; i++) {
        json_t *job = spec_random(&dice), *again;
        char *first = rewritten(job), *second;
        json_error_t error;

        json_decref(job);
        if (!first)
            continue;
        again = json_loads(first, JSON_REJECT_DUPLICATES, &error);
        if (!again)
            FAIL("%s in %s", error.text, first);
        second = rewritten(again);
        CHECK(second != NULL);
        CHECK_TEXT(second, first);
        json_decref(again);
        free(first);
        free(second);
        compared++;
    }
    CHECK(compared > 200);
}

TEST("all that a user gave is in the written spec")
{
    struct dice dice = {.state = 6};

    for (int i = 0; i < 500; i++) {
        json_t *job = spec_random(&dice);
        char *text = rewritten(job), *given = json_text(job, NULL);
        json_t *written = text ? json_loads(text, 0, NULL) : NULL;

        if (text && !spec_kept(job, written))
            FAIL("given %s\nwritten %s", given, text);
        json_decref(written);
        json_decref(job);
        free(text);
        free(given);
    }
}

TEST("defaults are written, what is absent is not, and numbers look as a user would write them")
{
    json_t *job = json_pack("{s:{s:s}, s:[{s:s, s:[i,i]}], s:{s:s, s:f}, s:i}", "dataset", "name",
                            "d", "model", "type", "max_pool2d", "kernel_size", 2, 2, "optimizer",
                            "type", "sgd", "lr", 0.1, "epochs", 3);
    char *text = rewritten(job);

    CHECK(text != NULL);
    CHECK(strstr(text, "\"kernel_size\":2,"));
    CHECK(strstr(text, "\"lr\":0.1,"));
    CHECK(strstr(text, "\"epochs\":3"));
    CHECK(strstr(text, "\"batch_size\":64"));
    CHECK(!strstr(text, "max_steps"));
    CHECK(!strstr(text, "seed"));
    free(text);
    json_decref(job);
}

TEST("a refused name comes with the allowed ones")
{
    static struct problems problems;
    static char text[CASE_BYTES];
    json_t *list, *first;

    find_problems(text, read_case("unknown-kinds", "input.json", text), &problems);
    list = problems_to_json(&problems);
    first = json_array_get(list, 0);
    CHECK_TEXT(json_string_value(json_object_get(first, "pointer")), "/model/0");
    CHECK_TEXT(json_string_value(json_object_get(first, "suggestion")), "conv2d");
    CHECK(json_array_size(json_object_get(first, "allowed")) > 3);
    json_decref(list);
}

TEST("problems that were dropped are counted in the answer")
{
    static struct problems problems;
    static char text[CASE_BYTES];
    json_t *list;

    find_problems(text, read_case("more-problems-than-are-told", "input.json", text), &problems);
    list = problems_to_json(&problems);
    CHECK_INT((int64_t)json_array_size(list), PROBLEMS_MAX + 1);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, PROBLEMS_MAX), "detail")),
               "6 more problems are not shown");
    json_decref(list);
}

static void damage_bytes(const char *name)
{
    static char original[CASE_BYTES], text[CASE_BYTES];
    static struct problems problems;
    size_t size = read_case(name, "input.json", original);
    struct dice dice = {.state = 4};

    CHECK(size > 100);
    for (int i = 0; i < 3000; i++) {
        json_t *list;

        memcpy(text, original, size);
        for (uint64_t k = 0; k <= dice_roll(&dice, 3); k++)
            text[dice_roll(&dice, size)] = (char)dice_roll(&dice, dice_roll(&dice, 2) ? 256 : 128);
        problems = (struct problems){0};
        find_problems(text, size - (dice_roll(&dice, 4) == 0 ? dice_roll(&dice, size) : 0),
                      &problems);
        list = problems_to_json(&problems);
        CHECK(list != NULL);
        json_decref(list);
    }
}

TEST("damaged bytes never crash the reader, and every complaint can be sent as JSON")
{
    damage_bytes("lenet5");
    damage_bytes("nested-layers");
}

TEST("a flood of unknown keys is answered quickly")
{
    json_t *job = json_object();
    static struct problems problems;
    char key[32], *text;
    size_t size;

    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "optimi%d", i);
        json_object_set_new(job, key, json_null());
    }
    text = json_text(job, &size);
    json_decref(job);
    find_problems(text, size, &problems);
    CHECK_INT((int64_t)(problems.count + problems.dropped), 100000 + 3);
    free(text);
}
