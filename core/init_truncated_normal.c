/* truncated_normal: a normal distribution of which only what lies between a and b is drawn, as
 * torch.nn.init.trunc_normal_: the quantile of a uniform draw between the ends' probabilities. */
#include "core/init.h"

#define AT(member) offsetof(struct truncated_normal_options, member)

/* clang-format off */
static const struct field rows[] = {
    {.name = "mean", .type = FIELD_REAL, .offset = AT(mean), .min = -1e6, .max = 1e6,
     .help = "mean of the whole distribution"},
    {.name = "std", .type = FIELD_REAL, .flags = FIELD_ABOVE_MIN, .offset = AT(std), .min = 0,
     .max = 1e6, .fallback = 1, .help = "its standard deviation"},
    {.name = "a", .type = FIELD_REAL, .offset = AT(a), .min = -1e6, .max = 1e6, .fallback = -2,
     .help = "nothing below is drawn: a value, not a number of deviations"},
    {.name = "b", .type = FIELD_REAL, .offset = AT(b), .min = -1e6, .max = 1e6, .fallback = 2,
     .help = "nothing above is drawn"},
};
/* clang-format on */

/* a₀ + a₁x + … */
static double polynomial(const double *a, int count, double x)
{
    double sum = 0;
    while (count-- > 0)
        sum = sum * x + a[count];
    return sum;
}

/* Ratios of polynomials of degree seven, the denominators beginning with 1. */
enum { TERMS = 8 };

static double ratio(const double of[2][TERMS], double x)
{
    return polynomial(of[0], TERMS, x) / polynomial(of[1], TERMS, x);
}

/* Below which a standard normal draw falls with probability p: algorithm AS 241 (Wichura, "The
 * percentage points of the normal distribution", Applied Statistics 37, 1988), right to about
 * sixteen digits. Its three ratios serve the middle, the tails and the far tails. */
static double quantile(double p)
{
    static const double middle[2][TERMS] = {
        {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
         1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
         3.3430575583588128105e4, 2.5090809287301226727e3},
        {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
         2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
         5.2264952788528545610e3}};
    static const double tail[2][TERMS] = {
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
         3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
         2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
         1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
         1.05075007164441684324e-9}};
    static const double far[2][TERMS] = {
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
         2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
         2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
         2.04426310338993978564e-15}};
    double away = p - 0.5;

    if (fabs(away) <= 0.425)
        return away * ratio(middle, 0.180625 - away * away);
    double r = sqrt(-log(away < 0 ? p : 1 - p));
    double z = r <= 5 ? ratio(tail, r - 1.6) : ratio(far, r - 5);
    return away < 0 ? -z : z;
}

/* The probability of a standard normal draw below z. */
static double probability(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/* What is drawn, in deviations from the mean. What lies above the mean is mirrored, because
 * probabilities near 0 have digits that those near 1 have not. */
struct span {
    double low, high; /* probabilities */
    bool mirrored;
};

static struct span span_of(const struct truncated_normal_options *o)
{
    double a = (o->a - o->mean) / o->std, b = (o->b - o->mean) / o->std;
    bool mirrored = a > 0;
    return (struct span){.low = probability(mirrored ? -b : a),
                         .high = probability(mirrored ? -a : b),
                         .mirrored = mirrored};
}

static bool fill(const struct init_fill *fill, struct error *error)
{
    const struct truncated_normal_options *o = fill->options;
    const struct span span = span_of(o);
    (void)error;

    for (int64_t k = 0; k < fill->tensor->count; k++) {
        double u = rng_uniform(fill->rng, (uint64_t)k);
        double share = span.mirrored ? 1 - u : u;
        double z = quantile(span.low + (span.high - span.low) * share);
        double value = o->mean + o->std * (span.mirrored ? -z : z);
        fill->out[k] = (real)fmin(fmax(value, o->a), o->b);
    }
    return true;
}

static const char *check(const void *options, const struct plan_tensor *tensor)
{
    const struct truncated_normal_options *o = options;
    (void)tensor;
    if (!(o->a < o->b))
        return "a must be below b";
    struct span span = span_of(o);
    return span.high > span.low ? NULL : "the distribution has nothing between a and b";
}

const struct init_kind init_truncated_normal = {
    .kind = {"truncated_normal",
             "normal distribution without what lies outside a … b",
             {rows, COUNT_OF(rows), sizeof(struct truncated_normal_options)}},
    .fill = fill,
    .check = check,
};
