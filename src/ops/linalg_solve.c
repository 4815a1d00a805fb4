/* linalg_solve.c: solve, inverse: by LU with partial pivoting (loops/lu.h). */
#include "loops/lu.h"
#include "ops/linalg.h"

/* ---- LU of each matrix, in place */

typedef struct {
    int64_t n, *row, *failure;
    double *a;
} lu_job;

static void lu_range(void *job, int64_t begin, int64_t end)
{
    const lu_job *j = job;
    for (int64_t i = begin; i < end; i++)
        j->failure[i] = hone__lu(j->n, j->a + i * j->n * j->n, j->row + i * j->n);
}

hone__factors hone__factors_of(hone_tensor *x)
{
    hone__factors f = { hone__working_copy(x), NULL, hone__places_of_failure(x),
                        x->shape[x->ndim - 1] };
    f.rows = hone_zeros(HONE_I64, hone__matrices(x) * f.n);
    if (!f.lu || !f.failures || !f.rows)
        return (hone__factors){ NULL };
    if (f.lu->numel)
        hone__parallel_for(
            hone__matrices(x), 1, (double)(f.n * f.n) * (double)f.n / 3, lu_range,
            &(lu_job){ f.n, hone__data(f.rows), hone__data(f.failures), hone__data(f.lu) });
    return f;
}

typedef struct {
    const hone__factors *f;
    int64_t m;
    double *b;
} solve_job;

static void solve_range(void *job, int64_t begin, int64_t end)
{
    const solve_job *j = job;
    const int64_t n = j->f->n;
    const double *lu = hone__data(j->f->lu);
    const int64_t *rows = hone__data(j->f->rows);
    for (int64_t i = begin; i < end; i++)
        hone__lu_solve(n, j->m, lu + i * n * n, rows + i * n, j->b + i * n * j->m);
}

void hone__solve_each(const hone__factors *f, hone_tensor *b)
{
    const int64_t m = b->shape[b->ndim - 1];
    if (b->numel)
        hone__parallel_for(hone__matrices(b), 1, (double)(f->n * f->n) * (double)m, solve_range,
                           &(solve_job){ f, m, hone__data(b) });
}

/* ---- solve */

/* b [n], or of a's shape without the last dim: vectors. */
static bool is_of_vectors(const hone__shape *a, const hone__shape *b)
{
    bool same = b->ndim == a->ndim - 1;
    for (int d = 0; same && d < b->ndim; d++)
        same = a->shape[d] == b->shape[d];
    return same || b->ndim == 1;
}

static bool solve_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *a = in[0], *b = in[1];
    if (!hone__is_matrices(ctx, a, true))
        return false;
    const hone__shape of_a = hone__shape_of(a), of_b = hone__shape_of(b);
    const bool vectors = is_of_vectors(&of_a, &of_b);
    if (a->dtype != b->dtype || b->ndim == 0 ||
        a->shape[a->ndim - 1] != b->shape[b->ndim - (vectors ? 1 : 2)]) {
        hone_error_set(a->dtype != b->dtype ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "solve: %s and %s don't fit for a X = b", hone__tensor_text(a).s,
                       hone__tensor_text(b).s);
        return false;
    }
    int64_t shape[HONE_MAX_DIMS + 1];
    hone_tensor *columns = vectors ? hone_unsqueeze(b, -1) : b;
    if (!columns || !hone__batch_shape(ctx, a, columns, a, shape))
        return false;
    hone_tensor *matrices = hone_expand_v(a, shape);
    if (!matrices || !hone__batch_shape(ctx, a, columns, columns, shape))
        return false;
    hone_tensor *x = hone__working_copy(hone_expand_v(columns, shape));
    const hone__factors f = hone__factors_of(matrices);
    if (!x || !f.lu || !hone__all_succeeded(ctx, matrices, f.failures, "singular: 0 is pivot"))
        return false;
    hone__solve_each(&f, x);
    x = vectors ? hone_contiguous(hone_squeeze(x, -1)) : x;
    return hone__give(out, hone_to(x, (hone_dtype)b->dtype)) && HONE__SAVE(ctx, a, out[0]);
}

static void solve_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const bool vectors = is_of_vectors(hone__input_shape(ctx, 0), hone__input_shape(ctx, 1));
    hone_tensor *a = hone_saved(ctx, 0), *x = hone_saved(ctx, 1);
    hone_tensor *given = vectors ? hone_unsqueeze(dy[0], -1) : dy[0];
    hone_tensor *db = hone_solve(hone__turned(a), given);
    dx[1] = vectors ? hone_squeeze(db, -1) : db;
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_neg(hone_matmul(db, vectors ? hone_unsqueeze(x, -2) : hone__turned(x)));
}

const hone__op hone__op_solve = {
    .name = "solve",
    .forward = solve_forward,
    .backward = solve_backward,
    .in = { { "a" }, { "b" } },
};
HONE__ENTRY_XX(solve, a, b)

/* ---- inverse; inverse_or_infinite doesn't refuse singular matrices: slogdet's gradient */

static hone_tensor *inverted(hone_context *ctx, hone_tensor *x, bool singular_too)
{
    int64_t shape[HONE_MAX_DIMS + 1];
    if (!hone__is_matrices(ctx, x, true))
        return NULL;
    const hone__shape of_x = hone__shape_of(x);
    const hone__factors f = hone__factors_of(x);
    if (!f.lu ||
        (!singular_too && !hone__all_succeeded(ctx, x, f.failures, "singular: 0 is pivot")))
        return NULL;
    hone_tensor *y =
        hone_clone(hone_expand_v(hone_eye(HONE_F64, f.n, f.n), hone__ended(&of_x, shape)));
    if (y)
        hone__solve_each(&f, y);
    return hone_to(y, (hone_dtype)x->dtype);
}

static void inverse_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *y = hone__turned(hone_saved(ctx, 0));
    dx[0] = hone_neg(hone_matmul(y, hone_matmul(dy[0], y)));
}

#define INVERSE(op, singular_too, ...)                                                             \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, inverted(ctx, in[0], singular_too)) && HONE__SAVE(ctx, out[0]);     \
    }                                                                                              \
    const hone__op hone__op_##op = { .name = #op,                                                  \
                                     .forward = op##_forward,                                      \
                                     .backward = inverse_backward,                                 \
                                     .in = { { "x" } },                                            \
                                     __VA_ARGS__ };
INVERSE(inverse, false, .forms = HONE__FRESH)
INVERSE(inverse_or_infinite, true, .forms = HONE__PRIVATE)
HONE__ENTRY_X(inverse)
