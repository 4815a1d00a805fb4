/* norm.c: layer norm over the last dims, fused, and its gradients as ops of their own.
 *
 * A row is what is normalised together. x and dy have any layout: see row_groups.h; the weight's
 * gradient gathers pieces of columns. */
#include "loops/elementwise.h"
#include "loops/past.h"
#include "loops/row_groups.h"
#include "op/shards.h"
#include "ops/samples.h"
#include "ops/common.h"
#include "ops/variance.h"

#include "isa/isa.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>

#define NS_PER_ELEMENT 0.3 /* three passes over a row that is in L1 */

/* Bytes of columns that are the least a thread gets of the weight's gradient: whole cache lines. */
enum { STRIP_BYTES = 256 };

typedef struct {
    hone_dtype dtype;
    int64_t size, rows, cols;
    hone__rows x, dy;
    char *out;                 /* [rows, cols], of the gradient of weights [cols] */
    const void *weight, *bias; /* or NULL */
    char *norms;               /* [4, rows] of what the rows are normalised by, or NULL */
    double eps;
    bool past; /* out is written past the caches */
} job;

/* ---- arguments */

typedef struct {
    int64_t n_dims; /* the last ones, which are a row */
    double eps;
} norm_options;

static const hone__option table[] = {
    HONE__OPTION(norm_options, n_dims, HONE__OPT_INT, .standard = 1),
    HONE__OPTION(norm_options, eps, HONE__OPT_FLOAT, .standard = 1e-5),
    { NULL },
};

static int dims_of(hone_context *ctx)
{
    return (int)((const norm_options *)hone__options(ctx))->n_dims;
}

static double eps_of(hone_context *ctx)
{
    return ((const norm_options *)hone__options(ctx))->eps;
}

static bool arguments_fit(hone_context *ctx, const hone_tensor *x)
{
    const norm_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    if (!hone_dtype_is_float((hone_dtype)x->dtype))
        hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                       name, hone__tensor_text(x).s);
    else if (o->n_dims < 1 || o->n_dims > x->ndim)
        hone_error_set(HONE_E_VALUE, "%s: can't normalise the last %lld dims of %s", name,
                       (long long)o->n_dims, hone__tensor_text(x).s);
    else if (!isfinite(o->eps))
        hone_error_set(HONE_E_VALUE, "%s: eps is %g, a finite number is wanted", name, o->eps);
    else
        return true;
    return false;
}

/* True for HONE_NONE and for what has x's dtype and its last n_dims extents, and no more dims. */
static bool suits_rows(hone_context *ctx, const hone_tensor *x, hone_tensor *t, const char *what)
{
    const int n = dims_of(ctx);
    if (t == HONE_NONE)
        return true;
    bool same = t->ndim == n;
    for (int d = 0; same && d < n; d++)
        same = t->shape[d] == x->shape[x->ndim - n + d];
    if (same && t->dtype == x->dtype)
        return true;
    hone_error_set(same ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "%s: %s must be like the last %d dims of x %s, got %s", hone__call_name(ctx),
                   what, n, hone__tensor_text(x).s, hone__tensor_text(t).s);
    return false;
}

static bool suits_x(hone_context *ctx, const hone_tensor *x, const hone_tensor *dy)
{
    if (hone__same_shape(x, dy) && x->dtype == dy->dtype)
        return true;
    hone_error_set(hone__same_shape(x, dy) ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "%s: dy %s must be like x %s", hone__call_name(ctx), hone__tensor_text(dy).s,
                   hone__tensor_text(x).s);
    return false;
}

