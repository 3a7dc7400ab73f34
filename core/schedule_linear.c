/* linear: the rate times a factor that goes from start_factor to end_factor in a straight line, as
 * torch.optim.lr_scheduler.LinearLR. */
#include "core/schedule.h"

struct line_options {
    double start_factor, end_factor;
    int64_t total_iters;
};

#define AT(member) offsetof(struct line_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "start_factor", .type = FIELD_REAL, .offset = AT(start_factor), .min = 0, .max = 1,
     .fallback = 1.0 / 3, .help = "share of the rate in the first unit"},
    {.name = "end_factor", .type = FIELD_REAL, .offset = AT(end_factor), .min = 0, .max = 1,
     .fallback = 1, .help = "share of the rate after total_iters units"},
    {.name = "total_iters", .type = FIELD_INT, .offset = AT(total_iters), .min = 1, .max = 1e9,
     .fallback = 5, .help = "units until end_factor is reached"},
};
/* clang-format on */

static double lr(const void *options, const struct schedule_at *at)
{
    const struct line_options *o = options;
    int64_t t = at->t < o->total_iters ? at->t : o->total_iters;
    return at->base_lr * (o->start_factor +
                          (o->end_factor - o->start_factor) * (double)t / (double)o->total_iters);
}

const struct schedule_kind schedule_linear = {
    .kind = {"linear",
             "a straight line from one share of lr to another",
             {rows, COUNT_OF(rows), sizeof(struct line_options)}},
    .unit = UNIT_EPOCH,
    .lr = lr,
};
