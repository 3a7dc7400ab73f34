/* What a checkpoint makes of a whole split: made once, kept with the checkpoint, and equal to what
 * the job itself has measured. */
#include "tests/api/support_predict.h"

#include "server/catalog.h"
#include "tests/api/support_control.h"
#include "tests/core/support_npy.h"
#include "tests/harness.h"

#include <sqlite3.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static json_t *evaluation(const struct api *api, const char *id, const char *query, int status)
{
    char path[160], rest[100];
    (void)snprintf(rest, sizeof(rest), "/evaluation%s", query);
    return api_get(api, job_path(id, rest, path), status);
}

static double real_at(const json_t *object, const char *path)
{
    const json_t *value = json_at(object, path);
    CHECK(json_is_number(value));
    return json_number_value(value);
}

/* A share that may be of nothing. */
static void check_share(const json_t *class, const char *key, int64_t part, int64_t whole)
{
    if (whole == 0)
        CHECK(json_is_null(json_at(class, key)));
    else
        CHECK_NEAR(real_at(class, key), (double)part / (double)whole, 1e-12);
}

/* All figures follow from the matrix. */
static void check_figures(const json_t *answer)
{
    const json_t *matrix = json_at(answer, "confusion");
    int64_t rows[CLASSES] = {0}, columns[CLASSES] = {0}, right[CLASSES], all = 0, correct = 0;
    CHECK_COUNT(json_array_size(matrix), CLASSES);
    for (size_t i = 0; i < CLASSES; i++)
        for (size_t k = 0; k < CLASSES; k++) {
            int64_t count = json_integer_value(json_array_get(json_array_get(matrix, i), k));
            CHECK(count >= 0);
            rows[i] += count;
            columns[k] += count;
            all += count;
            if (i == k)
                correct += right[i] = count;
        }
    CHECK_INT(all, integer_at(answer, "samples"));
    CHECK(real_at(answer, "accuracy") == (double)correct / (double)all);
    for (size_t i = 0; i < CLASSES; i++) {
        const json_t *class = json_array_get(json_at(answer, "classes"), i);
        CHECK_INT(integer_at(class, "class"), (int64_t)i);
        CHECK_INT(integer_at(class, "support"), rows[i]);
        CHECK_INT(integer_at(class, "predicted"), columns[i]);
        check_share(class, "precision", right[i], columns[i]);
        check_share(class, "recall", right[i], rows[i]);
        check_share(class, "f1", 2 * right[i], rows[i] + columns[i]);
    }
    int64_t last = all;
    for (size_t i = 0; i < json_array_size(json_at(answer, "most_confused")); i++) {
        const json_t *pair = json_array_get(json_at(answer, "most_confused"), i);
        int64_t count = integer_at(pair, "count");
        size_t label = (size_t)integer_at(pair, "true"),
               taken = (size_t)integer_at(pair, "predicted");
        CHECK(count > 0 && count <= last && label != taken);
        CHECK_INT(json_integer_value(json_array_get(json_array_get(matrix, label), taken)), count);
        last = count;
    }
}

/* Loss and accuracy of every checkpoint are the curve's, to the last digit. */
static void check_measured(const struct api *api, const char *id)
{
    char path[160], query[60];
    json_t *list = api_get(api, job_path(id, "/checkpoints", path), 200);
    size_t count = json_array_size(json_at(list, "items"));
    CHECK(count >= 2);
    for (size_t i = 0; i < count; i++) {
        int64_t step = integer_at(json_array_get(json_at(list, "items"), i), "step");
        (void)snprintf(query, sizeof(query), "?checkpoint=%d&split=validation", (int)step);
        json_t *answer = evaluation(api, id, query, 200);
        CHECK_INT(integer_at(answer, "model.checkpoint"), step);
        CHECK(real_at(answer, "accuracy") == api_value(api, id, "val_accuracy", step));
        CHECK(real_at(answer, "loss") == api_value(api, id, "val_loss", step));
        check_figures(answer);
        json_decref(answer);
    }
    json_decref(list);
}

