/* hinge: every other score should stay below the label's by the margin, as
 * torch.nn.MultiMarginLoss: L = Σ max(0, margin − y_label + yₖ)ᵖ / K over the classes k ≠ label. */
#include "core/loss.h"

#define AT(member) offsetof(struct hinge_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "p", .type = FIELD_INT, .offset = AT(p), .min = 1, .max = 2, .fallback = 1,
     .help = "1: what is missing counts as it is; 2: its square"},
    {.name = "margin", .type = FIELD_REAL, .offset = AT(margin), .min = 0, .max = 1e6,
     .fallback = 1, .help = "how far above the other scores the label's should be"},
};
/* clang-format on */

static double sample(const struct loss_sample *s)
{
    const struct hinge_options *o = s->options;
    double sum = 0, back = 0, factor = s->scale / (double)s->classes;

    for (int64_t k = 0; k < s->classes; k++) {
        double missing = o->margin - (double)s->y[s->label] + (double)s->y[k], slope = 0;
        /* Written so that what is no number is missing too: a network that diverged must not look
         * as if it had learned everything. */
        if (k != s->label && !(missing <= 0)) {
            sum += o->p == 1 ? missing : missing * missing;
            slope = o->p == 1 ? 1 : 2 * missing;
        }
        back += slope;
        if (s->dy)
            s->dy[k] = (real)(slope * factor);
    }
    if (s->dy)
        s->dy[s->label] = (real)(-back * factor);
    return sum / (double)s->classes;
}

const struct loss_kind loss_hinge = {
    .kind = {"hinge",
             "what scores are missing to the margin below the label's",
             {rows, COUNT_OF(rows), sizeof(struct hinge_options)}},
    .any_scores = true,
    .sample = sample,
};
