/* Support: files that go in and out. */
#include "tests/api/support.h"
#include "tests/core/support.h"
#include "tests/harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer api_put_file(const struct api *api, const char *path, const char *file,
                           const char *header)
{
    struct call call = {.method = "PUT",
                        .path = path,
                        .headers = {"Content-Type: application/octet-stream", header}};
    uint8_t *bytes = read_bytes(file, &call.size);

    call.body = call.size > 0 ? (const char *)bytes : "";
    struct answer answer = api_call(api, &call);
    free(bytes);
    return answer;
}

json_t *api_put(const struct api *api, const char *path, const char *file, int status)
{
    struct answer answer = api_put_file(api, path, file, NULL);

    if (answer.status != status)
        FAIL("%s gave %d and not %d: %s", path, answer.status, status, answer.body);
    CHECK(answer.json && answer.body[answer.size - 1] == '\n');
    json_t *json = json_incref(answer.json);
    answer_drop(&answer);
    return json;
}

json_t *api_delete(const struct api *api, const char *path, int status)
{
    struct answer answer = api_call(api, &(struct call){.method = "DELETE", .path = path});

    if (answer.status != status)
        FAIL("%s gave %d and not %d: %s", path, answer.status, status, answer.body);
    json_t *json = json_incref(answer.json);
    CHECK((json != NULL) == (status != 204));
    answer_drop(&answer);
    return json;
}

int run_python(const char *script, const char *const *arguments)
{
    char *list[12] = {(char *)(uintptr_t) "python3"}, path[1024];
    int status = 0, count = 2;

    (void)snprintf(path, sizeof(path), "%s/tests/api/%s", test_root(), script);
    list[1] = path;
    for (; *arguments; arguments++) {
        CHECK(count < 11);
        list[count++] = (char *)(uintptr_t)*arguments;
    }
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv("/usr/bin/python3", list);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int count_entries(const char *folder, const char *beginning)
{
    DIR *open = opendir(folder);
    int count = 0;

    if (!open)
        return -1;
    for (struct dirent *entry = readdir(open); entry; entry = readdir(open))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            count += strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
    (void)closedir(open);
    return count;
}
