/* loss.c: cross entropy straight from logits, fused with its softmax. */
#include "ops/common.h"

#include "isa/isa.h"
#include "loops/row_groups.h"
#include "op/part.h"
#include "runtime/memory.h"

#include <string.h>

#define NS_PER_ELEMENT 0.6 /* one exp and what goes with it */

/* Logits and targets as the kernels want them. */
typedef struct {
    hone_dtype dtype;
    int64_t rows, cols, size;
    hone_tensor *x;
    const int64_t *target;
    int64_t divisor; /* rows of the whole batch */
} batch;

/* The node keeps it from the forward; 0: the rows there are. */
typedef struct {
    int64_t divisor;
} loss_options;

static bool shapes_fit(const char *name, const hone_tensor *logits, const hone_tensor *target)
{
    if (!hone_dtype_is_float((hone_dtype)logits->dtype) ||
        hone_dtype_is_float((hone_dtype)target->dtype) || target->dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE,
                       "%s: logits must be f32 or f64 and the target integers, got %s and %s", name,
                       hone__tensor_text(logits).s, hone__tensor_text(target).s);
        return false;
    }
    if (logits->ndim != 2 || target->ndim != 1 || target->shape[0] != logits->shape[0]) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: wants logits [batch, classes] and a target [batch], got %s and %s",
                       name, hone__tensor_text(logits).s, hone__tensor_text(target).s);
        return false;
    }
    return true;
}

static bool targets_in_range(const char *name, const batch *b)
{
    for (int64_t r = 0; r < b->rows; r++) {
        if (b->target[r] >= 0 && b->target[r] < b->cols)
            continue;
        hone_error_set(HONE_E_INDEX, "%s: target[%lld] is %lld, but there are %lld classes", name,
                       (long long)r, (long long)b->target[r], (long long)b->cols);
        return false;
    }
    return true;
}

static bool take_batch(hone_context *ctx, hone_tensor *logits, hone_tensor *target, batch *b)
{
    const char *name = hone__call_name(ctx);
    if (!shapes_fit(name, logits, target))
        return false;
    target = hone_contiguous(hone_to(target, HONE_I64));
    if (!target)
        return false;
    *b = (batch){ .dtype = (hone_dtype)logits->dtype,
                  .rows = logits->shape[0],
                  .cols = logits->shape[1],
                  .size = (int64_t)hone_dtype_size((hone_dtype)logits->dtype),
                  .x = logits,
                  .target = hone__data(target),
                  .divisor = logits->shape[0] };
    return targets_in_range(name, b);
}

/* value / n in the dtype. */
static void divide(hone_dtype dtype, void *value, int64_t n)
{
    const double n_f64 = (double)n;
    const float n_f32 = (float)n;
    hone__k->binary[HONE__K_DIV][dtype](
        1, value, 1, value, 1, dtype == HONE_F32 ? (const void *)&n_f32 : (const void *)&n_f64, 0);
}

/* What the rows' softmax comes to, and where the gradient goes. */
typedef struct {
    const batch *b;
    char *loss, *max, *log_sum; /* [rows] each, one pool block */
    char *dx;                   /* NULL: no gradient is wanted */
    double scale;               /* holds one element of the dtype */
} job;

static size_t row_bytes(const batch *b)
{
    return 3 * hone__bytes(b->rows, (size_t)b->size);
}

static bool take_rows(const batch *b, job *j)
{
    const int64_t bytes = b->rows * b->size;
    *j = (job){ .b = b };
    if (bytes == 0)
        return true;
    j->loss = hone__pool_alloc(row_bytes(b));
    if (!j->loss)
        return false;
    j->max = j->loss + bytes;
    j->log_sum = j->max + bytes;
    return true;
}

static void give_rows(const job *j)
{
    if (j->loss)
        hone__pool_free(j->loss, row_bytes(j->b));
}

static void run_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    const batch *b = j->b;
    const int64_t at = row * b->size;
    hone__k->cross_entropy[b->dtype](rows, b->cols, j->loss + at, j->max + at, j->log_sum + at,
                                     in->p, in->stride, b->target + row);
    if (j->dx)
        hone__k->cross_entropy_backward[b->dtype](rows, b->cols, j->dx + at * b->cols, b->cols,
                                                  in->p, in->stride, j->max + at, j->log_sum + at,
                                                  b->target + row, &j->scale, 0);
}

/* ---- cross_entropy */

/* Rows for the loss alone, or with the gradient dy / batch times what it is by row. False: out of
 * memory. */
static bool run_batch(job *j)
{
    const double passes = j->dx ? 2.0 : 1.0;
    hone__rows x;
    hone__rows_of(&x, j->b->x, 1u << 1);
    return hone__row_groups_run(&(hone__row_groups){
        .n = 1,
        .in[0] = &x,
        .result = j->dx,
        .ns = passes * NS_PER_ELEMENT * (double)j->b->cols + 10.0,
        .body = run_rows,
        .ctx = j,
    });
}

static void take_slope(job *j, hone_tensor *dx, const void *dy)
{
    j->dx = hone__data(dx);
    hone__k->copy[j->b->dtype](1, &j->scale, 1, dy, 1);
    divide(j->b->dtype, &j->scale, j->b->divisor);
}

static bool is_one(const hone_tensor *dy)
{
    return dy->dtype == HONE_F32 ? *(const float *)hone__data(dy) == 1.0F
                                 : *(const double *)hone__data(dy) == 1.0;
}

/* The rows' losses, which go to `values` too if there is such a place, summed as a row and divided
 * by the batch; an empty batch gives 0 / 0. The
 * gradient of a loss that nothing is done to, dy = 1, is made on the way if there is a place for
 * it.
 */