TEST(
    "an evaluation's loss and accuracy are those that the job has measured, on a test split and on "
    "what is held out")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    check_measured(&api, id);
    predict_submit(
        &api,
        "{\"dataset\": {\"name\": \"tiny\", \"validation\": 0.3, \"limit\": 70,"
        "\"normalize\": \"standard\"}, \"model\": [{\"type\": \"conv2d\","
        "\"out_channels\": 3, \"kernel_size\": 3}, \"batch_norm2d\", \"relu\", \"flatten\","
        "{\"type\": \"dropout\", \"p\": 0.3}, {\"type\": \"linear\", \"out_features\": 4}],"
        "\"optimizer\": \"sgd\", \"batch_size\": 9, \"epochs\": 3, \"seed\": 8}",
        id);
    api_wait(&api, id, "succeeded");
    check_measured(&api, id);
    json_t *held_out = evaluation(&api, id, "", 200);
    json_t *train = evaluation(&api, id, "?split=train", 200);
    json_t *test = evaluation(&api, id, "?split=test", 200);
    CHECK_TEXT(text_at(held_out, "split"), "validation");
    CHECK_INT(integer_at(held_out, "samples"), 21);
    CHECK_INT(integer_at(train, "samples"), 49);
    CHECK_INT(integer_at(test, "samples"), 32);
    check_figures(train);
    check_figures(test);
    json_decref(held_out);
    json_decref(train);
    json_decref(test);
    api_stop(&api);
}

/* The probability that the network gives a class of a sample of the data set. */
static void check_worst(const struct api *api, const char *id, const json_t *item)
{
    struct answer image = api_call(api, &(struct call){.path = text_at(item, "links.image")});
    CHECK_INT(image.status, 200);
    json_t *said = predict(api, &(struct predict_request){id, "?checkpoint=last", "image/png",
                                                          image.body, image.size});
    const json_t *all = json_at(said, "0.probabilities");
    size_t label = (size_t)integer_at(item, "true");
    CHECK_INT(integer_at(said, "0.class"), integer_at(item, "predicted"));
    CHECK(fabs(json_number_value(json_array_get(all, label)) - real_at(item, "probability.true")) <
          1e-6);
    CHECK(fabs(real_at(said, "0.probability") - real_at(item, "probability.predicted")) < 1e-6);
    json_decref(said);
    answer_drop(&image);
}

TEST("the worst samples come first, and their images get the very probabilities that are shown")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    json_t *answer = evaluation(&api, id, "?checkpoint=last&worst=200", 200);
    const json_t *worst = json_at(answer, "worst");
    CHECK_COUNT(json_array_size(worst), 32);
    double last = 0;
    bool seen[32] = {false};
    for (size_t i = 0; i < 32; i++) {
        const json_t *item = json_array_get(worst, i);
        CHECK(!seen[integer_at(item, "index")]);
        seen[integer_at(item, "index")] = true;
        CHECK(real_at(item, "probability.true") >= last);
        last = real_at(item, "probability.true");
        if (i % 8 == 0)
            check_worst(&api, id, item);
    }
    json_decref(answer);
    answer = evaluation(&api, id, "?checkpoint=last", 200);
    CHECK_COUNT(json_array_size(json_at(answer, "worst")), 20);
    json_decref(answer);
    answer = evaluation(&api, id, "?checkpoint=last&worst=0", 200);
    CHECK_COUNT(json_array_size(json_at(answer, "worst")), 0);
    json_decref(answer);
    api_stop(&api);
}

