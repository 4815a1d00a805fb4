/* by_index.c: index_add, index_copy, index_fill, take, take_along_dim, masked_select, masked_scatter: made
 * of index, index_put and gather, which record themselves. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <hone/shapes.h>

/* ---- along one dim: x[.., index, ..] */

typedef struct {
    int64_t dim; /* first, as in hone__dim_options */
    double number;
} along_options;

static const hone__option add_table[] = {
    HONE__OPTION(along_options, dim, HONE__OPT_INT, .required = true),
    { .name = "alpha",
      .kind = HONE__OPT_FLOAT,
      .offset = offsetof(along_options, number),
      .standard = 1 },
    { NULL },
};

static const hone__option fill_table[] = {
    HONE__OPTION(along_options, dim, HONE__OPT_INT, .required = true),
    { .name = "value",
      .kind = HONE__OPT_FLOAT,
      .offset = offsetof(along_options, number),
      .required = true },
    { NULL },
};

/* The dim is there, the index 1-d (or 0-d) and the source as large as what it names. */
static bool fits(hone_context *ctx, hone_tensor *x, hone_tensor *index, hone_tensor *source)
{
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0)
        return false;
    if (index->ndim > 1) {
        hone_error_set(HONE_E_SHAPE, "%s: the index is %s, 1-d is wanted", hone__call_name(ctx),
                       hone__tensor_text(index).s);
        return false;
    }
    hone__shape want = hone__shape_of(x);
    if (x->ndim)
        want.shape[dim] = index->numel;
    bool same = !source || source->ndim == want.ndim;
    for (int d = 0; source && same && d < want.ndim; d++)
        same = source->shape[d] == want.shape[d];
    if (!same || (!x->ndim && index->numel != 1)) {
        hone_error_set(HONE_E_SHAPE, "%s: %s doesn't fit %s, index %s along dim %d",
                       hone__call_name(ctx), source ? hone__tensor_text(source).s : "the number",
                       hone__tensor_text(x).s, hone__tensor_text(index).s, dim);
        return false;
    }
    if (source && source->dtype != x->dtype) {
        hone_error_set(HONE_E_DTYPE, "%s: the source is %s, x is %s", hone__call_name(ctx),
                       hone__tensor_text(source).s, hone__tensor_text(x).s);
        return false;
    }
    return true;
}

static hone_tensor *put(hone_context *ctx, hone_tensor *x, hone_tensor *index, hone_tensor *values,
                        bool accumulate)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    const int dim = hone__dim_of(ctx);
    for (int d = 0; d < dim; d++)
        list[d] = HONE_NONE;
    list[dim] = index->ndim ? index : hone_reshape(index, 1);
    list[dim + 1] = HONE_END_TENSOR;
    if (x->ndim)
        return hone_index_put_v(x, values, list, accumulate);
    hone_tensor *y = hone_index_put_v(hone_reshape(x, 1), values, list, accumulate);
    return hone_squeeze(y, 0);
}

static double number_of(hone_context *ctx)
{
    return ((const along_options *)hone__options(ctx))->number;
}

static bool index_add_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const double alpha = number_of(ctx);
    if (!fits(ctx, in[0], in[1], in[2]))
        return false;
    if (!hone_dtype_is_float((hone_dtype)in[0]->dtype) && alpha != (double)(int64_t)alpha) {
        hone_error_set(HONE_E_VALUE, "index_add: alpha is %g, integers want a whole one", alpha);
        return false;
    }
    hone_tensor *values =
        alpha == 1 ? in[2] : hone_to(hone_mul_scalar(in[2], alpha), (hone_dtype)in[0]->dtype);
    return hone__give(out, put(ctx, in[0], in[1], values, true));
}

static bool index_copy_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    return fits(ctx, in[0], in[1], in[2]) && hone__give(out, put(ctx, in[0], in[1], in[2], false));
}

static bool index_fill_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    return fits(ctx, in[0], in[1], NULL) &&
           hone__number_fits("index_fill", dtype, number_of(ctx)) &&
           hone__give(out, put(ctx, in[0], in[1], hone_scalar(dtype, number_of(ctx)), false));
}

#define ALONG(op, table, bytes, ...)                                                               \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" }, { "index", HONE__CONSTANT }, __VA_ARGS__ },                               \
        .options = table,                                                                          \
        .options_bytes = bytes,                                                                    \
        .composite = true,                                                                         \
    };
ALONG(index_add, add_table, sizeof(along_options), { "source" })
ALONG(index_copy, hone__dim_table, sizeof(hone__dim_options), { "source" })
ALONG(index_fill, fill_table, sizeof(along_options), { NULL })

hone_tensor *hone_index_add(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *source,
                            double alpha)
{
    return hone__call(&hone__op_index_add, IN(x, index, source), &(along_options){ dim, alpha });
}

hone_tensor *hone_index_copy(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *source)
{
    return hone__call(&hone__op_index_copy, IN(x, index, source), &(hone__dim_options){ dim });
}

