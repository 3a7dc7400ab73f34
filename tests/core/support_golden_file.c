/* Support for tests: the golden files' lines. */
#include "tests/core/support_golden_file.h"

#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

void golden_open(struct golden *golden, const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/tests/golden/%s", test_root(), name);
    *golden = (struct golden){.file = fopen(path, "r")};
    if (golden->file == NULL)
        FAIL("%s cannot be opened", path);
}

void golden_close(struct golden *golden)
{
    fclose(golden->file);
    free(golden->line);
}

bool golden_next(struct golden *golden)
{
    ssize_t length = getline(&golden->line, &golden->room, golden->file);

    if (length <= 0)
        return false;
    golden->line[strcspn(golden->line, "\n")] = '\0';
    return true;
}

char *golden_rest(const struct golden *golden, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(golden->line, word, length) != 0 || golden->line[length] != ' ')
        return NULL;
    return golden->line + length + 1;
}

int64_t golden_numbers(char *text, double *out, int64_t room)
{
    char *end = text;
    int64_t count = strtoll(text, &end, 10);

    CHECK(count > 0 && count <= room);
    for (int64_t i = 0; i < count; i++)
        out[i] = strtod(end, &end);
    CHECK(*end == '\0');
    return count;
}

int64_t golden_value(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    CHECK(at != NULL && at[strlen(name)] == '=');
    return strtoll(at + strlen(name) + 1, NULL, 10);
}

char *golden_cut(char *text)
{
    char *space = strchr(text, ' ');

    CHECK(space != NULL);
    *space = '\0';
    return space + 1;
}
