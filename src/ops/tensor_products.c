/* tensor_products.c: tensordot, inner, kron, cross, bilinear, distances: made of products and norms, which
 * record themselves. */
#include "ops/common.h"
#include "runtime/memory.h"

#include <hone/shapes.h>

#include <math.h>

/* ---- tensordot: over the dims dims_a of a and dims_b of b */

typedef struct {
    hone__shape dims_a, dims_b;
} dot_options;

static const hone__option dot_table[] = {
    HONE__OPTION(dot_options, dims_a, HONE__OPT_DIMS),
    HONE__OPTION(dot_options, dims_b, HONE__OPT_DIMS),
    { NULL },
};

/* x as a matrix: the dims in `taken` together, the others (whose extents are added to `shape`) too. */
static hone_tensor *as_matrix(hone_tensor *x, const int *taken, int n, bool taken_last,
                              hone__shape *shape)
{
    int64_t order[HONE_MAX_DIMS + 1], rows = 1, sum = 1;
    int at = taken_last ? 0 : n;
    for (int d = 0; d < x->ndim; d++) {
        bool is_taken = false;
        for (int i = 0; i < n; i++)
            is_taken = is_taken || taken[i] == d;
        if (is_taken)
            continue;
        order[at++] = d;
        rows *= x->shape[d];
        shape->shape[shape->ndim++] = x->shape[d];
    }
    for (int i = 0; i < n; i++) {
        order[taken_last ? at + i : i] = taken[i];
        sum *= x->shape[taken[i]];
    }
    order[x->ndim] = HONE_END_DIM;
    hone_tensor *turned = x->ndim ? hone_permute_v(x, order) : x;
    return taken_last ? hone_reshape(turned, rows, sum) : hone_reshape(turned, sum, rows);
}

static hone_tensor *tensordot_of(const char *name, hone_tensor *a, hone_tensor *b,
                                 const hone__shape *of_a, const hone__shape *of_b)
{
    int in_a[HONE_MAX_DIMS], in_b[HONE_MAX_DIMS];
    unsigned seen_a = 0, seen_b = 0;
    bool fits = of_a->ndim == of_b->ndim && a->ndim + b->ndim - 2 * of_a->ndim <= HONE_MAX_DIMS;
    for (int i = 0; fits && i < of_a->ndim; i++) {
        in_a[i] = a->ndim ? hone__dim_index(name, a, of_a->shape[i]) : -1;
        in_b[i] = in_a[i] < 0 || !b->ndim ? -1 : hone__dim_index(name, b, of_b->shape[i]);
        if (in_b[i] < 0 && a->ndim && b->ndim)
            return NULL;
        fits = in_b[i] >= 0 && a->shape[in_a[i]] == b->shape[in_b[i]] && !(seen_a >> in_a[i] & 1) &&
               !(seen_b >> in_b[i] & 1);
        if (fits) {
            seen_a |= 1u << in_a[i];
            seen_b |= 1u << in_b[i];
        }
    }
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "%s: the dims of %s and %s don't fit each other", name,
                       hone__tensor_text(a).s, hone__tensor_text(b).s);
        return NULL;
    }
    hone__shape shape = { 0 };
    int64_t room[HONE_MAX_DIMS + 1];
    hone_tensor *left = as_matrix(a, in_a, of_a->ndim, true, &shape);
    hone_tensor *right = as_matrix(b, in_b, of_a->ndim, false, &shape);
    return hone_reshape_v(hone_matmul(left, right), hone__ended(&shape, room));
}

static bool tensordot_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const dot_options *o = hone__options(ctx);
    return hone__give(out, tensordot_of("tensordot", in[0], in[1], &o->dims_a, &o->dims_b));
}

const hone__op hone__op_tensordot = {
    .name = "tensordot",
    .forward = tensordot_forward,
    .in = { { "a" }, { "b" } },
    .options = dot_table,
    .options_bytes = sizeof(dot_options),
    .composite = true,
};

hone_tensor *hone_tensordot_v(hone_tensor *a, hone_tensor *b, const int64_t *dims_a_end,
                              const int64_t *dims_b_end)
{
    dot_options o = { { 0 }, { 0 } };
    return hone__read_dims("tensordot", dims_a_end, &o.dims_a) &&
                   hone__read_dims("tensordot", dims_b_end, &o.dims_b)
               ? hone__call(&hone__op_tensordot, IN(a, b), &o)
               : NULL;
}