/* What all three ops begin with; dy may be NULL, weight and bias HONE_NONE. */
static bool take_job(hone_context *ctx, hone_tensor *x, hone_tensor *dy, hone_tensor *weight,
                     hone_tensor *bias, job *j)
{
    if (!arguments_fit(ctx, x) || (dy && !suits_x(ctx, x, dy)) ||
        !suits_rows(ctx, x, weight, "weight") || !suits_rows(ctx, x, bias, "bias"))
        return false;
    const int n = dims_of(ctx);
    const uint32_t cols = ((1u << n) - 1) << (x->ndim - n);
    j->dtype = (hone_dtype)x->dtype;
    j->eps = eps_of(ctx);
    j->out = j->norms = NULL;
    j->weight = j->bias = NULL;
    j->past = false;
    hone__rows_of(&j->x, x, cols);
    if (dy)
        hone__rows_of(&j->dy, dy, cols);
    j->size = j->x.size;
    j->rows = j->x.rows;
    j->cols = j->x.cols;
    if (x->numel == 0)
        return true;
    weight = weight == HONE_NONE ? weight : hone_contiguous(weight);
    bias = bias == HONE_NONE ? bias : hone_contiguous(bias);
    if (!weight || !bias)
        return false;
    j->weight = weight == HONE_NONE ? NULL : hone__data(weight);
    j->bias = bias == HONE_NONE ? NULL : hone__data(bias);
    return true;
}

static hone_tensor *row_out(hone_context *ctx, job *j, const hone_tensor *x)
{
    hone_tensor *out = hone__out(ctx, 0, j->dtype, x->ndim, x->shape);
    if (out)
        j->out = hone__data(out);
    return out;
}

static char *out_row(const job *j, int64_t row)
{
    return j->out + row * j->cols * j->size;
}

/* The norms from row `row` on, if there are any -> `norms` or NULL. */
static const hone__norms *norms_from(const job *j, int64_t row, hone__norms *norms)
{
    const int64_t bytes = j->rows * j->size;
    if (!j->norms)
        return NULL;
    char *at = j->norms + row * j->size;
    *norms = (hone__norms){ at, at + bytes, at + 2 * bytes, at + 3 * bytes };
    return norms;
}

/* ---- layer_norm */

static void forward_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    hone__norms norms;
    hone__k->layer_norm[j->dtype](rows, j->cols, out_row(j, row), j->cols, in->p, in->stride,
                                  j->weight, j->bias, j->eps, norms_from(j, row, &norms), j->past);
}

/* False: out of memory. */
static bool run_forward(job *j)
{
    j->past = hone__goes_past(2 * j->rows * j->cols * j->size);
    return hone__row_groups_run(&(hone__row_groups){
        .n = 1,
        .in[0] = &j->x,
        .result = j->past ? NULL : j->out,
        .ns = NS_PER_ELEMENT * (double)j->cols + 10.0,
        .body = forward_rows,
        .ctx = j,
    });
}

/* Of a forward that is recorded. False: out of memory. */
static bool keep_norms(hone_context *ctx, job *j, hone_tensor **out)
{
    if (!hone_needs_input_grad(ctx, 0) && !hone_needs_input_grad(ctx, 1))
        return true;
    out[1] = hone__out(ctx, 1, j->dtype, 2, (int64_t[]){ 4, j->rows });
    if (!out[1])
        return false;
    j->norms = hone__data(out[1]);
    return HONE__SAVE(ctx, out[1]);
}

static bool layer_norm_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    job j;
    (void)n_in;
    if (!take_job(ctx, in[0], NULL, in[1], in[2], &j) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *y = out[0] = row_out(ctx, &j, in[0]);
    if (!y || !keep_norms(ctx, &j, out))
        return false;
    return y->numel == 0 || run_forward(&j);
}

static void add_weight_gradient(hone_context *ctx, hone_tensor *dy, hone_tensor *x,
                                hone_tensor *norms, hone_tensor *sum);
static void weight_by_shards(hone_context *ctx, hone_tensor *dy, hone_tensor *x,
                             hone_tensor *norms);

