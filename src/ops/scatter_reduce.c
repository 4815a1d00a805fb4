/* scatter_reduce.c: what goes to one place is added, multiplied, averaged, or the largest or smallest of it
 * stays. Sums and means are made of scatter_add, which records itself; the others have loops. */
#include "ops/along.h"

#include "loops/elementwise.h"

#include <hone/shapes.h>

#include <math.h>

enum { SUM, PROD, MEAN, AMAX, AMIN };

typedef struct {
    int64_t dim; /* first, as in hone__dim_options */
    int reduce;
    bool include_self;
} reduce_options;

static const char *const names[] = { "sum", "prod", "mean", "amax", "amin", NULL };
static const hone__option table[] = {
    HONE__OPTION(reduce_options, dim, HONE__OPT_INT, .required = true),
    HONE__OPTION(reduce_options, reduce, HONE__OPT_CHOICE, .required = true, .choices = names),
    HONE__OPTION(reduce_options, include_self, HONE__OPT_BOOL, .standard = 1),
    { NULL },
};

/* ---- loops, one chain a place in the order of the index: x [outer][extent][inner], which is there already,
 * and index and src [outer][dim][inner] */

typedef struct {
    int64_t outer, dim, inner; /* of the index */
    const int64_t *at, *inner_place;
    hone__rows places;
    int64_t step;
} walk;

#define MAX_OF(a, b)   ((a) != (a) || (a) > (b) ? (a) : (b))
#define MIN_OF(a, b)   ((a) != (a) || (a) < (b) ? (a) : (b))
#define TIMES_OF(a, b) ((a) * (b))
#define EACH(name, type, OF)                                                                       \
    static void name(const walk *w, char *data, const void *src)                                   \
    {                                                                                              \
        const type *from = src;                                                                    \
        for (int64_t o = 0, i = 0; o < w->outer; o++) {                                            \
            type *base = (type *)(void *)data + hone__rows_offset(&w->places, o, 0);               \
            for (int64_t d = 0; d < w->dim; d++)                                                   \
                for (int64_t c = 0; c < w->inner; c++, i++) {                                      \
                    type *to =                                                                     \
                        base + w->at[i] * w->step + (w->inner_place ? w->inner_place[c] : 0);      \
                    *to = (type)OF(*to, from[i]);                                                  \
                }                                                                                  \
        }                                                                                          \
    }
#define OF_DTYPE(NAME, name, type, ...)                                                            \
    EACH(prod_##name, type, TIMES_OF)                                                              \
    EACH(amax_##name, type, MAX_OF)                                                                \
    EACH(amin_##name, type, MIN_OF)
HONE__EACH_DTYPE(OF_DTYPE, )
#define PROD_OF(NAME, name, ...) [HONE_##NAME] = prod_##name,
#define AMAX_OF(NAME, name, ...) [HONE_##NAME] = amax_##name,
#define AMIN_OF(NAME, name, ...) [HONE_##NAME] = amin_##name,
typedef void (*each_fn)(const walk *, char *, const void *);
static const each_fn prods[HONE_DTYPES] = { HONE__EACH_DTYPE(PROD_OF, ) },
                     maxima[HONE_DTYPES] = { HONE__EACH_DTYPE(AMAX_OF, ) },
                     minima[HONE_DTYPES] = { HONE__EACH_DTYPE(AMIN_OF, ) };

static bool source_fits(const hone_tensor *x, const hone_tensor *index, const hone_tensor *src)
{
    if (src->dtype != x->dtype) {
        hone_error_set(HONE_E_DTYPE, "scatter_reduce: src is %s, x is %s", hone__tensor_text(src).s,
                       hone__tensor_text(x).s);
        return false;
    }
    bool fits = src->ndim == index->ndim;
    for (int d = 0; fits && d < index->ndim; d++)
        fits = index->shape[d] <= src->shape[d];
    if (!fits)
        hone_error_set(HONE_E_SHAPE, "scatter_reduce: src %s is smaller than the index %s",
                       hone__tensor_text(src).s, hone__tensor_text(index).s);
    return fits;
}

/* src's part of the index's shape, as a view. */
static hone_tensor *cut(hone_tensor *src, const hone_tensor *index)
{
    for (int d = 0; d < index->ndim; d++)
        src = hone_slice(src, d, 0, index->shape[d], 1);
    return src;
}

/* ---- scatter_extreme: prod, amax, amin into a copy of x; private */

static bool scatter_extreme_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    (void)n_in;
    const reduce_options *o = hone__options(ctx);
    hone_tensor *x = in[0], *src = hone_contiguous(cut(in[2], in[1]));
    hone_tensor *y = src ? hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape) : NULL;
    hone__along_job j;
    if (!y || !hone__copy_elements(y, x) ||
        !hone__along("scatter_reduce", y, (int)o->dim, in[1], false, &j))
        return false;
    const walk w = {
        j.outer, j.dim, j.inner, hone__data(j.index), j.inner_place, j.places, j.step
    };
    const each_fn *each = o->reduce == PROD ? prods : o->reduce == AMAX ? maxima : minima;
    if (src->numel)
        each[x->dtype](&w, j.places.data, hone__data(src));
    return hone__give(out, y) && HONE__SAVE(ctx, x, in[1], in[2], y);
}

/* What is as large as what stayed shares dy evenly, x among it. Products: dy times the product of the
 * others, by division; where there is one zero the product of the rest. */
static void scatter_extreme_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const reduce_options *o = hone__options(ctx);
    const int dim = (int)o->dim;
    hone_tensor *x = hone_saved(ctx, 0), *index = hone_saved(ctx, 1), *y = hone_saved(ctx, 3);
    hone_tensor *src = index ? cut(hone_saved(ctx, 2), index) : NULL, *mine, *theirs;
    if (!x || !src || !y)
        return;
    const hone_dtype dtype = (hone_dtype)x->dtype;
    hone_tensor *one = hone_scalar(dtype, 1), *none = hone_scalar(dtype, 0);
    if (o->reduce == PROD) {
        hone_tensor *x_zero = hone_eq_scalar(x, 0), *zero = hone_eq_scalar(src, 0);
        hone_tensor *zeros =
            hone_scatter_add(hone_to(x_zero, dtype), dim, index, hone_to(zero, dtype));
        hone_tensor *rest =
            hone__call(&hone__op_scatter_extreme,
                       IN(hone_where(x_zero, one, x), index, hone_where(zero, one, src)), o);
        hone_tensor *alone = hone_where(hone_eq_scalar(zeros, 1), rest, none);
        mine = hone_where(x_zero, alone, hone_div(y, hone_where(x_zero, one, x)));
        theirs = hone_where(zero, hone_gather(alone, dim, index),
                            hone_div(hone_gather(y, dim, index), hone_where(zero, one, src)));
    } else {
        mine = hone_to(hone_eq(x, y), dtype);
        theirs = hone_to(hone_eq(src, hone_gather(y, dim, index)), dtype);
        hone_tensor *count = hone_maximum_scalar(hone_scatter_add(mine, dim, index, theirs), 1);
        mine = hone_div(mine, count);
        theirs = hone_div(theirs, hone_gather(count, dim, index));
    }
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(dy[0], mine);
    if (!hone_needs_input_grad(ctx, 2))
        return;
    hone_tensor *d = hone_mul(hone_gather(dy[0], dim, index), theirs);
    const hone__shape *whole = hone__input_shape(ctx, 2);
    for (int k = index->ndim - 1; d && k >= 0; k--) {
        hone__shape shape = hone__shape_of(d);
        int64_t room[HONE_MAX_DIMS + 1];
        shape.shape[k] = whole->shape[k];
        if (d->shape[k] != whole->shape[k])
            d = hone_slice_backward_v(d, hone__ended(&shape, room), k, 0, index->shape[k], 1);
    }
    dx[2] = d;
}

