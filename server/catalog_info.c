/* Catalog's info: a data set's description in the registry, written once and read back. */
#include "server/catalog_info.h"
#include "server/spec_json.h"

#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool catalog_info_read(const struct dataset_row *row, struct catalog_info *out, struct error *error)
{
    json_int_t channels, height, width, classes, train, test;
    const char *sha256 = NULL, *files = NULL;
    bool good = false;
    memset(out, 0, sizeof(*out));
    json_t *info = json_loads(row->info, 0, NULL);
    if (info &&
        json_unpack(info, "{s:[I,I,I], s:I, s:I, s:I, s:s, s:s}", "shape", &channels, &height,
                    &width, "classes", &classes, "train_samples", &train, "test_samples", &test,
                    "sha256", &sha256, "files", &files) == 0 &&
        strlen(sha256) == DIGEST_HEX - 1 && strlen(files) == DIGEST_HEX - 1) {
        out->shape.sample = (struct shape){.channels = channels, .height = height, .width = width};
        out->shape.classes = classes;
        out->shape.train_samples = train;
        out->shape.test_samples = test;
        memcpy(out->sha256, sha256, sizeof(out->sha256));
        memcpy(out->files, files, sizeof(out->files));
        good = true;
    }
    json_decref(info);
    if (!good)
        return error_set(error, ERROR_CORRUPT, row->name,
                         "the registry's entry of this data set is unreadable");
    return true;
}

char *catalog_info_text(const struct dataset *dataset, const char *files)
{
    const struct data_shape *shape = dataset_shape(dataset);
    json_t *info = json_pack(
        "{s:s, s:[I,I,I], s:I, s:I, s:I, s:I, s:s, s:s}", "format", dataset_format(dataset),
        "shape", (json_int_t)shape->sample.channels, (json_int_t)shape->sample.height,
        (json_int_t)shape->sample.width, "classes", (json_int_t)shape->classes, "train_samples",
        (json_int_t)shape->train_samples, "test_samples", (json_int_t)shape->test_samples, "bytes",
        (json_int_t)dataset_bytes(dataset), "sha256", dataset_digest(dataset), "files", files);
    char *text = info ? json_text(info, NULL) : NULL;
    json_decref(info);
    return text;
}

static int file_line(FILE *list, const char *folder, const char *name)
{
    char path[4096];
    struct stat status;
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path) || stat(path, &status) != 0)
        return fprintf(list, "%s ?\n", name);
    return fprintf(list, "%s %jd %jd.%09ld\n", name, (intmax_t)status.st_size,
                   (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

bool catalog_files(const char *path, char out[DIGEST_HEX], struct error *error)
{
    struct dirent **names = NULL;
    char *text = NULL;
    size_t size = 0;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0)
        return error_set(error, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO,
                         path, "cannot list the folder: %s", strerror(errno));
    FILE *list = open_memstream(&text, &size);
    bool good = list != NULL;
    for (int i = 0; i < count; i++) {
        if (good && names[i]->d_name[0] != '.')
            good = file_line(list, path, names[i]->d_name) >= 0;
        free(names[i]);
    }
    free(names);
    if (list && fclose(list) != 0)
        good = false;
    if (good) {
        uint8_t digest[DIGEST_BYTES];
        digest_sha256(text, size, digest);
        digest_hex(digest, out);
    }
    free(text);
    return good || error_set(error, ERROR_MEMORY, path, "no memory to list the folder");
}
