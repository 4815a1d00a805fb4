/* linalg_orthogonal.c: qr, eigh, svd: steps in loops/orthogonal.h, gradients in public ops. */
#include "loops/orthogonal.h"
#include "ops/linalg.h"

#include <hone/shapes.h>

/* f64, uninitialised: x's leading dims, then `more` extents. */
static hone_tensor *of_each(hone_context *ctx, const hone_tensor *x, int more, int64_t n, int64_t m)
{
    hone__shape shape = hone__shape_of(x);
    shape.ndim = x->ndim - 2 + more;
    shape.shape[x->ndim - 2] = n;
    shape.shape[x->ndim - 1] = m;
    return hone__own(hone__new(hone__call_name(ctx), HONE_F64, shape.ndim, shape.shape));
}

typedef struct {
    int64_t n, m;
    double *a, *first, *second;
} job;

/* a, first and second are working copies of one matrix or row each. */
static void run_each(const hone_tensor *a, hone_tensor *first, hone_tensor *second, double sweeps,
                     hone__range_body range)
{
    const int64_t n = a->shape[a->ndim - 2], m = a->shape[a->ndim - 1];
    hone__parallel_for(hone__matrices(a), 1, sweeps * (double)(n * m) * (double)m, range,
                       &(job){ n, m, hone__data(a), hone__data(first), hone__data(second) });
}

static hone_tensor *eye_like(hone_tensor *x)
{
    const int64_t n = hone_size(x, -1);
    return hone_eye(hone_dtype_of(x), n, n);
}

/* x / by, but 0 where both are: what isn't asked for has no gradient. */
static hone_tensor *divided(hone_tensor *x, hone_tensor *by)
{
    hone_tensor *nothing = hone_logical_and(hone_eq_scalar(x, 0), hone_eq_scalar(by, 0));
    return hone_div(x, hone_where(nothing, hone_scalar(hone_dtype_of(x), 1), by));
}

/* ---- qr */

static void qr_range(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t k = j->n < j->m ? j->n : j->m;
    for (int64_t i = begin; i < end; i++)
        hone__qr(j->n, j->m, j->a + i * j->n * j->m, j->first + i * j->n * k,
                 j->second + i * j->n * k);
}

static bool qr_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!hone__is_matrices(ctx, x, false))
        return false;
    const int64_t n = x->shape[x->ndim - 2], m = x->shape[x->ndim - 1], k = n < m ? n : m;
    hone_tensor *r = hone__working_copy(x), *q = of_each(ctx, x, 2, n, k);
    hone_tensor *reflections = of_each(ctx, x, 2, k, n);
    if (!r || !q || !reflections)
        return false;
    if (x->numel)
        run_each(r, q, reflections, 4, qr_range);
    r = hone_contiguous(hone_slice(r, -2, 0, k, 1));
    out[0] = hone_to(q, (hone_dtype)x->dtype);
    out[1] = hone_to(r, (hone_dtype)x->dtype);
    return out[0] && out[1] && HONE__SAVE(ctx, out[0], out[1]);
}

/* (dQ + Q S) R^-T, S the upper triangle of dR R^T - Q^T dQ, its diagonal halved, mirrored; R square */
static hone_tensor *qr_gradient(hone_tensor *q, hone_tensor *r, hone_tensor *dq, hone_tensor *dr)
{
    hone_tensor *p = hone_sub(hone_matmul(dr, hone__turned(r)), hone_matmul(hone__turned(q), dq));
    hone_tensor *s = hone_add(hone_triu(p, 0), hone__turned(hone_triu(p, 1)));
    return hone_solve_triangular(hone__turned(r), hone_add(dq, hone_matmul(q, s)), false, false,
                                 false);
}

/* More columns than rows: x = [q u, q v], so that q's gradient is also what comes by v. */
static void qr_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *q = hone_saved(ctx, 0), *r = hone_saved(ctx, 1), *dq = dy[0], *dr = dy[1];
    if (!q || !r)
        return;
    const int64_t k = hone_size(r, -2), m = hone_size(r, -1);
    if (k == m) {
        dx[0] = qr_gradient(q, r, dq, dr);
        return;
    }
    hone_tensor *u = hone_slice(r, -1, 0, k, 1), *v = hone_slice(r, -1, k, m, 1);
    hone_tensor *du = hone_slice(dr, -1, 0, k, 1), *dv = hone_slice(dr, -1, k, m, 1);
    dq = hone_add(dq, hone_matmul(hone_matmul(q, v), hone__turned(dv)));
    dx[0] = hone_cat(hone_list(qr_gradient(q, u, dq, du), hone_matmul(q, dv)), -1);
}

const hone__op hone__op_qr = {
    .name = "qr",
    .forward = qr_forward,
    .backward = qr_backward,
    .in = { { "x" } },
    .out = { { "q" }, { "r" } },
};

hone_q_r hone_qr(hone_tensor *x)
{
    hone_tensor *out[2] = { NULL, NULL };
    if (hone__run(&hone__op_qr, IN(x), NULL, HONE__INTO_FRESH, out) < 0)
        return (hone_q_r){ NULL, NULL };
    return (hone_q_r){ out[0], out[1] };
}

/* ---- eigh */

static void eigh_range(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        hone__eigh(j->n, j->a + i * j->n * j->n, j->first + i * j->n, j->second + i * j->n * j->n);
}