static bool mean_loss(const batch *b, void *out, hone_tensor *slope, void *values)
{
    const float one_f32 = 1.0F;
    const double one_f64 = 1.0;
    job j;
    if (!take_rows(b, &j))
        return false;
    if (slope && slope->numel > 0)
        take_slope(&j, slope,
                   b->dtype == HONE_F32 ? (const void *)&one_f32 : (const void *)&one_f64);
    const bool done = run_batch(&j);
    if (done) {
        hone__k->reduce_rows[HONE__K_SUM][b->dtype](1, b->rows, j.loss, b->rows, out, 1);
        divide(b->dtype, out, b->divisor);
    }
    if (done && values)
        memcpy(values, j.loss, (size_t)(b->rows * b->size));
    give_rows(&j);
    return done;
}

static bool cross_entropy_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    batch b;
    void *values = NULL;
    if (!take_batch(ctx, in[0], in[1], &b) ||
        (hone_needs_input_grad(ctx, 0) &&
         !hone__part_take_loss("cross_entropy", b.dtype, b.rows, &b.divisor, &values)))
        return false;
    ((loss_options *)hone__options(ctx))->divisor = b.divisor;
    hone_tensor *const slope = hone_needs_input_grad(ctx, 0) ? hone_empty_like(in[0]) : NULL;
    hone_tensor *const saved[] = { in[0], in[1], slope };
    if ((hone_needs_input_grad(ctx, 0) && !slope) || !hone__save(ctx, slope ? 3 : 2, saved))
        return false;
    out[0] = hone__out(ctx, 0, b.dtype, 0, NULL);
    return out[0] && mean_loss(&b, hone__data(out[0]), slope, values);
}

static hone_tensor *backward_of(hone_tensor *dy, hone_tensor *logits, hone_tensor *target,
                                const loss_options *options)
{
    return hone__call(&hone__op_cross_entropy_backward, IN(dy, logits, target), options);
}

static void cross_entropy_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = !hone_grad_enabled() && is_one(dy[0])
                ? hone_saved(ctx, 2)
                : backward_of(dy[0], hone_saved(ctx, 0), hone_saved(ctx, 1), hone__options(ctx));
}

const hone__op hone__op_cross_entropy = {
    .name = "cross_entropy",
    .forward = cross_entropy_forward,
    .backward = cross_entropy_of_dy,
    .in = { { "logits" }, { "target", HONE__CONSTANT } },
};
HONE__ENTRY_XX(cross_entropy, logits, target)

/* ---- cross_entropy_backward */

/* The divisor is between a forward and its gradient: callers neither give nor get it. */
static const hone__option loss_table[] = { { NULL } };

static bool run_backward(const batch *b, const hone_tensor *dy, hone_tensor *dx)
{
    job j;
    if (dx->numel == 0)
        return true;
    if (!take_rows(b, &j))
        return false;
    take_slope(&j, dx, hone__data(dy));
    const bool done = run_batch(&j);
    give_rows(&j);
    return done;
}

static bool cross_entropy_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                           hone_tensor **out)
{
    (void)n_in;
    batch b;
    if (!take_batch(ctx, in[1], in[2], &b) || !HONE__SAVE(ctx, in[0], in[1], in[2]))
        return false;
    if (in[0]->ndim != 0 || in[0]->dtype != in[1]->dtype) {
        hone_error_set(in[0]->ndim ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "%s: dy must be 0-d and of the logits' dtype, got %s and %s",
                       hone__call_name(ctx), hone__tensor_text(in[0]).s,
                       hone__tensor_text(in[1]).s);
        return false;
    }
    const int64_t divisor = ((const loss_options *)hone__options(ctx))->divisor;
    b.divisor = divisor ? divisor : b.rows;
    out[0] = hone__out(ctx, 0, b.dtype, 2, in[1]->shape);
    return out[0] && run_backward(&b, in[0], out[0]);
}

/* dx = dy (softmax(x) - one_hot) / n, so by dy: sum(g (softmax(x) - one_hot)) / n, and by x: dy / n
 * times softmax's gradient of g. */
static void cross_entropy_backward_backward(hone_context *ctx, hone_tensor *const *g,
                                            hone_tensor **dx)
{
    const loss_options *o = hone__options(ctx);
    hone_tensor *dy = hone_saved(ctx, 0), *x = hone_saved(ctx, 1), *target = hone_saved(ctx, 2);
    if (hone_needs_input_grad(ctx, 0)) {
        hone_tensor *one = hone_scalar(hone_dtype_of(g[0]), 1.0);
        dx[0] = hone_sum(hone_mul(g[0], backward_of(one, x, target, o)));
    }
    if (!hone_needs_input_grad(ctx, 1))
        return;
    const int64_t divisor = x && !o->divisor ? hone_size(x, 0) : o->divisor;
    hone_tensor *scale = hone_div_scalar(dy, (double)divisor);
    dx[1] = hone_mul(scale, hone_softmax_backward(g[0], hone_softmax(x, 1), 1));
}

const hone__op hone__op_cross_entropy_backward = {
    .name = "cross_entropy_backward",
    .forward = cross_entropy_backward_forward,
    .backward = cross_entropy_backward_backward,
    .in = { { "dy" }, { "logits" }, { "target", HONE__CONSTANT } },
    .options = loss_table,
    .options_bytes = sizeof(loss_options),
};

hone_tensor *hone_cross_entropy_backward(hone_tensor *dy, hone_tensor *logits, hone_tensor *target)
{
    return backward_of(dy, logits, target, &(loss_options){ 0 });
}
