/* sort.c: topk, sort, argsort. */
#include "loops/sort_run.h"
#include "loops/topk_run.h"
#include "ops/common.h"

typedef struct {
    int64_t k, dim;
    bool largest, sorted;
} topk_options;

static const hone__option table[] = {
    HONE__OPTION(topk_options, k, HONE__OPT_INT, .required = true),
    HONE__OPTION(topk_options, dim, HONE__OPT_INT, .standard = -1),
    HONE__OPTION(topk_options, largest, HONE__OPT_BOOL, .standard = 1),
    HONE__OPTION(topk_options, sorted, HONE__OPT_BOOL, .standard = 1),
    { NULL },
};

/* The dim normalised, k in range. */
static bool arguments_fit(hone_context *ctx, const hone_tensor *x)
{
    topk_options *o = hone__options(ctx);
    if (x->dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE,
                       "topk: there is no order among bool, got %s; cast it with "
                       "hone_to first",
                       hone__tensor_text(x).s);
        return false;
    }
    o->dim = hone__dim_index("topk", x, o->dim);
    if (o->dim < 0)
        return false;
    const int64_t extent = x->ndim ? x->shape[o->dim] : 1;
    if (o->k >= 0 && o->k <= extent)
        return true;
    hone_error_set(HONE_E_VALUE, "topk: k is %lld, but dim %lld of %s has %lld elements",
                   (long long)o->k, (long long)o->dim, hone__tensor_text(x).s, (long long)extent);
    return false;
}

static bool topk_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!arguments_fit(ctx, x))
        return false;
    const topk_options *o = hone__options(ctx);
    const int dim = (int)o->dim;
    hone__shape shape = hone__shape_of(x);
    if (x->ndim)
        shape.shape[dim] = o->k;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, shape.ndim, shape.shape) : NULL;
    if (!out[1] || !HONE__SAVE(ctx, out[1]))
        return false;
    return out[0]->numel == 0 || hone__topk(x, dim, o->largest, o->sorted, out[0], out[1]);
}

/* Each value's gradient goes to where it came from. */
static hone_tensor *back_to_places(hone_context *ctx, hone_tensor *dy, int64_t dim)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy) };
    hone__ended(hone__input_shape(ctx, 0), dims + 1);
    return hone_scatter_add(hone_zeros_v(dims), (int)dim, hone_saved(ctx, 0), dy);
}

static void topk_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = back_to_places(ctx, dy[0], ((const topk_options *)hone__options(ctx))->dim);
}

const hone__op hone__op_topk = {
    .name = "topk",
    .forward = topk_forward,
    .backward = topk_of_dy,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = table,
    .options_bytes = sizeof(topk_options),
};

hone_values_indices hone_topk(hone_tensor *x, int64_t k, int dim, bool largest, bool sorted)
{
    return hone__call_values_indices(&hone__op_topk, x, &(topk_options){ k, dim, largest, sorted });
}

/* ---- sort, argsort */

typedef struct {
    int64_t dim; /* first, as in hone__dim_options */
    bool descending;
} sort_options;

static const hone__option sort_table[] = {
    HONE__OPTION(sort_options, dim, HONE__OPT_INT, .standard = -1),
    HONE__OPTION(sort_options, descending, HONE__OPT_BOOL),
    { NULL },
};

static bool sort_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0)
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, x->ndim, x->shape) : NULL;
    const bool descending = ((const sort_options *)hone__options(ctx))->descending;
    return out[1] && HONE__SAVE(ctx, out[1]) &&
           (x->numel == 0 || hone__sort(x, dim, descending, out[0], out[1]));
}

static void sort_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = back_to_places(ctx, dy[0], hone__dim_of(ctx));
}

const hone__op hone__op_sort = {
    .name = "sort",
    .forward = sort_forward,
    .backward = sort_of_dy,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = sort_table,
    .options_bytes = sizeof(sort_options),
};

hone_values_indices hone_sort(hone_tensor *x, int dim, bool descending)
{
    return hone__call_values_indices(&hone__op_sort, x, &(sort_options){ dim, descending });
}

static bool argsort_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    hone_tensor *places = dim < 0 ? NULL : hone__out(ctx, 0, HONE_I64, x->ndim, x->shape);
    const bool descending = ((const sort_options *)hone__options(ctx))->descending;
    return hone__give(out, places) &&
           (x->numel == 0 || hone__sort(x, dim, descending, NULL, places));
}

const hone__op hone__op_argsort = {
    .name = "argsort",
    .forward = argsort_forward,
    .in = { { "x" } },
    .options = sort_table,
    .options_bytes = sizeof(sort_options),
    .why = "an index",
};

hone_tensor *hone_argsort(hone_tensor *x, int dim, bool descending)
{
    return hone__call(&hone__op_argsort, IN(x), &(sort_options){ dim, descending });
}
