/* variance.c: see variance.h.
 *
 * M2 is computed as for any numbers; outputs whose squares over- or underflowed are then computed
 * once more, each from its row, scaled by a power of two. Gradients of rows that lie in memory as
 * such are one fused op, deviation; others are made of public ops, and of deviation where these
 * leave the range. */
#include "ops/variance.h"
#include "loops/reduce_run.h"
#include "loops/row_groups.h"
#include "ops/common.h"

#include "isa/isa.h"
#include "runtime/memory.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define NS_PER_ELEMENT 0.3 /* three passes over a row that is in L1 */

/* ---- variance */

typedef struct {
    hone_dtype dtype;
    int64_t cols, size;
    char *out;
    const char *m2;   /* of all outputs, as first computed */
    double low, high; /* low <= m2 <= high needs no more */
    double by;
    bool root;
} job;

static double number_at(hone_dtype dtype, const char *p, int64_t i)
{
    return dtype == HONE_F32 ? (double)((const float *)(const void *)p)[i]
                             : ((const double *)(const void *)p)[i];
}

static double largest(hone_dtype dtype)
{
    return dtype == HONE_F32 ? (double)FLT_MAX : DBL_MAX;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* What the M2 of n numbers must lie in; a root of what M2 / by over- or underflows to is wrong. */
static void set_range(job *j)
{
    j->low = (double)j->cols * hone__least_variance((int)j->dtype);
    j->high = largest(j->dtype);
    if (j->root && j->by > 0) {
        j->low = larger(j->low, j->by * (j->dtype == HONE_F32 ? (double)FLT_MIN : DBL_MIN));
        j->high = j->by < 1 ? j->by * j->high : j->high;
    }
}

static bool any_outside_f32(int64_t n, const float *m2, float low, float high)
{
    int outside = 0;
    for (int64_t i = 0; i < n; i++)
        outside |= !(m2[i] >= low) | !(m2[i] <= high);
    return outside;
}

static bool any_outside_f64(int64_t n, const double *m2, double low, double high)
{
    int outside = 0;
    for (int64_t i = 0; i < n; i++)
        outside |= !(m2[i] >= low) | !(m2[i] <= high);
    return outside;
}

/* True if one of n numbers is not in [low, high]. */
static bool any_outside(hone_dtype dtype, int64_t n, const void *x, double low, double high)
{
    return dtype == HONE_F32 ? any_outside_f32(n, x, (float)low, (float)high)
                             : any_outside_f64(n, x, low, high);
}

static bool rows_outside(void *ctx, int64_t row, int64_t rows)
{
    const job *j = ctx;
    return any_outside(j->dtype, rows, j->m2 + row * j->size, j->low, j->high);
}

/* One output from its row. */
static void redo(const job *j, int64_t row, const char *x)
{
    _Alignas(8) char m2[8], unit[8];
    if (!hone__k->moments[j->dtype](j->cols, x, m2, unit))
        return;
    const double variance = number_at(j->dtype, m2, 0) / j->by;
    const double back = 1 / number_at(j->dtype, unit, 0);
    const double y = j->root ? sqrt(variance) * back : variance * back * back;
    const float single = (float)y;
    memcpy(j->out + row * j->size, j->dtype == HONE_F32 ? (const void *)&single : &y,
           (size_t)j->size);
}

static void redo_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    for (int64_t r = 0; r < rows; r++)
        if (rows_outside(ctx, row + r, 1))
            redo(j, row + r, in->p + r * in->stride * j->size);
}

static void finish(const job *j, hone_tensor *out)
{
    hone__divide(out, j->by);
    if (j->root)
        hone__k->unary[HONE__K_SQRT][j->dtype](out->numel, j->out, 1, j->out, 1);
}

