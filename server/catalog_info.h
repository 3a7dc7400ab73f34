/* What the registry says of a data set, between the catalog's own files. */
#ifndef SERVER_CATALOG_INFO_H
#define SERVER_CATALOG_INFO_H

#include "core/digest.h"
#include "server/catalog.h"

struct catalog_info {
    struct data_shape shape;
    char sha256[DIGEST_HEX];
    char files[DIGEST_HEX]; /* see catalog_files */
};

/* Reads row->info. ERROR_CORRUPT when it is not what catalog_info_text wrote. */
bool catalog_info_read(const struct dataset_row *row, struct catalog_info *out,
                       struct error *error) MUST_CHECK;
/* The JSON text for a row; malloc'ed, NULL when memory is gone. `files` may be NULL. */
char *catalog_info_text(const struct dataset *dataset, const char *format, const char *files);

/* A digest of names, sizes and times of the files at `path`, as deep as a data set's files may lie:
 * equal means that nobody touched them. */
bool catalog_files(const char *path, char out[DIGEST_HEX], struct error *error) MUST_CHECK;

struct store *catalog_store(struct catalog *catalog);

/* ---- catalog_added.c: the folders of what was added ---- */

#define CATALOG_INFO_FILE "info.json"

/* DIR/datasets, or DIR/datasets/NAME. ERROR_INVALID when that is too long. */
bool catalog_added_path(const char *dir, const char *name, char out[4096],
                        struct error *error) MUST_CHECK;
/* ERROR_NOT_FOUND; also for what is no name. */
bool catalog_added_get(const char *dir, const char *name, struct dataset_row *out,
                       struct error *error) MUST_CHECK;
bool catalog_added_there(const char *dir, const char *name);
/* Appends the rows of all that was added. */
bool catalog_added_list(const char *dir, struct dataset_row **rows, int *count,
                        struct error *error) MUST_CHECK;

#endif