static void layer_norm_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const norm_options *o = hone__options(ctx);
    hone_tensor *x = hone_saved(ctx, 0), *weight = hone_saved(ctx, 1);
    hone_tensor *norms = hone_needs_input_grad(ctx, 0) || hone_needs_input_grad(ctx, 1)
                             ? hone_saved(ctx, 2)
                             : HONE_NONE;
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(&hone__op_layer_norm_backward, IN(dy[0], x, weight, norms), o);
    if (hone_needs_input_grad(ctx, 1) && hone__in_shards(ctx, 1))
        weight_by_shards(ctx, dy[0], x, norms);
    else if (hone_needs_input_grad(ctx, 1) && hone__begun(ctx, 1, dx))
        add_weight_gradient(ctx, dy[0], x, norms, dx[1]);
    else if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone__call(&hone__op_layer_norm_weight_backward, IN(dy[0], x, norms), o);
    dx[2] = dy[0]; /* summed to bias's shape by the engine */
}

const hone__op hone__op_layer_norm = {
    .name = "layer_norm",
    .forward = layer_norm_forward,
    .backward = layer_norm_of_dy,
    .in = { { "x" }, { "weight", HONE__OPTIONAL }, { "bias", HONE__OPTIONAL } },
    .out = { { "out" }, { "norms", HONE__HIDDEN | HONE__CONSTANT } },
    .options = table,
    .options_bytes = sizeof(norm_options),
    .adds = true,
};

hone_tensor *hone_layer_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias, int n_dims,
                             double eps)
{
    return hone__call(&hone__op_layer_norm, IN(x, weight, bias), &(norm_options){ n_dims, eps });
}

/* ---- layer_norm_backward: by x */

static void backward_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    const hone__lines dy = in[0], x = in[1];
    hone__norms norms;
    hone__k->layer_norm_backward[j->dtype](rows, j->cols, out_row(j, row), j->cols, dy.p, dy.stride,
                                           x.p, x.stride, j->weight, j->eps,
                                           norms_from(j, row, &norms), j->past);
}

/* False: out of memory. */
static bool run_backward(job *j)
{
    j->past = hone__goes_past(3 * j->rows * j->cols * j->size);
    return hone__row_groups_run(&(hone__row_groups){
        .n = 2,
        .in = { &j->dy, &j->x },
        .result = j->past ? NULL : j->out,
        .ns = 2.0 * NS_PER_ELEMENT * (double)j->cols + 10.0,
        .body = backward_rows,
        .ctx = j,
    });
}

static bool layer_norm_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    job j;
    if (!take_job(ctx, in[1], in[0], in[2], HONE_NONE, &j) || !HONE__SAVE(ctx, in[0], in[1], in[2]))
        return false;
    if (in[3] != HONE_NONE)
        j.norms = hone__data(in[3]);
    hone_tensor *y = out[0] = row_out(ctx, &j, in[1]);
    return y && (y->numel == 0 || run_backward(&j));
}

/* The backward in public ops, for its own gradients. With g = dy weight, v the normalised x and r
 * what it is scaled by: dx = J g, J = r (1 - mean - v mean(v .)), which is symmetric. */
/* By dy: weight J u for the incoming u. */
static hone_tensor *backward_grad_dy(hone_context *ctx, hone_tensor *u)
{
    hone_tensor *weight = hone_saved(ctx, 2);
    hone_tensor *ju =
        hone_layer_norm_backward(u, hone_saved(ctx, 1), HONE_NONE, dims_of(ctx), eps_of(ctx));
    return weight == HONE_NONE ? ju : hone_mul(ju, weight);
}

/* By weight: the sum over rows of dy J u. */
static hone_tensor *backward_grad_weight(hone_context *ctx, hone_tensor *u)
{
    hone_tensor *ju =
        hone_layer_norm_backward(u, hone_saved(ctx, 1), HONE_NONE, dims_of(ctx), eps_of(ctx));
    return hone_mul(ju, hone_saved(ctx, 0)); /* summed by the engine */
}

/* By x, with a = mean(g), b = mean(g v), c = mean(u), d = mean(u v), e = mean(u g):
 *     -r^2 (v (e - a c - 3 b d) + d (g - a) + b (u - c)) */
