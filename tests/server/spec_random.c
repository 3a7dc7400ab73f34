#include "tests/server/spec_random.h"

#include "server/spec_walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Marsaglia's xorshift64*: any generator does here. */
uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    uint64_t x = dice->state ? dice->state : 0x9E3779B97F4A7C15u;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    dice->state = x;
    return (x * 0x2545F4914F6CDD1Du >> 11) % sides;
}

static double dice_share(struct dice *dice)
{
    return (double)dice_roll(dice, (uint64_t)1 << 52) / (double)((uint64_t)1 << 52);
}

static json_t *random_integer(struct dice *dice, const struct field *field)
{
    double width = field->max - field->min;
    /* Small numbers are as interesting as large ones. */
    double whole =
        field->min + floor(dice_roll(dice, 2) ? width * dice_share(dice)
                                              : fmin(width, (double)dice_roll(dice, 10)));

    if (dice_roll(dice, 8) == 0)
        whole = dice_roll(dice, 2) ? field->min : field->max;
    if (dice_roll(dice, 8) == 0)
        return json_real(whole);
    return json_integer((json_int_t)whole);
}

static json_t *random_real(struct dice *dice, const struct field *field)
{
    double number = field->min + (field->max - field->min) * dice_share(dice);

    if (dice_roll(dice, 2))
        number = field->min + (field->max - field->min) * pow(dice_share(dice), 20);
    if (dice_roll(dice, 6) == 0 && !(field->flags & FIELD_ABOVE_MIN))
        number = field->min;
    if (dice_roll(dice, 6) == 0 && !(field->flags & FIELD_BELOW_MAX))
        number = field->max;
    if ((field->flags & FIELD_ABOVE_MIN) && number <= field->min)
        number = nextafter(field->min, field->max);
    if ((field->flags & FIELD_BELOW_MAX) && number >= field->max)
        number = nextafter(field->max, field->min);
    return json_real(number);
}

static json_t *random_text(struct dice *dice, size_t min, size_t max)
{
    static const char *const pieces[] = {"a", "Z", "7", " ", "é", "\"", "\\", "/", "~", "🚀", "<b>"};
    char text[512] = "";
    size_t wanted = min + dice_roll(dice, max - min + 1);

    while (strlen(text) < wanted) {
        const char *piece = pieces[dice_roll(dice, COUNT_OF(pieces))];
        size_t used = strlen(text);

        if (used + strlen(piece) > wanted)
            piece = "x";
        snprintf(text + used, sizeof(text) - used, "%s", piece);
    }
    return json_string(text);
}

static json_t *random_choice(struct dice *dice, const struct field *field)
{
    size_t count = 0;

    while (field->choices[count])
        count++;
    return json_string(field->choices[dice_roll(dice, count)]);
}

static json_t *random_value(struct dice *dice, const struct field *field);

static void random_rows(struct dice *dice, const struct fields *fields, json_t *object)
{
    for (size_t i = 0; fields && i < fields->count; i++) {
        const struct field *field = &fields->rows[i];

        if ((field->flags & FIELD_REQUIRED) || dice_roll(dice, 2))
            json_object_set_new(object, field->name, random_value(dice, field));
    }
}

static json_t *random_object(struct dice *dice, const struct field *field)
{
    json_t *object = json_object();

    if (field->flags & FIELD_ONE_KEY) {
        const struct field *one = &field->fields->rows[dice_roll(dice, field->fields->count)];

        json_object_set_new(object, one->name, random_value(dice, one));
    } else {
        random_rows(dice, field->fields, object);
    }
    return object;
}

static bool holds_lists(const struct kind *kind)
{
    for (size_t i = 0; i < kind->options.count; i++)
        if (kind->options.rows[i].type == FIELD_VARIANTS ||
            kind->options.rows[i].type == FIELD_VARIANT_LISTS)
            return true;
    return false;
}