/* ---- inner: over the last dims; a 0-d tensor is a factor */

static bool inner_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone__shape last = { .ndim = 1, .shape = { -1 } };
    (void)ctx, (void)n_in;
    if (in[0]->ndim == 0 || in[1]->ndim == 0)
        return hone__give(out, hone_mul(in[0], in[1]));
    return hone__give(out, tensordot_of("inner", in[0], in[1], &last, &last));
}

/* ---- kron: every element of a times b */

static bool kron_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *a = in[0], *b = in[1];
    const int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    (void)ctx, (void)n_in;
    if (2 * ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "kron: up to %d dims are possible, got %s and %s",
                       HONE_MAX_DIMS / 2, hone__tensor_text(a).s, hone__tensor_text(b).s);
        return false;
    }
    int64_t of_a[HONE_MAX_DIMS + 1], of_b[HONE_MAX_DIMS + 1], shape[HONE_MAX_DIMS + 1];
    for (int d = 0; d < ndim; d++) {
        const int from_a = d - ndim + a->ndim, from_b = d - ndim + b->ndim;
        of_a[2 * d] = from_a < 0 ? 1 : a->shape[from_a];
        of_b[2 * d + 1] = from_b < 0 ? 1 : b->shape[from_b];
        of_a[2 * d + 1] = of_b[2 * d] = 1;
        if (!hone__times(of_a[2 * d], of_b[2 * d + 1], shape + d))
            shape[d] = INT64_MAX;
    }
    of_a[2 * ndim] = of_b[2 * ndim] = shape[ndim] = HONE_END_DIM;
    return hone__give(
        out, hone_reshape_v(hone_mul(hone_reshape_v(a, of_a), hone_reshape_v(b, of_b)), shape));
}

#define PRODUCT(op)                                                                                \
    const hone__op hone__op_##op = {                                                               \
        .name = #op, .forward = op##_forward, .in = { { "a" }, { "b" } }, .composite = true        \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)
PRODUCT(inner)
PRODUCT(kron)

/* ---- cross: of vectors of 3 along dim */

static const hone__option cross_table[] = {
    HONE__OPTION(hone__dim_options, dim, HONE__OPT_INT, .standard = -1),
    { NULL },
};

static bool cross_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    int64_t room[HONE_MAX_DIMS + 1];
    (void)n_in;
    if (!hone__broadcast("cross", in, 2, &shape) || hone__take_dim(ctx, in[0]) < 0)
        return false;
    const int dim = hone__dim_of(ctx);
    if (in[0]->ndim != in[1]->ndim || in[0]->ndim == 0 || in[0]->shape[dim] != 3 ||
        in[1]->shape[dim] != 3) {
        hone_error_set(HONE_E_SHAPE, "cross: vectors of 3 along dim %d are wanted, got %s and %s",
                       dim, hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s);
        return false;
    }
    hone__ended(&shape, room);
    hone_tensor *a = hone_expand_v(in[0], room), *b = hone_expand_v(in[1], room);
    hone_tensor *plus = hone_mul(hone_roll(a, -1, dim), hone_roll(b, -2, dim));
    return hone__give(out, hone_sub(plus, hone_mul(hone_roll(a, -2, dim), hone_roll(b, -1, dim))));
}

const hone__op hone__op_cross = {
    .name = "cross",
    .forward = cross_forward,
    .in = { { "a" }, { "b" } },
    .options = cross_table,
    .options_bytes = sizeof(hone__dim_options),
    .composite = true,
};

hone_tensor *hone_cross(hone_tensor *a, hone_tensor *b, int dim)
{
    return hone__call(&hone__op_cross, IN(a, b), &(hone__dim_options){ dim });
}

/* ---- bilinear: x1 W x2 for each of the outputs */

/* W x2 for all outputs as one product, whose sum over samples goes on; then with x1. Whatever the
 * batch is, in this order. */
static hone_tensor *bilinear_of(hone_tensor *x1, hone_tensor *x2, hone_tensor *w)
{
    const int64_t outputs = w->shape[0], rows = w->shape[1];
    int64_t shape[HONE_MAX_DIMS + 2];
    hone_tensor *flat = hone_transpose(hone_reshape(w, outputs * rows, w->shape[2]), 0, 1);
    hone_tensor *t = hone_matmul(x2, flat);
    for (int d = 0; d < x2->ndim - 1; d++)
        shape[d] = x2->shape[d];
    shape[x2->ndim - 1] = outputs;
    shape[x2->ndim] = rows;
    shape[x2->ndim + 1] = HONE_END_DIM;
    return hone_einsum("...i,...oi->...o", hone_list(x1, hone_reshape_v(t, shape)));
}

