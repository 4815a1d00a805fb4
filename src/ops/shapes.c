/* shapes.c: as_strided, rot90, unflatten, squeeze_dims, diag, trace; lists of tensors: tensor_split,
 * split_with_sizes, meshgrid, broadcast_tensors, cartesian_prod. */
#include "ops/common.h"
#include "runtime/memory.h"

#include <hone/shapes.h>

/* ---- squeeze_dims, squeeze_all: extents of 1 go; views, which record themselves */

static const hone__option squeeze_table[] = {
    { "dims", HONE__OPT_DIMS, 0, .required = true },
    { NULL },
};

static hone_tensor *squeezed(hone_tensor *x, uint32_t mask)
{
    for (int d = x->ndim - 1; x && d >= 0; d--)
        if (mask >> d & 1 && x->shape[d] == 1)
            x = hone_squeeze(x, d);
    return x;
}

static bool squeeze_dims_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    const hone__shape *dims = hone__options(ctx);
    uint32_t mask = 0;
    for (int i = 0; i < dims->ndim; i++) {
        const int d = hone__dim_index("squeeze_dims", in[0], dims->shape[i]);
        if (d < 0)
            return false;
        if (mask >> d & 1) {
            hone_error_set(HONE_E_SHAPE, "squeeze_dims: dim %d is given twice", d);
            return false;
        }
        mask |= 1u << d;
    }
    return hone__give(out, squeezed(in[0], mask));
}

static bool squeeze_all_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)ctx;
    (void)n_in;
    return hone__give(out, squeezed(in[0], ~UINT32_C(0)));
}

const hone__op hone__op_squeeze_dims = { .name = "squeeze_dims",
                                         .forward = squeeze_dims_forward,
                                         .in = { { "x" } },
                                         .options = squeeze_table,
                                         .options_bytes = sizeof(hone__shape),
                                         .composite = true };
const hone__op hone__op_squeeze_all = {
    .name = "squeeze_all", .forward = squeeze_all_forward, .in = { { "x" } }, .composite = true
};
HONE__ENTRY_X(squeeze_all)

hone_tensor *hone_squeeze_dims_v(hone_tensor *x, const int64_t *dims_end)
{
    hone__shape dims;
    return hone__read_dims("squeeze_dims", dims_end, &dims)
               ? hone__call(&hone__op_squeeze_dims, IN(x), &dims)
               : NULL;
}

/* ---- as_strided: any view of a contiguous tensor's elements, checked; its gradient goes back by index */

typedef struct {
    hone__shape size, stride;
    int64_t offset;
} strided_options;

static const hone__option strided_table[] = {
    HONE__OPTION(strided_options, size, HONE__OPT_DIMS),
    HONE__OPTION(strided_options, stride, HONE__OPT_DIMS),
    HONE__OPTION(strided_options, offset, HONE__OPT_INT),
    { NULL },
};

static bool as_strided_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const strided_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    int64_t last = o->offset;
    bool fits = o->size.ndim == o->stride.ndim && o->offset >= 0, empty = false;
    if (!hone__contiguous(x)) {
        hone_error_set(HONE_E_STATE, "as_strided: %s is not contiguous", hone__tensor_text(x).s);
        return false;
    }
    for (int d = 0; d < o->size.ndim; d++)
        empty = empty || o->size.shape[d] == 0;
    for (int d = 0; fits && d < o->size.ndim; d++) {
        int64_t step = 0;
        fits = o->size.shape[d] >= 0 && o->stride.shape[d] >= 0;
        if (fits && !empty)
            fits = hone__times(o->size.shape[d] - 1, o->stride.shape[d], &step) &&
                   step <= INT64_MAX - last;
        last += fits ? step : 0;
    }
    if (!fits || (empty ? o->offset > x->numel : last >= x->numel)) {
        hone_error_set(HONE_E_SHAPE,
                       "as_strided: sizes and strides (%d and %d, offset %lld) leave %s",
                       o->size.ndim, o->stride.ndim, (long long)o->offset, hone__tensor_text(x).s);
        return false;
    }
    return hone__give(out, hone__own(hone__alias(x, o->size.ndim, o->size.shape, o->stride.shape,
                                                 x->offset + (empty ? 0 : o->offset))));
}