/* What holds others has an end. */
static const struct kind *random_kind(struct dice *dice, const struct kinds *kinds)
{
    const struct kind *kind;

    do
        kind = kinds->rows[dice_roll(dice, kinds->count)];
    while (dice->lists > 2 && holds_lists(kind));
    return kind;
}

static json_t *random_variant(struct dice *dice, const struct kinds *kinds)
{
    const struct kind *kind = random_kind(dice, kinds);
    json_t *object = json_pack("{s:s}", "type", kind->name);

    random_rows(dice, &kind->options, object);
    random_rows(dice, kinds->common, object);
    if (json_object_size(object) == 1 && dice_roll(dice, 2)) {
        json_decref(object);
        return json_string(kind->name);
    }
    if (kind == kinds->untyped && dice_roll(dice, 2))
        json_object_del(object, "type");
    return object;
}

static size_t random_count(struct dice *dice, const struct field *field)
{
    size_t count = (size_t)field->min + dice_roll(dice, dice->lists > 0 ? 3 : 6);

    return count < spec_list_max(field) ? count : spec_list_max(field);
}

static json_t *random_items(struct dice *dice, const struct kinds *kinds, size_t count)
{
    json_t *list = json_array();

    dice->lists++;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, random_variant(dice, kinds));
    dice->lists--;
    return list;
}

static json_t *random_lists(struct dice *dice, const struct field *field)
{
    size_t count = random_count(dice, field);
    json_t *lists = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(lists, random_items(dice, field->kinds, dice_roll(dice, 3)));
    return lists;
}

static json_t *random_labels(struct dice *dice)
{
    json_t *object = json_object();
    size_t count = dice_roll(dice, 5);

    for (size_t i = 0; i < count; i++) {
        json_t *key = random_text(dice, 1, LABEL_KEY_MAX);

        json_object_set_new(object, json_string_value(key), random_text(dice, 0, LABEL_VALUE_MAX));
        json_decref(key);
    }
    return object;
}

static json_t *two(json_t *first, json_t *second)
{
    return json_pack("[o,o]", first, second);
}

static json_t *random_pair(struct dice *dice, const struct field *field)
{
    json_t *first = random_integer(dice, field);

    return dice_roll(dice, 2) ? first : two(first, random_integer(dice, field));
}

static json_t *random_list(struct dice *dice, const struct field *field)
{
    size_t count = random_count(dice, field);
    const struct fields *fields = field->fields;
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array();

        for (size_t k = 0; k < fields->count; k++)
            json_array_append_new(item, random_value(dice, &fields->rows[k]));
        json_array_append(list, fields->count == 1 ? json_array_get(item, 0) : item);
        json_decref(item);
    }
    return list;
}

static json_t *random_value(struct dice *dice, const struct field *field)
{
    switch (field->type) {
    case FIELD_BOOL:
        return json_boolean(dice_roll(dice, 2) == 1);
    case FIELD_INT:
        return random_integer(dice, field);
    case FIELD_REAL:
        return random_real(dice, field);
    case FIELD_TEXT:
        return random_text(dice, (size_t)field->min, (size_t)field->max);
    case FIELD_CHOICE:
        return random_choice(dice, field);
    case FIELD_PAIR:
        return random_pair(dice, field);
    case FIELD_REALS2:
        return two(random_real(dice, field), random_real(dice, field));
    case FIELD_EITHER:
        return dice_roll(dice, 2) ? random_choice(dice, field) : random_real(dice, field);
    case FIELD_OBJECT:
        return random_object(dice, field);
    case FIELD_VARIANT:
        return random_variant(dice, field->kinds);
    case FIELD_VARIANTS:
        return random_items(dice, field->kinds, random_count(dice, field));
    case FIELD_VARIANT_LISTS:
        return random_lists(dice, field);
    case FIELD_PAIR_OR:
        return dice_roll(dice, 2) ? random_choice(dice, field) : random_pair(dice, field);
    case FIELD_LIST:
        return random_list(dice, field);
    case FIELD_LABELS:
        return random_labels(dice);
    }
    return NULL;
}

