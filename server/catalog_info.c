/* Catalog's info: a data set's description in the registry, written once and read back. */
#include "server/catalog_info.h"

#include "core/fileset.h"
#include "server/spec_json.h"

#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLASS_NAMES_MOST = 1000 };

bool catalog_info_read(const struct dataset_row *row, struct catalog_info *out, struct error *error)
{
    json_int_t channels, height, width, classes, train, test;
    /* Rows of earlier versions do not say what pixels are: bytes. */
    const char *sha256 = NULL, *files = "", *pixels = "uint8";
    bool good = false;
    memset(out, 0, sizeof(*out));
    json_t *info = json_loads(row->info, 0, NULL);
    if (info &&
        json_unpack(info, "{s:[I,I,I], s:I, s:I, s:I, s:s, s?s, s?s}", "shape", &channels, &height,
                    &width, "classes", &classes, "train_samples", &train, "test_samples", &test,
                    "sha256", &sha256, "files", &files, "pixels", &pixels) == 0 &&
        strlen(sha256) == DIGEST_HEX - 1 && strlen(files) < DIGEST_HEX) {
        out->shape.sample = (struct shape){.channels = channels, .height = height, .width = width};
        out->shape.classes = classes;
        out->shape.train_samples = train;
        out->shape.test_samples = test;
        out->shape.real_pixels = strcmp(pixels, "float32") == 0;
        memcpy(out->sha256, sha256, sizeof(out->sha256));
        memcpy(out->files, files, strlen(files) + 1);
        good = true;
    }
    json_decref(info);
    if (!good)
        return error_set(error, ERROR_CORRUPT, row->name,
                         "the registry's entry of this data set is unreadable");
    return true;
}

bool catalog_row_digest(const struct dataset_row *row, char sha256[65], struct error *error)
{
    struct catalog_info info;
    if (!catalog_info_read(row, &info, error))
        return false;
    memcpy(sha256, info.sha256, sizeof(info.sha256));
    return true;
}

/* The names of the classes, or NULL: what nobody would read to its end is left out. */
static json_t *class_names(const struct dataset *dataset)
{
    json_t *names = NULL;
    if (!dataset_class_name(dataset, 0) || dataset_shape(dataset)->classes > CLASS_NAMES_MOST)
        return NULL;
    names = json_array();
    for (int64_t i = 0; names && dataset_class_name(dataset, i); i++)
        if (json_array_append_new(names, json_string(dataset_class_name(dataset, i))) != 0) {
            json_decref(names);
            return NULL;
        }
    return names;
}

char *catalog_info_text(const struct dataset *dataset, const char *format, const char *files)
{
    const struct data_shape *shape = dataset_shape(dataset);
    json_t *info = json_pack(
        "{s:s, s:[I,I,I], s:s, s:I, s:o*, s:I, s:I, s:I, s:s, s:s*}", "format", format, "shape",
        (json_int_t)shape->sample.channels, (json_int_t)shape->sample.height,
        (json_int_t)shape->sample.width, "pixels", shape->real_pixels ? "float32" : "uint8",
        "classes", (json_int_t)shape->classes, "class_names", class_names(dataset), "train_samples",
        (json_int_t)shape->train_samples, "test_samples", (json_int_t)shape->test_samples, "bytes",
        (json_int_t)dataset_bytes(dataset), "sha256", dataset_digest(dataset), "files", files);
    char *text = info ? json_text(info, NULL) : NULL;
    json_decref(info);
    return text;
}

static bool list_folder(FILE *list, const char *path, int depth);

/* One line for a file; for a folder what is in it. */
static bool list_member(FILE *list, const char *path, int depth)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return fprintf(list, "%s ?\n", path) >= 0;
    if (S_ISDIR(status.st_mode) && depth < FILESET_DEPTH)
        return list_folder(list, path, depth + 1);
    return fprintf(list, "%s %jd %jd.%09ld\n", path, (intmax_t)status.st_size,
                   (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec) >= 0;
}

static bool list_folder(FILE *list, const char *path, int depth)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    bool good = count >= 0 || fprintf(list, "%s ?\n", path) >= 0;
    for (int i = 0; i < count; i++) {
        char member[4096];
        int length = snprintf(member, sizeof(member), "%s/%s", path, names[i]->d_name);
        if (good && names[i]->d_name[0] != '.')
            good =
                length > 0 && (size_t)length < sizeof(member) && list_member(list, member, depth);
        free(names[i]);
    }
    free(names);
    return good;
}

bool catalog_files(const char *path, char out[DIGEST_HEX], struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    if (access(path, F_OK) != 0)
        return error_set(error, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO,
                         path, "cannot be listed: %s", strerror(errno));
    FILE *list = open_memstream(&text, &size);
    bool good = list && list_member(list, path, 0);
    if (list && fclose(list) != 0)
        good = false;
    if (good) {
        uint8_t digest[DIGEST_BYTES];
        digest_sha256(text, size, digest);
        digest_hex(digest, out);
    }
    free(text);
    return good || error_set(error, ERROR_IO, path, "the files cannot be listed");
}
