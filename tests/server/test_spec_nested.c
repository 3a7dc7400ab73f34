/* Tests of what rows can say, on a table that says all of it: variants in variants, lists of lists,
 * pairs or names, kinds without a "type", default kinds everywhere. */
#include "core/layer.h"
#include "tests/harness.h"
#include "tests/server/schema_check.h"
#include "tests/server/spec_kept.h"
#include "tests/server/spec_random.h"
#include "tests/server/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reader_accepts(const json_t *json)
{
    static struct problems problems;
    struct trial trial;

    trial_read(json, &trial, &problems);
    trial_drop(&trial);
    return problems.count == 0;
}

TEST("whatever rows can say, what they allow is accepted by the reader and by the schema")
{
    json_t *schema = spec_fields_schema(&trial_fields, NULL, "trial");
    struct dice dice = {.state = 11};

    CHECK(schema != NULL);
    for (int i = 0; i < 500; i++) {
        json_t *json = spec_random_rows(&dice, &trial_fields);
        char *text = json_text(json, NULL);

        if (!reader_accepts(json))
            FAIL("the reader refuses %s", text);
        if (!schema_accepts(schema, schema, json))
            FAIL("the schema refuses %s", text);
        free(text);
        json_decref(json);
    }
    json_decref(schema);
}

TEST_SLOW("whatever rows can say, reader and schema agree about one thing wrong with it", 120)
{
    json_t *schema = spec_fields_schema(&trial_fields, NULL, "trial");
    struct dice dice = {.state = 12};
    int refused = 0;

    for (int i = 0; i < 4000; i++) {
        json_t *json = spec_random_rows(&dice, &trial_fields);
        char *text;
        bool right;

        spec_damage(&dice, json);
        text = json_text(json, NULL);
        right = reader_accepts(json);
        if (right != schema_accepts(schema, schema, json))
            FAIL("the reader %s, the schema does not: %s", right ? "accepts" : "refuses", text);
        refused += !right;
        free(text);
        json_decref(json);
    }
    CHECK(refused > 1500);
    CHECK(refused < 4000);
    json_decref(schema);
}

/* What `text` says once it is read, completed and written; to be freed. */
static char *rewritten(const char *text)
{
    struct trial trial;
    json_t *json;
    char *out;

    trial_read_text(text, &trial);
    json = spec_fields_to_json(&trial_fields, &trial);
    out = json_text(json, NULL);
    CHECK(out != NULL);
    json_decref(json);
    trial_drop(&trial);
    return out;
}

TEST("whatever rows can say, it is written as it was read, and the same when read again")
{
    struct dice dice = {.state = 13};

    for (int i = 0; i < 500; i++) {
        json_t *json = spec_random_rows(&dice, &trial_fields), *written;
        char *text = json_text(json, NULL), *first = rewritten(text), *second = rewritten(first);

        written = json_loads(first, 0, NULL);
        CHECK_TEXT(second, first);
        if (!spec_kept(json, written))
            FAIL("given %s\nwritten %s", text, first);
        json_decref(json);
        json_decref(written);
        free(text);
        free(first);
        free(second);
    }
}

/* One key of what is written for `text`, which stands in a trial that is right otherwise. */
static void check_written(const char *text, const char *key, const char *wanted)
{
    char whole[1024], *got, *part;
    json_t *json;

    snprintf(whole, sizeof(whole), "{\"blocks\": [\"bare\"]%s%s}", text[0] ? ", " : "", text);
    got = rewritten(whole);
    json = json_loads(got, 0, NULL);
    part = json_text(json_object_get(json, key), NULL);
    CHECK_TEXT(part ? part : "nothing", wanted);
    json_decref(json);
    free(part);
    free(got);
}

TEST("a pair or a name is written in the shortest way that was allowed")
{
    check_written("", "padding", "3");
    check_written("\"padding\": \"same\"", "padding", "\"same\"");
    check_written("\"padding\": [2, 2]", "padding", "2");
    check_written("\"padding\": [2, 4]", "padding", "[2,4]");
    check_written("\"padding\": 0", "padding", "0");
    check_written("", "absent_padding", "nothing");
    check_written("\"absent_padding\": 1", "absent_padding", "1");
}

