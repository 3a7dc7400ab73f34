/* Matching of tensors by name and shape: see initial_match.h. */
#include "server/initial_match.h"

#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One problem a tensor, and no more than a user reads. */
enum { TOLD_MAX = 8, SHAPE_TEXT = 80, SHOWN = 64 };

static void shape_text(const int64_t *dims, int rank, char out[SHAPE_TEXT])
{
    int used = snprintf(out, SHAPE_TEXT, "[");
    for (int i = 0; i < rank && used < SHAPE_TEXT; i++)
        used += snprintf(out + used, SHAPE_TEXT - (size_t)used, "%s%" PRId64, i > 0 ? ", " : "",
                         dims[i]);
    if (used < SHAPE_TEXT - 1)
        snprintf(out + used, SHAPE_TEXT - (size_t)used, "]");
}

static bool same_shape(const struct plan_tensor *tensor, const struct initial_tensor *given)
{
    return tensor->rank == given->rank &&
           memcmp(tensor->dims, given->dims, (size_t)given->rank * sizeof(*given->dims)) == 0;
}

/* PyTorch counts the batches of a batch norm that has a momentum of its own, which needs no count.
 * A checkpoint with its whole state is a file of weights as well. */
static bool is_ignored(const char *name)
{
    static const char ending[] = "num_batches_tracked", state[] = "optimizer.";
    size_t length = strlen(name), end = sizeof(ending) - 1;
    return (length >= end && strcmp(name + length - end, ending) == 0) ||
           strncmp(name, state, sizeof(state) - 1) == 0;
}

struct telling {
    struct problems *problems;
    int differing;
};

static void tell(struct telling *telling, const char *name, const char *wanted, const char *found)
{
    char shown[SHOWN];
    text_show(shown, sizeof(shown), name);
    if (telling->differing++ < TOLD_MAX)
        problem_add(telling->problems, "/init_from", "\"%s\" is %s in this network and %s there",
                    shown, wanted, found);
}

struct named {
    const char *name;
    int place;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct named *sort_names(const struct initial_tensor *given, int count)
{
    struct named *names = calloc((size_t)count + 1, sizeof(*names));
    for (int i = 0; names && i < count; i++)
        names[i] = (struct named){given[i].name, i};
    if (names)
        qsort(names, (size_t)count, sizeof(*names), by_name);
    return names;
}

/* The plan's tensor among them; −1 when it is not there, or is of another shape. */
static int find(const struct plan_tensor *tensor, const struct initial_tensor *given,
                const struct named *names, int count, struct telling *telling)
{
    const struct named wanted = {tensor->name, 0};
    const struct named *found = bsearch(&wanted, names, (size_t)count, sizeof(*names), by_name);
    char here[SHAPE_TEXT], there[SHAPE_TEXT];
    shape_text(tensor->dims, tensor->rank, here);
    if (!found) {
        tell(telling, tensor->name, here, "missing");
        return -1;
    }
    if (same_shape(tensor, &given[found->place]))
        return found->place;
    shape_text(given[found->place].dims, given[found->place].rank, there);
    tell(telling, tensor->name, here, there);
    return -1;
}

static void tell_strangers(const struct plan *plan, const struct initial_tensor *given, int count,
                           struct telling *telling)
{
    char there[SHAPE_TEXT];
    for (int i = 0; i < count; i++) {
        bool known = is_ignored(given[i].name);
        for (int t = 0; t < plan->tensor_count && !known; t++)
            known = strcmp(plan->tensors[t].name, given[i].name) == 0;
        if (known)
            continue;
        shape_text(given[i].dims, given[i].rank, there);
        tell(telling, given[i].name, "missing", there);
    }
}

bool initial_match(const struct plan *plan, const struct initial_tensor *given, int count,
                   int *index, struct problems *problems)
{
    struct telling telling = {.problems = problems};
    struct named *names = sort_names(given, count);
    if (!names) {
        problem_add(problems, "/init_from", "there is no memory to compare the tensors");
        return false;
    }
    for (int i = 0; i < plan->tensor_count; i++)
        index[i] = find(&plan->tensors[i], given, names, count, &telling);
    tell_strangers(plan, given, count, &telling);
    if (telling.differing > TOLD_MAX)
        problem_add(problems, "/init_from", "%d more tensors differ", telling.differing - TOLD_MAX);
    free(names);
    return telling.differing == 0;
}

bool initial_check_finite(const struct plan *plan, const float *numbers, struct problems *problems)
{
    for (int i = 0; i < plan->tensor_count; i++) {
        const struct plan_tensor *tensor = &plan->tensors[i];
        for (int64_t k = 0; k < tensor->count; k++) {
            if (isfinite(numbers[tensor->offset + k]))
                continue;
            problem_add(problems, "/init_from", "\"%s\" has a number that is not finite",
                        tensor->name);
            return false;
        }
    }
    return true;
}
