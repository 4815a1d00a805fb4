/* variance.c: see variance.h.
 *
 * M2 is computed as for any numbers; outputs whose squares over- or underflowed are then computed
 * once more, each from its row, scaled by a power of two. */
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
    double low, high; /* low <= m2 < high needs no more */
    double by;
    bool root;
} job;

static double number_at(hone_dtype dtype, const char *p, int64_t i)
{
    return dtype == HONE_F32 ? (double)((const float *)(const void *)p)[i]
                             : ((const double *)(const void *)p)[i];
}

/* What the M2 of n numbers must lie in; a root of what M2 / by over- or underflows to is wrong. */
static void set_range(job *j, int64_t n)
{
    const bool f32 = j->dtype == HONE_F32;
    j->low = (double)n * hone__least_variance((int)j->dtype);
    j->high = INFINITY;
    if (j->root && j->by > 0) {
        j->low = fmax(j->low, j->by * (f32 ? (double)FLT_MIN : DBL_MIN));
        j->high = j->by * (f32 ? (double)FLT_MAX : DBL_MAX);
    }
}

static bool is_outside(const job *j, int64_t row)
{
    const double m2 = number_at(j->dtype, j->m2, row);
    return !(m2 >= j->low && m2 < j->high);
}

static bool any_outside(void *ctx, int64_t row, int64_t rows)
{
    for (int64_t r = row; r < row + rows; r++)
        if (is_outside(ctx, r))
            return true;
    return false;
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
        if (is_outside(j, row + r))
            redo(j, row + r, in->p + r * in->stride * j->size);
}

static void finish(const job *j, hone_tensor *out)
{
    hone__divide(out, j->by);
    if (j->root)
        hone__k->unary[HONE__K_SQRT][j->dtype](out->numel, j->out, 1, j->out, 1);
}

/* False: out of memory. */
static bool finish_outside(job *j, const hone__rows *x, hone_tensor *out)
{
    const size_t bytes = (size_t)(out->numel * j->size);
    char *m2 = hone__pool_alloc(bytes);
    if (!m2)
        return false;
    memcpy(m2, j->out, bytes);
    j->m2 = m2;
    finish(j, out);
    const bool done = hone__row_groups_run(&(hone__row_groups){
        .n = 1,
        .in[0] = *x,
        .wanted = any_outside,
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
        const hone__rows rows = hone__rows_of(x, dims);
        j.cols = rows.cols;
        j.size = rows.size;
        set_range(&j, rows.cols);
        if (any_outside(&j, 0, rows.rows))
            return finish_outside(&j, &rows, out);
    }
    finish(&j, out);
    return true;
}

/* ---- deviation, an op without a public function */

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
    d.x = hone__rows_of(x, ((1u << n) - 1) << (x->ndim - n));
    d.g = g == HONE_NONE ? NULL : hone__data(g);
    d.out = hone__data(y);
    const hone__row_groups groups = {
        .n = 1,
        .in[0] = d.x,
        .result = d.out,
        .ns = NS_PER_ELEMENT * (double)d.x.cols + 10.0,
        .body = deviation_rows,
        .ctx = &d,
    };
    return hone__row_groups_run(&groups);
}

hone_tensor *hone__deviation(hone_tensor *x, hone_tensor *g, int n_dims, bool by_std)
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
        return hone__deviation(u, g, n, false);
    hone__last_dims(n, dims);
    hone_tensor *s = hone_std_dims_v(x, 0.0, true, dims);
    hone_tensor *v = hone__deviation(x, HONE_NONE, n, true);
    hone_tensor *along = hone_mul(v, hone_mean_dims_v(hone_mul(v, u), true, dims));
    hone_tensor *across = hone_sub(hone__deviation(u, HONE_NONE, n, false), along);
    hone_tensor *by_x = hone_div(across, s);
    return g == HONE_NONE ? by_x : hone_mul(by_x, g);
}

static void deviation_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    const deviation_options *o = hone__options(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = grad_x(ctx, u[0]);
    if (hone_needs_input_grad(ctx, 1)) /* summed to g's shape by the engine */
        dx[1] = hone_mul(u[0],
                         hone__deviation(hone_saved(ctx, 0), HONE_NONE, (int)o->n_dims, o->by_std));
}

const hone__op hone__op_deviation = {
    .name = "deviation",
    .forward = deviation_forward,
    .backward = deviation_backward,
    .in = { { "x" }, { "g", HONE__OPTIONAL } },
    .options_bytes = sizeof(deviation_options),
    .forms = HONE__PRIVATE,
};