TEST("a family with a kind that needs no type is written as briefly as it is read")
{
    static const char given[] = "{\"mean\":[0.5,0.25],\"std\":[1.0,1.0]}";

    check_written("", "scale", "\"scale\"");
    check_written("\"scale\": {\"type\": \"plain\"}", "scale", "\"plain\"");
    check_written("\"scale\": {\"mean\": [0.5, 0.25], \"std\": [1, 1]}", "scale", given);
    check_written("\"scale\": {\"type\": \"given\", \"mean\": [0.5, 0.25], \"std\": [1, 1]}",
                  "scale", given);
    check_written("\"remedy\": {\"rollback\": true}", "remedy",
                  "{\"rollback\":true,\"factor\":0.5}");
    check_written("", "rest", "{}");
    check_written("\"rest\": \"some\"", "rest", "{}");
    check_written("\"rest\": {\"type\": \"even\"}", "rest", "{\"type\":\"even\",\"bound\":1.0}");
}

TEST("each variant that was left out gets its default kind, at any depth")
{
    static const char text[] =
        "{\"blocks\": [{\"type\": \"nest\", \"body\": ["
        "{\"type\": \"fan\", \"branches\": [[], [{\"type\": \"leaf\"}, \"bare\"]]},"
        "{\"type\": \"bare\", \"start\": \"even\"}]}],"
        " \"lists\": [[], [\"leaf\"]], \"perhaps\": {}}";
    struct trial trial;

    trial_read_text(text, &trial);
    const struct variant *nest = &trial.blocks.items[0];
    const struct trial_nest *nested = nest->options;
    const struct trial_fan *fan = nested->body.items[0].options;
    const struct variant *leaf = &fan->branches.items[1].items[0];

    CHECK_INT((int64_t)fan->branches.count, 2);
    CHECK_INT((int64_t)fan->branches.items[0].count, 0);
    CHECK_INT((int64_t)nested->shortcut.count, 0);
    CHECK_TEXT(((struct trial_common *)nest->common)->start.kind->name, "plain");
    CHECK_TEXT(((struct trial_common *)leaf->common)->start.kind->name, "plain");
    CHECK_TEXT(((struct trial_common *)nested->body.items[1].common)->start.kind->name, "even");
    leaf = &trial.lists.items[1].items[0];
    CHECK_TEXT(((struct trial_common *)leaf->common)->start.kind->name, "plain");
    CHECK_TEXT(trial.always.start.kind->name, "even");
    CHECK(((struct trial_even *)trial.always.start.options)->bound == 1);
    CHECK_TEXT(trial.perhaps.start.kind->name, "even");
    CHECK_TEXT(trial.scale.kind->name, "scale");
    trial_drop(&trial);
}

TEST("an empty list that need not be given is written, one in an absent object is not made up")
{
    char *text = rewritten("{\"blocks\": [{\"type\": \"nest\", \"body\": [\"bare\"]}]}");

    CHECK(strstr(text, "\"shortcut\":[]"));
    CHECK(strstr(text, "\"layers\":[]"));
    CHECK(!strstr(text, "\"lists\""));
    CHECK(strstr(text, "\"always\":{\"start\":"));
    CHECK(!strstr(text, "perhaps"));
    free(text);
}

TEST("options of layers that follow from other options are filled in wherever the layers lie")
{
    struct trial trial;

    trial_read_text("{\"blocks\": [\"bare\"], \"layers\": [\"relu\","
                    " {\"type\": \"max_pool2d\", \"kernel_size\": [3, 2]}]}",
                    &trial);
    const struct pool2d_options *pool = trial.layers.items[1].options;
    CHECK_INT(pool->stride[0], 3);
    CHECK_INT(pool->stride[1], 2);
    trial_drop(&trial);
}

static void complaints(const char *text, char *out, size_t size)
{
    static struct problems problems;
    struct trial trial;
    json_t *json = json_loads(text, 0, NULL);
    size_t used = 0;

    CHECK(json != NULL);
    trial_read(json, &trial, &problems);
    trial_drop(&trial);
    json_decref(json);
    out[0] = '\0';
    for (size_t i = 0; i < problems.count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s: %s", i > 0 ? "\n" : "",
                                 problems.items[i].pointer, problems.items[i].detail);
}

/* As check_written, for what is wrong with it. */
static void check_complaint(const char *text, const char *wanted)
{
    char whole[1024], got[4096];

    snprintf(whole, sizeof(whole), "{\"blocks\": [\"bare\"], %s}", text);
    complaints(whole, got, sizeof(got));
    CHECK_TEXT(got, wanted);
}

