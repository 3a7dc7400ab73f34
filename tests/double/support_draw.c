/* Support for tests: see support_draw.h. */
#include "tests/double/support_draw.h"

#include "tests/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A small number that the row allows, often the least. */
static int64_t roll_in(struct dice *dice, const struct field *field)
{
    double high = roll(dice, 0, 2) == 0 ? field->min : fmin(field->max, field->min + 3);

    return roll(dice, (int64_t)ceil(field->min), (int64_t)high);
}

static double roll_part(struct dice *dice)
{
    return rng_uniform(&dice->rng, dice->next++);
}

static int choices_of(const struct field *field)
{
    int count = 0;

    while (field->choices[count] != NULL)
        count++;
    return count;
}

/* " name=2,3"; whether one of them is above the least. */
static int roll_pair(struct dice *dice, const struct field *field, char out[100])
{
    int64_t first = roll_in(dice, field), second = roll_in(dice, field);

    snprintf(out, 100, " %s=%" PRId64 ",%" PRId64, field->name, first, second);
    return (double)first > field->min || (double)second > field->min;
}

static int roll_choice(struct dice *dice, const struct field *field, char out[100])
{
    int choice = (int)roll(dice, 0, choices_of(field) - 1);

    snprintf(out, 100, " %s=%s", field->name, field->choices[choice]);
    return choice;
}

/* Behind the choices, a pair. */
static int roll_pair_or(struct dice *dice, const struct field *field, char out[100])
{
    if (roll(dice, 0, 1) == 0)
        return roll_choice(dice, field, out);
    return choices_of(field) + roll_pair(dice, field, out);
}

/* One option as " name=value", or nothing where its default does. What was taken. */
static int roll_option(struct dice *dice, const struct field *field, char out[100])
{
    int64_t number;

    out[0] = '\0';
    if ((field->flags & FIELD_OPTIONAL) != 0)
        return -1;
    switch (field->type) {
    case FIELD_BOOL:
        number = roll(dice, 0, 1);
        snprintf(out, 100, " %s=%s", field->name, number == 0 ? "false" : "true");
        return (int)number;
    case FIELD_INT:
        number = roll_in(dice, field);
        snprintf(out, 100, " %s=%" PRId64, field->name, number);
        return (double)number > field->min;
    case FIELD_REAL:
        snprintf(out, 100, " %s=%.17g", field->name,
                 field->min + roll_part(dice) * (fmin(field->max, field->min + 3) - field->min));
        return -1;
    case FIELD_CHOICE:
        return roll_choice(dice, field, out);
    case FIELD_PAIR:
        return roll_pair(dice, field, out);
    case FIELD_PAIR_OR:
        return roll_pair_or(dice, field, out);
    default:
        CHECK((field->flags & FIELD_REQUIRED) == 0);
        return -1;
    }
}

int draw_takes(const struct field *field)
{
    if ((field->flags & FIELD_OPTIONAL) != 0)
        return 0;
    switch (field->type) {
    case FIELD_BOOL:
    case FIELD_INT:
    case FIELD_PAIR:
        return 2;
    case FIELD_CHOICE:
        return choices_of(field);
    case FIELD_PAIR_OR:
        return choices_of(field) + 2;
    default:
        return 0;
    }
}

void draw_layer(struct dice *dice, const struct kind *kind, struct draw *draw)
{
    size_t length;

    CHECK(kind->options.count <= DRAW_OPTIONS);
    snprintf(draw->words, sizeof(draw->words), "%s", kind->name);
    for (size_t i = 0; i < kind->options.count; i++) {
        char option[100];

        draw->taken[i] = roll_option(dice, &kind->options.rows[i], option);
        length = strlen(draw->words);
        snprintf(draw->words + length, sizeof(draw->words) - length, "%s", option);
    }
    if (roll(dice, 0, 1) == 0)
        draw->input = (struct shape){roll(dice, 1, 4), roll(dice, 1, 7), roll(dice, 1, 7), 0};
    else
        draw->input = (struct shape){roll(dice, 1, 20), 1, 1, 1};
}
