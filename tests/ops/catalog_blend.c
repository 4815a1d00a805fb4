/* catalog_blend.c: rows of src/ops/blend.c and products.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

/* ---- elementwise */

static double addcmul(const catalog_row *row, const double *in)
{
    return in[0] + catalog_float(row, "value") * in[1] * in[2];
}

static double addcdiv(const catalog_row *row, const double *in)
{
    return in[0] + catalog_float(row, "value") * in[1] / in[2];
}

static double add_alpha(const catalog_row *row, const double *in)
{
    return in[0] + catalog_float(row, "alpha") * in[1];
}

static double sub_alpha(const catalog_row *row, const double *in)
{
    return in[0] - catalog_float(row, "alpha") * in[1];
}

static double lerp(const catalog_row *row, const double *in)
{
    (void)row;
    return in[0] + in[2] * (in[1] - in[0]);
}

static double lerp_scalar(const catalog_row *row, const double *in)
{
    return in[0] + row->s * (in[1] - in[0]);
}

static const char *const three[] = { "3x4 3x4 3x4", "3x4:t 4 .", "4x3x2:s 3x1 2", "1 3x4 4x1x1",
                                     ". . .",       "2x0 1 0",   "3x5:e 5 3x1",   NULL };

/* ---- products: the extents of a and b, and whether there is a batch */

typedef struct {
    int64_t batch, n, k, m;
} extents;

static extents extents_of(const char *op, const catalog_array *a, const catalog_array *b)
{
    extents e = { 1, 1, 1, 1 };
    int d = 0;
    if (strstr(op, "bmm"))
        e.batch = a->shape[d++];
    if (strcmp(op, "dot") != 0)
        e.n = a->shape[d++];
    if (strcmp(op, "outer") != 0 && strcmp(op, "addr") != 0)
        e.k = a->shape[d];
    if (strcmp(op, "dot") != 0 && !strstr(op, "mv"))
        e.m = b->shape[b->ndim - 1];
    return e;
}

static double element(const catalog_array *a, const catalog_array *b, const extents *e,
                      int64_t batch, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < e->k; k++)
        sum += a->at[(batch * e->n + i) * e->k + k] * b->at[(batch * e->k + k) * e->m + j];
    return sum;
}

static void product_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const bool adds = n_in == 3, sums = strcmp(row->op, "addbmm") == 0;
    const catalog_array *a = &in[adds], *b = &in[adds + 1];
    const extents e = extents_of(row->op, a, b);
    int64_t shape[3];
    int ndim = 0;
    if (strstr(row->op, "bmm") && !sums)
        shape[ndim++] = e.batch;
    if (strcmp(row->op, "dot") != 0)
        shape[ndim++] = e.n;
    if (strcmp(row->op, "dot") != 0 && !strstr(row->op, "mv"))
        shape[ndim++] = e.m;
    catalog_shape(out, a->dtype, ndim, shape);
    const double beta = adds ? catalog_float(row, "beta") : 0;
    const double alpha = adds ? catalog_float(row, "alpha") : 1;
    for (int64_t q = 0; q < out->numel; q++) {
        const int64_t i = q / e.m % e.n, j = q % e.m, batch = q / e.m / e.n;
        double value = sums ? 0 : element(a, b, &e, batch, i, j);
        for (int64_t s = 0; sums && s < e.batch; s++)
            value += element(a, b, &e, s, i, j);
        out->at[q] = alpha * value;
        int64_t from = 0, size = 1, rest = q; /* input, broadcast */
        for (int d = ndim - 1; adds && d >= 0; rest /= shape[d--]) {
            const int own = d - (ndim - in->ndim);
            if (own < 0)
                continue;
            from += (in->shape[own] == 1 ? 0 : rest % shape[d]) * size;
            size *= in->shape[own];
        }
        out->at[q] += adds ? beta * in->at[from] : 0;
    }
}

/* ---- rows */

#define ADDC(name, text, fill, types, f_)                                                          \
    {                                                                                              \
        .op = name, .note = text, .attributes = text, .cases = three, .bits = "70x130:t 130 70x1", \
        .in = { { catalog_any }, { catalog_any }, { fill } }, .oracle = catalog_elementwise,       \
        .f = f_, .dtypes = types, .ulps = 8, .scale = 10                                           \
    }
#define ALPHA(f_, text, types)                                                                     \
    {                                                                                              \
        .op = #f_, .note = text, .attributes = text, .cases = catalog_cases_binary,                \
        .bits = "70x130:t 130", .in = { { catalog_any } }, .oracle = catalog_elementwise, .f = f_, \
        .dtypes = types, .ulps = 8, .scale = 10                                                    \
    }
