/* move.c: the same elements in another shape. Views where strides allow it; slices' gradients copy. */
#include "ops/move.h"

#include "loops/elementwise.h"
#include "loops/rows.h"
#include "ops/common.h"

static hone_tensor *view(const hone_tensor *t, const hone__shape *shape, const int64_t *stride,
                         int64_t offset)
{
    return hone__own(hone__alias(t, shape->ndim, shape->shape, stride, offset));
}

/* The gradient of a view that only changed the shape. */
static void reshape_to_input(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = hone_reshape_v(dy[0], hone__ended(hone__input_shape(ctx, 0), room));
}

/* The options of ops that take a list of dims or extents. */
typedef struct {
    hone__shape dims;
} dims_options;

static const hone__shape *dims_of(hone_context *ctx)
{
    return &((const dims_options *)hone__options(ctx))->dims;
}

/* dims..END into the options; false + error if there are too many. */
static hone_tensor *call_dims(const hone__op *op, hone_tensor *x, const int64_t *dims_end)
{
    dims_options options;
    return hone__read_dims(op->name, dims_end, &options.dims) ? hone__call(op, IN(x), &options)
                                                              : NULL;
}

#define VIEW(name_, table, type)                                                                   \
    const hone__op hone__op_##name_ = {                                                            \
        .name = #name_,                                                                            \
        .forward = name_##_forward,                                                                \
        .backward = name_##_backward,                                                              \
        .in = { { "x" } },                                                                         \
        .options = table,                                                                          \
        .options_bytes = sizeof(type),                                                             \
        .view = true,                                                                              \
    };

/* ---- reshape */

/* The wanted shape with -1 worked out; false + error if it doesn't hold x's elements. */
static bool wanted_shape(const hone__shape *given, const hone_tensor *x, hone__shape *shape)
{
    int unknown = -1;
    shape->ndim = given->ndim;
    for (int d = 0; d < given->ndim; d++) {
        shape->shape[d] = given->shape[d];
        if (given->shape[d] >= 0)
            continue;
        if (given->shape[d] < -1 || unknown >= 0) {
            hone_error_set(HONE_E_SHAPE, "reshape: %s in %s (one extent may be -1)",
                           given->shape[d] < -1 ? "a negative extent" : "more than one -1",
                           hone__shape_text(given->ndim, given->shape).s);
            return false;
        }
        unknown = d;
        shape->shape[d] = 1;
    }
    const int64_t known = hone__numel_of("reshape", shape->ndim, shape->shape);
    if (known < 0)
        return false;
    if (unknown >= 0 && known > 0 && x->numel % known == 0) {
        shape->shape[unknown] = x->numel / known;
        return true;
    }
    if (unknown < 0 && known == x->numel)
        return true;
    const hone__text from = hone__shape_text(x->ndim, x->shape);
    const hone__text to = hone__shape_text(given->ndim, given->shape);
    if (unknown >= 0 && known == 0)
        hone_error_set(HONE_E_SHAPE, "reshape: the -1 in %s can be anything, as %s has no elements",
                       to.s, from.s);
    else
        hone_error_set(HONE_E_SHAPE, "reshape: %s (%lld elements) doesn't fit into %s", from.s,
                       (long long)x->numel, to.s);
    return false;
}

/* Strides that show x in `shape` without a copy: each run of elements one stride apart is split
 * among the new dims, innermost first. False: a new dim would have to step over a gap. */
static bool strides_for(const hone_tensor *x, const hone__shape *shape, int64_t *stride)
{
    hone__contiguous_strides(shape->ndim, shape->shape, stride);
    if (x->numel == 0)
        return true;
    hone__rows runs;
    hone__rows_of(&runs, x, ~0u);
    int run = runs.n_col_dims;
    int64_t left = 1, step = 1;
    for (int d = shape->ndim - 1; d >= 0; d--) {
        if (shape->shape[d] == 1)
            continue;
        if (left == 1) {
            left = runs.col_shape[--run];
            step = runs.col_stride[run];
        }
        if (left % shape->shape[d] != 0)
            return false;
        stride[d] = step;
        step *= shape->shape[d];
        left /= shape->shape[d];
    }
    return true;
}

