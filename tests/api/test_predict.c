/* What a trained network says of images that come with a request, in every form that is taken. */
#include "tests/api/support_predict.h"

#include "tests/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 5 };

/* Prediction `at` of the list is the one that is wanted, to the last digit. */
static void check_same(const json_t *list, size_t at, const json_t *wanted)
{
    if (!json_equal(json_array_get(list, at), wanted))
        FAIL("%s instead of %s", json_dumps(json_array_get(list, at), 0), json_dumps(wanted, 0));
}

static void check_form(const json_t *prediction)
{
    double sum = 0, best = -1;
    int64_t class = integer_at(prediction, "class");
    const json_t *probabilities = json_at(prediction, "probabilities");
    CHECK_COUNT(json_array_size(probabilities), CLASSES);
    for (size_t k = 0; k < CLASSES; k++) {
        double p = json_number_value(json_array_get(probabilities, k));
        CHECK(p >= 0 && p <= 1);
        sum += p;
        best = p > best ? p : best;
    }
    CHECK_NEAR(sum, 1, 1e-6);
    CHECK(json_number_value(json_array_get(probabilities, (size_t) class)) == best);
    CHECK(json_number_value(json_at(prediction, "probability")) == best);
}

TEST("PNG, NPY and JSON of the same pixels get the same probabilities, alone or many at once")
{
    struct api api;
    uint8_t pixels[COUNT * PIXELS];
    float reals[COUNT * PIXELS];
    char id[16];
    predict_begin(&api, id);
    predict_pixels(pixels, COUNT * PIXELS);
    for (int i = 0; i < COUNT * PIXELS; i++)
        reals[i] = pixels[i];
    struct file_bytes bytes = predict_npy("|u1", "(5, 10, 10)", pixels, sizeof(pixels));
    json_t *wanted = predict(
        &api, &(struct predict_request){id, NULL, "application/x-npy", bytes.bytes, bytes.size});
    CHECK_COUNT(json_array_size(wanted), COUNT);
    struct file_bytes floats = predict_npy("<f4", "(5, 1, 10, 10)", reals, sizeof(reals));
    char *rows = predict_json(pixels, COUNT, false), *channels = predict_json(pixels, COUNT, true);
    const struct predict_request whole[] = {
        {id, NULL, "application/x-npy", floats.bytes, floats.size},
        {id, NULL, "application/json; charset=utf-8", rows, strlen(rows)},
        {id, "?checkpoint=last", "Application/JSON", channels, strlen(channels)},
    };
    for (size_t form = 0; form < sizeof(whole) / sizeof(whole[0]); form++) {
        json_t *got = predict(&api, &whole[form]);
        CHECK(json_equal(got, wanted));
        json_decref(got);
    }
    for (int i = 0; i < COUNT; i++) {
        const json_t *one = json_array_get(wanted, (size_t)i);
        struct file_bytes png = make_plain_png(1, SIDE, SIDE, pixels + i * PIXELS);
        struct file_bytes alone = predict_npy("|u1", "(10, 10)", pixels + i * PIXELS, PIXELS);
        json_t *image =
            predict(&api, &(struct predict_request){id, NULL, "image/png", png.bytes, png.size});
        json_t *array = predict(&api, &(struct predict_request){id, NULL, "application/x-npy",
                                                                alone.bytes, alone.size});
        CHECK_COUNT(json_array_size(image), 1);
        check_form(one);
        check_same(image, 0, one);
        check_same(array, 0, one);
        json_decref(image);
        json_decref(array);
        free(png.bytes);
        free(alone.bytes);
    }
    json_decref(wanted);
    free(bytes.bytes);
    free(floats.bytes);
    free(rows);
    free(channels);
    api_stop(&api);
}