/* False: out of memory. */
static bool finish_outside(job *j, const hone_tensor *x, uint32_t dims, hone_tensor *out)
{
    const size_t bytes = (size_t)(out->numel * j->size);
    char *m2 = hone__pool_alloc(bytes);
    if (!m2)
        return false;
    memcpy(m2, j->out, bytes);
    j->m2 = m2;
    finish(j, out);
    hone__rows rows;
    hone__rows_of(&rows, x, dims);
    const bool done = hone__row_groups_run(&(hone__row_groups){
        .n = 1,
        .in[0] = &rows,
        .wanted = rows_outside,
        .ns = NS_PER_ELEMENT * (double)j->cols,
        .body = redo_rows,
        .ctx = j,
    });
    hone__pool_free(m2, bytes);
    return done;
}

bool hone__variance(const hone_tensor *x, uint32_t dims, double by, bool root, hone_tensor *out)
{
    job j = { .dtype = (hone_dtype)x->dtype, .by = by, .root = root };
    if (!hone__reduce(HONE__K_M2, x, dims, hone__data(out)))
        return false;
    j.m2 = j.out = hone__data(out);
    if (x->numel > out->numel) { /* the variance of one number is 0 */
        j.cols = x->numel / out->numel;
        j.size = (int64_t)hone_dtype_size(j.dtype);
        set_range(&j);
        if (rows_outside(&j, 0, out->numel))
            return finish_outside(&j, x, dims, out);
    }
    finish(&j, out);
    return true;
}

/* ---- deviation, an op without a public function: (x - mean) g over the last dims, g [.., 1..] or
 * HONE_NONE; with the flag x - mean is divided by the standard deviation (correction 0) first, and
 * 0 where that is 0 */

typedef struct {
    hone__rows x;
    char *out;
    const char *g; /* [rows] or NULL */
    bool by_std;
} deviation_job;

static void deviation_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const deviation_job *d = ctx;
    hone__k->deviation[d->x.dtype](rows, d->x.cols, d->out + row * d->x.cols * d->x.size, d->x.cols,
                                   in->p, in->stride, d->g ? d->g + row * d->x.size : NULL,
                                   d->by_std);
}

typedef struct {
    int64_t n_dims;
    bool by_std;
} deviation_options;

static bool deviation_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    const hone_tensor *x = in[0];
    const deviation_options *o = hone__options(ctx);
    const int n = (int)o->n_dims;
    deviation_job d = { .by_std = o->by_std };
    (void)n_in;
    if (!HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *g = in[1] == HONE_NONE ? HONE_NONE : hone_contiguous(in[1]);
    hone_tensor *y = out[0] = g ? hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape) : NULL;
    if (!y || y->numel == 0)
        return y;
    hone__rows_of(&d.x, x, ((1u << n) - 1) << (x->ndim - n));
    d.g = g == HONE_NONE ? NULL : hone__data(g);
    d.out = hone__data(y);
    const hone__row_groups groups = {
        .n = 1,
        .in[0] = &d.x,
        .result = d.out,
        .ns = NS_PER_ELEMENT * (double)d.x.cols + 10.0,
        .body = deviation_rows,
        .ctx = &d,
    };
    return hone__row_groups_run(&groups);
}

static hone_tensor *deviation_of(hone_tensor *x, hone_tensor *g, int n_dims, bool by_std)
{
    return hone__call(&hone__op_deviation, IN(x, g), &(deviation_options){ n_dims, by_std });
}

const int64_t *hone__last_dims(int n, int64_t *dims)
{
    for (int d = 0; d < n; d++)
        dims[d] = d - n;
    dims[n] = HONE_END_DIM;
    return dims;
}

/* With P u = u - mean(u), which is symmetric: g P u; and of v = P x / s, what is divided by the
 * standard deviation s: (P u - v mean(v u)) g / s. */
