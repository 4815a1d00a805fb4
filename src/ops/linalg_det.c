/* linalg_det.c: det, slogdet: by LU (linalg_solve.c). */
#include "ops/linalg.h"

#include <math.h>

/* f64, a number a matrix */
static hone_tensor *of_each(hone_context *ctx, const hone_tensor *x)
{
    return hone__own(hone__new(hone__call_name(ctx), HONE_F64, x->ndim - 2, x->shape));
}

/* 1 or -1: whether the exchanges are even. */
static double parity(const hone__factors *f, int64_t matrix)
{
    const int64_t *row = (const int64_t *)hone__data(f->rows) + matrix * f->n;
    double sign = 1;
    for (int64_t k = 0; k < f->n; k++)
        sign = row[k] == k ? sign : -sign;
    return sign;
}

static double *pivot(const hone__factors *f, int64_t matrix, int64_t k)
{
    return (double *)hone__data(f->lu) + (matrix * f->n + k) * f->n + k;
}

static double determinant(const hone__factors *f, int64_t matrix)
{
    double product = parity(f, matrix);
    for (int64_t k = 0; k < f->n; k++)
        product *= *pivot(f, matrix, k);
    return product;
}

/* ---- det */

static bool det_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!hone__is_matrices(ctx, x, true))
        return false;
    const hone__factors f = hone__factors_of(x);
    hone_tensor *det = f.lu ? of_each(ctx, x) : NULL;
    for (int64_t i = 0; det && i < det->numel; i++)
        ((double *)hone__data(det))[i] = determinant(&f, i);
    return hone__give(out, hone_to(det, (hone_dtype)x->dtype)) && HONE__SAVE(ctx, x);
}

static hone_tensor *per_matrix(hone_tensor *of_batch)
{
    return hone_unsqueeze(hone_unsqueeze(of_batch, -1), -1);
}

static void det_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0);
    dx[0] = hone_mul(hone__call(&hone__op_cofactors, IN(x), NULL), per_matrix(dy[0]));
}

const hone__op hone__op_det = {
    .name = "det", .forward = det_forward, .backward = det_backward, .in = { { "x" } }
};
HONE__ENTRY_X(det)

/* ---- cofactors, det's gradient: det x^-T; private. One pivot that is 0 counts as 2^-100 of the largest
 * magnitude: what that changes is far below rounding. Where there are more, all cofactors are 0. */

/* False: all cofactors are 0. */
static bool fill_pivots(const hone__factors *f, int64_t matrix, const double *x)
{
    double largest = 0;
    int zeros = 0;
    for (int64_t i = 0; i < f->n * f->n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    for (int64_t k = 0; k < f->n; k++)
        if (*pivot(f, matrix, k) == 0) {
            *pivot(f, matrix, k) = 0x1p-100 * (largest > 0 ? largest : 1);
            zeros++;
        }
    return zeros < 2;
}

static bool cofactors_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *given = hone__working_copy(x);
    int64_t shape[HONE_MAX_DIMS + 1];
    const hone__shape of_x = hone__shape_of(x);
    const hone__factors f = hone__factors_of(x);
    hone_tensor *y = hone_expand_v(hone_eye(HONE_F64, f.n, f.n), hone__ended(&of_x, shape));
    hone_tensor *det = of_each(ctx, x);
    y = hone_clone(y);
    if (!given || !f.lu || !y || !det)
        return false;
    for (int64_t i = 0; y->numel && i < det->numel; i++) {
        const bool some = fill_pivots(&f, i, (const double *)hone__data(given) + i * f.n * f.n);
        ((double *)hone__data(det))[i] = some ? determinant(&f, i) : 0;
    }
    hone__solve_each(&f, y);
    y = hone_contiguous(hone__turned(hone_mul(y, per_matrix(det))));
    return hone__give(out, hone_to(y, (hone_dtype)x->dtype)) && HONE__SAVE(ctx, x, out[0]);
}

/* (<dy, C> C - C dy^T C) / det */
static void cofactors_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *c = hone_saved(ctx, 1);
    hone_tensor *along = hone_sum_dims(hone_mul(dy[0], c), true, -2, -1);
    hone_tensor *across = hone_matmul(c, hone_matmul(hone__turned(dy[0]), c));
    dx[0] =
        hone_div(hone_sub(hone_mul(along, c), across), per_matrix(hone_det(hone_saved(ctx, 0))));
}

const hone__op hone__op_cofactors = {
    .name = "cofactors",
    .forward = cofactors_forward,
    .backward = cofactors_backward,
    .in = { { "x" } },
    .forms = HONE__PRIVATE,
};

/* ---- slogdet */

static bool slogdet_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!hone__is_matrices(ctx, x, true))
        return false;
    const hone__factors f = hone__factors_of(x);
    hone_tensor *sign = f.lu ? of_each(ctx, x) : NULL;
    if (!sign)
        return false;
    for (int64_t i = 0; i < sign->numel; i++) {
        double product = parity(&f, i);
        for (int64_t k = 0; k < f.n; k++) {
            const double p = *pivot(&f, i, k);
            product = p > 0 ? product : p < 0 ? -product : p * product; /* 0 and NaN stay */
        }
        ((double *)hone__data(sign))[i] = product;
    }
    hone_tensor *logs = hone_log(hone_abs(hone_diagonal(f.lu, 0, -2, -1)));
    out[0] = hone_to(sign, (hone_dtype)x->dtype);
    out[1] = hone_to(hone_sum_dim(logs, -1, false), (hone_dtype)x->dtype);
    return out[0] && out[1] && HONE__SAVE(ctx, x);
}

static void slogdet_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0);
    hone_tensor *inverse = hone__call(&hone__op_inverse_or_infinite, IN(x), NULL);
    dx[0] = hone_mul(hone__turned(inverse), per_matrix(dy[1]));
}

const hone__op hone__op_slogdet = {
    .name = "slogdet",
    .forward = slogdet_forward,
    .backward = slogdet_backward,
    .in = { { "x" } },
    .out = { { "sign", HONE__CONSTANT }, { "logabsdet" } },
};

hone_sign_log hone_slogdet(hone_tensor *x)
{
    hone_tensor *out[2] = { NULL, NULL };
    if (hone__run(&hone__op_slogdet, IN(x), NULL, HONE__INTO_FRESH, out) < 0)
        return (hone_sign_log){ NULL, NULL };
    return (hone_sign_log){ out[0], out[1] };
}
