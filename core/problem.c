/* Problems: collecting, nearest names, JSON pointers. Knows nothing of JSON values. */
#include "core/problem.h"

#include "core/nearest.h"
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

void problem_suggest(struct problem *problem, const char *found)
{
    struct nearest nearest;

    nearest_begin(&nearest, found);
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
