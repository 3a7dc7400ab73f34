/* Requests for predictions that cannot be answered: each is told what is wrong with it. */
#include "tests/api/support_predict.h"

#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bodies that are not what they should be, with a word of the answer. */
static const struct {
    const char *type, *body;
    int status;
    const char *word;
} wrong_bodies[] = {
    {"application/json", "{\"instances\": []}", 422, "empty list"},
    {"application/json", "{\"instances\": 5}", 422, "a number"},
    {"application/json", "{\"instance\": [[1]]}", 422, "\"suggestion\":\"instances\""},
    {"application/json", "{}", 422, "missing"},
    {"application/json", "{\"instances\": [[1, 2], [3]]}", 422, "10 rows"},
    {"application/json", "{\"instances\": [[[1, 2], [3]]]}", 422, "\"/instances/0\""},
    {"application/json", "{\"instances\": [[[[[1]]]]]}", 422, "too deep"},
    {"application/json", "{\"instances\": [[[NaN]]]}", 400, "line 1, column"},
    {"application/json", "{\"instances\": [[[1e999]]]}", 400, "line 1"},
    {"application/json", "[1]", 400, "object"},
    {"application/json", "", 422, "empty"},
    {"text/plain", "hello", 415, "image/png, image/jpeg, application/x-npy, application/json"},
    {"image/png", "hello", 422, "no PNG"},
    {"image/jpeg", "\x89PNG\r\n\x1a\n....", 422, "no JPEG"},
    {"application/x-npy", "hello there", 422, "not an NPY file"},
};

TEST("bodies that are something else are refused with what is wrong with them and where")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    for (size_t i = 0; i < sizeof(wrong_bodies) / sizeof(wrong_bodies[0]); i++) {
        const struct predict_request request = {id, NULL, wrong_bodies[i].type,
                                                wrong_bodies[i].body, strlen(wrong_bodies[i].body)};
        predict_refused(&api, &request, wrong_bodies[i].status, wrong_bodies[i].word);
    }
    api_stop(&api);
}

/* One number of the third sample is something else. */
static void check_number(const struct api *api, const char *id, const char *number,
                         const char *word)
{
    uint8_t pixels[3 * PIXELS] = {0};
    pixels[2 * PIXELS + 4 * SIDE + 7] = 77;
    char *text = predict_json(pixels, 3, false), *at = strstr(text, "77"), *body = NULL;
    CHECK(at);
    *at = '\0';
    CHECK(asprintf(&body, "%s%s%s", text, number, at + 2) > 0);
    const struct predict_request request = {id, NULL, "application/json", body, strlen(body)};
    predict_refused(api, &request, 422, word);
    predict_refused(api, &request, 422, "\"/instances/2/4/7\"");
    free(text);
    free(body);
}

TEST("a wrong number in a list is pointed at")
{
    struct api api;
    char id[16];
    predict_begin(&api, id);
    check_number(&api, id, "-0.4", "0 … 255");
    check_number(&api, id, "255.5", "0 … 255");
    check_number(&api, id, "\"3\"", "a string");
    check_number(&api, id, "null", "null");
    check_number(&api, id, "[1]", "a list");
    api_stop(&api);
}

