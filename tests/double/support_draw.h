/* Support for tests: layers with options drawn from the rows of their kind. */
#ifndef TESTS_DOUBLE_SUPPORT_DRAW_H
#define TESTS_DOUBLE_SUPPORT_DRAW_H

#include "core/layer.h"
#include "tests/core/support_lot.h"

enum { DRAW_OPTIONS = 16, DRAW_TAKES = 8 };

/* A layer as drawn, and what was taken for each of its options: the number of its choice, false or
 * true, 0 for a number at its least and 1 for one above it, behind the choices where there are
 * both; −1: its default, or any real number. */
struct draw {
    char words[500];
    struct shape input;
    int taken[DRAW_OPTIONS];
};
void draw_layer(struct dice *dice, const struct kind *kind, struct draw *draw);

/* How many different things can be taken for an option. */
int draw_takes(const struct field *field);

#endif