#define LERP(s_)                                                                                   \
    {                                                                                              \
        .op = "lerp_scalar", .note = #s_, .s = s_, .cases = catalog_cases_binary,                  \
        .bits = "70x130:t 130", .in = { { catalog_any } }, .oracle = catalog_elementwise,          \
        .f = lerp_scalar, .ulps = 8, .scale = 4                                                    \
    }
#define PRODUCT(name, bits_, ...)                                                                  \
    {                                                                                              \
        .op = name, .bits = bits_, .cases = (const char *const[]){ __VA_ARGS__, NULL },            \
        .in = { { catalog_any } }, .oracle = product_oracle, .ulps = 8, .scale = 40                \
    }
#define ADDED(name, text, bits_, ...)                                                              \
    {                                                                                              \
        .op = name, .note = text, .attributes = text, .bits = bits_,                               \
        .cases = (const char *const[]){ __VA_ARGS__, NULL }, .in = { { catalog_any } },            \
        .oracle = product_oracle, .ulps = 8, .scale = 40                                           \
    }

static const catalog_row rows[] = {
    ADDC("addcmul", "value=1", catalog_any, CATALOG_NUMBERS, addcmul),
    ADDC("addcmul", "value=-3", catalog_any, CATALOG_FLOATS | CATALOG_BIT(HONE_I64), addcmul),
    ADDC("addcmul", "value=0.25", catalog_any, 0, addcmul),
    ADDC("addcdiv", "value=1", catalog_positive, 0, addcdiv),
    ADDC("addcdiv", "value=-0.5", catalog_positive, 0, addcdiv),
    ALPHA(add_alpha, "alpha=2", CATALOG_FLOATS | CATALOG_BIT(HONE_I64) | CATALOG_BIT(HONE_I32)),
    ALPHA(add_alpha, "alpha=-0.75", 0),
    ALPHA(sub_alpha, "alpha=3", CATALOG_FLOATS | CATALOG_BIT(HONE_I64)),
    { .op = "lerp",
      .cases = three,
      .bits = "70x130:t 130 70x1",
      .in = { { catalog_any } },
      .oracle = catalog_elementwise,
      .f = lerp,
      .ulps = 8,
      .scale = 8 },
    LERP(0.25),
    LERP(0.75),
    LERP(-1.5),
    PRODUCT("mm", "70x130 130x33", "3x4 4x2", "3x4:t 4x2:s", "0x4 4x2", "3x0 0x2", "3x4:e 4x1"),
    PRODUCT("bmm", "3x70x33 3x33x40", "2x3x4 2x4x2", "2x3x4:t 2x4x2:s", "0x3x4 0x4x2",
            "2x3x0 2x0x2"),
    PRODUCT("mv", "70x130 130", "3x4 4", "3x4:t 4:s", "0x4 4", "3x0 0"),
    PRODUCT("dot", "9000 9000", "4 4", "4 4:s", "0 0", "1 1"),
    PRODUCT("outer", "70 130", "3 4", "3:s 4:s", "0 4", "1 1"),
    ADDED("addmm_scaled", "beta=1 alpha=1", "70x33 70x130 130x33", "3x2 3x4 4x2",
          "3x1:t 3x4:t 4x2:s", ". 0x4 4x2"),
    ADDED("addmm_scaled", "beta=0.5 alpha=-2", "33 70x130 130x33", "2 3x4 4x2"),
    ADDED("baddbmm", "beta=1 alpha=1", "3x70x40 3x70x33 3x33x40", "2x3x2 2x3x4 2x4x2",
          "3x1:t 2x3x4:t 2x4x2:s", ". 0x3x4 0x4x2"),
    ADDED("baddbmm", "beta=0.5 alpha=-2", "40 3x70x33 3x33x40", "2x3x2:s 2x3x4 2x4x2"),
    ADDED("addbmm", "beta=1 alpha=1", "70x40 3x70x33 3x33x40", "3x2 2x3x4 2x4x2",
          "3x1:t 2x3x4:t 2x4x2:s", ". 0x3x4 0x4x2"),
    ADDED("addbmm", "beta=-1 alpha=0.5", "40 3x70x33 3x33x40", "3x2:s 2x3x4 2x4x2"),
    ADDED("addmv", "beta=1 alpha=1", "70 70x130 130", "3 3x4 4", "1 3x4:t 4:s", ". 3x0 0"),
    ADDED("addmv", "beta=3 alpha=0.5", "70 70x130 130", "3 3x4 4"),
    ADDED("addr", "beta=1 alpha=1", "70x130 70 130", "3x4 3 4", "4 3:s 4:s", "0x4 0 4"),
    ADDED("addr", "beta=0.25 alpha=2", "130 70 130", "3x4 3 4"),
};
CATALOG_FAMILY(blend);