/* Those of one cell: all when they are few, and the worst first. */
static void check_cell(const struct api *api, const char *id, int label, int predicted,
                       int64_t count)
{
    char query[80];
    (void)snprintf(query, sizeof(query), "?split=train&worst=200&true=%d&predicted=%d", label,
                   predicted);
    json_t *answer = evaluation(api, id, query, 200);
    const json_t *worst = json_at(answer, "worst");
    size_t few = count < 8 ? (size_t)count : 8;
    double last = 0;
    CHECK(json_array_size(worst) >= few && (int64_t)json_array_size(worst) <= count);
    for (size_t i = 0; i < json_array_size(worst); i++) {
        const json_t *item = json_array_get(worst, i);
        CHECK_INT(integer_at(item, "true"), label);
        CHECK_INT(integer_at(item, "predicted"), predicted);
        CHECK(real_at(item, "probability.true") >= last);
        last = real_at(item, "probability.true");
    }
    json_decref(answer);
}

TEST("of every cell of the confusion matrix there are samples, also when others are worse")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    predict_submit(&api,
                   "{\"dataset\": {\"synthetic\": {\"shape\": [1, 6, 6], \"classes\": 4,"
                   "\"samples\": 1600}}, \"model\": [\"flatten\", {\"type\": \"linear\","
                   "\"out_features\": 4}], \"optimizer\": \"sgd\", \"max_steps\": 20, \"seed\": 8}",
                   id);
    api_wait(&api, id, "succeeded");
    json_t *answer = evaluation(&api, id, "?split=train&worst=200", 200);
    const json_t *matrix = json_at(answer, "confusion");
    CHECK_COUNT(json_array_size(json_at(answer, "worst")), 200);
    for (int label = 0; label < 4; label++)
        for (int predicted = 0; predicted < 4; predicted++) {
            const json_t *row = json_array_get(matrix, (size_t)label);
            check_cell(&api, id, label, predicted,
                       json_integer_value(json_array_get(row, (size_t)predicted)));
        }
    json_decref(answer);
    json_decref(evaluation(&api, id, "?true=-1", 400));
    api_stop(&api);
}