static hone_tensor *backward_grad_x(hone_context *ctx, hone_tensor *u)
{
    const double eps = eps_of(ctx);
    hone_tensor *dy = hone_saved(ctx, 0), *x = hone_saved(ctx, 1), *weight = hone_saved(ctx, 2);
    const int n = dims_of(ctx);
    int64_t dims[HONE_MAX_DIMS + 1];
    hone__last_dims(n, dims);
    hone_tensor *r = eps == 0
                         ? hone_reciprocal(hone_std_dims_v(x, 0.0, true, dims))
                         : hone_rsqrt(hone_add_scalar(hone_var_dims_v(x, 0.0, true, dims), eps));
    hone_tensor *v = hone_layer_norm(x, HONE_NONE, HONE_NONE, n, eps);
    hone_tensor *g = weight == HONE_NONE ? dy : hone_mul(dy, weight);
    hone_tensor *a = hone_mean_dims_v(g, true, dims), *c = hone_mean_dims_v(u, true, dims);
    hone_tensor *b = hone_mean_dims_v(hone_mul(g, v), true, dims);
    hone_tensor *d = hone_mean_dims_v(hone_mul(u, v), true, dims);
    hone_tensor *e = hone_mean_dims_v(hone_mul(u, g), true, dims);
    hone_tensor *of_v = hone_sub(hone_sub(e, hone_mul(a, c)), hone_mul_scalar(hone_mul(b, d), 3.0));
    hone_tensor *sum = hone_add(hone_mul(v, of_v),
                                hone_add(hone_mul(hone_sub(g, a), d), hone_mul(hone_sub(u, c), b)));
    return hone_neg(hone_mul(sum, hone_square(r)));
}

static void layer_norm_backward_of_u(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = backward_grad_dy(ctx, u[0]);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = backward_grad_x(ctx, u[0]);
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = backward_grad_weight(ctx, u[0]);
}

/* The norms are a function of x: backward_grad_x has their part, too. */
const hone__op hone__op_layer_norm_backward = {
    .name = "layer_norm_backward",
    .forward = layer_norm_backward_forward,
    .backward = layer_norm_backward_of_u,
    .in = { { "dy" },
            { "x" },
            { "weight", HONE__OPTIONAL },
            { "norms", HONE__OPTIONAL | HONE__CONSTANT | HONE__HIDDEN } },
    .options = table,
    .options_bytes = sizeof(norm_options),
};

hone_tensor *hone_layer_norm_backward(hone_tensor *dy, hone_tensor *x, hone_tensor *weight,
                                      int n_dims, double eps)
{
    return hone__call(&hone__op_layer_norm_backward, IN(dy, x, weight, HONE_NONE),
                      &(norm_options){ n_dims, eps });
}

/* ---- layer_norm_weight_backward */

typedef struct {
    job j;
    int64_t samples, positions; /* rows by dim 0 of x; of each, in `blocks` of 128 */
    int64_t blocks;
    int64_t first;         /* sample of those that are summed together */
    int64_t strip, strips; /* columns of a strip; how many a block has */
    bool lies[2];          /* dy, x: used where they lie */
    int64_t stride[2];     /* of rows then */
    char *partials;        /* [samples][blocks][cols] */
} weight_job;

/* Columns [at, at + cols) of a block, counted through the samples. */
static void weight_piece(const weight_job *w, int64_t block, int64_t at, int64_t cols)
{
    _Alignas(64) char room[2][HONE__COLS_BLOCK * STRIP_BYTES];
    const job *j = &w->j;
    const hone__rows *const operand[] = { &j->dy, &j->x };
    const int64_t begin = block % w->blocks * HONE__COLS_BLOCK;
    const int64_t row = (w->first + block / w->blocks) * w->positions + begin;
    const int64_t rows = hone__min(HONE__COLS_BLOCK, w->positions - begin);
    hone__lines in[2];
    for (int i = 0; i < 2; i++) {
        if (w->lies[i]) {
            in[i] = (hone__lines){ operand[i]->data + (row * w->stride[i] + at) * j->size,
                                   w->stride[i] };
            continue;
        }
        in[i] = (hone__lines){ room[i], w->strip };
        hone__rows_gather(operand[i], (hone__rect){ row, row + rows, at, at + cols }, room[i],
                          w->strip);
    }
    hone__norms norms;
    hone__k->layer_norm_weight_backward[j->dtype](
        rows, cols, in[0].p, in[0].stride, in[1].p, in[1].stride, j->eps,
        norms_from(j, row, &norms), 0, 1, w->partials + (block * j->cols + at) * j->size);
}

