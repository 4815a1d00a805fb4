/* move.c: the same elements in another shape. Views where strides allow it; slices' gradients and
 * cat copy. */
#include "ops/elementwise.h"
#include "ops/op.h"
#include "ops/rows.h"

static hone_tensor *view(const hone_tensor *t, const hone__shape *shape, const int64_t *stride,
                         int64_t offset)
{
    return hone__own(hone__alias(t, shape->ndim, shape->shape, stride, offset));
}

static hone__shape shape_of(const hone_tensor *t)
{
    hone__shape shape = { .ndim = t->ndim };
    for (int d = 0; d < t->ndim; d++)
        shape.shape[d] = t->shape[d];
    return shape;
}

/* A shape as the public functions take it. */
static const int64_t *ended(const hone__shape *shape, int64_t *dims)
{
    for (int d = 0; d < shape->ndim; d++)
        dims[d] = shape->shape[d];
    dims[shape->ndim] = HONE_END_DIM;
    return dims;
}

static hone_tensor *reshape_to_input(hone_context *ctx, hone_tensor *dy, int input)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    return hone_reshape_v(dy, ended(hone__input_shape(ctx, input), dims));
}

/* ---- reshape */

/* The wanted shape with -1 worked out; false + error if it doesn't hold x's elements. */
static bool wanted_shape(const hone__args *args, const hone_tensor *x, hone__shape *shape)
{
    int unknown = -1;
    shape->ndim = args->n;
    for (int d = 0; d < args->n; d++) {
        shape->shape[d] = args->i[d];
        if (args->i[d] >= 0)
            continue;
        if (args->i[d] < -1 || unknown >= 0) {
            hone_error_set(HONE_E_SHAPE, "reshape: %s in %s (one extent may be -1)",
                           args->i[d] < -1 ? "a negative extent" : "more than one -1",
                           hone__shape_text(args->n, args->i).s);
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
    const hone__text to = hone__shape_text(args->n, args->i);
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
    const hone__rows runs = hone__rows_of(x, ~0u);
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

static hone_tensor *reshape(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *x = in[0];
    hone__shape shape;
    int64_t stride[HONE_MAX_DIMS];
    if (!wanted_shape(hone__call_args(ctx), x, &shape))
        return NULL;
    if (strides_for(x, &shape, stride))
        return view(x, &shape, stride, x->offset);
    hone_tensor *copy = hone_contiguous(x);
    hone__contiguous_strides(shape.ndim, shape.shape, stride);
    return copy ? view(copy, &shape, stride, copy->offset) : NULL;
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

static hone_tensor *transpose(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone__args *args = hone__call_args(ctx);
    const int a = hone__dim_index("transpose", x, args->dim);
    const int b = a < 0 ? -1 : hone__dim_index("transpose", x, args->dim2);
    if (b < 0)
        return NULL;
    args->dim = a;
    args->dim2 = b;
    hone__shape shape = shape_of(x);
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++)
        stride[d] = x->stride[d];
    if (x->ndim > 0) {
        shape.shape[a] = x->shape[b], shape.shape[b] = x->shape[a];
        stride[a] = x->stride[b], stride[b] = x->stride[a];
    }
    return view(x, &shape, stride, x->offset);
}

static hone_tensor *transpose_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    const hone__args *args = hone__call_args(ctx);
    return hone_transpose(dy, args->dim, args->dim2);
}

static hone_tensor *permute(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone__args *args = hone__call_args(ctx);
    hone__shape shape = { .ndim = x->ndim };
    int64_t stride[HONE_MAX_DIMS];
    uint32_t seen = 0;
    int order[HONE_MAX_DIMS];
    for (int d = 0; d < args->n && args->n == x->ndim; d++) {
        const int from = order[d] = hone__dim_index("permute", x, args->i[d]);
        if (from < 0)
            return NULL;
        seen |= 1u << from;
        shape.shape[d] = x->shape[from];
        stride[d] = x->stride[from];
    }
    if (args->n != x->ndim || seen != (1u << x->ndim) - 1) {
        hone_error_set(HONE_E_SHAPE, "permute: %s isn't an order of the %d dims of %s",
                       hone__shape_text(args->n, args->i).s, x->ndim, hone__tensor_text(x).s);
        return NULL;
    }
    for (int d = 0; d < args->n; d++)
        args->i[d] = order[d];
    return view(x, &shape, stride, x->offset);
}

static hone_tensor *permute_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    const hone__args *args = hone__call_args(ctx);
    int64_t back[HONE_MAX_DIMS + 1];
    for (int d = 0; d < args->n; d++)
        back[args->i[d]] = d;
    back[args->n] = HONE_END_DIM;
    return hone_permute_v(dy, back);
}

/* ---- extents of 1 */

static hone_tensor *squeeze(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const int dim = hone__dim_index("squeeze", x, hone__call_args(ctx)->dim);
    if (dim < 0)
        return NULL;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim && x->shape[d] == 1)
            continue;
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = x->shape[d];
    }
    return view(x, &shape, stride, x->offset);
}

