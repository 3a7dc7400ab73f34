/* A table that says all that rows can say, and one family that holds itself: what must hold for any
 * table is tried on it, whatever the tables of the program say this year. */
#ifndef TESTS_SERVER_TRIAL_H
#define TESTS_SERVER_TRIAL_H

#include "server/spec_walk.h"

struct trial_part {
    bool given;
    struct variant start;
};

struct trial {
    struct arena arena; /* owns what is read */
    struct variants blocks;
    struct variant_lists lists; /* optional */
    struct variants layers;     /* of the program's own */
    struct pair_or padding, absent_padding;
    struct trial_part always, perhaps;
    struct variant scale, remedy, rest;
};

/* The options of the blocks. */
struct trial_leaf {
    struct pair_or padding;
};
struct trial_nest {
    struct variants body, shortcut;
};
struct trial_fan {
    struct variant_lists branches;
};
struct trial_common {
    char name[9];
    struct variant start;
};
/* … and of a start. */
struct trial_even {
    double bound;
};

extern const struct fields trial_fields;

/* Reads by the rows alone; to be dropped. */
void trial_read(const json_t *json, struct trial *trial, struct problems *problems);
/* The same from text, default kinds filled in; the test fails where that is refused. */
void trial_read_text(const char *text, struct trial *trial);
void trial_drop(struct trial *trial);

#endif