/* Strips that lie side by side are one part of a row. */
static void weight_strips(void *ctx, int64_t begin, int64_t end)
{
    const weight_job *w = ctx;
    const bool gathers = !w->lies[0] || !w->lies[1];
    for (int64_t i = begin, n; i < end; i += n) {
        const int64_t block = i / w->strips, strip = i % w->strips, at = strip * w->strip;
        n = gathers ? 1 : hone__min(w->strips - strip, end - i);
        weight_piece(w, block, at, hone__min(n * w->strip, w->j.cols - at));
    }
}

/* The sums of samples [first, first + n), each of blocks of 128 rows that are joined as a sum's
 * (contract 1), added to `sum` one after the other. */
static bool add_some(weight_job *w, int64_t n, hone_tensor *partials, hone_tensor *sum)
{
    HONE_SCOPE();
    const job *j = &w->j;
    hone_tensor *sums = w->blocks == 1 ? partials : hone_empty(j->dtype, n, j->cols);
    if (!sums)
        return false;
    w->partials = hone__data(partials);
    const double ns =
        NS_PER_ELEMENT * (double)(hone__min(w->positions, HONE__COLS_BLOCK) * j->cols);
    hone__parallel_for(n * w->blocks * w->strips, 1, ns / (double)w->strips, weight_strips, w);
    const int64_t row = j->cols * j->size;
    for (int64_t i = 0; w->blocks > 1 && i < n; i++)
        hone__k->reduce_cols_combine[HONE__K_SUM][j->dtype](w->positions, j->cols,
                                                            w->partials + i * w->blocks * row,
                                                            (char *)hone__data(sums) + i * row);
    hone_tensor *some = hone_slice(sums, 0, 0, n, 1);
    return some && hone__add_samples(sum, some);
}

/* As many samples at a time as leave their sums in the cache. Only norms that are known let a row be
 * cut. */
static bool add_samples(weight_job *w, int64_t first, int64_t end, hone_tensor *sum)
{
    enum { NEAR = 1 << 20 };
    const job *j = &w->j;
    w->strip = j->norms ? STRIP_BYTES / j->size : j->cols;
    w->strips = (j->cols + w->strip - 1) / w->strip;
    w->blocks = hone__cols_blocks(w->positions);
    const int64_t fit = NEAR / (w->blocks * j->cols * j->size);
    const int64_t some = hone__min(end - first, fit > 1 ? fit : 1);
    hone_tensor *partials = hone_empty(j->dtype, some * w->blocks, j->cols);
    for (w->first = first; partials && w->first < end; w->first += some)
        if (!add_some(w, hone__min(some, end - w->first), partials, sum))
            return false;
    return partials;
}

static void norm_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    hone__norms norms;
    hone__k->layer_norm[j->dtype](rows, j->cols, in->p, in->stride, in->p, in->stride, NULL, NULL,
                                  j->eps, norms_from(j, row, &norms), false);
}

/* What the rows are normalised by, computed before they are cut into strips. */
static bool find_norms(job *j)
{
    hone_tensor *norms = hone_empty((hone_dtype)j->dtype, 4, j->rows);
    if (!norms)
        return false;
    j->norms = hone__data(norms);
    return hone__row_groups_run(&(hone__row_groups){
        .n = 1,
        .in[0] = &j->x,
        .scratch = true,
        .ns = NS_PER_ELEMENT * (double)j->cols + 10.0,
        .body = norm_rows,
        .ctx = j,
    });
}

