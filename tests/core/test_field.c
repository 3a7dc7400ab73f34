/* Tests of the smallest parts that every input passes through: tables, defaults, problems,
 * pointers, arenas, errors. */
#include "core/arena.h"
#include "core/field.h"
#include "core/problem.h"
#include "core/text.h"
#include "tests/harness.h"

#include <stdint.h>
#include <string.h>

struct inner {
    bool given;
    int64_t number;
};

struct chosen {
    struct variant variant;
    struct variants variants;
    struct variant_lists lists;
};

struct pairs {
    int64_t given[2], absent[2];
    struct pair_or or_name, absent_or_name;
};

struct thing {
    bool flag;
    int64_t whole, absent_whole;
    struct pairs pairs;
    double real, absent_real, two[2];
    char text[9];
    int choice;
    struct either either;
    struct inner inner;
    struct chosen chosen;
    struct list list;
    struct labels labels;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct field inner_rows[] = {
    {.name = "number", .type = FIELD_INT, .offset = offsetof(struct inner, number), .fallback = 7},
};
static const struct fields inner_fields = {inner_rows, COUNT_OF(inner_rows), sizeof(struct inner)};

#define AT(member) offsetof(struct thing, member)
static const struct field thing_rows[] = {
    {.name = "flag", .type = FIELD_BOOL, .offset = AT(flag), .fallback = 1},
    {.name = "whole", .type = FIELD_INT, .offset = AT(whole), .fallback = 64},
    {.name = "absent_whole",
     .type = FIELD_INT,
     .flags = FIELD_OPTIONAL,
     .offset = AT(absent_whole)},
    {.name = "pair", .type = FIELD_PAIR, .offset = AT(pairs.given), .fallback = 3},
    {.name = "absent_pair",
     .type = FIELD_PAIR,
     .flags = FIELD_OPTIONAL,
     .offset = AT(pairs.absent)},
    {.name = "real", .type = FIELD_REAL, .offset = AT(real), .fallback = 0.5},
    {.name = "absent_real", .type = FIELD_REAL, .flags = FIELD_OPTIONAL, .offset = AT(absent_real)},
    {.name = "two", .type = FIELD_REALS2, .offset = AT(two), .fallback = 0.9, .fallback2 = 0.999},
    {.name = "text", .type = FIELD_TEXT, .offset = AT(text), .max = 8},
    {.name = "choice",
     .type = FIELD_CHOICE,
     .offset = AT(choice),
     .fallback = 2,
     .choices = colours},
    {.name = "either",
     .type = FIELD_EITHER,
     .offset = AT(either),
     .fallback = 1,
     .choices = colours},
    {.name = "inner",
     .type = FIELD_OBJECT,
     .flags = FIELD_OPTIONAL,
     .offset = AT(inner),
     .fields = &inner_fields},
    {.name = "pair_or",
     .type = FIELD_PAIR_OR,
     .offset = AT(pairs.or_name),
     .fallback = 2,
     .choices = colours},
    {.name = "absent_pair_or",
     .type = FIELD_PAIR_OR,
     .flags = FIELD_OPTIONAL,
     .offset = AT(pairs.absent_or_name),
     .choices = colours},
    {.name = "variant", .type = FIELD_VARIANT, .offset = AT(chosen.variant)},
    {.name = "variants", .type = FIELD_VARIANTS, .offset = AT(chosen.variants)},
    {.name = "variant_lists", .type = FIELD_VARIANT_LISTS, .offset = AT(chosen.lists)},
    {.name = "list", .type = FIELD_LIST, .offset = AT(list), .fields = &inner_fields},
    {.name = "labels", .type = FIELD_LABELS, .offset = AT(labels)},
};
static const struct fields thing_fields = {thing_rows, COUNT_OF(thing_rows), sizeof(struct thing)};

TEST("every type of field gets the default of its row")
{
    struct thing thing;

    memset(&thing, 0xA5, sizeof(thing));
    fields_defaults(&thing_fields, &thing);
    CHECK(thing.flag);
    CHECK_INT(thing.whole, 64);
    CHECK_INT(thing.absent_whole, FIELD_ABSENT);
    CHECK_INT(thing.pairs.given[0], 3);
    CHECK_INT(thing.pairs.given[1], 3);
    CHECK_INT(thing.pairs.absent[1], FIELD_ABSENT);
    CHECK(thing.real == 0.5);
    CHECK(isnan(thing.absent_real));
    CHECK(thing.two[0] == 0.9 && thing.two[1] == 0.999);
    for (size_t i = 0; i < sizeof(thing.text); i++)
        CHECK_INT(thing.text[i], 0);
    CHECK_INT(thing.choice, 2);
    CHECK_INT(thing.either.choice, 1);
    CHECK(!thing.inner.given);
    CHECK_INT(thing.inner.number, 7);
    CHECK_INT(thing.pairs.or_name.choice, -1);
    CHECK_INT(thing.pairs.or_name.pair[0], 2);
    CHECK_INT(thing.pairs.or_name.pair[1], 2);
    CHECK_INT(thing.pairs.absent_or_name.choice, -1);
    CHECK_INT(thing.pairs.absent_or_name.pair[0], FIELD_ABSENT);
    CHECK(!thing.chosen.variant.kind && !thing.chosen.variant.options);
    CHECK(!thing.chosen.variants.items && thing.chosen.variants.count == 0);
    CHECK(!thing.chosen.lists.items && thing.chosen.lists.count == 0);
    CHECK(!thing.list.items && thing.list.count == 0);
    CHECK_INT((int64_t)thing.labels.count, 0);
}

TEST("a field is found by its exact name only")
{
    CHECK(fields_find(&thing_fields, "pair") == &thing_rows[3]);
    CHECK(!fields_find(&thing_fields, "Pair"));
    CHECK(!fields_find(&thing_fields, ""));
    CHECK(!fields_find(NULL, "pair"));
}

static const char *suggestion(const char *found)
{
    static struct problem problem;

    problem = (struct problem){.choices = colours, .fields = &thing_fields};
    problem_suggest(&problem, found);
    return problem.suggestion;
}

TEST("the nearest allowed name is suggested, whatever the case, and a far one never")
{
    CHECK_TEXT(suggestion("gren"), "green");
    CHECK_TEXT(suggestion("GREEN"), "green");
    CHECK_TEXT(suggestion("rde"), "red");
    CHECK_TEXT(suggestion("absent_hwole"), "absent_whole");
    CHECK_TEXT(suggestion("absentWhole"), "absent_whole");
    CHECK_TEXT(suggestion("purple"), "");
    CHECK_TEXT(suggestion("x"), "");
    CHECK_TEXT(suggestion(""), "");
    CHECK_TEXT(suggestion("an endless name that a hostile client made up to keep the server busy"),
               "");
}

TEST("names of a second table are suggested too")
{
    struct problem problem = {.fields = &inner_fields, .common = &thing_fields};

    problem_suggest(&problem, "chioce");
    CHECK_TEXT(problem.suggestion, "choice");
}

TEST("a pointer escapes ~ and / and takes indices")
{
    char pointer[64] = "";

    pointer_push(pointer, sizeof(pointer), "model");
    pointer_push_index(pointer, sizeof(pointer), 12);
    pointer_push(pointer, sizeof(pointer), "a/b~c");
    CHECK_TEXT(pointer, "/model/12/a~1b~0c");
}

TEST("a pointer that does not fit is cut between characters, never inside an escape")
{
    char pointer[8] = "";
    char small[4] = "/ab";
    char accented[6] = "";

    pointer_push(pointer, sizeof(pointer), "abcde~");
    CHECK_TEXT(pointer, "/abcde");
    pointer_push(small, sizeof(small), "c");
    CHECK_TEXT(small, "/ab");
    pointer_push(accented, sizeof(accented), "abc\xC3\xA9");
    CHECK_TEXT(accented, "/abc");
}

TEST("problems past the limit are counted and never lost silently")
{
    static struct problems problems;

    for (int i = 0; i < PROBLEMS_MAX + 5; i++)
        CHECK(problem_add(&problems, "/x", "problem %d", i) != NULL);
    CHECK_INT((int64_t)problems.count, PROBLEMS_MAX);
    CHECK_INT((int64_t)problems.dropped, 5);
    CHECK_TEXT(problems.items[0].detail, "problem 0");
    CHECK_TEXT(problems.items[PROBLEMS_MAX - 1].detail, "problem 63");
}

TEST("a long detail is cut after a whole character")
{
    static struct problems problems;
    char text[400];

    memset(text, 'a', sizeof(text));
    for (size_t i = 200; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[398] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        struct problem *problem = problem_add(&problems, "", "%s", text + shift);
        size_t length = strlen(problem->detail);

        CHECK_INT((int64_t)text_whole(problem->detail, length), (int64_t)length);
        CHECK(length >= sizeof(problem->detail) - 2);
    }
}

TEST("half a character at the end of a text is found for every length of character")
{
    CHECK_INT((int64_t)text_whole("ab", 2), 2);
    CHECK_INT((int64_t)text_whole("a\xC3\xA9", 3), 3);
    CHECK_INT((int64_t)text_whole("a\xC3\xA9", 2), 1);
    CHECK_INT((int64_t)text_whole("a\xE2\x82\xAC", 3), 1);
    CHECK_INT((int64_t)text_whole("a\xF0\x9F\x98\x80", 4), 1);
    CHECK_INT((int64_t)text_whole("a\xF0\x9F\x98\x80", 5), 5);
    CHECK_INT((int64_t)text_whole("", 0), 0);
}

TEST("the first error wins")
{
    struct error error = {0};

    CHECK(!error_set(&error, ERROR_IO, "disk", "no space left for %d bytes", 7));
    CHECK(!error_set(&error, ERROR_MEMORY, "later", "a consequence"));
    CHECK_INT(error.kind, ERROR_IO);
    CHECK_TEXT(error.where, "disk");
    CHECK_TEXT(error.text, "no space left for 7 bytes");
    CHECK(!error_set(NULL, ERROR_IO, "disk", "nobody cares"));
}

TEST("every kind of error has a name")
{
    for (int kind = ERROR_NONE; kind < ERROR_KINDS; kind++)
        CHECK(error_kind_name((enum error_kind)kind)[0] != '\0');
    CHECK_TEXT(error_kind_name(ERROR_TOO_LARGE), "too_large");
    CHECK_TEXT(error_kind_name((enum error_kind)999), "unknown");
}

TEST("an arena gives zeroed, aligned pieces that do not overlap")
{
    struct arena arena = {0};
    unsigned char *pieces[300];
    size_t total = 0;

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t size = i % 7 == 0 ? 9000 + i : i;

        pieces[i] = arena_take(&arena, size);
        CHECK(pieces[i] != NULL);
        CHECK_INT((int64_t)((uintptr_t)pieces[i] % 64), 0);
        for (size_t k = 0; k < size; k++)
            CHECK_INT(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 251) + 1, size);
        total += size;
    }
    CHECK(arena.used >= total);
    for (size_t i = 1; i < COUNT_OF(pieces); i++)
        for (size_t k = 0; k < (i % 7 == 0 ? 9000 + i : i); k++)
            CHECK_INT(pieces[i][k], (int)(i % 251) + 1);
    arena_drop(&arena);
    CHECK_INT((int64_t)arena.used, 0);
    CHECK(arena_take(&arena, 1) != NULL);
    arena_drop(&arena);
}

TEST("an arena refuses sizes that overflow")
{
    struct arena arena = {0};

    CHECK(!arena_take_array(&arena, SIZE_MAX / 2, 3));
    CHECK(!arena_take(&arena, SIZE_MAX));
    CHECK(!arena_take(&arena, SIZE_MAX - 100));
    CHECK(arena_take_array(&arena, 0, 8) != NULL);
    CHECK_TEXT(arena_copy_text(&arena, "kept"), "kept");
    arena_drop(&arena);
}