static bool eigh_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!hone__is_matrices(ctx, x, true))
        return false;
    const int64_t n = x->shape[x->ndim - 1];
    hone_tensor *a = hone__working_copy(x);
    hone_tensor *values = of_each(ctx, x, 1, n, n), *vectors = of_each(ctx, x, 2, n, n);
    if (!a || !values || !vectors)
        return false;
    if (x->numel)
        run_each(a, values, vectors, 50, eigh_range);
    out[0] = hone_to(values, (hone_dtype)x->dtype);
    out[1] = hone_to(vectors, (hone_dtype)x->dtype);
    return out[0] && out[1] && HONE__SAVE(ctx, out[0], out[1]);
}

/* V (diag(dL) + V^T dV / E) V^T, E[i, j] = L[j] - L[i], nothing on the diagonal of the second, made
 * symmetric */
static void eigh_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *l = hone_saved(ctx, 0), *v = hone_saved(ctx, 1);
    if (!l || !v)
        return;
    hone_tensor *apart = hone_sub(hone_unsqueeze(l, -2), hone_unsqueeze(l, -1));
    hone_tensor *p = hone_matmul(hone__turned(v), dy[1]);
    hone_tensor *beside = hone_masked_fill_scalar(p, hone_to(eye_like(v), HONE_BOOL), 0);
    hone_tensor *inside = hone_add(hone_diag_embed(dy[0], 0, -2, -1), divided(beside, apart));
    hone_tensor *da = hone_matmul(v, hone_matmul(inside, hone__turned(v)));
    dx[0] = hone_mul_scalar(hone_add(da, hone__turned(da)), 0.5);
}

const hone__op hone__op_eigh = {
    .name = "eigh",
    .forward = eigh_forward,
    .backward = eigh_backward,
    .in = { { "x" } },
    .out = { { "values" }, { "vectors" } },
};

hone_eigen hone_eigh(hone_tensor *x)
{
    hone_tensor *out[2] = { NULL, NULL };
    if (hone__run(&hone__op_eigh, IN(x), NULL, HONE__INTO_FRESH, out) < 0)
        return (hone_eigen){ NULL, NULL };
    return (hone_eigen){ out[0], out[1] };
}

/* ---- svd */

static void svd_range(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        hone__svd(j->n, j->m, j->a + i * j->n * j->m, j->first + i * j->m,
                  j->second + i * j->m * j->m);
}

/* Of more columns than rows: that of the transposed, whose vectors change places. */
static bool svd_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    if (!hone__is_matrices(ctx, x, false))
        return false;
    const int64_t n = x->shape[x->ndim - 2], m = x->shape[x->ndim - 1], k = n < m ? n : m;
    const bool wide = m > n;
    hone_tensor *u = hone__working_copy(wide ? hone__turned(x) : x), *s = of_each(ctx, x, 1, k, k);
    hone_tensor *v = of_each(ctx, x, 2, k, k);
    if (!u || !s || !v)
        return false;
    if (x->numel)
        run_each(u, s, v, 50, svd_range);
    out[0] = hone_to(wide ? v : u, (hone_dtype)x->dtype);
    out[1] = hone_to(s, (hone_dtype)x->dtype);
    out[2] = hone_to(hone_contiguous(hone__turned(wide ? u : v)), (hone_dtype)x->dtype);
    return out[0] && out[1] && out[2] && HONE__SAVE(ctx, out[0], out[1], out[2]);
}

static hone_tensor *skew(hone_tensor *x)
{
    return hone_sub(x, hone__turned(x));
}

/* U ((skew(U^T dU) / E) S + S (skew(V^T dV) / E) + diag(dS)) V^T, E[i, j] = S[j]^2 - S[i]^2, and what is outside
 * of U's and V's columns: (1 - U U^T) dU / S V^T and U / S dV^T (1 - V V^T) */
static void svd_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *u = hone_saved(ctx, 0), *s = hone_saved(ctx, 1), *vt = hone_saved(ctx, 2);
    if (!u || !s || !vt)
        return;
    hone_tensor *du = dy[0], *ds = dy[1], *dvt = dy[2], *ut = hone__turned(u);
    hone_tensor *row = hone_unsqueeze(s, -2), *column = hone_unsqueeze(s, -1);
    hone_tensor *apart = hone_mul(hone_sub(row, column), hone_add(row, column));
    hone_tensor *by_u = hone_mul(divided(skew(hone_matmul(ut, du)), apart), row);
    hone_tensor *by_v = hone_mul(column, divided(skew(hone_matmul(vt, hone__turned(dvt))), apart));
    hone_tensor *inside = hone_add(hone_add(by_u, by_v), hone_diag_embed(ds, 0, -2, -1));
    hone_tensor *sum = hone_matmul(u, hone_matmul(inside, vt));
    if (hone_size(u, -2) > hone_size(u, -1)) {
        hone_tensor *outside = hone_sub(du, hone_matmul(u, hone_matmul(ut, du)));
        sum = hone_add(sum, hone_matmul(divided(outside, row), vt));
    }
    if (hone_size(vt, -1) > hone_size(vt, -2)) {
        hone_tensor *v = hone__turned(vt);
        hone_tensor *outside = hone_sub(dvt, hone_matmul(hone_matmul(dvt, v), vt));
        sum = hone_add(sum, hone_matmul(u, divided(outside, column)));
    }
    dx[0] = sum;
}

const hone__op hone__op_svd = {
    .name = "svd",
    .forward = svd_forward,
    .backward = svd_backward,
    .in = { { "x" } },
    .out = { { "u" }, { "s" }, { "vt" } },
};

hone_singular hone_svd(hone_tensor *x)
{
    hone_tensor *out[3] = { NULL, NULL, NULL };
    if (hone__run(&hone__op_svd, IN(x), NULL, HONE__INTO_FRESH, out) < 0)
        return (hone_singular){ NULL, NULL, NULL };
    return (hone_singular){ out[0], out[1], out[2] };
}