/* False: out of memory. */
static bool find_weight_job(weight_job *w, const hone_tensor *x)
{
    w->samples = w->j.rows == 1 ? 1 : x->shape[0]; /* all dims may be a row's */
    w->positions = w->j.rows / w->samples;
    w->lies[0] = hone__rows_direct(&w->j.dy, &w->stride[0]);
    w->lies[1] = hone__rows_direct(&w->j.x, &w->stride[1]);
    return w->j.norms || (w->lies[0] && w->lies[1]) || find_norms(&w->j);
}

static bool run_weight(weight_job *w, const hone_tensor *x, hone_tensor *sum)
{
    HONE_SCOPE(); /* of the norms and the sums of each sample */
    if (w->j.rows == 0 || w->j.cols == 0)
        return true;
    return find_weight_job(w, x) && add_samples(w, 0, w->samples, sum);
}

static bool layer_norm_weight_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                               hone_tensor **out)
{
    (void)n_in;
    weight_job w;
    if (!take_job(ctx, in[1], in[0], HONE_NONE, HONE_NONE, &w.j) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    if (in[2] != HONE_NONE)
        w.j.norms = hone__data(in[2]);
    const int n = dims_of(ctx);
    hone_tensor *y = out[0] = hone__out(ctx, 0, w.j.dtype, n, in[1]->shape + in[1]->ndim - n);
    if (!y)
        return false;
    hone__fill_elements(y, 0);
    return run_weight(&w, in[1], y);
}

/* The same begun with what `sum` holds; ctx is the norm's. */
static void add_weight_gradient(hone_context *ctx, hone_tensor *dy, hone_tensor *x,
                                hone_tensor *norms, hone_tensor *sum)
{
    weight_job w;
    if (!dy || !x || !norms || !take_job(ctx, x, dy, HONE_NONE, HONE_NONE, &w.j))
        return;
    w.j.norms = hone__data(norms);
    hone__bump(sum);
    run_weight(&w, x, sum);
}

static bool chain_weight(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    if (fresh)
        hone__fill_elements(sum, 0);
    hone__bump(sum);
    return add_samples(user, first, first + n, sum);
}

/* The same for each shard. */
static void weight_by_shards(hone_context *ctx, hone_tensor *dy, hone_tensor *x, hone_tensor *norms)
{
    HONE_SCOPE();
    weight_job w;
    if (!dy || !x || !norms || !take_job(ctx, x, dy, HONE_NONE, HONE_NONE, &w.j))
        return;
    w.j.norms = hone__data(norms);
    if (w.j.rows > 0 && w.j.cols > 0 && find_weight_job(&w, x))
        hone__shard_sums(ctx, 1, w.samples, chain_weight, &w, NULL);
}

/* With dw = sum(dy v) over the rows: by dy u v, by x J (u dy). */
static void layer_norm_weight_backward_of_u(hone_context *ctx, hone_tensor *const *u,
                                            hone_tensor **dx)
{
    hone_tensor *dy = hone_saved(ctx, 0), *x = hone_saved(ctx, 1);
    const int n = dims_of(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(hone_layer_norm(x, HONE_NONE, HONE_NONE, n, eps_of(ctx)), u[0]);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_layer_norm_backward(hone_mul(dy, u[0]), x, HONE_NONE, n, eps_of(ctx));
}

const hone__op hone__op_layer_norm_weight_backward = {
    .name = "layer_norm_weight_backward",
    .forward = layer_norm_weight_backward_forward,
    .backward = layer_norm_weight_backward_of_u,
    .in = { { "dy" }, { "x" }, { "norms", HONE__OPTIONAL | HONE__CONSTANT | HONE__HIDDEN } },
    .options = table,
    .options_bytes = sizeof(norm_options),
};

hone_tensor *hone_layer_norm_weight_backward(hone_tensor *dy, hone_tensor *x, int n_dims,
                                             double eps)
{
    return hone__call(&hone__op_layer_norm_weight_backward, IN(dy, x, HONE_NONE),
                      &(norm_options){ n_dims, eps });
}
