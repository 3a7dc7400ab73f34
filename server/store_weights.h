/* Store's weights: names of uploaded safetensors files. Part of the store; knows nothing of what is
 * in the files, nor of the folder that they are in. */
#ifndef SERVER_STORE_WEIGHTS_H
#define SERVER_STORE_WEIGHTS_H

#include "server/store.h"

enum { WEIGHTS_NAME_SIZE = 65, WEIGHTS_FILE_SIZE = 48 };

struct weights_row {
    char name[WEIGHTS_NAME_SIZE];
    char file[WEIGHTS_FILE_SIZE]; /* its name in the folder of the weights; no two rows share one */
    char sha256[65];
    int64_t bytes;
    int64_t tensors, parameters; /* numbers in all tensors together */
    int64_t created_at;          /* Unix milliseconds */
};

/* Adds the row, or takes the place of the one of that name; sets created_at. For a write. */
bool store_weights_put(struct db *db, struct weights_row *row, struct error *error) MUST_CHECK;
/* ERROR_NOT_FOUND. */
bool store_weights_get(struct db *db, const char *name, struct weights_row *out,
                       struct error *error) MUST_CHECK;
/* No error when there is none. For a write. */
bool store_weights_delete(struct db *db, const char *name, struct error *error) MUST_CHECK;
/* One page by name: those behind `after` ("": from the first), at most `room`. */
bool store_weights_list(struct db *db, const char *after, struct weights_row *rows, int room,
                        int *count, struct error *error) MUST_CHECK;
/* Whether a row names that file. */
bool store_weights_has_file(struct db *db, const char *file, bool *out,
                            struct error *error) MUST_CHECK;

#endif
