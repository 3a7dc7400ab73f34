/* A validator for the part of JSON Schema (2020-12) that traind's schema uses, written from the
 * standard and without a look at the reader, so that the two can be compared. */
#ifndef TESTS_SERVER_SCHEMA_CHECK_H
#define TESTS_SERVER_SCHEMA_CHECK_H

#include <jansson.h>
#include <stdbool.h>

/* Whether `value` is valid under `schema`, with references into `root`. An unknown keyword fails
 * the test. */
bool schema_accepts(const json_t *root, const json_t *schema, const json_t *value);

#endif