static hone_tensor *unsqueeze(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const int64_t given = hone__call_args(ctx)->dim;
    const int n = x->ndim + 1;
    if (given < -n || given >= n || n > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE,
                       "unsqueeze: dim %lld can't be put into %s (at most %d dims, here %d..%d)",
                       (long long)given, hone__tensor_text(x).s, HONE_MAX_DIMS, -n, n - 1);
        return NULL;
    }
    const int dim = (int)(given < 0 ? given + n : given);
    hone__shape shape = { .ndim = n };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0, from = 0; d < n; d++) {
        shape.shape[d] = d == dim ? 1 : x->shape[from];
        stride[d] = d == dim ? 1 : x->stride[from];
        from += d != dim;
    }
    return view(x, &shape, stride, x->offset);
}

static hone_tensor *expand(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    const hone__args *args = hone__call_args(ctx);
    const int lead = args->n - x->ndim;
    hone__shape shape = { .ndim = args->n };
    int64_t stride[HONE_MAX_DIMS];
    bool fits = lead >= 0;
    for (int d = 0; fits && d < args->n; d++) {
        const int64_t own = d < lead ? 1 : x->shape[d - lead];
        const bool keep = args->i[d] == -1 && d >= lead;
        shape.shape[d] = keep ? own : args->i[d];
        stride[d] = d >= lead && shape.shape[d] == own ? x->stride[d - lead] : 0;
        fits = shape.shape[d] == own || (own == 1 && shape.shape[d] >= 0);
    }
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "expand: %s can't be expanded to %s", hone__tensor_text(x).s,
                       hone__shape_text(args->n, args->i).s);
        return NULL;
    }
    if (hone__numel_of("expand", shape.ndim, shape.shape) < 0)
        return NULL;
    return view(x, &shape, stride, x->offset);
}

/* The engine sums over what was repeated. */
static hone_tensor *expand_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)ctx, (void)input;
    return dy;
}

/* ---- parts of a dim */

/* The dim of a tensor that must have one. */
static int real_dim(const char *name, const hone_tensor *x, int64_t dim)
{
    if (x->ndim > 0)
        return hone__dim_index(name, x, dim);
    hone_error_set(HONE_E_SHAPE, "%s: a 0-d tensor has no dim to take from", name);
    return -1;
}

static hone_tensor *select_index(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone__args *args = hone__call_args(ctx);
    const int dim = real_dim("select", x, args->dim);
    if (dim < 0)
        return NULL;
    const int64_t extent = x->shape[dim], index = args->j[0] < 0 ? args->j[0] + extent : args->j[0];
    if (index < 0 || index >= extent) {
        hone_error_set(HONE_E_INDEX, "select: index %lld is out of range for dim %d of %s",
                       (long long)args->j[0], dim, hone__tensor_text(x).s);
        return NULL;
    }
    args->dim = dim;
    args->j[0] = index;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim)
            continue;
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = x->shape[d];
    }
    return view(x, &shape, stride, x->offset + index * x->stride[dim]);
}

