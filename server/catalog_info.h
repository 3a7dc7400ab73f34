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
/* The JSON text for a registry row; malloc'ed, NULL when memory is gone. */
char *catalog_info_text(const struct dataset *dataset, const char *files);

/* A digest of names, sizes and times of the files at `path`: equal means that nobody touched them.
 */
bool catalog_files(const char *path, char out[DIGEST_HEX], struct error *error) MUST_CHECK;

struct store *catalog_store(struct catalog *catalog);

#endif
