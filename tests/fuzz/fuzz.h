/* Fuzz targets: each gives any bytes to a parser that reads what strangers wrote. The parser takes
 * them or refuses them with a clean error; anything else ends the process. libFuzzer calls them
 * (make fuzz), and so do the tests with the committed corpora. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct fuzz_target {
    const char *name; /* also that of its corpus */
    void (*run)(const uint8_t *bytes, size_t size);
};

/* NULL-named row last. */
extern const struct fuzz_target fuzz_targets[];

/* ---- for the targets ---- */

/* Ends the process: something that must hold does not. */
_Noreturn void fuzz_fail(const char *text);
/* A refusal has a kind and a reason, fit for any terminal and any JSON. */
void fuzz_check_error(const struct error *error);
/* The text is UTF-8. Where users read back what they sent, control characters may be in it. */
void fuzz_check_text(const char *text);

/* Cuts the bytes into one piece for each name (NULL-ended) and writes them as files into `folder`,
 * a name of its own for each target, in the working directory: two bytes tell a piece's length, the
 * last piece has the rest. Then opens that folder as a data set, which must be right or refused. */
void fuzz_folder(const char *folder, const uint8_t *bytes, size_t size, const char *const *names);
/* The same with one file that is the whole data set. */
void fuzz_archive_file(const uint8_t *bytes, size_t size);

#endif