TEST("arrays of other shapes and types, and of numbers that are none, are refused")
{
    static const struct {
        const char *type, *shape;
        size_t item;
        int status;
        const char *word;
    } arrays[] = {
        {"|u1", "(5, 10, 9)", 1, 422, "5×10×9"},
        {"|u1", "(100,)", 1, 422, "N×1×10×10"},
        {"|u1", "()", 1, 422, "a lone number"},
        {"<f8", "(1, 10, 10)", 8, 422, "float64"},
        {"<i8", "(1, 10, 10)", 8, 422, "int64"},
        {"|u1", "(1025, 10, 10)", 1, 413, "1025 samples"},
        {"|u1", "(0, 10, 10)", 1, 422, "no samp"},
        {"|u1", "(7, 10, 10)", 1, 422, "700 bytes"},
        {"|u1", "(4, 10, 10)", 1, 422, ""},
        {"|u1", "(900000000000, 10, 10)", 1, 413, ""},
    };
    struct api api;
    uint8_t pixels[5 * PIXELS] = {0};
    float reals[2 * PIXELS] = {0};
    char id[16];
    predict_begin(&api, id);
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        struct file_bytes file =
            predict_npy(arrays[i].type, arrays[i].shape, pixels, sizeof(pixels));
        const struct predict_request request = {id, NULL, "application/x-npy", file.bytes,
                                                file.size};
        predict_refused(&api, &request, arrays[i].status, arrays[i].word);
        free(file.bytes);
    }
    static const struct {
        float number;
        const char *word;
    } numbers[] = {{NAN, "NaN"}, {INFINITY, "infinite"}, {-0.5f, "0 … 255"}, {256, "0 … 255"}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        reals[PIXELS + 3] = numbers[i].number;
        struct file_bytes file = predict_npy("<f4", "(2, 10, 10)", reals, sizeof(reals));
        const struct predict_request request = {id, NULL, "application/x-npy", file.bytes,
                                                file.size};
        predict_refused(&api, &request, 422, numbers[i].word);
        predict_refused(&api, &request, 422, "sample 1");
        free(file.bytes);
    }
    api_stop(&api);
}

TEST("images that are cut off, that claim to be huge or that cannot be told are refused at once")
{
    struct api api;
    uint8_t pixels[4 * PIXELS];
    char id[16];
    predict_begin(&api, id);
    predict_pixels(pixels, 4 * PIXELS);
    struct file_bytes png = make_plain_png(1, SIDE, SIDE, pixels);
    for (size_t size = 1; size < png.size; size += 7)
        predict_refused(&api, &(struct predict_request){id, NULL, "image/png", png.bytes, size},
                        422, "");
    png_set_sides(&png, 60000, 60000);
    const struct predict_request sides = {id, "?resize=true", "image/png", png.bytes, png.size};
    predict_refused(&api, &sides, 413, "60000");
    png_set_sides(&png, 4000, 4000);
    const struct predict_request bomb = {id, "?resize=true", "image/png", png.bytes, png.size};
    predict_refused(&api, &bomb, 422, "4000");
    const struct png_words clear = {.kind = PNG_GREY_ALPHA, .width = SIDE, .height = SIDE};
    struct file_bytes alpha = make_png(&clear, pixels);
    const struct predict_request through = {id, NULL, "image/png", alpha.bytes, alpha.size};
    predict_refused(&api, &through, 422, "transparent");
    free(png.bytes);
    free(alpha.bytes);
    api_stop(&api);
}

TEST("who asks before there is a checkpoint hears so; checkpoints are named by step, best or last")
{
    struct api api;
    uint8_t pixels[PIXELS] = {0};
    char id[16], waiting[16], query[40];
    predict_begin(&api, id);
    struct file_bytes png = make_plain_png(1, SIDE, SIDE, pixels);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(query, sizeof(query), "?checkpoint=%s", i == 0 ? "12" : "best");
        const struct predict_request request = {id, query, "image/png", png.bytes, png.size};
        struct answer answer = predict_ask(&api, &request);
        CHECK_INT(answer.status, 200);
        CHECK_INT(integer_at(answer.json, "model.checkpoint") > 0, 1);
        answer_drop(&answer);
    }
    const struct predict_request first = {id, "?checkpoint=first", "image/png", png.bytes,
                                          png.size};
    const struct predict_request absent = {id, "?checkpoint=5", "image/png", png.bytes, png.size};
    const struct predict_request nobody = {"aaaaaaaaaaaa", NULL, "image/png", png.bytes, png.size};
    predict_refused(&api, &first, 400, "best, last or a step");
    predict_refused(&api, &absent, 404, "no checkpoint of that step");
    predict_refused(&api, &nobody, 404, "no such job");
    api_submit_tiny(
        &api, "\"max_steps\": 2000000, \"checkpoint\": {\"every\": {\"steps\": 1000000}}", waiting);
    const struct predict_request early = {waiting, NULL, "image/png", png.bytes, png.size};
    predict_refused(&api, &early, 409, "no checkpoint yet");
    free(png.bytes);
    api_stop(&api);
}