static void as_strided_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const strided_options *o = hone__options(ctx);
    const hone__shape *x = hone__input_shape(ctx, 0);
    int64_t room[HONE_MAX_DIMS + 1], numel = 1;
    hone_tensor *places = hone_scalar(HONE_I64, (double)o->offset);
    for (int d = 0; d < o->size.ndim; d++) {
        hone_tensor *along = hone_mul_scalar(hone_arange(HONE_I64, 0, (double)o->size.shape[d], 1),
                                             (double)o->stride.shape[d]);
        places = hone_add(hone_unsqueeze(places, -1), along);
    }
    for (int d = 0; d < x->ndim; d++)
        numel *= x->shape[d];
    hone_tensor *sum = hone_index_put(hone_zeros(hone_dtype_of(dy[0]), numel),
                                      hone_reshape(dy[0], -1), true, hone_reshape(places, -1));
    dx[0] = hone_reshape_v(sum, hone__ended(x, room));
}

const hone__op hone__op_as_strided = {
    .name = "as_strided",
    .forward = as_strided_forward,
    .backward = as_strided_backward,
    .in = { { "x" } },
    .options = strided_table,
    .options_bytes = sizeof(strided_options),
    .view = true,
    .repeats = true,
};

hone_tensor *hone_as_strided_v(hone_tensor *x, const int64_t *size_end, const int64_t *stride_end,
                               int64_t offset)
{
    strided_options o = { .offset = offset };
    return hone__read_dims("as_strided", size_end, &o.size) &&
                   hone__read_dims("as_strided", stride_end, &o.stride)
               ? hone__call(&hone__op_as_strided, IN(x), &o)
               : NULL;
}

/* ---- rot90: quarter turns of dim0 towards dim1 */

typedef struct {
    int64_t k, dim0, dim1;
} turn_options;

static const hone__option turn_table[] = {
    HONE__OPTION(turn_options, k, HONE__OPT_INT, .standard = 1),
    HONE__OPTION(turn_options, dim0, HONE__OPT_INT),
    HONE__OPTION(turn_options, dim1, HONE__OPT_INT, .standard = 1),
    { NULL },
};

static bool rot90_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const turn_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    const int a = x->ndim < 2 ? -1 : hone__dim_index("rot90", x, o->dim0);
    const int b = a < 0 ? -1 : hone__dim_index("rot90", x, o->dim1);
    if (x->ndim < 2 || (b >= 0 && a == b))
        hone_error_set(HONE_E_SHAPE, "rot90: two dims are wanted, got %lld and %lld of %s",
                       (long long)o->dim0, (long long)o->dim1, hone__tensor_text(x).s);
    if (b < 0 || a == b)
        return false;
    switch (o->k & 3) {
    case 1:
        return hone__give(out, hone_contiguous(hone_transpose(hone_flip(x, b), a, b)));
    case 2:
        return hone__give(out, hone_flip(x, a, b));
    case 3:
        return hone__give(out, hone_contiguous(hone_transpose(hone_flip(x, a), a, b)));
    default:
        return hone__give(out, hone_clone(x));
    }
}

const hone__op hone__op_rot90 = {
    .name = "rot90",
    .forward = rot90_forward,
    .in = { { "x" } },
    .options = turn_table,
    .options_bytes = sizeof(turn_options),
    .composite = true,
};

hone_tensor *hone_rot90(hone_tensor *x, int64_t k, int dim0, int dim1)
{
    return hone__call(&hone__op_rot90, IN(x), &(turn_options){ k, dim0, dim1 });
}

/* ---- unflatten: one dim as several; one of the sizes may be -1 */

typedef struct {
    int64_t dim; /* first, as in hone__dim_options */
    hone__shape sizes;
} unflatten_options;

static const hone__option unflatten_table[] = {
    HONE__OPTION(unflatten_options, dim, HONE__OPT_INT, .required = true),
    HONE__OPTION(unflatten_options, sizes, HONE__OPT_DIMS),
    { NULL },
};

