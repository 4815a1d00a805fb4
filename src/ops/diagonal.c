/* diagonal.c: diagonals as views, their gradient; movedim, unbind: other views by one dim. */
#include "loops/elementwise.h"
#include "ops/common.h"

/* ---- diagonal */

typedef struct {
    int64_t offset, dim1, dim2;
    hone__shape shape; /* of diagonal_backward alone: the result's */
} diagonal_options;

static const hone__option diagonal_table[] = {
    HONE__OPTION(diagonal_options, offset, HONE__OPT_INT),
    HONE__OPTION(diagonal_options, dim1, HONE__OPT_INT),
    HONE__OPTION(diagonal_options, dim2, HONE__OPT_INT, .standard = 1),
    { NULL },
};

/* The view of x's diagonal, its elements along a new last dim; NULL + error. */
static hone_tensor *diagonal_of(const char *name, const hone_tensor *x, diagonal_options *o)
{
    const int a = x->ndim < 2 ? -1 : hone__dim_index(name, x, o->dim1);
    const int b = a < 0 ? -1 : hone__dim_index(name, x, o->dim2);
    if (x->ndim < 2 || (b >= 0 && a == b))
        hone_error_set(HONE_E_SHAPE, "%s: two dims are wanted, got %lld and %lld of %s", name,
                       (long long)o->dim1, (long long)o->dim2, hone__tensor_text(x).s);
    if (b < 0 || a == b)
        return NULL;
    o->dim1 = a, o->dim2 = b;
    const int64_t n = x->shape[a], m = x->shape[b];
    const int64_t down = o->offset < 0 ? (o->offset < -n ? n : -o->offset) : 0;
    const int64_t right = o->offset > 0 ? (o->offset > m ? m : o->offset) : 0;
    const int64_t length = n - down < m - right ? n - down : m - right;
    hone__shape shape = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) {
        if (d == a || d == b)
            continue;
        stride[shape.ndim] = x->stride[d];
        shape.shape[shape.ndim++] = x->shape[d];
    }
    stride[shape.ndim] = x->stride[a] + x->stride[b];
    shape.shape[shape.ndim++] = length;
    const int64_t start = length > 0 ? down * x->stride[a] + right * x->stride[b] : 0;
    return hone__own(hone__alias(x, shape.ndim, shape.shape, stride, x->offset + start));
}

static bool diagonal_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, diagonal_of("diagonal", in[0], hone__options(ctx)));
}

static void diagonal_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    diagonal_options o = *(const diagonal_options *)hone__options(ctx);
    o.shape = *hone__input_shape(ctx, 0);
    dx[0] = hone__call(&hone__op_diagonal_backward, IN(dy[0]), &o);
}

const hone__op hone__op_diagonal = {
    .name = "diagonal",
    .forward = diagonal_forward,
    .backward = diagonal_backward,
    .in = { { "x" } },
    .options = diagonal_table,
    .options_bytes = sizeof(diagonal_options),
    .view = true,
};

hone_tensor *hone_diagonal(hone_tensor *x, int64_t offset, int dim1, int dim2)
{
    return hone__call(&hone__op_diagonal, IN(x),
                      &(diagonal_options){ .offset = offset, .dim1 = dim1, .dim2 = dim2 });
}

/* Zeros with dy on the diagonal. */
static bool diagonal_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                      hone_tensor **out)
{
    (void)n_in;
    diagonal_options *o = hone__options(ctx);
    hone_tensor *dx = out[0] =
        hone__out(ctx, 0, (hone_dtype)in[0]->dtype, o->shape.ndim, o->shape.shape);
    hone_tensor *part = dx ? diagonal_of("diagonal_backward", dx, o) : NULL;
    if (!part)
        return false;
    hone__fill_elements(dx, 0);
    return hone__copy_elements(part, in[0]);
}

static void diagonal_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const diagonal_options *o = hone__options(ctx);
    dx[0] = hone_diagonal(g[0], o->offset, (int)o->dim1, (int)o->dim2);
}

const hone__op hone__op_diagonal_backward = {
    .name = "diagonal_backward",
    .forward = diagonal_backward_forward,
    .backward = diagonal_backward_backward,
    .in = { { "dy" } },
    .options = diagonal_table,
    .options_bytes = sizeof(diagonal_options),
    .forms = HONE__PRIVATE,
};

/* ---- movedim: a permutation */

typedef struct {
    int64_t source, destination;
} movedim_options;

static const hone__option movedim_table[] = {
    HONE__OPTION(movedim_options, source, HONE__OPT_INT, .required = true),
    HONE__OPTION(movedim_options, destination, HONE__OPT_INT, .required = true),
    { NULL },
};

static bool movedim_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const movedim_options *o = hone__options(ctx);
    const int from = hone__dim_index("movedim", in[0], o->source);
    const int to = from < 0 ? -1 : hone__dim_index("movedim", in[0], o->destination);
    int64_t order[HONE_MAX_DIMS + 1];
    if (to < 0)
        return false;
    for (int d = 0, next = 0; d < in[0]->ndim; d++) {
        next += next == from;
        order[d] = d == to ? from : next++;
    }
    order[in[0]->ndim] = HONE_END_DIM;
    return hone__give(out, hone_permute_v(in[0], order));
}

const hone__op hone__op_movedim = {
    .name = "movedim",
    .forward = movedim_forward,
    .in = { { "x" } },
    .options = movedim_table,
    .options_bytes = sizeof(movedim_options),
    .composite = true,
};

hone_tensor *hone_movedim(hone_tensor *x, int source, int destination)
{
    return hone__call(&hone__op_movedim, IN(x), &(movedim_options){ source, destination });
}

/* ---- unbind */

hone_tensor_list hone_unbind(hone_tensor *x, int dim)
{
    const hone_tensor_list failed = { NULL, 0 };
    const int d = !hone__needs_tensor("unbind", x) ? -1 : hone__dim_index("unbind", x, dim);
    if (d < 0)
        return failed;
    if (x->ndim == 0 || x->shape[d] > INT32_MAX) {
        hone_error_set(HONE_E_SHAPE, "unbind: %s has no dim to take apart, or too long a one",
                       hone__tensor_text(x).s);
        return failed;
    }
    hone_tensor_list list = hone__list_new((int)x->shape[d]);
    for (int i = 0; i < list.n; i++)
        if (!(list.at[i] = hone_select(x, d, i)))
            return failed;
    return list;
}