hone_tensor *hone_index_fill(hone_tensor *x, int dim, hone_tensor *index, double value)
{
    return hone__call(&hone__op_index_fill, IN(x, index), &(along_options){ dim, value });
}

/* ---- take: of x as one row */

static bool take_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)ctx, (void)n_in;
    return hone__give(out, hone_index(hone_reshape(in[0], -1), in[1]));
}

const hone__op hone__op_take = {
    .name = "take",
    .forward = take_forward,
    .in = { { "x" }, { "index", HONE__CONSTANT } },
    .composite = true,
};
HONE__ENTRY_XX(take, x, index)

/* ---- take_along_dim: gather, but the other dims are broadcast */

static bool take_along_dim_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    hone_tensor *x = in[0], *index = in[1];
    const int dim = hone__take_dim(ctx, x);
    int64_t room[HONE_MAX_DIMS + 1];
    (void)n_in;
    if (dim < 0)
        return false;
    if (x->ndim != index->ndim) {
        hone_error_set(HONE_E_SHAPE, "take_along_dim: %s and index %s have not as many dims",
                       hone__tensor_text(x).s, hone__tensor_text(index).s);
        return false;
    }
    hone__shape wide = hone__shape_of(x), of_index = hone__shape_of(index);
    for (int d = 0; d < x->ndim; d++)
        if (d != dim && wide.shape[d] == 1)
            wide.shape[d] = index->shape[d];
        else if (d != dim && index->shape[d] == 1)
            of_index.shape[d] = x->shape[d];
    for (int d = 0; d < x->ndim; d++)
        if (d != dim && wide.shape[d] != of_index.shape[d]) {
            hone_error_set(HONE_E_SHAPE,
                           "take_along_dim: %s and index %s don't broadcast in dim %d",
                           hone__tensor_text(x).s, hone__tensor_text(index).s, d);
            return false;
        }
    hone_tensor *from = hone_expand_v(x, hone__ended(&wide, room));
    return hone__give(out,
                      hone_gather(from, dim, hone_expand_v(index, hone__ended(&of_index, room))));
}

const hone__op hone__op_take_along_dim = {
    .name = "take_along_dim",
    .forward = take_along_dim_forward,
    .in = { { "x" }, { "index", HONE__CONSTANT } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
    .composite = true,
};

hone_tensor *hone_take_along_dim(hone_tensor *x, hone_tensor *index, int dim)
{
    return hone__call(&hone__op_take_along_dim, IN(x, index), &(hone__dim_options){ dim });
}

/* ---- masked_select, masked_scatter */

static bool is_mask(hone_context *ctx, const hone_tensor *mask)
{
    if (mask->dtype == HONE_BOOL)
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: the mask is %s, bool is wanted", hone__call_name(ctx),
                   hone__tensor_text(mask).s);
    return false;
}

static bool masked_select_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    hone__shape shape;
    int64_t room[HONE_MAX_DIMS + 1];
    if (!is_mask(ctx, in[1]) || !hone__broadcast("masked_select", in, n_in, &shape))
        return false;
    hone__ended(&shape, room);
    hone_tensor *x = hone_reshape(hone_expand_v(in[0], room), -1);
    return hone__give(out, hone_index(x, hone_reshape(hone_expand_v(in[1], room), -1)));
}

const hone__op hone__op_masked_select = {
    .name = "masked_select",
    .forward = masked_select_forward,
    .in = { { "x" }, { "mask", HONE__CONSTANT } },
    .composite = true,
};
HONE__ENTRY_XX(masked_select, x, mask)

static bool masked_scatter_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    hone_tensor *x = in[0], *source = in[2];
    hone__shape shape;
    int64_t room[HONE_MAX_DIMS + 1];
    (void)n_in;
    if (!is_mask(ctx, in[1]) || !hone__broadcast("masked_scatter", in, 2, &shape))
        return false;
    if (source->dtype != x->dtype) {
        hone_error_set(HONE_E_DTYPE, "masked_scatter: the source is %s, x is %s",
                       hone__tensor_text(source).s, hone__tensor_text(x).s);
        return false;
    }
    hone__ended(&shape, room);
    hone_tensor *mask = hone_reshape(hone_expand_v(in[1], room), -1), *count = hone_sum(mask);
    if (!count)
        return false;
    const int64_t n = (int64_t)hone_item(count);
    if (n > source->numel) {
        hone_error_set(HONE_E_SHAPE,
                       "masked_scatter: %lld places, the source %s has fewer elements",
                       (long long)n, hone__tensor_text(source).s);
        return false;
    }
    hone_tensor *values = hone_slice(hone_reshape(source, -1), 0, 0, n, 1);
    hone_tensor *flat = hone_reshape(hone_expand_v(x, room), -1);
    return hone__give(out, hone_reshape_v(hone_index_put(flat, values, false, mask), room));
}

const hone__op hone__op_masked_scatter = {
    .name = "masked_scatter",
    .forward = masked_scatter_forward,
    .in = { { "x" }, { "mask", HONE__CONSTANT }, { "source" } },
    .composite = true,
};
HONE__ENTRY_XXX(masked_scatter, x, mask, source)
