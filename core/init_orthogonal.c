/* orthogonal: weights whose columns, or rows if there are fewer, have length `gain` and stand at
 * right angles, as torch.nn.init.orthogonal_ (Saxe, McClelland, Ganguli, "Exact solutions to the
 * nonlinear dynamics of learning in deep linear neural networks", 2014). A tensor counts as a
 * matrix of dims[0] rows.
 *
 * Normal draws made orthogonal by the modified method of Gram and Schmidt in double: the Q of
 * their QR decomposition with a positive diagonal in R, which is unique. */
#include "core/init.h"

#include <stdlib.h>

/* With n vectors of length m the work is n²·m multiply-adds twice over, by one thread at the start
 * of a job: seconds at this limit. The scratch memory is 8·n·m bytes. */
#define WORK_LIMIT ((int64_t)1 << 33)
#define NUMBERS_LIMIT ((int64_t)1 << 24)

/* clang-format off */
static const struct field rows[] = {
    {.name = "gain", .type = FIELD_REAL, .offset = offsetof(struct orthogonal_options, gain),
     .min = 0, .max = 1e6, .fallback = 1, .help = "length of the rows or columns"},
};
/* clang-format on */

/* The vectors that become orthogonal: the columns, or the rows where there are fewer of them. */
struct vectors {
    int64_t count, length;
    bool columns;
    double *v; /* (count, length) */
};

static struct vectors vectors_of(const struct plan_tensor *tensor)
{
    int64_t down = tensor->dims[0], across = tensor->count / down;
    bool columns = across <= down;
    return (struct vectors){
        .count = columns ? across : down, .length = columns ? down : across, .columns = columns};
}

/* Where number `at` of vector `i` stands in the tensor. */
static int64_t place(const struct vectors *all, int64_t i, int64_t at)
{
    return all->columns ? at * all->count + i : i * all->length + at;
}

/* In fixed lanes, so that every instruction set adds in the same order. */
VECTOR_CLONES static double product(const double *a, const double *b, int64_t length)
{
    enum { LANES = 8 };
    double lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES)
        for (int64_t lane = 0; lane < LANES; lane++)
            lanes[lane] += a[i + lane] * b[i + lane];
    for (int64_t lane = 0; i < length; i++, lane++)
        lanes[lane] += a[i] * b[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
           ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

VECTOR_CLONES static void subtract(double *restrict a, const double *restrict b, double factor,
                                   int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        a[i] -= factor * b[i];
}

static void make_orthogonal(const struct vectors *all)
{
    for (int64_t i = 0; i < all->count; i++) {
        double *v = all->v + i * all->length;
        for (int64_t j = 0; j < i; j++) {
            const double *before = all->v + j * all->length;
            subtract(v, before, product(before, v, all->length), all->length);
        }
        double size = sqrt(product(v, v, all->length));
        for (int64_t at = 0; size > 0 && at < all->length; at++)
            v[at] /= size;
    }
}

static bool fill(const struct init_fill *fill, struct error *error)
{
    double gain = ((const struct orthogonal_options *)fill->options)->gain;
    struct vectors all = vectors_of(fill->tensor);

    all.v = malloc((size_t)fill->tensor->count * sizeof *all.v);
    if (!all.v)
        return error_set(error, ERROR_MEMORY, fill->tensor->name,
                         "no memory for orthogonal weights");
    for (int64_t i = 0; i < all.count; i++)
        for (int64_t at = 0; at < all.length; at++)
            all.v[i * all.length + at] = rng_normal(fill->rng, (uint64_t)place(&all, i, at));
    make_orthogonal(&all);
    for (int64_t i = 0; i < all.count; i++)
        for (int64_t at = 0; at < all.length; at++)
            fill->out[place(&all, i, at)] = (real)(gain * all.v[i * all.length + at]);
    free(all.v);
    return true;
}

static const char *check(const void *options, const struct plan_tensor *tensor)
{
    struct vectors all = vectors_of(tensor);
    (void)options;
    if (tensor->count > NUMBERS_LIMIT || saturating_product(tensor->count, all.count) > WORK_LIMIT)
        return "this weight is too large to be made orthogonal: take kaiming_normal or "
               "xavier_normal";
    return NULL;
}

const struct init_kind init_orthogonal = {
    .kind = {"orthogonal",
             "rows or columns at right angles; for weights of up to about 2048 × 2048",
             {rows, COUNT_OF(rows), sizeof(struct orthogonal_options)}},
    .wants_fans = true,
    .fill = fill,
    .check = check,
};