static bool unflatten_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int dim = hone__take_dim(ctx, x);
    const unflatten_options *o = hone__options(ctx);
    int64_t shape[2 * HONE_MAX_DIMS + 1], known = 1;
    int n = 0, open = -1;
    if (dim < 0)
        return false;
    for (int d = 0; d < dim; d++)
        shape[n++] = x->shape[d];
    for (int i = 0; i < o->sizes.ndim; i++) {
        open = o->sizes.shape[i] == -1 ? n : open;
        if (o->sizes.shape[i] != -1 && !hone__times(known, o->sizes.shape[i], &known))
            known = 0;
        shape[n++] = o->sizes.shape[i];
    }
    for (int d = dim + 1; d < x->ndim; d++)
        shape[n++] = x->shape[d];
    const int64_t extent = x->ndim ? x->shape[dim] : 1;
    if (open >= 0 && known > 0 && extent % known == 0) {
        shape[open] = extent / known;
        known = extent;
    }
    if (known != extent || n > HONE_MAX_DIMS || o->sizes.ndim == 0) {
        hone_error_set(HONE_E_SHAPE, "unflatten: the sizes don't make dim %d of %s", dim,
                       hone__tensor_text(x).s);
        return false;
    }
    shape[n] = HONE_END_DIM;
    return hone__give(out, hone_reshape_v(x, shape));
}

const hone__op hone__op_unflatten = {
    .name = "unflatten",
    .forward = unflatten_forward,
    .in = { { "x" } },
    .options = unflatten_table,
    .options_bytes = sizeof(unflatten_options),
    .composite = true,
};

hone_tensor *hone_unflatten_v(hone_tensor *x, int dim, const int64_t *sizes_end)
{
    unflatten_options o = { .dim = dim };
    return hone__read_dims("unflatten", sizes_end, &o.sizes)
               ? hone__call(&hone__op_unflatten, IN(x), &o)
               : NULL;
}

/* ---- diag, trace */

typedef struct {
    int64_t diagonal;
} diag_options;

static const hone__option diag_table[] = {
    HONE__OPTION(diag_options, diagonal, HONE__OPT_INT),
    { NULL },
};

static bool diag_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const int64_t diagonal = ((const diag_options *)hone__options(ctx))->diagonal;
    if (in[0]->ndim == 1)
        return hone__give(out, hone_diag_embed(in[0], diagonal, 0, 1));
    if (in[0]->ndim == 2)
        return hone__give(out, hone_contiguous(hone_diagonal(in[0], diagonal, 0, 1)));
    hone_error_set(HONE_E_SHAPE, "diag: 1 or 2 dims are wanted, got %s",
                   hone__tensor_text(in[0]).s);
    return false;
}

const hone__op hone__op_diag = {
    .name = "diag",
    .forward = diag_forward,
    .in = { { "x" } },
    .options = diag_table,
    .options_bytes = sizeof(diag_options),
    .composite = true,
};

hone_tensor *hone_diag(hone_tensor *x, int64_t diagonal)
{
    return hone__call(&hone__op_diag, IN(x), &(diag_options){ diagonal });
}

static bool trace_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)ctx, (void)n_in;
    if (in[0]->ndim == 2)
        return hone__give(out, hone_sum(hone_diagonal(in[0], 0, 0, 1)));
    hone_error_set(HONE_E_SHAPE, "trace: a matrix is wanted, got %s", hone__tensor_text(in[0]).s);
    return false;
}

const hone__op hone__op_trace = {
    .name = "trace", .forward = trace_forward, .in = { { "x" } }, .composite = true
};
HONE__ENTRY_X(trace)

/* ---- lists */

static const hone_tensor_list failed = { NULL, 0 };

/* Views between `at` (n + 1 of them, in order). */
static hone_tensor_list cut(hone_tensor *x, int dim, const int64_t *at, int n)
{
    hone_tensor_list list = hone__list_new(n);
    for (int i = 0; i < list.n; i++)
        if (!(list.at[i] = hone_slice(x, dim, at[i], at[i + 1], 1)))
            return failed;
    return list;
}

static int dim_of(const char *name, const hone_tensor *x, int dim)
{
    if (!hone__needs_tensor(name, x))
        return -1;
    if (x->ndim > 0)
        return hone__dim_index(name, x, dim);
    hone_error_set(HONE_E_SHAPE, "%s: a 0-d tensor has no dim to take from", name);
    return -1;
}

enum { PARTS = 4096 };