/* The smaller of two numbers first. */
static void put_in_order(json_t *pair)
{
    json_t *first = json_array_get(pair, 0);

    if (json_number_value(first) <= json_number_value(json_array_get(pair, 1)))
        return;
    json_incref(first);
    json_array_remove(pair, 0);
    json_array_append_new(pair, first);
}

/* Rules between fields of the data set. */
static void obey_dataset(struct dice *dice, json_t *dataset)
{
    json_t *synthetic = json_object_get(dataset, "synthetic"), *item;
    size_t i;

    if (synthetic && dice_roll(dice, 2)) {
        json_object_del(dataset, "name");
        json_object_set_new(synthetic, "samples", json_integer(65535));
        json_object_set_new(synthetic, "shape", json_pack("[i,i,i]", 3, 64, 64));
        json_object_del(synthetic, "test_samples");
    } else {
        json_object_del(dataset, "synthetic");
        if (!json_object_get(dataset, "name"))
            json_object_set_new(dataset, "name", json_string("d"));
    }
    json_array_foreach (json_object_get(dataset, "augment"), i, item) {
        put_in_order(json_object_get(item, "scale"));
        put_in_order(json_object_get(item, "ratio"));
    }
}

json_t *spec_random_rows(struct dice *dice, const struct fields *fields)
{
    json_t *object = json_object();

    random_rows(dice, fields, object);
    return object;
}

json_t *spec_random(struct dice *dice)
{
    json_t *job = spec_random_rows(dice, &job_meta_fields);

    random_rows(dice, &spec_fields, job);
    /* Rules between fields, which no row can say. */
    if (json_object_get(job, "epochs"))
        json_object_del(job, "max_steps");
    obey_dataset(dice, json_object_get(job, "dataset"));
    return job;
}

/* Something that fits nowhere, or somewhere else, or just misses. */
static json_t *strange(struct dice *dice)
{
    static const double numbers[] = {-1,  0,     0.5,   1,    3,      2.5,
                                     1e6, 1.5e6, 65537, 1e15, -1e300, 9007199254740993.0};

    switch (dice_roll(dice, 8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(dice_roll(dice, 2) == 1);
    case 2:
        return json_string("");
    case 3:
        return json_string("relu");
    case 4:
        return json_array();
    case 5:
        return json_pack("{s:i}", "steps", 3);
    case 6:
        return json_integer((json_int_t)dice_roll(dice, 7) - 1);
    default:
        return json_real(numbers[dice_roll(dice, COUNT_OF(numbers))]);
    }
}

static void damage_object(struct dice *dice, json_t *object)
{
    size_t at = dice_roll(dice, json_object_size(object) + 1);
    void *place = json_object_iter(object);

    for (size_t i = 0; i < at && place; i++)
        place = json_object_iter_next(object, place);
    if (!place) {
        json_object_set_new(object, "frobnicate", strange(dice));
        return;
    }
    json_t *inside = json_object_iter_value(place);
    if ((json_is_object(inside) || json_is_array(inside)) && dice_roll(dice, 4) != 0)
        spec_damage(dice, inside);
    else if (dice_roll(dice, 4) == 0)
        json_object_del(object, json_object_iter_key(place));
    else
        json_object_iter_set_new(object, place, strange(dice));
}

void spec_damage(struct dice *dice, json_t *job)
{
    size_t at;
    json_t *inside;

    if (json_is_object(job)) {
        damage_object(dice, job);
        return;
    }
    at = dice_roll(dice, json_array_size(job) + 1);
    inside = json_array_get(job, at);
    if (!inside)
        json_array_append_new(job, strange(dice));
    else if ((json_is_object(inside) || json_is_array(inside)) && dice_roll(dice, 4) != 0)
        spec_damage(dice, inside);
    else
        json_array_set_new(job, at, strange(dice));
}