TEST("what is wrong inside nested lists is told with the whole way to it")
{
    check_complaint("\"lists\": [[], [{\"type\": \"nest\", \"body\": [{\"type\": \"fan\","
                    " \"branches\": [[\"bare\"], [\"leav\"]]}]}]]",
                    "/lists/1/0/body/0/branches/1/0: found the string \"leav\", which is no trial "
                    "block");
    check_complaint("\"lists\": [[{\"type\": \"nest\"}]]",
                    "/lists/0/0/body: is required: a list of 1 to 8 objects {\"type\": …} (what it "
                    "holds)");
    check_complaint("\"lists\": [[{\"type\": \"fan\", \"branches\": []}]]",
                    "/lists/0/0/branches: found the list []; want a list of 1 to 4 lists of "
                    "objects {\"type\": …}");
    check_complaint("\"lists\": [[{\"type\": \"fan\", \"branches\": [\"bare\", {}, [3]]}]]",
                    "/lists/0/0/branches/0: found the string \"bare\"; want a list of at most 256 "
                    "objects {\"type\": …}, which may be empty\n"
                    "/lists/0/0/branches/1: found an object; want a list of at most 256 "
                    "objects {\"type\": …}, which may be empty\n"
                    "/lists/0/0/branches/2/0: found 3; want an object {\"type\": …} or a name "
                    "alone");
}

TEST("a pair or a name, and a kind without a type, say what they want")
{
    check_complaint("\"padding\": \"sane\"",
                    "/padding: found the string \"sane\"; want \"same\" or \"valid\", or an "
                    "integer from 0 to 9, or two of them as [height, width]");
    check_complaint("\"padding\": [1, 10]",
                    "/padding: found the list [1,10]; want \"same\" or \"valid\", or an integer "
                    "from 0 to 9, or two of them as [height, width]");
    check_complaint("\"scale\": 7",
                    "/scale: found 7; want a name or an object {\"mean\": …, \"std\": …}");
    check_complaint("\"scale\": {\"type\": 7}", "/scale/type: found 7; want a name");
    check_complaint("\"scale\": {\"mean\": [1], \"sdt\": [2]}",
                    "/scale/sdt: given has no such key\n"
                    "/scale/std: is required: a list of 1 to 4, each a number from -10 to 10 (of "
                    "each channel)");
    check_complaint("\"scale\": \"given\"",
                    "/scale/mean: is required: a list of 1 to 4, each a number from -10 to 10 (of "
                    "each channel)\n"
                    "/scale/std: is required: a list of 1 to 4, each a number from -10 to 10 (of "
                    "each channel)");
    check_complaint("\"remedy\": {\"type\": \"stop\", \"rollback\": true}",
                    "/remedy/rollback: stop has no such key");
}

/* `depth` fans inside each other, each in the last of the other's branches, around a wrong name; to
 * be freed. */
static char *nested_fans(int depth)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    CHECK(out != NULL);
    fputs("{\"blocks\": [", out);
    for (int i = 0; i < depth; i++)
        fputs("{\"type\": \"fan\", \"branches\": [[], [], [], [", out);
    fputs("{\"type\": \"leaf\", \"padding\": [1, -1]}", out);
    for (int i = 0; i < depth; i++)
        fputs("]]}", out);
    fputs("]}", out);
    CHECK_INT(fclose(out), 0);
    return text;
}

/* "/blocks/0/branches/3/0/branches/3 …", with the end. */
static void fan_pointer(int depth, const char *end, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "/blocks/0");

    for (int i = 1; i < depth; i++)
        used += (size_t)snprintf(out + used, size - used, "/branches/3/0");
    snprintf(out + used, size - used, "%s", end);
}

TEST("lists inside lists are read to the limit of depth, and refused beyond it with their place")
{
    char wanted[512], got[512], *text = nested_fans(LAYER_DEPTH_MAX);
    static struct problems problems;
    struct error error = {0};
    json_t *json;

    fan_pointer(LAYER_DEPTH_MAX + 1,
                "/padding: found the list [1,-1]; want \"same\" or \"valid\", or an integer from 0 "
                "to 9, or two of them as [height, width]",
                wanted, sizeof(wanted));
    complaints(text, got, sizeof(got));
    CHECK_TEXT(got, wanted);
    free(text);

    text = nested_fans(LAYER_DEPTH_MAX + 1);
    fan_pointer(LAYER_DEPTH_MAX + 1, "/branches: trial blocks are nested more than 8 deep", wanted,
                sizeof(wanted));
    complaints(text, got, sizeof(got));
    CHECK_TEXT(got, wanted);
    /* … by the reader: as JSON it is not too deep. */
    CHECK(json_parse_strict(text, strlen(text), &json, &problems, &error));
    json_decref(json);
    free(text);
}

TEST("a thousand lists inside each other are refused like nine")
{
    char *text = nested_fans(500), got[512];

    complaints(text, got, sizeof(got));
    CHECK(strstr(got, "nested more than 8 deep"));
    CHECK(!strchr(got, '\n'));
    free(text);
}