static hone_tensor *grad_x(hone_context *ctx, hone_tensor *u)
{
    const deviation_options *o = hone__options(ctx);
    const int n = (int)o->n_dims;
    hone_tensor *x = hone_saved(ctx, 0), *g = hone_saved(ctx, 1);
    int64_t dims[HONE_MAX_DIMS + 1];
    if (!o->by_std)
        return deviation_of(u, g, n, false);
    hone__last_dims(n, dims);
    hone_tensor *s = hone_std_dims_v(x, 0.0, true, dims);
    hone_tensor *v = deviation_of(x, HONE_NONE, n, true);
    hone_tensor *along = hone_mul(v, hone_mean_dims_v(hone_mul(v, u), true, dims));
    hone_tensor *across = hone_sub(deviation_of(u, HONE_NONE, n, false), along);
    hone_tensor *by_x = hone_div(across, s);
    return g == HONE_NONE ? by_x : hone_mul(by_x, g);
}

static void deviation_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    const deviation_options *o = hone__options(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = grad_x(ctx, u[0]);
    if (hone_needs_input_grad(ctx, 1)) /* summed to g's shape by the engine */
        dx[1] =
            hone_mul(u[0], deviation_of(hone_saved(ctx, 0), HONE_NONE, (int)o->n_dims, o->by_std));
}

const hone__op hone__op_deviation = {
    .name = "deviation",
    .forward = deviation_forward,
    .backward = deviation_backward,
    .in = { { "x" }, { "g", HONE__OPTIONAL } },
    .options_bytes = sizeof(deviation_options),
    .forms = HONE__PRIVATE,
};

/* ---- gradients */

/* deviation over any dims: they are brought behind the others. */
static hone_tensor *deviation_over(hone_tensor *x, uint32_t dims, hone_tensor *g, bool by_std)
{
    const int ndim = hone_dim(x);
    int64_t order[HONE_MAX_DIMS + 1], back[HONE_MAX_DIMS + 1];
    const int n = ndim - hone__reduced_order(ndim, dims, order);
    for (int d = 0; d < ndim; d++)
        back[order[d]] = d;
    back[ndim] = HONE_END_DIM;
    return hone_permute_v(
        deviation_of(hone_permute_v(x, order), hone_permute_v(g, order), n, by_std), back);
}

/* True if the dims of the mask are the last ones, so that rows are pieces of memory. */
static bool are_last(int ndim, uint32_t dims)
{
    const uint32_t all = (1u << ndim) - 1, first = dims & -dims;
    return dims == (all & ~(first - 1));
}

/* A standard deviation from here to the reciprocal can be squared and divided by. */
static double least_std(hone_dtype dtype)
{
    return sqrt(hone__least_variance((int)dtype));
}

/* True if an output's deviations from the mean are no numbers (`off`: their mean), or y is out of
 * range without being 0. */
static bool any_bad(const hone_tensor *off, const hone_tensor *y)
{
    const hone_dtype dtype = (hone_dtype)off->dtype;
    const double most = largest(dtype), least = least_std(dtype);
    if (any_outside(dtype, off->numel, hone__data(off), -most, most))
        return true;
    if (!y || !any_outside(dtype, y->numel, hone__data(y), least, 1 / least))
        return false;
    for (int64_t i = 0; i < y->numel; i++) {
        const double s = number_at(dtype, hone__data(y), i);
        if (s != 0 && !(s >= least && s <= 1 / least))
            return true;
    }
    return false;
}

/* Where y is out of that range, 0 included. */
static hone_tensor *out_of_range(hone_tensor *y)
{
    const double least = least_std(hone_dtype_of(y));
    hone_tensor *outside = hone_add(hone_lt_scalar(y, least), hone_gt_scalar(y, 1 / least));
    return hone_add(outside, hone_ne(y, y));
}

/* What deviations are multiplied by: the gradient of the variance, with y of y, the standard
 * deviation. */
static hone_tensor *factor(hone_tensor *dy, hone_tensor *y, double freedom)
{
    if (!y)
        return hone_mul_scalar(dy, 2.0 / freedom);
    if (freedom <= 0) /* y is inf for want of elements, or NaN */
        return hone_div_scalar(hone_div(dy, y), freedom);
    hone_tensor *zero = hone_scalar(hone_dtype_of(dy), 0.0);
    return hone_mul_scalar(hone_where(hone_eq_scalar(y, 0.0), zero, hone_div(dy, y)),
                           1.0 / freedom);
}