static hone_tensor *copied_again(hone_tensor *const *x)
{
    return hone_contiguous(x[0]);
}

/* Of bf16 that is there in another order anyway the product behind a copy needs to keep none. */
static bool reshape_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    hone__shape shape;
    int64_t stride[HONE_MAX_DIMS];
    if (!wanted_shape(dims_of(ctx), x, &shape))
        return false;
    if (strides_for(x, &shape, stride))
        return hone__give(out, view(x, &shape, stride, x->offset));
    hone_tensor *copy = hone_contiguous(x);
    hone__contiguous_strides(shape.ndim, shape.shape, stride);
    if (!copy || (hone__is_saved_result(x) && !hone__make_again(ctx, copy, copied_again, 1, in)))
        return false;
    return hone__give(out, view(copy, &shape, stride, copy->offset));
}

static const hone__option reshape_table[] = {
    { "shape", HONE__OPT_DIMS, offsetof(dims_options, dims), .required = true },
    { NULL },
};

#define reshape_backward reshape_to_input
VIEW(reshape, reshape_table, dims_options)
#undef reshape_backward

hone_tensor *hone_reshape_v(hone_tensor *x, const int64_t *dims_end)
{
    return call_dims(&hone__op_reshape, x, dims_end);
}

hone_tensor *hone_flatten(hone_tensor *x, int start)
{
    if (!hone__needs_tensor("flatten", x))
        return NULL;
    const int first = hone__dim_index("flatten", x, start);
    if (first < 0)
        return NULL;
    int64_t dims[HONE_MAX_DIMS + 1], rest = 1;
    for (int d = 0; d < x->ndim; d++) {
        dims[d] = x->shape[d];
        rest *= d < first ? 1 : x->shape[d];
    }
    dims[first] = rest;
    dims[first + 1] = HONE_END_DIM;
    return hone_reshape_v(x, dims);
}

/* ---- reordered dims */

typedef struct {
    int64_t dim0, dim1;
} transpose_options;

static const hone__option transpose_table[] = {
    HONE__OPTION(transpose_options, dim0, HONE__OPT_INT, .required = true),
    HONE__OPTION(transpose_options, dim1, HONE__OPT_INT, .required = true),
    { NULL },
};

static bool transpose_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    transpose_options *options = hone__options(ctx);
    const int a = hone__dim_index("transpose", x, options->dim0);
    const int b = a < 0 ? -1 : hone__dim_index("transpose", x, options->dim1);
    if (b < 0)
        return false;
    *options = (transpose_options){ a, b };
    hone__shape shape = hone__shape_of(x);
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++)
        stride[d] = x->stride[d];
    if (x->ndim > 0) {
        shape.shape[a] = x->shape[b], shape.shape[b] = x->shape[a];
        stride[a] = x->stride[b], stride[b] = x->stride[a];
    }
    return hone__give(out, view(x, &shape, stride, x->offset));
}

static void transpose_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const transpose_options *options = hone__options(ctx);
    dx[0] = hone_transpose(dy[0], (int)options->dim0, (int)options->dim1);
}

VIEW(transpose, transpose_table, transpose_options)

hone_tensor *hone_transpose(hone_tensor *x, int dim0, int dim1)
{
    return hone__call(&hone__op_transpose, IN(x), &(transpose_options){ dim0, dim1 });
}

static const hone__option permute_table[] = {
    HONE__OPTION(dims_options, dims, HONE__OPT_DIMS, .required = true),
    { NULL },
};

static bool permute_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone__shape *dims = &((dims_options *)hone__options(ctx))->dims;
    hone__shape shape = { .ndim = x->ndim }, order = { .ndim = x->ndim };
    int64_t stride[HONE_MAX_DIMS];
    uint32_t seen = 0;
    for (int d = 0; d < dims->ndim && dims->ndim == x->ndim; d++) {
        const int from = hone__dim_index("permute", x, dims->shape[d]);
        if (from < 0)
            return false;
        order.shape[d] = from;
        seen |= 1u << from;
        shape.shape[d] = x->shape[from];
        stride[d] = x->stride[from];
    }
    if (dims->ndim != x->ndim || seen != (1u << x->ndim) - 1) {
        hone_error_set(HONE_E_SHAPE, "permute: %s isn't an order of the %d dims of %s",
                       hone__shape_text(dims->ndim, dims->shape).s, x->ndim,
                       hone__tensor_text(x).s);
        return false;
    }
    *dims = order;
    return hone__give(out, view(x, &shape, stride, x->offset));
}

