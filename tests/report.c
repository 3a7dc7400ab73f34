/* Report: see report.h. */
#include "tests/report.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a sanitizer's own library; not there in a plain build. */
extern void __sanitizer_set_report_path(const char *path) __attribute__((weak));

static const char *const options[] = {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

enum { PATH_ROOM = 400, LINE_ROOM = 2048 };

void report_take(const char *log)
{
    char path[PATH_ROOM], value[LINE_ROOM];
    if (__sanitizer_set_report_path == NULL)
        return;
    snprintf(path, sizeof path, "%s.report", log);
    __sanitizer_set_report_path(path);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *given = getenv(options[i]);
        snprintf(value, sizeof value, "%s log_path=%s", given == NULL ? "" : given, path);
        setenv(options[i], value, 1);
    }
}

static bool add_one(const char *path, FILE *log)
{
    char line[LINE_ROOM];
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        found = found || strncmp(line, "SUMMARY: ", 9) == 0 || strstr(line, "runtime error: ");
        fputs(line, log);
    }
    fclose(file);
    remove(path);
    return found;
}

bool report_add(const char *log)
{
    char pattern[PATH_ROOM];
    glob_t files;
    bool found = false;
    snprintf(pattern, sizeof pattern, "%s.report.*", log);
    if (glob(pattern, 0, NULL, &files) != 0)
        return false;
    FILE *file = fopen(log, "a");
    for (size_t i = 0; file != NULL && i < files.gl_pathc; i++)
        found |= add_one(files.gl_pathv[i], file);
    if (file != NULL)
        fclose(file);
    globfree(&files);
    return found;
}