hone_tensor_list hone_split_with_sizes_v(hone_tensor *x, const int64_t *sizes_end, int dim)
{
    const int d = dim_of("split_with_sizes", x, dim);
    int64_t at[PARTS + 1] = { 0 };
    int n = 0;
    if (d < 0 || !sizes_end) {
        if (d >= 0)
            hone__error_null("split_with_sizes");
        return failed;
    }
    for (; sizes_end[n] != HONE_END_DIM && n < PARTS; n++) {
        if (sizes_end[n] < 0 || sizes_end[n] > x->shape[d] - at[n])
            break;
        at[n + 1] = at[n] + sizes_end[n];
    }
    if (sizes_end[n] != HONE_END_DIM || at[n] != x->shape[d]) {
        hone_error_set(HONE_E_VALUE, "split_with_sizes: the sizes don't make dim %d of %s", d,
                       hone__tensor_text(x).s);
        return failed;
    }
    return cut(x, d, at, n);
}

hone_tensor_list hone_tensor_split(hone_tensor *x, int64_t sections, int dim)
{
    const int d = dim_of("tensor_split", x, dim);
    int64_t at[PARTS + 1] = { 0 };
    if (d < 0)
        return failed;
    if (sections < 1 || sections > PARTS) {
        hone_error_set(HONE_E_VALUE, "tensor_split: %lld sections, 1 to %d are possible",
                       (long long)sections, PARTS);
        return failed;
    }
    for (int64_t i = 0; i < sections; i++)
        at[i + 1] = at[i] + x->shape[d] / sections + (i < x->shape[d] % sections);
    return cut(x, d, at, (int)sections);
}

static bool list_is_whole(const char *name, hone_tensor_list list)
{
    bool whole = list.at != NULL;
    for (int i = 0; whole && i < list.n; i++)
        whole = hone__needs_tensor(name, list.at[i]);
    if (!list.at)
        hone__error_null(name);
    return whole;
}

hone_tensor_list hone_broadcast_tensors(hone_tensor_list tensors)
{
    hone__shape shape;
    int64_t room[HONE_MAX_DIMS + 1];
    if (!list_is_whole("broadcast_tensors", tensors) ||
        !hone__broadcast("broadcast_tensors", tensors.at, tensors.n, &shape))
        return failed;
    hone_tensor_list list = hone__list_new(tensors.n);
    for (int i = 0; i < list.n; i++)
        if (!(list.at[i] = hone_expand_v(tensors.at[i], hone__ended(&shape, room))))
            return failed;
    return list;
}

hone_tensor_list hone_meshgrid(hone_tensor_list tensors, bool xy)
{
    hone__shape shape = { .ndim = tensors.n };
    int64_t room[HONE_MAX_DIMS + 1];
    if (!list_is_whole("meshgrid", tensors))
        return failed;
    for (int i = 0; i < tensors.n; i++)
        if (tensors.n > HONE_MAX_DIMS || tensors.at[i]->ndim > 1 ||
            tensors.at[i]->dtype != tensors.at[0]->dtype) {
            hone_error_set(tensors.at[i]->ndim > 1 || tensors.n > HONE_MAX_DIMS ? HONE_E_SHAPE
                                                                                : HONE_E_DTYPE,
                           "meshgrid: up to %d tensors of one dim and dtype are wanted, got %s",
                           HONE_MAX_DIMS, hone__tensor_text(tensors.at[i]).s);
            return failed;
        }
    const bool turned = xy && tensors.n > 1;
    for (int i = 0; i < tensors.n; i++)
        shape.shape[turned && i < 2 ? 1 - i : i] = tensors.at[i]->numel;
    hone_tensor_list list = hone__list_new(tensors.n);
    for (int i = 0; i < list.n; i++) {
        hone_tensor *t = hone_reshape(tensors.at[i], -1);
        for (int d = turned && i < 2 ? 1 - i : i; d < tensors.n - 1; d++)
            t = hone_unsqueeze(t, -1);
        if (!(list.at[i] = hone_expand_v(t, hone__ended(&shape, room))))
            return failed;
    }
    return list;
}

hone_tensor *hone_cartesian_prod(hone_tensor_list tensors)
{
    hone_tensor_list grid = hone_meshgrid(tensors, false);
    if (!grid.at || grid.n == 0)
        return NULL;
    if (grid.n == 1)
        return hone_reshape(grid.at[0], -1);
    for (int i = 0; i < grid.n; i++)
        grid.at[i] = hone_reshape(grid.at[i], -1);
    return hone_stack(grid, 1);
}