static void permute_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *order = dims_of(ctx);
    int64_t back[HONE_MAX_DIMS + 1];
    for (int d = 0; d < order->ndim; d++)
        back[order->shape[d]] = d;
    back[order->ndim] = HONE_END_DIM;
    dx[0] = hone_permute_v(dy[0], back);
}

VIEW(permute, permute_table, dims_options)

hone_tensor *hone_permute_v(hone_tensor *x, const int64_t *dims_end)
{
    return call_dims(&hone__op_permute, x, dims_end);
}

/* ---- extents of 1 */

static bool squeeze_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0)
        return false;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim && x->shape[d] == 1)
            continue;
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = x->shape[d];
    }
    return hone__give(out, view(x, &shape, stride, x->offset));
}

#define squeeze_backward reshape_to_input
VIEW(squeeze, hone__dim_table, hone__dim_options)
#undef squeeze_backward

hone_tensor *hone_squeeze(hone_tensor *x, int dim)
{
    return hone__call(&hone__op_squeeze, IN(x), &(hone__dim_options){ dim });
}

static bool unsqueeze_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const int64_t given = hone__dim_of(ctx);
    const int n = x->ndim + 1;
    if (given < -n || given >= n || n > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE,
                       "unsqueeze: dim %lld can't be put into %s (at most %d dims, here %d..%d)",
                       (long long)given, hone__tensor_text(x).s, HONE_MAX_DIMS, -n, n - 1);
        return false;
    }
    const int dim = (int)(given < 0 ? given + n : given);
    hone__shape shape = { .ndim = n };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0, from = 0; d < n; d++) {
        shape.shape[d] = d == dim ? 1 : x->shape[from];
        stride[d] = d == dim ? 1 : x->stride[from];
        from += d != dim;
    }
    return hone__give(out, view(x, &shape, stride, x->offset));
}

#define unsqueeze_backward reshape_to_input
VIEW(unsqueeze, hone__dim_table, hone__dim_options)
#undef unsqueeze_backward

hone_tensor *hone_unsqueeze(hone_tensor *x, int dim)
{
    return hone__call(&hone__op_unsqueeze, IN(x), &(hone__dim_options){ dim });
}

static const hone__option expand_table[] = {
    { "size", HONE__OPT_DIMS, offsetof(dims_options, dims), .required = true },
    { NULL },
};

static bool expand_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const hone__shape *size = dims_of(ctx);
    const int lead = size->ndim - x->ndim;
    hone__shape shape = { .ndim = size->ndim };
    int64_t stride[HONE_MAX_DIMS];
    bool fits = lead >= 0;
    for (int d = 0; fits && d < size->ndim; d++) {
        const int64_t own = d < lead ? 1 : x->shape[d - lead];
        const bool keep = size->shape[d] == -1 && d >= lead;
        shape.shape[d] = keep ? own : size->shape[d];
        stride[d] = d >= lead && shape.shape[d] == own ? x->stride[d - lead] : 0;
        fits = shape.shape[d] == own || (own == 1 && shape.shape[d] >= 0);
    }
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "expand: %s can't be expanded to %s", hone__tensor_text(x).s,
                       hone__shape_text(size->ndim, size->shape).s);
        return false;
    }
    if (hone__numel_of("expand", shape.ndim, shape.shape) < 0)
        return false;
    return hone__give(out, view(x, &shape, stride, x->offset));
}

/* The engine sums over what was repeated. */
static void expand_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = dy[0];
}

const hone__op hone__op_expand = {
    .name = "expand",
    .forward = expand_forward,
    .backward = expand_backward,
    .in = { { "x" } },
    .options = expand_table,
    .options_bytes = sizeof(dims_options),
    .view = true,
    .repeats = true,
};

hone_tensor *hone_expand_v(hone_tensor *x, const int64_t *dims_end)
{
    return call_dims(&hone__op_expand, x, dims_end);
}

/* ---- parts of a dim */

