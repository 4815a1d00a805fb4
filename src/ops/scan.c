/* scan.c: cumsum, cumprod, and prod, whose gradients divide by nothing: they are right whatever is 0. */
#include "ops/scan.h"
#include "loops/elementwise.h"
#include "loops/scan.h"
#include "ops/reduced.h"

/* ---- what they share */

typedef struct {
    int64_t dim;  /* first, as in hone__dim_options */
    bool reverse; /* from the end: of gradients alone */
} scan_options;

/* The dtype they are computed in: integers and bool in i64. */
static hone_tensor *as_computed(hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? x : hone_to(x, HONE_I64);
}

static hone_tensor *scanned(hone_context *ctx, hone__scan_kind kind, hone_tensor *given,
                            hone_tensor *a)
{
    const scan_options *o = hone__options(ctx);
    if (hone__take_dim(ctx, given) < 0)
        return NULL;
    hone_tensor *x = hone_contiguous(as_computed(given));
    hone_tensor *y = x ? hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape) : NULL;
    if (y)
        hone__scan(kind, x, a, (int)o->dim, o->reverse, y);
    return y;
}

static int64_t extent_of(hone_context *ctx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    return x->ndim ? x->shape[hone__dim_of(ctx)] : 1;
}

/* t with each element a place further along the dim (back: towards its beginning), the free place
 * filled by ones or zeros. */
static hone_tensor *moved(hone_tensor *t, int dim, int64_t n, bool back, bool ones)
{
    if (!t || n == 0 || hone_dim(t) == 0)
        return !t     ? NULL
               : ones ? hone_ones_like(t)
                      : hone_zeros_like(t); /* of 0-d: nothing stays */
    hone_tensor *rest = hone_slice(t, dim, back, n - !back, 1), *end = hone_slice(t, dim, 0, 1, 1);
    end = !end ? NULL : ones ? hone_ones_like(end) : hone_zeros_like(end);
    return back ? hone_cat(hone_list(rest, end), dim) : hone_cat(hone_list(end, rest), dim);
}

static hone_tensor *call_scan(const hone__op *op, hone_tensor *x, int dim, bool reverse)
{
    return hone__call(op, IN(x), &(scan_options){ dim, reverse });
}

/* ---- linear_scan: y[i] = a[i] y[i - 1] + x[i], the gradient of products; private */

static bool linear_scan_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)n_in;
    hone_tensor *a = hone_contiguous(in[1]);
    return a && hone__give(out, scanned(ctx, HONE__SCAN_LINEAR, in[0], a)) &&
           HONE__SAVE(ctx, in[1], out[0]);
}

/* dx is the scan of dy the other way, by the a of the next place; da = dx y[i - 1]. */
static void linear_scan_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const scan_options *o = hone__options(ctx);
    const int dim = (int)o->dim;
    const int64_t n = extent_of(ctx);
    hone_tensor *next = moved(hone_saved(ctx, 0), dim, n, !o->reverse, false);
    dx[0] = hone__linear_scan(dy[0], next, dim, !o->reverse);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_mul(dx[0], moved(hone_saved(ctx, 1), dim, n, o->reverse, false));
}

const hone__op hone__op_linear_scan = {
    .name = "linear_scan",
    .forward = linear_scan_forward,
    .backward = linear_scan_backward,
    .in = { { "x" }, { "a" } },
    .options = hone__dim_table,
    .options_bytes = sizeof(scan_options),
    .forms = HONE__PRIVATE,
};

hone_tensor *hone__linear_scan(hone_tensor *x, hone_tensor *a, int dim, bool reverse)
{
    return hone__call(&hone__op_linear_scan, IN(x, a), &(scan_options){ dim, reverse });
}

/* ---- cumsum, cumprod */

static bool cumsum_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, scanned(ctx, HONE__SCAN_SUM, in[0], NULL));
}

static void cumsum_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const scan_options *o = hone__options(ctx);
    dx[0] = call_scan(&hone__op_cumsum, dy[0], (int)o->dim, !o->reverse);
}

static bool cumprod_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, scanned(ctx, HONE__SCAN_PROD, in[0], NULL)) &&
           HONE__SAVE(ctx, in[0], out[0]);
}

/* x[k]'s: the product of those before it, times the sum over i from k of dy[i] x[k + 1] .. x[i]. */
static void cumprod_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const scan_options *o = hone__options(ctx);
    const int dim = (int)o->dim;
    const int64_t n = extent_of(ctx);
    hone_tensor *next = moved(hone_saved(ctx, 0), dim, n, !o->reverse, false);
    hone_tensor *sums = hone__linear_scan(dy[0], next, dim, !o->reverse);
    dx[0] = hone_mul(moved(hone_saved(ctx, 1), dim, n, o->reverse, true), sums);
}

#define SCAN(op)                                                                                   \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "x" } },                                                                         \
        .options = hone__dim_table,                                                                \
        .options_bytes = sizeof(scan_options),                                                     \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, int dim)                                                \
    {                                                                                              \
        return call_scan(&hone__op_##op, x, dim, false);                                           \
    }
SCAN(cumsum)
SCAN(cumprod)

/* ---- prod: over all, or one dim */

static hone_tensor *flat(hone_tensor *x)
{
    return hone_reshape(x, -1);
}

/* Along dim; -1: of all. */
static hone_tensor *product(hone_context *ctx, hone_tensor *given, int dim)
{
    hone_tensor *x = as_computed(given);
    hone_tensor *y = x ? hone__reduced_out(ctx, given, (hone_dtype)x->dtype) : NULL;
    if (!y || !HONE__SAVE(ctx, given))
        return NULL;
    if (x->numel == 0)
        hone__fill_elements(y, 1);
    return x->numel == 0 || hone__prod(x, dim, y) ? y : NULL;
}

static hone_tensor *prod_of(hone_context *ctx, hone_tensor *x)
{
    return product(ctx, x, -1);
}

static hone_tensor *prod_dim_of(hone_context *ctx, hone_tensor *x)
{
    return product(ctx, x, (int)hone__reduce_of(ctx)->dim);
}

/* Of each element: dy times the products of those before and of those behind it. */
static hone_tensor *product_grad(hone_tensor *x, int dim, hone_tensor *dy)
{
    const int64_t n = x && x->ndim ? x->shape[dim] : 1;
    hone_tensor *before = moved(call_scan(&hone__op_cumprod, x, dim, false), dim, n, false, true);
    hone_tensor *behind = moved(call_scan(&hone__op_cumprod, x, dim, true), dim, n, true, true);
    return hone_mul(dy, hone_mul(before, behind));
}

static void prod_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = hone_reshape_v(product_grad(flat(hone_saved(ctx, 0)), 0, dy[0]),
                           hone__ended(hone__input_shape(ctx, 0), room));
}

static void prod_dim_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = product_grad(hone_saved(ctx, 0), (int)hone__reduce_of(ctx)->dim,
                         hone__with_dims(ctx, dy[0]));
}

HONE__REDUCTION(prod, hone__mask_of_all, prod_of, hone__reduce_all_table, prod_backward)
HONE__REDUCTION(prod_dim, hone__mask_of_dim, prod_dim_of, hone__reduce_dim_table, prod_dim_backward)
HONE__ALL(prod)
HONE__BY_DIM(prod_dim)
