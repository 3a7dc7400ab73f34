/* Looks into a network: its first filters, how its weights are spread, what its layers make of a
 * sample. */
#include "tests/api/support_predict.h"

#include "core/image.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *look(const struct api *api, const char *id, const char *rest, int status)
{
    char path[160], all[120];
    (void)snprintf(all, sizeof(all), "/checkpoints/%s", rest);
    return api_get(api, job_path(id, all, path), status);
}

static double real_at(const json_t *object, const char *path)
{
    CHECK(json_is_number(json_at(object, path)));
    return json_number_value(json_at(object, path));
}

/* A picture of these sides. */
static void check_picture(const struct api *api, const char *path, int64_t height, int64_t width)
{
    struct answer answer = api_call(api, &(struct call){.path = path});
    struct error error = {0};
    struct image image;
    if (answer.status != 200)
        FAIL("%s: %s", path, answer.body);
    CHECK_TEXT(answer_header(&answer, "Content-Type"), "image/png");
    CHECK(image_decode((const uint8_t *)answer.body, answer.size, "it", &image, &error));
    CHECK_INT(image.height, height);
    CHECK_INT(image.width, width);
    image_drop(&image);
    answer_drop(&answer);
}

/* A number of a tensor of the file that users download. */
static float downloaded(const struct api *api, const char *id, const char *tensor, size_t index)
{
    char path[160];
    uint64_t length;
    float number;
    struct answer file =
        api_call(api, &(struct call){.path = job_path(id, "/checkpoints/last", path)});
    CHECK_INT(file.status, 200);
    memcpy(&length, file.body, sizeof(length));
    json_t *head = json_loadb(file.body + 8, length, JSON_REJECT_DUPLICATES, NULL);
    size_t begin = (size_t)integer_at(json_object_get(head, tensor), "data_offsets.0");
    memcpy(&number, file.body + 8 + length + begin + index * sizeof(number), sizeof(number));
    json_decref(head);
    answer_drop(&file);
    return number;
}

TEST("the filters of the first convolution are those of the file, as numbers and as a picture")
{
    struct api api;
    char id[16], path[160];
    predict_begin(&api, id);
    json_t *filters = look(&api, id, "last/filters", 200);
    CHECK_TEXT(text_at(filters, "name"), "0.weight");
    CHECK_INT(integer_at(filters, "shape.0"), 4);
    CHECK_INT(integer_at(filters, "shape.3"), 3);
    CHECK_COUNT(json_array_size(json_at(filters, "filters")), 4);
    CHECK((float)real_at(filters, "filters.2.0.1.2") ==
          downloaded(&api, id, "0.weight", 2 * 9 + 5));
    CHECK(real_at(filters, "min") <= real_at(filters, "filters.2.0.1.2"));
    CHECK(real_at(filters, "max") >= real_at(filters, "filters.2.0.1.2"));
    json_decref(filters);
    check_picture(&api, job_path(id, "/checkpoints/last/filters?format=png", path), 7, 7);
    check_problem(look(&api, id, "first/filters", 404), 404, "best or last");
    check_problem(look(&api, id, "5/filters", 404), 404, "of that step");
    check_problem(look(&api, id, "last/filters?format=gif", 400), 400, "json, png");
    predict_submit(
        &api,
        "{\"dataset\": {\"name\": \"tiny\"}, \"model\": [\"flatten\", {\"type\": \"linear\","
        "\"out_features\": 4}], \"optimizer\": \"sgd\"}",
        id);
    api_wait(&api, id, "succeeded");
    check_problem(look(&api, id, "last/filters", 404), 404, "no convolution");
    api_stop(&api);
}

TEST("every weight is in one bin of its tensor's histogram, running statistics too")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    json_t *answer = look(&api, id, "best/histograms?bins=7", 200);
    const json_t *tensors = json_at(answer, "tensors");
    static const char *const names[] = {"0.weight",       "0.bias",        "1.weight", "1.bias",
                                        "1.running_mean", "1.running_var", "5.weight", "5.bias"};
    CHECK_COUNT(json_array_size(tensors), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < json_array_size(tensors); i++) {
        const json_t *tensor = json_array_get(tensors, i);
        int64_t sum = 0;
        CHECK_TEXT(text_at(tensor, "name"), names[i]);
        CHECK_COUNT(json_array_size(json_at(tensor, "bins")), 7);
        for (size_t k = 0; k < 7; k++)
            sum += json_integer_value(json_array_get(json_at(tensor, "bins"), k));
        CHECK_INT(sum, integer_at(tensor, "count"));
        CHECK(real_at(tensor, "min") <= real_at(tensor, "mean"));
        CHECK(real_at(tensor, "mean") <= real_at(tensor, "max"));
        CHECK(real_at(tensor, "std") >= 0);
    }
    json_decref(answer);
    check_problem(look(&api, id, "best/histograms?bins=0", 400), 400, "bins");
    api_stop(&api);
}

TEST("what each layer makes of a sample is listed, drawn, and at the end what the network says")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    json_t *answer = look(&api, id, "last/activations?split=test&sample=7", 200);
    const json_t *layers = json_at(answer, "layers");
    CHECK_COUNT(json_array_size(layers), 6);
    CHECK_TEXT(text_at(layers, "2.type"), "relu");
    CHECK(real_at(layers, "2.min") >= 0);
    CHECK_INT(integer_at(layers, "3.shape.1"), 4);
    CHECK_INT(integer_at(layers, "4.shape.0"), 64);
    check_picture(&api, text_at(layers, "0.links.image"), 17, 17);
    check_picture(&api, text_at(layers, "4.links.image"), 8, 8);
    json_decref(answer);
    /* The scores say what the network says of that very picture. */
    answer = look(&api, id, "last/activations?split=test&sample=7&layer=5", 200);
    const json_t *scores = json_at(answer, "values");
    CHECK_COUNT(json_array_size(scores), CLASSES);
    struct answer picture =
        api_call(&api, &(struct call){.path = "/v1/datasets/tiny/samples/7.png?split=test"});
    CHECK_INT(picture.status, 200);
    json_t *said = predict(&api, &(struct predict_request){id, "?checkpoint=last", "image/png",
                                                           picture.body, picture.size});
    double sum = 0, own = 0;
    for (size_t k = 0; k < CLASSES; k++) {
        sum += exp(json_number_value(json_array_get(scores, k)));
        if ((int64_t)k == integer_at(said, "0.class"))
            own = exp(json_number_value(json_array_get(scores, k)));
    }
    CHECK(fabs(own / sum - real_at(said, "0.probability")) < 1e-6);
    json_decref(said);
    json_decref(answer);
    answer_drop(&picture);
    check_problem(look(&api, id, "last/activations?layer=9", 404), 404, "no layer");
    check_problem(look(&api, id, "last/activations?format=png", 400), 400, "layer");
    check_problem(look(&api, id, "last/activations?sample=96", 404), 404, "96 samples");
    api_stop(&api);
}