int hone__real_dim(const char *name, const hone_tensor *x, int64_t dim)
{
    if (x->ndim > 0)
        return hone__dim_index(name, x, dim);
    hone_error_set(HONE_E_SHAPE, "%s: a 0-d tensor has no dim to take from", name);
    return -1;
}

typedef struct {
    int64_t dim, index;
} select_options;

static const hone__option select_table[] = {
    HONE__OPTION(select_options, dim, HONE__OPT_INT, .required = true),
    HONE__OPTION(select_options, index, HONE__OPT_INT, .required = true),
    { NULL },
};

static bool select_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    select_options *options = hone__options(ctx);
    const int dim = hone__real_dim("select", x, options->dim);
    if (dim < 0)
        return false;
    const int64_t extent = x->shape[dim];
    const int64_t index = options->index < 0 ? options->index + extent : options->index;
    if (index < 0 || index >= extent) {
        hone_error_set(HONE_E_INDEX, "select: index %lld is out of range for dim %d of %s",
                       (long long)options->index, dim, hone__tensor_text(x).s);
        return false;
    }
    *options = (select_options){ dim, index };
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim)
            continue;
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = x->shape[d];
    }
    return hone__give(out, view(x, &shape, stride, x->offset + index * x->stride[dim]));
}

static void select_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const select_options *options = hone__options(ctx);
    const int dim = (int)options->dim;
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = hone_slice_backward_v(hone_unsqueeze(dy[0], dim),
                                  hone__ended(hone__input_shape(ctx, 0), room), dim, options->index,
                                  options->index + 1, 1);
}

VIEW(select, select_table, select_options)

hone_tensor *hone_select(hone_tensor *x, int dim, int64_t index)
{
    return hone__call(&hone__op_select, IN(x), &(select_options){ dim, index });
}

static int64_t clamp_index(int64_t index, int64_t extent)
{
    if (index < 0)
        index = index + extent < 0 ? 0 : index + extent;
    return index < extent ? index : extent;
}

typedef struct {
    int64_t dim, start, end, step;
} slice_options;

#define SLICE_OPTIONS(type, part)                                                                  \
    { "dim", HONE__OPT_INT, offsetof(type, part dim), .required = true },                          \
        { "start", HONE__OPT_INT, offsetof(type, part start) },                                    \
        { "end", HONE__OPT_INT, offsetof(type, part end), .standard = (double)INT64_MAX },         \
    {                                                                                              \
        "step", HONE__OPT_INT, offsetof(type, part step), .standard = 1                            \
    }

static const hone__option slice_table[] = { SLICE_OPTIONS(slice_options, ), { NULL } };

/* dim, start, end and step made 0 <= start <= end <= extent; how many there are, or -1. */
static int64_t normalise_slice(const char *name, const hone_tensor *x, slice_options *o)
{
    o->dim = hone__real_dim(name, x, o->dim);
    if (o->dim < 0)
        return -1;
    if (o->step <= 0) {
        hone_error_set(HONE_E_VALUE, "%s: step %lld, it must be positive", name,
                       (long long)o->step);
        return -1;
    }
    const int64_t extent = x->shape[o->dim];
    const int64_t start = clamp_index(o->start, extent), end = clamp_index(o->end, extent);
    o->start = start;
    o->end = end < start ? start : end;
    return end <= start ? 0 : (end - start - 1) / o->step + 1;
}

hone_tensor *hone__sliced(const hone_tensor *x, int dim, int64_t start, int64_t count, int64_t step)
{
    hone__shape shape = hone__shape_of(x);
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++)
        stride[d] = x->stride[d];
    shape.shape[dim] = count;
    /* An empty or single slice has nowhere to step to; the offset stays inside the storage. */
    stride[dim] = count > 1 ? step * x->stride[dim] : x->stride[dim];
    return view(x, &shape, stride, x->offset + (count > 0 ? start * x->stride[dim] : 0));
}

static bool slice_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    slice_options *o = hone__options(ctx);
    const int64_t count = normalise_slice("slice", in[0], o);
    return count >= 0 &&
           hone__give(out, hone__sliced(in[0], (int)o->dim, o->start, count, o->step));
}