/* Rows of the table, of a daemon that has ended. */
static int64_t stored(void)
{
    sqlite3 *file;
    sqlite3_stmt *statement;
    CHECK(sqlite3_open("data/traind.db", &file) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(file, "SELECT count(*) FROM evaluation", -1, &statement, NULL) ==
          SQLITE_OK);
    CHECK(sqlite3_step(statement) == SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    CHECK(sqlite3_finalize(statement) == SQLITE_OK && sqlite3_close(file) == SQLITE_OK);
    return count;
}

TEST("an evaluation is made once: it is the same after SIGKILL, and who has it hears that it is "
     "unchanged")
{
    struct api api;
    char id[16], path[160], tag[120];
    predict_begin(&api, id);
    const struct call call = {.path = job_path(id, "/evaluation", path)};
    struct answer first = api_call(&api, &call);
    CHECK_INT(first.status, 200);
    CHECK(kill(api.pid, SIGKILL) == 0);
    CHECK(waitpid(api.pid, NULL, 0) == api.pid);
    CHECK_INT(stored(), 1);
    api_start(&api);
    struct answer again = api_call(&api, &call);
    CHECK_TEXT(again.body, first.body); /* times included */
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %s", answer_header(&again, "ETag"));
    struct answer unchanged = api_call(&api, &(struct call){.path = call.path, .headers = {tag}});
    CHECK_INT(unchanged.status, 304);
    json_decref(evaluation(&api, id, "?split=test", 200)); /* which is what it validates on */
    api_stop(&api);
    CHECK_INT(stored(), 1);
    answer_drop(&first);
    answer_drop(&again);
    answer_drop(&unchanged);
}

TEST("an evaluation goes with its checkpoint")
{
    struct api api;
    char id[16];
    api_start(&api);
    api_submit_tiny(
        &api, "\"epochs\": 5000, \"seed\": 6, \"checkpoint\": {\"keep_last\": 1, \"keep_best\": 0}",
        id);
    api_wait_step(&api, id, 12);
    json_t *answer = evaluation(&api, id, "", 200);
    int64_t step = integer_at(answer, "model.checkpoint"); /* of a job that runs, the newest */
    CHECK(step >= 6);
    json_decref(answer);
    api_wait_step(&api, id, step + 30);
    char query[40];
    (void)snprintf(query, sizeof(query), "?checkpoint=%d", (int)step);
    check_problem(evaluation(&api, id, query, 404), 404, "no checkpoint of that step");
    api_stop(&api);
    CHECK_INT(stored(), 0);
}

TEST("what cannot be evaluated is told so")
{
    struct api api;
    char id[16];
    api_start(&api);
    predict_submit(
        &api,
        "{\"dataset\": {\"name\": \"tiny\", \"validation\": \"none\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 4}], \"optimizer\": \"sgd\"}",
        id);
    api_wait(&api, id, "succeeded");
    check_problem(evaluation(&api, id, "?split=validation", 409), 409, "no validation split");
    check_problem(evaluation(&api, id, "?split=tests", 400), 400, "train, validation, test");
    check_problem(evaluation(&api, id, "?worst=201", 400), 400, "200");
    check_problem(evaluation(&api, id, "?checkpoint=3000", 404), 404, "of that step");
    json_t *train = evaluation(&api, id, "", 200);
    CHECK_TEXT(text_at(train, "split"), "train");
    json_decref(train);
    api_submit_tiny(
        &api, "\"max_steps\": 2000000, \"checkpoint\": {\"every\": {\"steps\": 1000000}}", id);
    check_problem(evaluation(&api, id, "", 409), 409, "no checkpoint yet");
    api_stop(&api);
}

/* A set of four images of 2×3 in three classes with names, in the daemon's own folder. */
static void add_named(void)
{
    struct catalog_addition addition;
    struct error error = {0};
    make_npy_dataset("named", NPY_PIXELS_BYTES);
    FILE *names = fopen("named/class_names.txt", "w");
    CHECK(names && fputs("cat\ndog\nox\n", names) >= 0 && fclose(names) == 0);
    if (!catalog_add("data", "pets", "named", NULL, &addition, &error))
        FAIL("%s", error.text);
    dataset_release(addition.dataset);
}

TEST("without its data set a network still answers, with the classes' names; only what it has not "
     "looked at yet stays unknown")
{
    static const char body[] = "{\"instances\": [[[0, 1, 2], [3, 4, 5]]]}";
    struct api api;
    char id[16];
    add_named();
    api_start(&api);
    predict_submit(
        &api,
        "{\"dataset\": {\"name\": \"pets\", \"normalize\": \"standard\"}, \"model\": [\"flatten\","
        "{\"type\": \"linear\", \"out_features\": 3}], \"optimizer\": \"sgd\"}",
        id);
    api_wait(&api, id, "succeeded");
    const struct predict_request request = {id, NULL, "application/json", body, strlen(body)};
    json_t *before = predict(&api, &request), *seen = evaluation(&api, id, "?split=test", 200);
    static const char *const names[] = {"cat", "dog", "ox"};
    CHECK_TEXT(text_at(before, "0.name"), names[integer_at(before, "0.class")]);
    CHECK_TEXT(text_at(seen, "classes.1.name"), "dog");
    struct answer gone =
        api_call(&api, &(struct call){.method = "DELETE", .path = "/v1/datasets/pets"});
    CHECK(gone.status == 200 || gone.status == 204);
    answer_drop(&gone);
    api_stop(&api);
    api_start(&api); /* nothing is in memory now */
    json_t *after = predict(&api, &request), *again = evaluation(&api, id, "?split=test", 200);
    CHECK(json_equal(before, after));
    CHECK(json_equal(seen, again));
    check_problem(evaluation(&api, id, "?split=train", 409), 409, "data set is gone");
    json_decref(before);
    json_decref(after);
    json_decref(seen);
    json_decref(again);
    api_stop(&api);
}
