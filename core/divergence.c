/* Divergence: the table of what may be done about it. */
#include "core/divergence.h"

#include <stdio.h>

#define AT(member) offsetof(struct divergence_rollback_options, member)

/* clang-format off */
static const struct field rollback_rows[] = {
    {.name = "rollback", .type = FIELD_BOOL, .flags = FIELD_REQUIRED, .offset = AT(rollback),
     .fallback = 1, .help = "true: go back to the newest checkpoint"},
    {.name = "lr_factor", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN | FIELD_BELOW_MAX,
     .offset = AT(lr_factor), .min = 0, .max = 1, .fallback = 0.5,
     .help = "factor of every later rate, once more at each return"},
    {.name = "max_retries", .type = FIELD_INT, .offset = AT(max_retries), .min = 1, .max = 100,
     .fallback = 3, .help = "returns before the job fails"},
};
/* clang-format on */

const struct kind divergence_fail = {"fail", "the job fails as diverged", {NULL, 0, 0}};
const struct kind divergence_stop = {
    "stop", "the job ends and keeps its newest checkpoint", {NULL, 0, 0}};
const struct kind divergence_rollback = {
    "rollback",
    "back to the newest checkpoint and on with a smaller rate",
    {rollback_rows, COUNT_OF(rollback_rows), sizeof(struct divergence_rollback_options)}};

static const struct kind *const rows[] = {&divergence_fail, &divergence_stop, &divergence_rollback};

const struct kinds divergence_kinds = {"answer to divergence", rows, COUNT_OF(rows), NULL,
                                       &divergence_rollback};

void divergence_check(const struct variant *on_divergence, const char *pointer,
                      struct problems *problems)
{
    const struct divergence_rollback_options *options = on_divergence->options;
    char place[sizeof problems->items[0].pointer];
    if (on_divergence->kind != &divergence_rollback || options->rollback)
        return;
    snprintf(place, sizeof place, "%s/rollback", pointer);
    problem_add(problems, place, "must be true; \"fail\" and \"stop\" are the other answers");
}