static bool bilinear_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *x1 = in[0], *x2 = in[1], *w = in[2], *bias = n_in > 3 ? in[3] : HONE_NONE;
    (void)ctx;
    if (w->ndim != 3 || x1->ndim == 0 || x2->ndim != x1->ndim ||
        x1->shape[x1->ndim - 1] != w->shape[1] || x2->shape[x2->ndim - 1] != w->shape[2]) {
        hone_error_set(HONE_E_SHAPE,
                       "bilinear: %s, %s and the weight %s don't fit: [.., i], [.., j], [o, i, j]",
                       hone__tensor_text(x1).s, hone__tensor_text(x2).s, hone__tensor_text(w).s);
        return false;
    }
    hone_tensor *y = bilinear_of(x1, x2, w);
    return hone__give(out, bias == HONE_NONE ? y : hone_add(y, bias));
}

const hone__op hone__op_bilinear = {
    .name = "bilinear",
    .forward = bilinear_forward,
    .in = { { "x1" }, { "x2" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .composite = true,
};

hone_tensor *hone_bilinear(hone_tensor *x1, hone_tensor *x2, hone_tensor *weight, hone_tensor *bias)
{
    return hone__call(&hone__op_bilinear, IN(x1, x2, weight, bias), NULL);
}

/* ---- cdist, pdist: p-norms of differences */

typedef struct {
    double p;
} distance_options;

static const hone__option distance_table[] = {
    HONE__OPTION(distance_options, p, HONE__OPT_FLOAT, .standard = 2, .max = (double)INFINITY),
    { NULL },
};

static double order_of(hone_context *ctx)
{
    return ((const distance_options *)hone__options(ctx))->p;
}

static bool order_fits(hone_context *ctx)
{
    if (order_of(ctx) >= 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: p is %g, at least 0 is wanted", hone__call_name(ctx),
                   order_of(ctx));
    return false;
}

static bool cdist_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *a = in[0], *b = in[1];
    (void)n_in;
    if (a->ndim < 2 || b->ndim < 2 || a->shape[a->ndim - 1] != b->shape[b->ndim - 1]) {
        hone_error_set(HONE_E_SHAPE, "cdist: [.., n, k] and [.., m, k] are wanted, got %s and %s",
                       hone__tensor_text(a).s, hone__tensor_text(b).s);
        return false;
    }
    hone_tensor *apart =
        order_fits(ctx) ? hone_sub(hone_unsqueeze(a, -2), hone_unsqueeze(b, -3)) : NULL;
    return hone__give(out, hone_norm_dim(apart, -1, order_of(ctx), false));
}

static bool pdist_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *x = in[0];
    (void)n_in;
    if (x->ndim != 2) {
        hone_error_set(HONE_E_SHAPE, "pdist: a matrix is wanted, got %s", hone__tensor_text(x).s);
        return false;
    }
    if (!order_fits(ctx))
        return false;
    const int64_t n = x->shape[0];
    hone_tensor *pairs = hone_nonzero(hone_triu(hone_ones(HONE_BOOL, n, n), 1));
    hone_tensor *a = hone_index_select(x, 0, hone_select(pairs, 1, 0));
    hone_tensor *b = hone_index_select(x, 0, hone_select(pairs, 1, 1));
    return hone__give(out, hone_norm_dim(hone_sub(a, b), -1, order_of(ctx), false));
}

#define DISTANCE(op, ...)                                                                          \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { __VA_ARGS__ },                                                                     \
        .options = distance_table,                                                                 \
        .options_bytes = sizeof(distance_options),                                                 \
        .composite = true,                                                                         \
    };
DISTANCE(cdist, { "x1" }, { "x2" })
DISTANCE(pdist, { "x" })

hone_tensor *hone_cdist(hone_tensor *x1, hone_tensor *x2, double p)
{
    return hone__call(&hone__op_cdist, IN(x1, x2), &(distance_options){ p });
}

hone_tensor *hone_pdist(hone_tensor *x, double p)
{
    return hone__call(&hone__op_pdist, IN(x), &(distance_options){ p });
}
