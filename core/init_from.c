/* Init_from: see init_from.h. */
#include "core/init_from.h"

#include <stdio.h>
#include <string.h>

#define INIT(member) offsetof(struct spec_init_from, member)

static const char *const init_checkpoints[] = {"best", "last", NULL};

/* clang-format off */
static const struct field init_from_rows[] = {
    {.name = "job", .type = FIELD_TEXT, .flags = FIELD_OPTIONAL, .offset = INIT(job), .min = 1,
     .max = sizeof(((struct spec_init_from *)0)->job) - 1, .help = "id of a job of this server"},
    {.name = "checkpoint", .type = FIELD_EITHER, .flags = FIELD_OPTIONAL,
     .offset = INIT(checkpoint), .min = 0, .max = FIELD_INT_MAX, .choices = init_checkpoints,
     .help = "which of the job's checkpoints, a number being a step; default: last"},
    {.name = "weights", .type = FIELD_TEXT, .flags = FIELD_OPTIONAL, .offset = INIT(weights),
     .min = 1, .max = sizeof(((struct spec_init_from *)0)->weights) - 1,
     .help = "name of a safetensors file among the server's weights"},
};
/* clang-format on */
const struct fields init_from_fields = {init_from_rows, COUNT_OF(init_from_rows),
                                        sizeof(struct spec_init_from)};

/* The name is one file's and never a way through the file system. */
static bool plain_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static struct problem *add(struct problems *problems, const char *pointer, const char *key,
                           const char *text)
{
    char place[sizeof problems->items[0].pointer];
    snprintf(place, sizeof place, "%s%s", pointer, key);
    return problem_add(problems, place, "%s", text);
}

void init_from_complete(struct spec_init_from *init, const char *pointer, struct problems *problems)
{
    struct either *checkpoint = &init->checkpoint;
    bool step = checkpoint->choice < 0 && !isnan(checkpoint->number);
    bool chosen = checkpoint->choice >= 0 || step, job = init->job[0] != '\0';
    if (!init->given)
        return;
    if (job == (init->weights[0] != '\0'))
        add(problems, pointer, "", "want either \"job\" or \"weights\"")->fields =
            &init_from_fields;
    else if (!job && chosen)
        add(problems, pointer, "/checkpoint", "a file of weights has no checkpoints");
    else if (job && !chosen)
        checkpoint->choice = INIT_CHECKPOINT_LAST;
    if (step && floor(checkpoint->number) != checkpoint->number)
        add(problems, pointer, "/checkpoint", "want \"best\", \"last\" or a whole step");
    if (!plain_name(init->weights))
        add(problems, pointer, "/weights",
            "a name has letters, digits, '.', '_' and '-' only, and does not begin with '.'");
}
