/* Tests of the jobs that the dashboard offers: they are taken as they stand, and a teacher has
 * nothing to say about them. */
#include "server/spec_json.h"
#include "tests/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_preset(const char *path)
{
    static const struct data_shape fashion = {{1, 28, 28, 0}, 10, 60000, 10000};
    static struct problems problems;
    struct plan_warnings warnings = {0};
    struct error error = {0};
    struct job_meta meta;
    struct spec spec;
    struct plan plan;
    json_error_t place;
    json_t *job = json_load_file(path, 0, &place);

    if (!job)
        FAIL("%s: %s", path, place.text);
    CHECK(spec_from_json(job, &spec, &meta, &problems, &error));
    CHECK_INT((int64_t)problems.count, 0);
    CHECK(spec_settle(&spec, &fashion, &warnings, &error));
    CHECK(plan_make(&spec, &fashion, &plan, &problems, &warnings, &error));
    CHECK_INT((int64_t)problems.count, 0);
    if (warnings.count > 0)
        FAIL("%s: %s: %s", path, warnings.items[0].pointer, warnings.items[0].text);
    plan_drop(&plan);
    spec_drop(&spec);
    json_decref(job);
}

TEST("every preset of the dashboard can be trained as it stands and earns no remark")
{
    char path[1200];
    const struct dirent *entry;
    int presets = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "%s/static/presets", test_root());
    folder = opendir(path);
    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof(path), "%s/static/presets/%s", test_root(), entry->d_name);
        check_preset(path);
        presets++;
    }
    closedir(folder);
    CHECK(presets > 0);
}
