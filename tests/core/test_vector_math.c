/* exp and its relatives against the C library's in double. */
#include "tests/harness.h"

#include "core/field.h"
#include "core/vector_math.h"

#include <inttypes.h>

/* Patterns of bits that are looked at: every so manieth, a prime number. */
enum { STEP = 1021 };

static double true_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

struct subject {
    const char *name;
    real (*ours)(real x);
    double (*wanted)(double x);
};

static const struct subject subjects[] = {
    {"exp", vector_exp, exp},    {"expm1", vector_expm1, expm1},
    {"tanh", vector_tanh, tanh}, {"sigmoid", vector_sigmoid, true_sigmoid},
    {"erf", vector_erf, erf},
};

/* The distance of neighbouring floats where `value` lies. */
static double unit(double value)
{
    int exponent;

    frexp(value, &exponent);
    return ldexp(1, exponent - 24 > -149 ? exponent - 24 : -149);
}

static void check_at(const struct subject *s, real x)
{
    double got = (double)s->ours(x), wanted = s->wanted((double)x);

    if (isnan(x) ? isnan(got) : got == (double)(real)wanted)
        return;
    if (!(fabs(got - wanted) <= 2 * unit(wanted)))
        FAIL("%s(%a) is %.9g, not %.9g: %.2f units off", s->name, (double)x, got, wanted,
             (got - wanted) / unit(wanted));
}

TEST("exp, expm1, tanh, sigmoid and erf are right to two units in the last place, for all floats")
{
    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        for (uint64_t pattern = 0; pattern <= UINT32_MAX; pattern += STEP) {
            uint32_t bits = (uint32_t)pattern;
            real x;

            memcpy(&x, &bits, sizeof(x));
            check_at(&subjects[i], x);
        }
}

TEST("they keep NaN and infinities, and results too large or too small for normal numbers")
{
    static const real edges[] = {0,
                                 (real)-0.0,
                                 (real)INFINITY,
                                 (real)-INFINITY,
                                 (real)NAN,
                                 (real)-NAN,
                                 (real)3.4e38,
                                 (real)-3.4e38,
                                 (real)1e-45,
                                 (real)-1e-45,
                                 (real)1.17549435e-38,
                                 (real)88.72283,
                                 (real)88.7229,
                                 (real)-87.3365,
                                 (real)-103.27892,
                                 (real)-103.97207,
                                 (real)-103.98,
                                 (real)-150,
                                 (real)89,
                                 (real)17.5,
                                 (real)-17.5,
                                 (real)9.01,
                                 (real)-9.02,
                                 (real)4,
                                 (real)-4,
                                 1,
                                 -1};

    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        for (size_t k = 0; k < COUNT_OF(edges); k++)
            check_at(&subjects[i], edges[k]);
    CHECK(vector_exp((real)-INFINITY) == 0 && isinf(vector_exp((real)INFINITY)));
    CHECK(vector_sigmoid((real)-INFINITY) == 0 && vector_sigmoid((real)INFINITY) == 1);
    CHECK(vector_sigmoid(-100) > 0 && vector_exp(-100) > 0);
    CHECK(vector_tanh((real)-INFINITY) == -1 && vector_erf((real)INFINITY) == 1);
}
