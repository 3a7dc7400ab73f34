/* Tests of the safetensors reader: what strangers' files may hold, and what they must not. */
#include "server/safetensors_read.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes a file of this header, said to be `length` bytes long, and `size` bytes of data. */
static void write_file(const char *header, uint64_t length, const void *data, size_t size)
{
    size_t text = strlen(header);
    uint8_t *bytes = calloc(1, 8 + text + size + 1);

    CHECK(bytes != NULL);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, text);
    if (data)
        memcpy(bytes + 8 + text, data, size);
    write_bytes("file", bytes, 8 + text + size);
    free(bytes);
}

TEST("numbers of every real format arrive as the fp32 next to them, in a file with gaps in nothing")
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[8,20]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"c\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[20,24]},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[24,32]},"
        "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[40,40]}}   ";
    struct data {
        float a[2];
        uint16_t b[6], c[2];
        double d;
        int64_t n;
    } data = {.a = {1.5f, -0.25f},
              .b = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x7c00},
              .c = {0x3f80, 0xc049},
              .d = 0.1,
              .n = 7};
    static const double wanted_b[] = {1, -2, 5.9604644775390625e-8, 65504, -0.0, INFINITY};
    struct safetensors_reader reader;
    struct error error = {0};
    float out[6];

    CHECK_INT(sizeof(data), 40);
    write_file(header, strlen(header), &data, sizeof(data));
    if (!safetensors_reader_open("file", &reader, &error))
        FAIL("%s", error.text);
    CHECK_INT(reader.count, 6);
    for (int i = 0; i < reader.count; i++) {
        const struct safetensors_entry *entry = &reader.entries[i];

        CHECK_INT(safetensors_is_real(entry), strcmp(entry->name, "n") != 0);
        if (strcmp(entry->name, "n") == 0) {
            CHECK_INT(entry->rank, 0);
            CHECK_TEXT(safetensors_dtype(entry), "I64");
            continue;
        }
        CHECK(safetensors_reader_take(&reader, entry, out, &error));
        if (strcmp(entry->name, "a") == 0)
            CHECK(out[0] == 1.5f && out[1] == -0.25f);
        for (int k = 0; strcmp(entry->name, "b") == 0 && k < 6; k++)
            CHECK((double)out[k] == wanted_b[k]);
        if (strcmp(entry->name, "c") == 0)
            CHECK(out[0] == 1 && out[1] == -3.140625f);
        if (strcmp(entry->name, "d") == 0)
            CHECK(out[0] == 0.1f);
        if (strcmp(entry->name, "e") == 0)
            CHECK_INT(entry->count, 0);
    }
    safetensors_reader_close(&reader);
}

/* Each over twelve bytes of data, and a part of what is said about it. */
static const char *const wrong[][2] = {
    {"", "too short"},
    {"[]", "JSON"},
    {"{", "JSON"},
    {"{\"a\":1}", "want"},
    {"{\"a\":{}}", "want"},
    {"{\"__metadata__\":[]}", "__metadata__"},
    {"{\"__metadata__\":{\"a\":1}}", "__metadata__"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12],\"x\":1}}", "no more"},
    {"{\"a\":{\"dtype\":\"F33\",\"shape\":[3],\"data_offsets\":[0,12]}}", "dtype"},
    {"{\"a\":{\"dtype\":3,\"shape\":[3],\"data_offsets\":[0,12]}}", "dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":3,\"data_offsets\":[0,12]}}", "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-3],\"data_offsets\":[0,12]}}", "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3.0],\"data_offsets\":[0,12]}}", "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,3],\"data_offsets\":[0,12]}}", "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,12]}}",
     "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,12]}}",
     "agree"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,12]}}", "agree"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[12,0]}}", "offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[-4,8]}}", "offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0]}}", "offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[1,13]}}", "begin"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "8 bytes, its data 12"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "16 bytes, its data 12"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     "begin"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     "begin"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
     "JSON"},
};

static void check_wrong(const char *part)
{
    struct safetensors_reader reader;
    struct error error = {0};

    if (safetensors_reader_open("file", &reader, &error))
        FAIL("a file was taken that should have failed with \"%s\"", part);
    safetensors_reader_close(&reader);
    CHECK_TEXT(error_kind_name(error.kind), error_kind_name(ERROR_INVALID));
    if (!strstr(error.text, part))
        FAIL("\"%s\" does not say \"%s\"", error.text, part);
}

TEST(
    "files whose header lies, overlaps, leaves gaps or overflows are refused, each with its reason")
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *header = wrong[i][0];

        if (header[0] == '\0')
            write_bytes("file", "1234567", 7);
        else
            write_file(header, strlen(header), NULL, 12);
        check_wrong(wrong[i][1]);
    }
}

TEST("a header that claims more bytes than there are, or than anybody needs, takes no memory")
{
    static const uint64_t lengths[] = {
        3, 1000, (uint64_t)1 << 32, (uint64_t)1 << 62, UINT64_MAX, UINT64_MAX - 7};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        write_file("{}", lengths[i], NULL, 0);
        check_wrong("header");
    }
    /* A file with a hole: its size is true, and its header is said to fill it. */
    write_file("{}", (uint64_t)1 << 34, NULL, 0);
    CHECK(truncate("file", ((off_t)1 << 34) + 8) == 0);
    check_wrong("at most 4194304");
}

TEST("a file cut off anywhere, a folder and a pipe are refused, and no file is not found")
{
    static const char header[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}";
    struct safetensors_reader reader;
    struct error error = {0};
    size_t size;

    write_file(header, strlen(header), NULL, 12);
    uint8_t *whole = read_bytes("file", &size);
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes("file", whole, cut);
        check_wrong("");
    }
    free(whole);
    CHECK(unlink("file") == 0 && mkdir("file", 0700) == 0);
    check_wrong("regular");
    CHECK(rmdir("file") == 0 && mkfifo("file", 0600) == 0);
    check_wrong("regular");
    CHECK(unlink("file") == 0);
    CHECK(!safetensors_reader_open("file", &reader, &error));
    CHECK_INT(error.kind, ERROR_NOT_FOUND);
    safetensors_reader_close(&reader);
}
