/* Access tokens: the file, and the gate that reads it. */
#include "server/token.h"

#include "core/field.h"
#include "tests/harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void add(const char *name, enum scope scope, char token[TOKEN_SIZE])
{
    struct error error = {0};

    if (!token_add("data", name, scope, token, &error))
        FAIL("%s: %s", error.where, error.text);
}

static int count_tokens(void)
{
    struct token_list list;
    struct error error = {0};

    if (!token_list_read("data", &list, &error))
        FAIL("%s: %s", error.where, error.text);
    int count = list.count;
    token_list_drop(&list);
    return count;
}

static struct token_gate *open_gate(bool loopback)
{
    const struct token_gate_setup setup = {.dir = "data", .loopback = loopback};
    struct token_gate *gate;
    struct error error = {0};

    if (!token_gate_open(&setup, &gate, &error))
        FAIL("%s: %s", error.where, error.text);
    return gate;
}

static enum scope admit(struct token_gate *gate, const char *token)
{
    char name[TOKEN_NAME_SIZE];

    return token_gate_admit(gate, token, name);
}

static void write_file(const char *text)
{
    FILE *file = fopen("data/tokens", "w");

    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

TEST("a token is 256 random bits behind its prefix, and only its digest is kept, for its owner")
{
    char first[TOKEN_SIZE], second[TOKEN_SIZE], text[2000] = "";
    struct stat found;

    add("one", SCOPE_READ, first);
    add("two", SCOPE_ADMIN, second);
    CHECK(strncmp(first, "trnd_", 5) == 0 && strlen(first) == 69 && strcmp(first, second) != 0);
    FILE *file = fopen("data/tokens", "r");
    CHECK(file && fread(text, 1, sizeof(text) - 1, file) > 0 && fclose(file) == 0);
    CHECK(!strstr(text, first + 5) && !strstr(text, second + 5) && strstr(text, "\none read "));
    CHECK(stat("data/tokens", &found) == 0 && (found.st_mode & 0777) == 0600);
    CHECK(stat("data", &found) == 0 && (found.st_mode & 0777) == 0700);
}

TEST("a name is taken once, is a plain word, and can be removed")
{
    static const char *const bad[] = {"", "a b", "a\nb", "../x", "ü", "a/b", "#", "a\"b"};
    char token[TOKEN_SIZE], longer[80];
    struct error error = {0};

    add("one", SCOPE_READ, token);
    CHECK(!token_add("data", "one", SCOPE_ADMIN, token, &error) && error.kind == ERROR_CONFLICT);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        error = (struct error){0};
        CHECK(!token_add("data", bad[i], SCOPE_READ, token, &error));
        CHECK_INT(error.kind, ERROR_INVALID);
    }
    memset(longer, 'a', sizeof(longer) - 1);
    longer[64] = '\0';
    add(longer, SCOPE_READ, token);
    longer[64] = 'a';
    longer[65] = '\0';
    error = (struct error){0};
    CHECK(!token_add("data", longer, SCOPE_READ, token, &error));
    CHECK_INT(count_tokens(), 2);
    error = (struct error){0};
    CHECK(token_remove("data", "one", &error));
    add("one", SCOPE_SUBMIT, token);
    CHECK_INT(count_tokens(), 2);
}

TEST("processes that add at the same time all find their tokens in the file")
{
    enum { PROCESSES = 6, EACH = 5 };
    char token[TOKEN_SIZE], name[40];

    add("first", SCOPE_READ, token);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        for (int k = 0; pid == 0 && k < EACH; k++) {
            (void)snprintf(name, sizeof(name), "token-%d-%d", i, k);
            if (!token_add("data", name, SCOPE_READ, token, NULL))
                _exit(1);
        }
        if (pid == 0)
            _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK_INT(count_tokens(), 1 + PROCESSES * EACH);
}

TEST("the gate knows a token by its scope and name, and hears of changes at once")
{
    char reader[TOKEN_SIZE], admin[TOKEN_SIZE], name[TOKEN_NAME_SIZE];
    struct error error = {0};
    CHECK(mkdir("data", 0700) == 0);
    struct token_gate *here = open_gate(true), *open = open_gate(false);

    CHECK_INT(admit(here, NULL), SCOPE_ADMIN); /* no token yet: this machine alone */
    CHECK_INT(admit(here, "trnd_x"), SCOPE_ADMIN);
    CHECK_INT(admit(open, NULL), SCOPE_NONE);
    add("ann", SCOPE_READ, reader);
    CHECK_INT(token_gate_admit(here, reader, name), SCOPE_READ);
    CHECK_TEXT(name, "ann");
    CHECK_INT(token_gate_admit(here, NULL, name), SCOPE_NONE);
    CHECK_TEXT(name, "");
    CHECK_INT(admit(open, reader), SCOPE_READ);
    add("bob", SCOPE_ADMIN, admin);
    CHECK_INT(admit(here, admin), SCOPE_ADMIN);
    reader[68] = reader[68] == 'a' ? 'b' : 'a';
    CHECK_INT(admit(here, reader), SCOPE_NONE);
    CHECK_INT(admit(here, ""), SCOPE_NONE);
    CHECK_INT(admit(here, "trnd_"), SCOPE_NONE);
    CHECK(token_remove("data", "ann", &error));
    CHECK(!token_remove("data", "ann", &error) && error.kind == ERROR_NOT_FOUND);
    CHECK_INT(admit(here, admin), SCOPE_ADMIN);
    CHECK_INT(admit(here, NULL), SCOPE_NONE);
    error = (struct error){0};
    CHECK(token_remove("data", "bob", &error));
    CHECK_INT(admit(here, NULL), SCOPE_ADMIN);
    CHECK_INT(admit(open, NULL), SCOPE_NONE); /* the last token is gone: nobody, not everybody */
    CHECK_INT(admit(open, admin), SCOPE_NONE);
    token_gate_close(here);
    token_gate_close(open);
}

TEST("a file that cannot be understood lets nobody in and is not written over")
{
    static const char *const bad[] = {
        "ann read\n",
        "ann read 00 1\n",
        "ann owner 0000000000000000000000000000000000000000000000000000000000000000 1\n",
        "ann read 000000000000000000000000000000000000000000000000000000000000000G 1\n",
        "ann read 0000000000000000000000000000000000000000000000000000000000000000 1 x\n",
        "ann read 0000000000000000000000000000000000000000000000000000000000000000 1",
        "a/n read 0000000000000000000000000000000000000000000000000000000000000000 1\n",
        "\n"};
    char token[TOKEN_SIZE];

    add("ann", SCOPE_ADMIN, token);
    struct token_gate *gate = open_gate(true);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error error = {0};
        write_file(bad[i]);
        CHECK_INT(admit(gate, token), SCOPE_NONE);
        CHECK_INT(admit(gate, NULL), SCOPE_NONE);
        CHECK(!token_add("data", "bob", SCOPE_READ, token, &error));
        CHECK_INT(error.kind, ERROR_CORRUPT);
    }
    CHECK(unlink("data/tokens") == 0);
    add("ann", SCOPE_ADMIN, token);
    CHECK_INT(admit(gate, token), SCOPE_ADMIN);
    token_gate_close(gate);
}