/* Into the sum of others, slices of a whole among them, it goes where it was taken from. */
static void slice_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const slice_options *o = hone__options(ctx);
    int64_t room[HONE_MAX_DIMS + 1];
    if (dx[0] && !hone__begins_with(ctx, 0)) {
        hone_tensor *part =
            hone__sliced(dx[0], (int)o->dim, o->start, dy[0]->shape[o->dim], o->step);
        if (part)
            hone_add_(part, dy[0]);
        return;
    }
    dx[0] = hone_slice_backward_v(dy[0], hone__ended(hone__input_shape(ctx, 0), room), (int)o->dim,
                                  o->start, o->end, o->step);
}

const hone__op hone__op_slice = {
    .name = "slice",
    .forward = slice_forward,
    .backward = slice_backward,
    .in = { { "x" } },
    .options = slice_table,
    .options_bytes = sizeof(slice_options),
    .view = true,
    .adds = true,
    .anywhere = true,
};

hone_tensor *hone_slice(hone_tensor *x, int dim, int64_t start, int64_t end, int64_t step)
{
    return hone__call(&hone__op_slice, IN(x), &(slice_options){ dim, start, end, step });
}

typedef struct {
    hone__shape shape;
    slice_options slice;
} slice_backward_options;

static const hone__option slice_backward_table[] = {
    HONE__OPTION(slice_backward_options, shape, HONE__OPT_DIMS, .required = true),
    SLICE_OPTIONS(slice_backward_options, slice.),
    { NULL },
};

static bool slice_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    slice_backward_options *o = hone__options(ctx);
    hone_tensor *dx = out[0] =
        hone__out(ctx, 0, (hone_dtype)in[0]->dtype, o->shape.ndim, o->shape.shape);
    if (!dx)
        return false;
    const int64_t count = normalise_slice("slice_backward", dx, &o->slice);
    hone_tensor *part =
        count < 0 ? NULL
                  : hone__sliced(dx, (int)o->slice.dim, o->slice.start, count, o->slice.step);
    if (!part)
        return false;
    if (!hone__same_shape(part, in[0])) {
        hone_error_set(HONE_E_SHAPE, "slice_backward: dy is %s, the slice of %s is %s",
                       hone__tensor_text(in[0]).s, hone__tensor_text(dx).s,
                       hone__tensor_text(part).s);
        return false;
    }
    hone__fill_elements(dx, 0.0);
    return hone__copy_elements(part, in[0]);
}

static void slice_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const slice_options *o = &((const slice_backward_options *)hone__options(ctx))->slice;
    dx[0] = hone_slice(g[0], (int)o->dim, o->start, o->end, o->step);
}

const hone__op hone__op_slice_backward = {
    .name = "slice_backward",
    .forward = slice_backward_forward,
    .backward = slice_backward_backward,
    .in = { { "dy" } },
    .options = slice_backward_table,
    .options_bytes = sizeof(slice_backward_options),
};

hone_tensor *hone_slice_backward_v(hone_tensor *dy, const int64_t *dims_end, int dim, int64_t start,
                                   int64_t end, int64_t step)
{
    slice_backward_options options = { .slice = { dim, start, end, step } };
    return hone__read_dims("slice_backward", dims_end, &options.shape)
               ? hone__call(&hone__op_slice_backward, IN(dy), &options)
               : NULL;
}

hone_tensor_list hone_split(hone_tensor *x, int64_t size, int dim)
{
    const hone_tensor_list failed = { NULL, 0 };
    if (!hone__needs_tensor("split", x))
        return failed;
    const int d = hone__real_dim("split", x, dim);
    if (d < 0)
        return failed;
    const int64_t extent = x->shape[d];
    const int64_t n = size > 0 && extent > 0 ? (extent - 1) / size + 1 : 1;
    if (size < 0 || (size == 0 && extent > 0) || n > INT32_MAX) {
        hone_error_set(HONE_E_VALUE, "split: dim %d of %s can't be split by %lld", d,
                       hone__tensor_text(x).s, (long long)size);
        return failed;
    }
    hone_tensor_list list = hone__list_new((int)n);
    for (int i = 0; i < list.n; i++) {
        list.at[i] = hone_slice(x, d, i * size, i + 1 < n ? (i + 1) * size : extent, 1);
        if (!list.at[i])
            return failed;
    }
    return list;
}