/* By the fused op. y is std_0 sqrt(n / freedom): neither (x - mean) / std_0 nor what it is
 * multiplied by leaves the range where the gradient does not. */
static hone_tensor *fused(hone_tensor *x, uint32_t mask, hone_tensor *dy, hone_tensor *y,
                          double freedom)
{
    if (!y || freedom <= 0)
        return deviation_over(x, mask, factor(dy, y, freedom), false);
    const int64_t outputs = hone_numel(y);
    const double n = (double)(hone_numel(x) / (outputs ? outputs : 1));
    hone_tensor *zero = hone_scalar(hone_dtype_of(dy), 0.0);
    dy = hone_where(hone_eq_scalar(y, 0.0), zero, dy);
    return deviation_over(x, mask, hone_div_scalar(dy, sqrt(n) * sqrt(freedom)), true);
}

/* In public ops, but for outputs that these can't do. They get numbers that do no harm there. */
static hone_tensor *mended(hone_tensor *x, uint32_t mask, hone_tensor *dy, hone_tensor *y,
                           double freedom, hone_tensor *off, const int64_t *dims)
{
    hone_tensor *zero = hone_scalar(hone_dtype_of(x), 0.0), *safe = y;
    hone_tensor *bad = hone_ne(hone_sub(off, off), zero);
    if (y && freedom > 0) {
        hone_tensor *outside = out_of_range(y), *flat = hone_eq_scalar(y, 0.0);
        bad = hone_where(flat, bad, hone_add(bad, outside));
        safe = hone_where(outside, hone_scalar(hone_dtype_of(x), 1.0), y);
        safe = hone_where(flat, zero, safe);
        if (!safe) /* no y would mean the variance */
            return NULL;
    }
    hone_tensor *d = hone_where(bad, zero, x);
    d = hone_sub(d, hone_mean_dims_v(d, true, dims));
    d = hone_sub(d, hone_mean_dims_v(d, true, dims));
    d = hone_mul(d, hone_where(bad, zero, factor(dy, safe, freedom)));
    return hone_where(bad, fused(x, mask, dy, y, freedom), d);
}

/* Of the variance, with y of y, the standard deviation. Along columns in public ops: what the first
 * difference still sums up to is what its mean was off by. */
static hone_tensor *gradient(hone_tensor *x, uint32_t mask, hone_tensor *dy, hone_tensor *y,
                             double freedom)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    if (!x || !dy)
        return NULL;
    const int ndim = hone_dim(x);
    int n = 0;
    if (ndim == 0) /* of one number */
        return hone_mul(hone_sub(x, x), factor(dy, y, freedom));
    if (are_last(ndim, mask) || hone_numel(x) == 0)
        return fused(x, mask, dy, y, freedom);
    for (int d = 0; d < ndim; d++)
        if (mask >> d & 1)
            dims[n++] = d;
    dims[n] = HONE_END_DIM;
    hone_tensor *d = hone_sub(x, hone_mean_dims_v(x, true, dims));
    hone_tensor *off = hone_mean_dims_v(d, true, dims);
    if (!off)
        return NULL;
    if (any_bad(off, freedom > 0 ? y : NULL))
        return mended(x, mask, dy, y, freedom, off, dims);
    d = hone_grad_enabled() ? hone_sub(d, off) : hone_sub_(d, off);
    return hone_mul(factor(dy, y, freedom), d);
}

hone_tensor *hone__variance_grad(hone_tensor *x, uint32_t dims, hone_tensor *dy, double freedom)
{
    return gradient(x, dims, dy, NULL, freedom);
}

hone_tensor *hone__std_grad(hone_tensor *x, uint32_t dims, hone_tensor *dy, hone_tensor *y,
                            double freedom)
{
    return y ? gradient(x, dims, dy, y, freedom) : NULL;
}
