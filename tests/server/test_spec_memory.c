/* Tests of what spec and JSON do when memory runs out: each allocation in turn is refused. */
#include "server/spec_json.h"
#include "tests/harness.h"
#include "tests/server/trial.h"

#include <stdlib.h>
#include <string.h>

/* Something of every part: options, lists, labels, unknown kinds with their allowed names. */
static const char text[] =
    "{\"name\": \"a job\", \"labels\": {\"team\": \"vision\"}, \"dataset\": {\"name\": \"d\"},"
    " \"optimizer\": {\"type\": \"adam\", \"betas\": [0.8, 0.9]}, \"loss\": \"cros_entropy\","
    " \"lr_schedule\": {\"type\": \"piecewise\", \"points\": [[1, 0.1], [5, 2]]},"
    " \"model\": [{\"type\": \"conv2d\", \"out_channels\": 3, \"kernel_size\": [1, 2]}, \"Relu\"]}";

/* … and what rows can say beside that. */
static const char trial_text[] =
    "{\"blocks\": [{\"type\": \"nest\", \"body\": [{\"type\": \"fan\", \"branches\": [[],"
    " [\"bare\"], [\"leav\"]]}]}], \"lists\": [[], [\"leaf\"]], \"padding\": \"same\","
    " \"scale\": {\"mean\": [1], \"std\": [2]}, \"remedy\": {\"rollback\": true}}";

/* jansson's memory, of which allocation number `fails_at` is refused. */
static struct {
    long count, fails_at;
    long parsed; /* how many the parser took */
} memory;

static void *scarce(size_t size)
{
    return memory.count++ == memory.fails_at ? NULL : malloc(size);
}

/* One life of a spec, from text to all that is made of it: a list as text, or NULL when something
 * could not be had. */
static char *live(void)
{
    static struct problems problems;
    struct error error = {0};
    struct job_meta meta;
    struct spec spec = {0};
    json_t *job = NULL, *made = NULL;
    char *out = NULL;

    problems = (struct problems){0};
    bool good = json_parse_strict(text, strlen(text), &job, &problems, &error);
    memory.parsed = memory.count;
    if (good) {
        CHECK(spec_from_json(job, &spec, &meta, &problems, &error));
        made = json_pack("[o,o,o,o]", spec_to_json(&spec), job_meta_to_json(&meta),
                         problems_to_json(&problems), spec_schema());
        out = json_text(made, NULL);
    }
    json_decref(made);
    spec_drop(&spec);
    json_decref(job);
    return out;
}

/* The same of a trial. */
static char *live_trial(void)
{
    static struct problems problems;
    struct error error = {0};
    struct trial trial = {.blocks = {.count = 0}};
    json_t *json = NULL, *made = NULL;
    char *out = NULL;

    problems = (struct problems){0};
    bool good = json_parse_strict(trial_text, strlen(trial_text), &json, &problems, &error);
    memory.parsed = memory.count;
    if (good) {
        trial_read(json, &trial, &problems);
        CHECK(spec_complete_rows(&trial.arena, &trial_fields, &trial));
        made = json_pack("[o,o,o]", spec_fields_to_json(&trial_fields, &trial),
                         problems_to_json(&problems),
                         spec_fields_schema(&trial_fields, NULL, "trial"));
        out = json_text(made, NULL);
    }
    json_decref(made);
    trial_drop(&trial);
    json_decref(json);
    return out;
}

/* CHECK_TEXT of texts too long to be read at once. */
static void same(const char *got, const char *wanted)
{
    size_t at = 0;

    while (got[at] && got[at] == wanted[at])
        at++;
    if (got[at] != wanted[at])
        FAIL("allocation %ld: \"%.60s\" instead of \"%.60s\"", memory.fails_at, got + at,
             wanted + at);
}

/* Of its parser jansson promises less: it may then complain of the text, or cut a string. */
static void starve(char *(*one_life)(void))
{
    char *whole;
    bool failed = true;

    memory.fails_at = -1;
    json_set_alloc_funcs(scarce, free);
    whole = one_life();
    CHECK(whole != NULL);
    for (memory.fails_at = 0; failed; memory.fails_at++) {
        memory.count = 0;
        char *got = one_life();
        failed = memory.count > memory.fails_at;
        CHECK(failed || got);
        if (got && memory.fails_at >= memory.parsed)
            same(got, whole);
        free(got);
    }
    CHECK(memory.fails_at > 500);
    free(whole);
}

TEST("whichever allocation of JSON fails, nothing half made is handed out, lost or crashes")
{
    starve(live);
}

TEST("… of lists in lists, of pairs and of kinds without a type neither")
{
    starve(live_trial);
}
