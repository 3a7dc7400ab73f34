/* Problems: collecting, nearest names, JSON pointers. Knows nothing of JSON values. */
#include "core/problem.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct problem *problem_add(struct problems *problems, const char *pointer, const char *format, ...)
{
    struct problem *problem;
    va_list arguments;
    int wanted;

    problem = &problems->items[problems->count];
    if (problems->count < PROBLEMS_MAX)
        problems->count++;
    else
        problems->dropped++;
    memset(problem, 0, sizeof(*problem));
    wanted = snprintf(problem->pointer, sizeof(problem->pointer), "%s", pointer);
    text_end_whole(problem->pointer, sizeof(problem->pointer), wanted);
    va_start(arguments, format);
    wanted = vsnprintf(problem->detail, sizeof(problem->detail), format, arguments);
    va_end(arguments);
    text_end_whole(problem->detail, sizeof(problem->detail), wanted);
    return problem;
}

enum { NAME_MAX_BYTES = 48 };

/* Upper and lower case count as equal: "ReLU" should find "relu". */
static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t width = strlen(b), height = strlen(a);

    for (size_t x = 0; x <= width; x++)
        above[x] = before[x] = x;
    for (size_t y = 1; y <= height; y++) {
        size_t *spare = before;

        row[0] = y;
        for (size_t x = 1; x <= width; x++) {
            size_t replaced = above[x - 1] + (lower(a[y - 1]) != lower(b[x - 1]));

            row[x] = least(replaced, least(above[x], row[x - 1]) + 1);
            if (y > 1 && x > 1 && lower(a[y - 1]) == lower(b[x - 2]) &&
                lower(a[y - 2]) == lower(b[x - 1]))
                row[x] = least(row[x], before[x - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[width];
}

struct nearest {
    const char *found, *name;
    size_t distance;
};

static void nearest_try(struct nearest *nearest, const char *name)
{
    size_t away;

    if (strlen(name) > NAME_MAX_BYTES)
        return;
    away = distance(nearest->found, name);
    if (away < nearest->distance) {
        nearest->distance = away;
        nearest->name = name;
    }
}

void problem_suggest(struct problem *problem, const char *found)
{
    size_t length = strlen(found);
    size_t limit = length / 3 > 1 ? length / 3 : 1;
    struct nearest nearest = {.found = found, .distance = limit + 1};

    /* One letter is as near to any other letter: no guess. */
    if (length < 2 || length > NAME_MAX_BYTES)
        return;
    for (size_t i = 0; problem->choices && problem->choices[i]; i++)
        nearest_try(&nearest, problem->choices[i]);
    for (size_t i = 0; problem->kinds && i < problem->kinds->count; i++)
        nearest_try(&nearest, problem->kinds->rows[i]->name);
    for (size_t i = 0; problem->fields && i < problem->fields->count; i++)
        nearest_try(&nearest, problem->fields->rows[i].name);
    for (size_t i = 0; problem->common && i < problem->common->count; i++)
        nearest_try(&nearest, problem->common->rows[i].name);
    if (nearest.name)
        snprintf(problem->suggestion, sizeof(problem->suggestion), "%s", nearest.name);
}

void pointer_push(char *pointer, size_t size, const char *token)
{
    size_t used = strlen(pointer);
    size_t whole = text_whole(token, strlen(token));

    if (used + 2 > size)
        return;
    pointer[used++] = '/';
    for (size_t i = 0; i < whole; i++) {
        const char *escaped = token[i] == '~' ? "~0" : token[i] == '/' ? "~1" : NULL;

        if (used + (escaped ? 2 : 1) + 1 > size)
            break;
        if (escaped) {
            pointer[used++] = escaped[0];
            pointer[used++] = escaped[1];
        } else {
            pointer[used++] = token[i];
        }
    }
    pointer[text_whole(pointer, used)] = '\0';
}

void pointer_push_index(char *pointer, size_t size, size_t index)
{
    char token[24];

    snprintf(token, sizeof(token), "%zu", index);
    pointer_push(pointer, size, token);
}
