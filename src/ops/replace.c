/* replace.c: select_scatter, slice_scatter, diagonal_scatter: x with a part of it replaced; diag_embed. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <hone/shapes.h>

/* ---- what they share: a copy of x, src put into the part, which is a view of the copy; dsrc is the part of
 * dy, dx is dy with zeros there */

static bool replaced(hone_context *ctx, hone_tensor *const *in,
                     hone_tensor *(*part)(void *, hone_tensor *), hone_tensor **out)
{
    hone_tensor *x = in[0], *src = in[1];
    hone_tensor *y = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    if (!y || !hone__copy_elements(y, x))
        return false;
    hone_tensor *view = part(hone__options(ctx), y);
    if (!view)
        return false;
    if (!hone__same_shape(view, src)) {
        hone_error_set(HONE_E_SHAPE, "%s: the part is %s, and what should replace it %s",
                       hone__call_name(ctx), hone__tensor_text(view).s, hone__tensor_text(src).s);
        return false;
    }
    return hone__give(out, y) && hone__copy_elements(view, src);
}

static void replaced_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx,
                              const hone__op *op, hone_tensor *(*part)(void *, hone_tensor *))
{
    hone_tensor *there = part(hone__options(ctx), dy[0]);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(op, IN(dy[0], hone_zeros_like(there)), hone__options(ctx));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = there;
}

#define REPLACING(op, table, type)                                                                 \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return replaced(ctx, in, op##_part, out);                                                  \
    }                                                                                              \
    static void op##_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)         \
    {                                                                                              \
        replaced_backward(ctx, dy, dx, &hone__op_##op, op##_part);                                 \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "x" }, { "src" } },                                                              \
        .options = table,                                                                          \
        .options_bytes = sizeof(type),                                                             \
    };

/* ---- select_scatter */

typedef struct {
    int64_t dim, index;
} select_options;

static const hone__option select_table[] = {
    HONE__OPTION(select_options, dim, HONE__OPT_INT, .required = true),
    HONE__OPTION(select_options, index, HONE__OPT_INT, .required = true),
    { NULL },
};

static hone_tensor *select_scatter_part(void *options, hone_tensor *x)
{
    const select_options *o = options;
    return hone_select(x, (int)o->dim, o->index);
}
REPLACING(select_scatter, select_table, select_options)

hone_tensor *hone_select_scatter(hone_tensor *x, hone_tensor *src, int dim, int64_t index)
{
    return hone__call(&hone__op_select_scatter, IN(x, src), &(select_options){ dim, index });
}

/* ---- slice_scatter */

typedef struct {
    int64_t dim, start, end, step;
} slice_options;

static const hone__option slice_table[] = {
    HONE__OPTION(slice_options, dim, HONE__OPT_INT),
    HONE__OPTION(slice_options, start, HONE__OPT_INT),
    HONE__OPTION(slice_options, end, HONE__OPT_INT, .required = true),
    HONE__OPTION(slice_options, step, HONE__OPT_INT, .standard = 1),
    { NULL },
};

static hone_tensor *slice_scatter_part(void *options, hone_tensor *x)
{
    const slice_options *o = options;
    return hone_slice(x, (int)o->dim, o->start, o->end, o->step);
}
REPLACING(slice_scatter, slice_table, slice_options)

hone_tensor *hone_slice_scatter(hone_tensor *x, hone_tensor *src, int dim, int64_t start,
                                int64_t end, int64_t step)
{
    return hone__call(&hone__op_slice_scatter, IN(x, src),
                      &(slice_options){ dim, start, end, step });
}

/* ---- diagonal_scatter, diag_embed */

typedef struct {
    int64_t offset, dim1, dim2;
} diagonal_options;

static const hone__option diagonal_table[] = {
    HONE__OPTION(diagonal_options, offset, HONE__OPT_INT),
    HONE__OPTION(diagonal_options, dim1, HONE__OPT_INT),
    HONE__OPTION(diagonal_options, dim2, HONE__OPT_INT, .standard = 1),
    { NULL },
};

static hone_tensor *diagonal_scatter_part(void *options, hone_tensor *x)
{
    const diagonal_options *o = options;
    return hone_diagonal(x, o->offset, (int)o->dim1, (int)o->dim2);
}
REPLACING(diagonal_scatter, diagonal_table, diagonal_options)

hone_tensor *hone_diagonal_scatter(hone_tensor *x, hone_tensor *src, int64_t offset, int dim1,
                                   int dim2)
{
    return hone__call(&hone__op_diagonal_scatter, IN(x, src),
                      &(diagonal_options){ offset, dim1, dim2 });
}

static const hone__option embed_table[] = {
    HONE__OPTION(diagonal_options, offset, HONE__OPT_INT),
    HONE__OPTION(diagonal_options, dim1, HONE__OPT_INT, .standard = -2),
    HONE__OPTION(diagonal_options, dim2, HONE__OPT_INT, .standard = -1),
    { NULL },
};

/* Its last dim becomes the diagonal of dims dim1 and dim2 of the result. */
static bool diag_embed_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    diagonal_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    const int ndim = x->ndim + 1;
    if (x->ndim == 0 || ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "diag_embed: 1 to %d dims are wanted, got %s",
                       HONE_MAX_DIMS - 1, hone__tensor_text(x).s);
        return false;
    }
    const int64_t a = o->dim1 < 0 ? o->dim1 + ndim : o->dim1;
    const int64_t b = o->dim2 < 0 ? o->dim2 + ndim : o->dim2;
    if (a < 0 || b < 0 || a >= ndim || b >= ndim || a == b) {
        hone_error_set(HONE_E_SHAPE, "diag_embed: two dims of %d are wanted, got %lld and %lld",
                       ndim, (long long)o->dim1, (long long)o->dim2);
        return false;
    }
    if (o->offset > INT32_MAX || o->offset < -INT32_MAX) {
        hone_error_set(HONE_E_VALUE, "diag_embed: the offset is %lld", (long long)o->offset);
        return false;
    }
    int64_t shape[HONE_MAX_DIMS];
    const int64_t size = x->shape[x->ndim - 1] + (o->offset < 0 ? -o->offset : o->offset);
    for (int d = 0, from = 0; d < ndim; d++)
        shape[d] = d == a || d == b ? size : x->shape[from++];
    *o = (diagonal_options){ o->offset, a, b };
    hone_tensor *y = hone__out(ctx, 0, (hone_dtype)x->dtype, ndim, shape);
    hone_tensor *view = y ? hone_diagonal(y, o->offset, (int)a, (int)b) : NULL;
    if (!view)
        return false;
    hone__fill_elements(y, 0);
    return hone__give(out, y) && hone__copy_elements(view, x);
}

static void diag_embed_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = diagonal_scatter_part(hone__options(ctx), dy[0]);
}

const hone__op hone__op_diag_embed = {
    .name = "diag_embed",
    .forward = diag_embed_forward,
    .backward = diag_embed_backward,
    .in = { { "x" } },
    .options = embed_table,
    .options_bytes = sizeof(diagonal_options),
};

hone_tensor *hone_diag_embed(hone_tensor *x, int64_t offset, int dim1, int dim2)
{
    return hone__call(&hone__op_diag_embed, IN(x), &(diagonal_options){ offset, dim1, dim2 });
}
