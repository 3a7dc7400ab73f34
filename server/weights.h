/* Weights: the safetensors files that users uploaded. DIR/weights holds the files, each under a
 * name that is used once, and the store says which of them is whose. A file appears before its row
 * and goes after it, so no row ever misses its file; what a crash leaves is a file without a row,
 * which the next start removes. */
#ifndef SERVER_WEIGHTS_H
#define SERVER_WEIGHTS_H

#include "server/log.h"
#include "server/safetensors_read.h"
#include "server/store_weights.h"

enum { WEIGHTS_PATH_SIZE = 1200 };

/* Where the file is. */
void weights_path(const char *dir, const char *file, char out[WEIGHTS_PATH_SIZE]);

/* Makes the folder and removes files that no row names. What is missing goes to the log. */
bool weights_sweep(const char *dir, struct db *db, const struct log *log,
                   struct error *error) MUST_CHECK;

/* Looks at a file that came: the whole format is checked and the digest taken. Fills everything of
 * *row but name and file, and opens the reader, to be closed in any case. What
 * safetensors_reader_open says. */
bool weights_look(const char *path, struct weights_row *row, struct safetensors_reader *reader,
                  struct error *error) MUST_CHECK;
/* Moves a checked file into the folder, on the disk for good, and fills row->file. ERROR_FULL,
 * ERROR_IO. */
bool weights_keep(const char *dir, const char *path, struct weights_row *row,
                  struct error *error) MUST_CHECK;
void weights_remove(const char *dir, const char *file);
bool weights_there(const char *dir, const char *file);

/* The digest of an open file, in hexadecimal. */
bool weights_digest(int file, char sha256[65], struct error *error) MUST_CHECK;

#endif
