/* products.c: matrix products by the names that say how many dims there are, and those that are added
 * to something: made of matmul, whose rules of order and gradient they have. */
#include "ops/common.h"

/* ---- products of two */

/* What an operand is: its dims, and which letter each is; equal letters are equal extents. */
typedef struct {
    const char *a, *b;
} pattern;

static bool fits(hone_context *ctx, const pattern *p, const hone_tensor *a, const hone_tensor *b)
{
    int64_t extent[128];
    const hone_tensor *const t[] = { a, b };
    const char *const letters[] = { p->a, p->b };
    bool good = true;
    for (int i = 0; i < 128; i++)
        extent[i] = -1;
    for (int i = 0; good && i < 2; i++) {
        int n = 0;
        for (; good && letters[i][n]; n++) {
            int64_t *known = &extent[(int)letters[i][n]];
            good = n < t[i]->ndim && (*known < 0 || *known == t[i]->shape[n]);
            *known = good ? t[i]->shape[n] : 0;
        }
        good = good && n == t[i]->ndim;
    }
    if (!good)
        hone_error_set(HONE_E_SHAPE, "%s: %s x %s, but [%s] x [%s] are wanted, an extent a letter",
                       hone__call_name(ctx), hone__tensor_text(a).s, hone__tensor_text(b).s, p->a,
                       p->b);
    return good;
}

static hone_tensor *product(hone_context *ctx, const pattern *p, hone_tensor *a, hone_tensor *b)
{
    return fits(ctx, p, a, b) ? hone_matmul(a, b) : NULL;
}

#define PRODUCT(op, left, right)                                                                   \
    static const pattern op##_pattern = { left, right };                                           \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, product(ctx, &op##_pattern, in[0], in[1]));                         \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "a" }, { "b" } },                                                                \
        .composite = true,                                                                         \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)
PRODUCT(mm, "nk", "km")
PRODUCT(bmm, "bnk", "bkm")
PRODUCT(mv, "nk", "k")
PRODUCT(dot, "k", "k")

static const pattern outer_pattern = { "n", "m" };

static hone_tensor *outer_of(hone_context *ctx, hone_tensor *a, hone_tensor *b)
{
    return fits(ctx, &outer_pattern, a, b) ? hone_mul(hone_unsqueeze(a, 1), b) : NULL;
}

static bool outer_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, outer_of(ctx, in[0], in[1]));
}

const hone__op hone__op_outer = {
    .name = "outer", .forward = outer_forward, .in = { { "a" }, { "b" } }, .composite = true
};
HONE__ENTRY_XX(outer, a, b)

/* ---- beta input + alpha product */

typedef struct {
    double beta, alpha;
} scale_options;

static const hone__option scale_table[] = {
    HONE__OPTION(scale_options, beta, HONE__OPT_FLOAT, .standard = 1),
    HONE__OPTION(scale_options, alpha, HONE__OPT_FLOAT, .standard = 1),
    { NULL },
};

static hone_tensor *times(hone_tensor *t, double s)
{
    return s == 1 ? t : hone_mul_scalar(t, s);
}

/* The input is not looked at where beta is 0. */
static hone_tensor *added(hone_context *ctx, hone_tensor *input, hone_tensor *product)
{
    const scale_options *o = hone__options(ctx);
    if (!product)
        return NULL;
    bool suits = input->dtype == product->dtype && input->ndim <= product->ndim;
    for (int d = 0; suits && d < input->ndim; d++) {
        const int64_t extent = product->shape[d + product->ndim - input->ndim];
        suits = input->shape[d] == 1 || input->shape[d] == extent;
    }
    if (!suits) {
        hone_error_set(input->dtype == product->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "%s: input %s can't be added to the product %s", hone__call_name(ctx),
                       hone__tensor_text(input).s, hone__tensor_text(product).s);
        return NULL;
    }
    hone_tensor *scaled = times(product, o->alpha);
    if (o->beta == 0)
        return scaled;
    return hone_add(o->beta == 1 ? input : times(hone__expanded_to(input, product), o->beta),
                    scaled);
}

static hone_tensor *sum_of_products(hone_context *ctx, hone_tensor *a, hone_tensor *b)
{
    return fits(ctx, &bmm_pattern, a, b) ? hone_sum_dim(hone_matmul(a, b), 0, false) : NULL;
}

#define ADDED(op, product_)                                                                        \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, added(ctx, in[0], product_));                                       \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "input" }, { "a" }, { "b" } },                                                   \
        .options = scale_table,                                                                    \
        .options_bytes = sizeof(scale_options),                                                    \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *input, hone_tensor *a, hone_tensor *b, double beta,        \
                           double alpha)                                                           \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(input, a, b), &(scale_options){ beta, alpha });       \
    }
ADDED(baddbmm, product(ctx, &bmm_pattern, in[1], in[2]))
ADDED(addmm_scaled, product(ctx, &mm_pattern, in[1], in[2]))
ADDED(addbmm, sum_of_products(ctx, in[1], in[2]))
ADDED(addmv, product(ctx, &mv_pattern, in[1], in[2]))
ADDED(addr, outer_of(ctx, in[1], in[2]))
