/* Matrix products over views: against plain loops in double, and for every instruction set the same
 * digits. */
#include "tests/harness.h"

#include "core/field.h"
#include "core/gemm.h"
#include "tests/core/support_lot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 6, A_NUMBERS = 16384, B_NUMBERS = 72000, B_PANEL = 14000, SETS = 3 };

static const char *const sets[SETS] = {"baseline", "avx2", "avx512"};

/* A random product. Its rows of C lie apart; those of A and B need not. */
struct product {
    struct gemm gemm;
    struct gemm_place rows[PLACES_MAX], inner[PLACES_MAX];
    real *a, *b, *c, *start;
    int64_t c_count;
};

static real *drawn(int64_t count, uint64_t seed)
{
    real *values = malloc((size_t)count * sizeof(*values));

    CHECK(values != NULL);
    fill_symmetric(values, count, seed, 0);
    return values;
}

static void roll_places(struct dice *dice, struct gemm_place *places, int64_t count, int64_t run)
{
    for (int64_t i = 0; i < count; i++)
        places[i] = (struct gemm_place){roll(dice, 0, 5000), 0, roll(dice, 1, run)};
}

/* C is cut up by where the rows stand, so that no two of them overlap. */
static void place_rows(struct product *p, int64_t width)
{
    struct gemm_axis *rows = &p->gemm.rows;

    for (int64_t i = 0; i < rows->count; i++) {
        p->rows[i].other = p->c_count;
        p->c_count += p->rows[i].run * rows->other_step;
    }
    p->gemm.c_panel = rows->other_step >= width ? GEMM_LANES : p->c_count;
    p->c_count = p->gemm.c_panel * ((p->gemm.columns + GEMM_LANES - 1) / GEMM_LANES) + p->c_count;
}

static void roll_product(uint64_t number, struct product *p)
{
    struct dice dice = {{number, RNG_SYNTHETIC, 8}, 0};
    bool lanewise = roll(&dice, 0, 4) == 0, plain = roll(&dice, 0, 1) == 0;
    int64_t columns = lanewise ? GEMM_LANES : roll(&dice, 1, 70);

    memset(p, 0, sizeof(*p));
    p->gemm = (struct gemm){
        .rows = {p->rows, roll(&dice, 1, PLACES_MAX), roll(&dice, 1, 40), GEMM_LANES},
        .inner = {p->inner, roll(&dice, 1, PLACES_MAX), roll(&dice, 1, 3), GEMM_LANES},
        .columns = columns,
        .b_panel = B_PANEL,
        .add = roll(&dice, 0, 1) == 0,
        .lanewise = lanewise};
    if (plain && !lanewise)
        p->gemm.rows.other_step = columns + roll(&dice, 0, 3);
    else if (columns > GEMM_LANES)
        p->gemm.columns = (columns + GEMM_LANES - 1) / GEMM_LANES * GEMM_LANES;
    roll_places(&dice, p->rows, p->gemm.rows.count, roll(&dice, 0, 3) == 0 ? 30 : 5);
    roll_places(&dice, p->inner, p->gemm.inner.count, roll(&dice, 0, 5) == 0 ? 700 : 40);
    for (int64_t i = 0; i < p->gemm.inner.count; i++)
        p->inner[i].other = roll(&dice, 0, 2000);
    place_rows(p, plain ? p->gemm.columns : INT64_MAX);
    p->gemm.a = p->a = drawn(A_NUMBERS, number);
    p->gemm.b = p->b = drawn(B_NUMBERS, number + 1000);
    p->c = drawn(p->c_count, number + 2000);
    p->start = drawn(96, number + 3000);
    p->gemm.start = roll(&dice, 0, 1) == 0 ? p->start : NULL;
}

static void product_drop(struct product *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->start);
}

/* Number (row, column) by its definition; *mass is what rounding errors are measured against. */
static double wanted_at(const struct product *p, int64_t a, double before, int64_t column,
                        double *mass)
{
    const struct gemm *g = &p->gemm;
    const real *b = g->b + column / GEMM_LANES * g->b_panel + column % GEMM_LANES;
    double sum = g->add ? before : g->start ? (double)g->start[column] : 0;

    *mass = fabs(sum);
    for (int64_t i = 0; i < g->inner.count; i++)
        for (int64_t k = 0; k < p->inner[i].run; k++) {
            int64_t at = a + p->inner[i].a + k * g->inner.a_step + (g->lanewise ? column : 0);
            double product =
                (double)g->a[at] * (double)b[p->inner[i].other + k * g->inner.other_step];

            sum += product;
            *mass += fabs(product);
        }
    return sum;
}

static void check_product(const struct product *p, const real *c, uint64_t number)
{
    const struct gemm *g = &p->gemm;
    bool *ours = calloc((size_t)p->c_count, sizeof(*ours));

    CHECK(ours != NULL);
    for (int64_t i = 0; i < g->rows.count; i++)
        for (int64_t k = 0; k < p->rows[i].run; k++)
            for (int64_t column = 0; column < g->columns; column++) {
                int64_t at = p->rows[i].other + k * g->rows.other_step +
                             column / GEMM_LANES * g->c_panel + column % GEMM_LANES;
                double mass, wanted = wanted_at(p, p->rows[i].a + k * g->rows.a_step,
                                                (double)p->c[at], column, &mass);

                ours[at] = true;
                if (!(fabs((double)c[at] - wanted) <= 1e-6 * mass))
                    FAIL("product %" PRIu64 ": C[%" PRId64 "] is %g, not %g", number, at,
                         (double)c[at], wanted);
            }
    for (int64_t at = 0; at < p->c_count; at++)
        CHECK(ours[at] || c[at] == p->c[at]);
    free(ours);
}

TEST("products over views are what plain loops give, and nothing else in C is touched")
{
    for (uint64_t number = 0; number < 400; number++) {
        struct product p;
        real *c;

        roll_product(number, &p);
        c = malloc((size_t)p.c_count * sizeof(*c));
        CHECK(c != NULL);
        memcpy(c, p.c, (size_t)p.c_count * sizeof(*c));
        p.gemm.c = c;
        gemm_run(gemm_best(), &p.gemm);
        check_product(&p, c, number);
        free(c);
        product_drop(&p);
    }
}

TEST("every instruction set gives the same digits, of products and of single rows of them")
{
    const struct gemm_kernel *kernels[SETS];

    for (int set = 0; set < SETS; set++) {
        CHECK(setenv("TRAIND_MAX_ISA", sets[set], 1) == 0);
        kernels[set] = gemm_best();
    }
    for (uint64_t number = 0; number < 300; number++) {
        real *c[SETS];
        struct product p;
        size_t bytes;

        roll_product(number, &p);
        bytes = (size_t)p.c_count * sizeof(real);
        for (int set = 0; set < SETS; set++) {
            c[set] = malloc(bytes);
            CHECK(c[set] != NULL);
            memcpy(c[set], p.c, bytes);
            p.gemm.c = c[set];
            gemm_run(kernels[set], &p.gemm);
            CHECK(memcmp(c[set], c[0], bytes) == 0);
        }
        /* The first run of rows alone. */
        memcpy(c[1], p.c, bytes);
        p.gemm.c = c[1];
        p.gemm.rows.count = 1;
        gemm_run(kernels[SETS - 1], &p.gemm);
        for (int64_t i = 0; i < p.c_count; i++)
            CHECK(c[1][i] == c[0][i] || c[1][i] == p.c[i]);
        for (int set = 0; set < SETS; set++)
            free(c[set]);
        product_drop(&p);
    }
}
