/* Support for tests: reads golden files. A line is a first word and the rest; numbers are "NAME
 * COUNT v v v". */
#ifndef TESTS_CORE_SUPPORT_GOLDEN_FILE_H
#define TESTS_CORE_SUPPORT_GOLDEN_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct golden {
    FILE *file;
    char *line; /* the newest, without its end */
    size_t room;
};

/* A file of tests/golden. */
void golden_open(struct golden *golden, const char *name);
void golden_close(struct golden *golden);
/* False at the end. */
bool golden_next(struct golden *golden);

/* What follows `word` and a space in the newest line; NULL when it begins otherwise. */
char *golden_rest(const struct golden *golden, const char *word);

/* "COUNT v v v": how many numbers there are; at most `room` are taken, more fail the test. */
int64_t golden_numbers(char *text, double *out, int64_t room);

/* The value in "… name=value …". */
int64_t golden_value(const char *line, const char *name);

/* Cuts "NAME rest" in two and gives the rest. */
char *golden_cut(char *text);

#endif