static hone_tensor *select_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    const hone__args *args = hone__call_args(ctx);
    int64_t dims[HONE_MAX_DIMS + 1];
    return hone_slice_backward_v(hone_unsqueeze(dy, args->dim),
                                 ended(hone__input_shape(ctx, input), dims), args->dim, args->j[0],
                                 args->j[0] + 1, 1);
}

static int64_t clamp_index(int64_t index, int64_t extent)
{
    if (index < 0)
        index = index + extent < 0 ? 0 : index + extent;
    return index < extent ? index : extent;
}

/* Start, end and step in args->j made 0 <= start <= end <= extent; how many there are, or -1. */
static int64_t normalise_slice(const char *name, hone__args *args, int64_t extent)
{
    if (args->j[2] <= 0) {
        hone_error_set(HONE_E_VALUE, "%s: step %lld, it must be positive", name,
                       (long long)args->j[2]);
        return -1;
    }
    const int64_t start = clamp_index(args->j[0], extent), end = clamp_index(args->j[1], extent);
    args->j[0] = start;
    args->j[1] = end < start ? start : end;
    return end <= start ? 0 : (end - start - 1) / args->j[2] + 1;
}

static hone_tensor *sliced(const hone_tensor *x, int dim, int64_t start, int64_t count,
                           int64_t step)
{
    hone__shape shape = shape_of(x);
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++)
        stride[d] = x->stride[d];
    shape.shape[dim] = count;
    /* An empty or single slice has nowhere to step to; the offset stays inside the storage. */
    stride[dim] = count > 1 ? step * x->stride[dim] : x->stride[dim];
    return view(x, &shape, stride, x->offset + (count > 0 ? start * x->stride[dim] : 0));
}

static hone_tensor *slice(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone__args *args = hone__call_args(ctx);
    args->dim = real_dim("slice", in[0], args->dim);
    if (args->dim < 0)
        return NULL;
    const int64_t count = normalise_slice("slice", args, in[0]->shape[args->dim]);
    return count < 0 ? NULL : sliced(in[0], args->dim, args->j[0], count, args->j[2]);
}

static hone_tensor *slice_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    const hone__args *args = hone__call_args(ctx);
    int64_t dims[HONE_MAX_DIMS + 1];
    return hone_slice_backward_v(dy, ended(hone__input_shape(ctx, input), dims), args->dim,
                                 args->j[0], args->j[1], args->j[2]);
}

static hone_tensor *slice_backward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone__args *args = hone__call_args(ctx);
    hone_tensor *dx = hone__out(ctx, (hone_dtype)in[0]->dtype, args->n, args->i);
    if (!dx)
        return NULL;
    args->dim = real_dim("slice_backward", dx, args->dim);
    if (args->dim < 0)
        return NULL;
    const int64_t count = normalise_slice("slice_backward", args, dx->shape[args->dim]);
    hone_tensor *part = count < 0 ? NULL : sliced(dx, args->dim, args->j[0], count, args->j[2]);
    if (!part)
        return NULL;
    if (!hone__same_shape(part, in[0])) {
        hone_error_set(HONE_E_SHAPE, "slice_backward: dy is %s, the slice of %s is %s",
                       hone__tensor_text(in[0]).s, hone__tensor_text(dx).s,
                       hone__tensor_text(part).s);
        return NULL;
    }
    hone__fill_elements(dx, 0.0);
    return hone__copy_elements(part, in[0]) ? dx : NULL;
}

static hone_tensor *slice_backward_grad(hone_context *ctx, hone_tensor *g, int input)
{
    (void)input;
    const hone__args *args = hone__call_args(ctx);
    return hone_slice(g, args->dim, args->j[0], args->j[1], args->j[2]);
}