TEST("colours become grey, a JPEG is read, and ?resize=true brings an image to the network's size")
{
    struct api api;
    uint8_t grey[PIXELS], colours[3 * PIXELS], large[4 * PIXELS];
    char id[16];
    predict_begin(&api, id);
    predict_pixels(grey, PIXELS);
    for (int i = 0; i < 3 * PIXELS; i++)
        colours[i] = grey[i / 3];
    for (int i = 0; i < 4 * PIXELS; i++)
        large[i] = 120;
    struct file_bytes png = make_plain_png(1, SIDE, SIDE, grey);
    struct file_bytes rgb = make_plain_png(3, SIDE, SIDE, colours);
    struct file_bytes wide = make_plain_png(1, 2 * SIDE, 2 * SIDE, large);
    struct file_bytes flat = make_plain_png(1, SIDE, SIDE, large);
    struct file_bytes jpeg =
        make_jpeg(&(struct jpeg_words){.kind = JPEG_GREY, .width = SIDE, .height = SIDE}, large);
    json_t *one =
        predict(&api, &(struct predict_request){id, NULL, "image/png", png.bytes, png.size});
    json_t *two =
        predict(&api, &(struct predict_request){id, NULL, "image/png", rgb.bytes, rgb.size});
    CHECK(json_equal(one, two));
    const struct predict_request large_one = {id, NULL, "image/png", wide.bytes, wide.size};
    predict_refused(&api, &large_one, 422, "20×20");
    predict_refused(&api, &large_one, 422, "10×10");
    json_t *shrunk = predict(
        &api, &(struct predict_request){id, "?resize=true", "image/png", wide.bytes, wide.size});
    json_t *plain =
        predict(&api, &(struct predict_request){id, NULL, "image/png", flat.bytes, flat.size});
    json_t *photo =
        predict(&api, &(struct predict_request){id, NULL, "image/jpeg", jpeg.bytes, jpeg.size});
    CHECK(json_equal(shrunk, plain));
    CHECK(json_equal(photo, plain));
    json_t *all[] = {one, two, shrunk, plain, photo};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        json_decref(all[i]);
    struct file_bytes files[] = {png, rgb, wide, flat, jpeg};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        free(files[i].bytes);
    api_stop(&api);
}

TEST("?top gives the most probable classes in their order, without the others")
{
    struct api api;
    uint8_t pixels[PIXELS];
    char id[16];
    predict_begin(&api, id);
    predict_pixels(pixels, PIXELS);
    struct file_bytes png = make_plain_png(1, SIDE, SIDE, pixels);
    json_t *all =
        predict(&api, &(struct predict_request){id, NULL, "image/png", png.bytes, png.size});
    json_t *top =
        predict(&api, &(struct predict_request){id, "?top=3", "image/png", png.bytes, png.size});
    CHECK(!json_at(top, "0.probabilities"));
    CHECK_COUNT(json_array_size(json_at(top, "0.top")), 3);
    CHECK_INT(integer_at(top, "0.top.0.class"), integer_at(all, "0.class"));
    double last = 1;
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(json_at(top, "0.top"), i);
        double p = json_number_value(json_object_get(row, "probability"));
        CHECK(p <= last);
        CHECK(p == json_number_value(json_array_get(json_at(all, "0.probabilities"),
                                                    (size_t)integer_at(row, "class"))));
        last = p;
    }
    json_decref(all);
    json_decref(top);
    top =
        predict(&api, &(struct predict_request){id, "?top=900", "image/png", png.bytes, png.size});
    CHECK_COUNT(json_array_size(json_at(top, "0.top")), CLASSES);
    json_decref(top);
    const struct predict_request none = {id, "?top=0", "image/png", png.bytes, png.size};
    predict_refused(&api, &none, 400, "top");
    free(png.bytes);
    api_stop(&api);
}

/* Runs the script with PyTorch; its exit status. What it prints is in the file `output`. */
static int run_torch(char *const *arguments, const char *output)
{
    int status = 0;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file >= 0 && dup2(file, STDOUT_FILENO) >= 0)
            execv(arguments[0], arguments);
        _exit(77);
    }
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

TEST_SLOW("the probabilities are those that PyTorch computes with the weights that were downloaded",
          300)
{
    struct api api;
    uint8_t pixels[COUNT * PIXELS];
    char id[16], path[160], script[512];
    predict_begin(&api, id);
    predict_pixels(pixels, COUNT * PIXELS);
    struct answer weights =
        api_call(&api, &(struct call){.path = job_path(id, "/checkpoints/best", path)});
    CHECK_INT(weights.status, 200);
    write_bytes("weights", weights.body, weights.size);
    struct file_bytes npy = predict_npy("|u1", "(5, 10, 10)", pixels, sizeof(pixels));
    json_t *got = predict(
        &api, &(struct predict_request){id, NULL, "application/x-npy", npy.bytes, npy.size});
    api_stop(&api);
    (void)snprintf(script, sizeof(script), "%s/tests/api/predict.py", test_root());
    char *arguments[] = {"/usr/bin/python3", "-B",  script, "weights",
                         "samples.npy",      "0.4", "0.3",  NULL};
    int status = run_torch(arguments, "wanted");
    if (status == 77)
        SKIP("PyTorch is not installed");
    CHECK_INT(status, 0);
    json_t *wanted = json_load_file("wanted", 0, NULL);
    CHECK_COUNT(json_array_size(wanted), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < CLASSES; k++) {
            double p = json_number_value(
                json_array_get(json_at(json_array_get(got, i), "probabilities"), k));
            double q = json_number_value(json_array_get(json_array_get(wanted, i), k));
            if (!(fabs(p - q) < 1e-5))
                FAIL("sample %zu, class %zu: %g and not %g", i, k, p, q);
        }
    json_decref(wanted);
    json_decref(got);
    free(npy.bytes);
    answer_drop(&weights);
}
