/* linalg_cholesky.c: cholesky, solve_triangular. */
#include "loops/lu.h"
#include "ops/linalg.h"

/* ---- cholesky */

typedef struct {
    int64_t n, *failure;
    double *a;
} factor_job;

static void cholesky_range(void *job, int64_t begin, int64_t end)
{
    const factor_job *j = job;
    for (int64_t i = begin; i < end; i++)
        j->failure[i] = hone__cholesky(j->n, j->a + i * j->n * j->n);
}

static bool cholesky_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    if (!hone__is_matrices(ctx, in[0], true))
        return false;
    hone_tensor *l = hone__working_copy(in[0]), *failures = hone__places_of_failure(in[0]);
    if (!l || !failures)
        return false;
    const int64_t n = l->shape[l->ndim - 1];
    if (l->numel)
        hone__parallel_for(hone__matrices(l), 1, (double)(n * n) * (double)n / 3, cholesky_range,
                           &(factor_job){ n, hone__data(failures), hone__data(l) });
    return hone__all_succeeded(ctx, in[0], failures, "not positive definite: leading minor") &&
           hone__give(out, hone_to(l, (hone_dtype)in[0]->dtype)) && HONE__SAVE(ctx, out[0]);
}

static void cholesky_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *l = hone_saved(ctx, 0), *turned = hone__turned(l);
    hone_tensor *p = hone_matmul(turned, dy[0]);
    hone_tensor *s = hone_add(hone_tril(p, 0), hone__turned(hone_tril(p, -1)));
    hone_tensor *half = hone_solve_triangular(turned, hone_mul_scalar(s, 0.5), true, true, false);
    dx[0] = hone_solve_triangular(l, half, false, false, false);
}

const hone__op hone__op_cholesky = {
    .name = "cholesky",
    .forward = cholesky_forward,
    .backward = cholesky_backward,
    .in = { { "x" } },
};
HONE__ENTRY_X(cholesky)

/* ---- solve_triangular */

typedef struct {
    bool upper, left, unitriangular;
} triangular_options;

static const hone__option triangular_table[] = {
    HONE__OPTION(triangular_options, upper, HONE__OPT_BOOL, .required = true),
    HONE__OPTION(triangular_options, left, HONE__OPT_BOOL, .standard = 1),
    HONE__OPTION(triangular_options, unitriangular, HONE__OPT_BOOL),
    { NULL },
};

typedef struct {
    int64_t n, m;
    bool upper, unit;
    const double *a;
    double *b;
} triangular_job;

static void triangular_range(void *job, int64_t begin, int64_t end)
{
    const triangular_job *j = job;
    for (int64_t i = begin; i < end; i++)
        hone__substitute(j->n, j->m, j->a + i * j->n * j->n, j->upper, j->unit,
                         j->b + i * j->n * j->m);
}

/* X of a X = b; those of X a = b are of a^T X^T = b^T. */
static hone_tensor *substituted(hone_context *ctx, hone_tensor *a, hone_tensor *b,
                                const triangular_options *o)
{
    int64_t of_a[HONE_MAX_DIMS + 1], of_b[HONE_MAX_DIMS + 1];
    if (!hone__batch_shape(ctx, a, b, a, of_a) || !hone__batch_shape(ctx, a, b, b, of_b))
        return NULL;
    hone_tensor *matrix = hone_expand_v(a, of_a), *given = hone_expand_v(b, of_b);
    matrix = hone__working_copy(o->left ? matrix : hone__turned(matrix));
    hone_tensor *x = hone__working_copy(o->left ? given : hone__turned(given));
    if (!matrix || !x)
        return NULL;
    const int64_t n = x->shape[x->ndim - 2], m = x->shape[x->ndim - 1];
    if (x->numel)
        hone__parallel_for(hone__matrices(x), 1, (double)(n * n) * (double)m / 2, triangular_range,
                           &(triangular_job){ n, m, o->upper == o->left, o->unitriangular,
                                              hone__data(matrix), hone__data(x) });
    return o->left ? x : hone_contiguous(hone__turned(x));
}

static bool solve_triangular_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    (void)n_in;
    hone_tensor *a = in[0], *b = in[1];
    const triangular_options *o = hone__options(ctx);
    if (!hone__is_matrices(ctx, a, true) || !hone__is_matrices(ctx, b, false))
        return false;
    if (a->dtype != b->dtype || a->shape[a->ndim - 1] != b->shape[b->ndim - 1 - o->left]) {
        hone_error_set(a->dtype != b->dtype ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "solve_triangular: %s and %s don't fit for %s", hone__tensor_text(a).s,
                       hone__tensor_text(b).s, o->left ? "a X = b" : "X a = b");
        return false;
    }
    hone_tensor *x = substituted(ctx, a, b, o);
    return hone__give(out, hone_to(x, (hone_dtype)b->dtype)) && HONE__SAVE(ctx, a, out[0]);
}

static void solve_triangular_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const triangular_options *o = hone__options(ctx);
    hone_tensor *x = hone_saved(ctx, 1);
    hone_tensor *db = hone_solve_triangular(hone__turned(hone_saved(ctx, 0)), dy[0], !o->upper,
                                            o->left, o->unitriangular);
    dx[1] = db;
    if (!hone_needs_input_grad(ctx, 0))
        return;
    hone_tensor *da =
        hone_neg(o->left ? hone_matmul(db, hone__turned(x)) : hone_matmul(hone__turned(x), db));
    dx[0] = o->upper ? hone_triu(da, o->unitriangular) : hone_tril(da, -o->unitriangular);
}

const hone__op hone__op_solve_triangular = {
    .name = "solve_triangular",
    .forward = solve_triangular_forward,
    .backward = solve_triangular_backward,
    .in = { { "a" }, { "b" } },
    .options = triangular_table,
    .options_bytes = sizeof(triangular_options),
};

hone_tensor *hone_solve_triangular(hone_tensor *a, hone_tensor *b, bool upper, bool left,
                                   bool unitriangular)
{
    return hone__call(&hone__op_solve_triangular, IN(a, b),
                      &(triangular_options){ upper, left, unitriangular });
}