hone_tensor_list hone_split(hone_tensor *x, int64_t size, int dim)
{
    const hone_tensor_list failed = { NULL, 0 };
    if (!hone__needs_tensor("split", x))
        return failed;
    const int d = real_dim("split", x, dim);
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

/* ---- cat */

/* PyTorch's old empty tensor, which fits to all others and adds nothing but its dtype. */
static bool is_nothing(int ndim, const int64_t *shape)
{
    return ndim == 1 && shape[0] == 0;
}

/* Result shape and dtype; false + error if the tensors don't fit together. */
static bool joined_shape(hone_context *ctx, hone_tensor *const *in, int n_in, hone__shape *shape,
                         hone_dtype *dtype)
{
    hone__args *args = hone__call_args(ctx);
    if (n_in == 0) {
        hone_error_set(HONE_E_SHAPE, "cat: needs at least one tensor");
        return false;
    }
    int first = 0;
    while (first < n_in - 1 && is_nothing(in[first]->ndim, in[first]->shape))
        first++;
    args->dim = real_dim("cat", in[first], args->dim);
    if (args->dim < 0)
        return false;
    *shape = shape_of(in[first]);
    *dtype = (hone_dtype)in[first]->dtype;
    for (int i = 0; i < n_in; i++) {
        *dtype = hone_promote(*dtype, (hone_dtype)in[i]->dtype);
        if (i == first || is_nothing(in[i]->ndim, in[i]->shape))
            continue;
        bool fits = in[i]->ndim == shape->ndim;
        for (int d = 0; fits && d < shape->ndim; d++)
            fits = d == args->dim || in[i]->shape[d] == shape->shape[d];
        if (!fits) {
            hone_error_set(
                HONE_E_SHAPE, "cat: tensor %d is %s, tensor %d is %s; all but dim %d must be equal",
                i, hone__tensor_text(in[i]).s, first, hone__tensor_text(in[first]).s, args->dim);
            return false;
        }
        int64_t *joined = &shape->shape[args->dim];
        if (__builtin_add_overflow(*joined, in[i]->shape[args->dim], joined)) {
            hone_error_set(HONE_E_SHAPE, "cat: dim %d has more elements than an int64 can count",
                           args->dim);
            return false;
        }
    }
    return true;
}

static hone_tensor *cat(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone__shape shape;
    hone_dtype dtype;
    if (!joined_shape(ctx, in, n_in, &shape, &dtype))
        return NULL;
    hone_tensor *out = hone__out(ctx, dtype, shape.ndim, shape.shape);
    const int dim = hone__call_args(ctx)->dim;
    int64_t start = 0;
    for (int i = 0; out && i < n_in; i++) {
        if (is_nothing(in[i]->ndim, in[i]->shape))
            continue;
        hone_tensor *part = sliced(out, dim, start, in[i]->shape[dim], 1);
        if (!part || !hone__copy_elements(part, in[i]))
            return NULL;
        start += in[i]->shape[dim];
    }
    return out;
}

static hone_tensor *cat_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    const int dim = hone__call_args(ctx)->dim;
    const hone__shape *own = hone__input_shape(ctx, input);
    if (is_nothing(own->ndim, own->shape))
        return hone_reshape(hone_slice(dy, dim, 0, 0, 1), 0);
    int64_t start = 0;
    for (int i = 0; i < input; i++) {
        const hone__shape *before = hone__input_shape(ctx, i);
        start += is_nothing(before->ndim, before->shape) ? 0 : before->shape[dim];
    }
    return hone_slice(dy, dim, start, start + own->shape[dim], 1);
}

/* ---- the ops */

#define VIEW(name_, forward_, grad_)                                                               \
    const hone__op hone__op_##name_ = {                                                            \
        .name = #name_, .forward = forward_, .grad = { grad_ }, .view = true                       \
    }

VIEW(reshape, reshape, reshape_to_input);
VIEW(transpose, transpose, transpose_grad);
VIEW(permute, permute, permute_grad);
VIEW(squeeze, squeeze, reshape_to_input);
VIEW(unsqueeze, unsqueeze, reshape_to_input);
VIEW(expand, expand, expand_grad);
VIEW(select, select_index, select_grad);
VIEW(slice, slice, slice_grad);

const hone__op hone__op_slice_backward = {
    .name = "slice_backward",
    .forward = slice_backward,
    .grad = { slice_backward_grad },
};
const hone__op hone__op_cat = {
    .name = "cat",
    .forward = cat,
    .grad = { cat_grad, cat_grad, cat_grad },
};
