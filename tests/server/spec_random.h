/* Random jobs that the tables allow, and small damage to them: what must hold for every spec is
 * tried on many. Made from the rows alone, so that new layers and options are covered on the day
 * they are added. */
#ifndef TESTS_SERVER_SPEC_RANDOM_H
#define TESTS_SERVER_SPEC_RANDOM_H

#include "core/field.h"

#include <jansson.h>
#include <stdint.h>

struct dice {
    uint64_t state; /* any start */
    int lists;      /* of variants around what is being made; 0 at the start */
};

uint64_t dice_roll(struct dice *dice, uint64_t sides); /* 0 … sides − 1 */

/* A job object that breaks no rule, and an object that any table allows. New references. */
json_t *spec_random(struct dice *dice);
json_t *spec_random_rows(struct dice *dice, const struct fields *fields);

/* Changes one value somewhere inside: another type, a number outside or at the edge of its range, a
 * key more or less, a misspelt name. May by chance leave it right. */
void spec_damage(struct dice *dice, json_t *job);

#endif