const hone__op hone__op_scatter_extreme = {
    .name = "scatter_extreme",
    .forward = scatter_extreme_forward,
    .backward = scatter_extreme_backward,
    .in = { { "x" }, { "index", HONE__CONSTANT }, { "src" } },
    .options = table,
    .options_bytes = sizeof(reduce_options),
    .forms = HONE__PRIVATE,
};

/* ---- scatter_reduce */

/* What stands in the places before the first one comes, if x's doesn't count: the largest, say, of none. */
static double beginning(int reduce, hone_dtype dtype)
{
    const hone__dtype_traits *is = &hone__dtypes[dtype];
    const bool real = hone_dtype_is_float(dtype);
    const double least = real ? -(double)INFINITY : (double)is->least;
    const double most = real ? (double)INFINITY : (double)is->most;
    return reduce == PROD ? 1 : reduce == AMAX ? least : reduce == AMIN ? most : 0;
}

static bool scatter_reduce_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    reduce_options *o = hone__options(ctx);
    hone_tensor *x = in[0], *index = in[1], *src = in[2];
    const int dim = hone__take_dim(ctx, x);
    const hone_dtype dtype = (hone_dtype)x->dtype;
    (void)n_in;
    if (dim < 0 || !source_fits(x, index, src))
        return false;
    hone_tensor *from = x;
    if (!o->include_self && dtype == HONE_I64 && (o->reduce == AMAX || o->reduce == AMIN)) {
        /* its ends are no doubles: any of those that come will do */
        from = hone_scatter(x, dim, index, src);
    } else if (!o->include_self) {
        from = hone_scatter_scalar(x, dim, index, beginning(o->reduce, dtype));
    }
    if (o->reduce != SUM && o->reduce != MEAN)
        return hone__give(out, hone__call(&hone__op_scatter_extreme, IN(from, index, src), o));
    hone_tensor *sum = hone_scatter_add(from, dim, index, src);
    if (o->reduce == SUM || !sum)
        return hone__give(out, sum);
    hone_tensor *count =
        o->include_self ? hone_ones_like(x) : hone_scatter_scalar(hone_ones_like(x), dim, index, 0);
    count = hone_scatter_add(count, dim, index, hone_ones_like(src));
    return hone__give(out, hone_dtype_is_float(dtype) ? hone_div(sum, count)
                                                      : hone_floor_divide(sum, count));
}

const hone__op hone__op_scatter_reduce = {
    .name = "scatter_reduce",
    .forward = scatter_reduce_forward,
    .in = { { "x" }, { "index", HONE__CONSTANT }, { "src" } },
    .options = table,
    .options_bytes = sizeof(reduce_options),
    .composite = true,
};

hone_tensor *hone_scatter_reduce(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src,
                                 hone_scatter_mode reduce, bool include_self)
{
    return hone__call(&hone__op_scatter_reduce, IN(x, index, src),
                      &(reduce_options){ dim, (int)reduce, include_self });
}
