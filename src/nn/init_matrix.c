/* init_matrix.c: initial values that are matrices: of ones and zeros, orthogonal, sparse. */
#include "core/core.h"
#include "nn/init.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>

static bool has_dims(const char *name, hone_tensor *t, int least, int most)
{
    if (!hone__init_takes(name, t))
        return false;
    if (hone_dim(t) >= least && hone_dim(t) <= most)
        return true;
    char wanted[40];
    hone__format(wanted, sizeof wanted, least == most ? "%d dims are" : "%d to %d dims are", least,
                 most);
    hone_error_set(HONE_E_SHAPE, "%s: %s, but %s wanted", name, hone__tensor_text(t).s, wanted);
    return false;
}

/* ---- ones and zeros */

static hone_tensor *diagonal(hone_tensor *t)
{
    return hone_eye(hone_dtype_of(t), hone_size(t, 0), hone_size(t, 1));
}

hone_tensor *hone_init_eye_(hone_tensor *t)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    return has_dims("init_eye_", t, 2, 2) ? hone_copy_(t, diagonal(t)) : NULL;
}

/* The middle of [i, i, ..] for all channels of a group. */
static hone_tensor *dirac_group(hone_tensor *t, int64_t first, int64_t outputs)
{
    hone_tensor *group = hone_slice(t, 0, first, first + outputs, 1);
    for (int d = hone_dim(t) - 1; d >= 2; d--)
        group = hone_select(group, d, hone_size(t, d) / 2);
    return group ? hone_copy_(group, diagonal(group)) : NULL;
}

hone_tensor *hone_init_dirac_(hone_tensor *t, int64_t groups)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const char *const name = "init_dirac_";
    if (!has_dims(name, t, 3, 5))
        return NULL;
    groups = groups == 0 ? 1 : groups;
    if (groups < 0 || hone_size(t, 0) % groups != 0) {
        hone_error_set(HONE_E_VALUE, "%s: %lld groups don't divide %s", name, (long long)groups,
                       hone__tensor_text(t).s);
        return NULL;
    }
    if (!hone__init_fill(name, t, 0))
        return NULL;
    const int64_t outputs = hone_size(t, 0) / groups;
    for (int64_t g = 0; g < groups && hone_numel(t) > 0; g++)
        if (!dirac_group(t, g * outputs, outputs))
            return NULL;
    return t;
}

/* ---- orthogonal */

/* Row i less what the rows before have of it, twice: once leaves rounding's share of a row that lies
 * close to them. */
static bool straighten(hone_tensor *rows, int64_t i)
{
    HONE_SCOPE();
    hone_tensor *row = hone_slice(rows, 0, i, i + 1, 1);
    hone_tensor *before = i > 0 ? hone_slice(rows, 0, 0, i, 1) : NULL;
    for (int turn = 0; i > 0 && turn < 2; turn++) {
        hone_tensor *shares = hone_matmul(row, hone_transpose(before, 0, 1));
        if (!hone_sub_(row, hone_matmul(shares, before)))
            return false;
    }
    return hone_div_(row, hone_sqrt(hone_sum(hone_square(row)))) != NULL;
}

/* The Q of normal numbers, with a positive diagonal of R, by Gram and Schmidt: in double. */
static hone_tensor *orthogonal_values(hone_tensor *t, const double *gain)
{
    const int64_t n = hone_size(t, 0), m = hone_numel(t) > 0 ? hone_numel(t) / n : 0;
    if (m == 0)
        return hone_zeros_like(t);
    hone_tensor *rows = n < m ? hone_randn(HONE_F64, n, m) : hone_randn(HONE_F64, m, n);
    for (int64_t i = 0; rows && i < hone_size(rows, 0); i++)
        if (!straighten(rows, i))
            return NULL;
    hone_tensor *q = hone_mul_scalar(n < m ? rows : hone_transpose(rows, 0, 1), *gain);
    int64_t shape[HONE_MAX_DIMS + 1];
    for (int d = 0; d < t->ndim; d++)
        shape[d] = t->shape[d];
    shape[t->ndim] = HONE_END_DIM;
    return hone_reshape_v(q, shape);
}

hone_tensor *hone_init_orthogonal_(hone_tensor *t, double gain, hone_generator *generator)
{
    const char *const name = "init_orthogonal_";
    const double factor = gain == 0 ? 1 : gain == HONE_ZERO ? 0 : gain;
    if (!has_dims(name, t, 2, HONE_MAX_DIMS))
        return NULL;
    if (isfinite(factor))
        return hone__init_drawn(t, generator, orthogonal_values, &factor);
    hone_error_set(HONE_E_VALUE, "%s: gain is %g, but a finite number is wanted", name, gain);
    return NULL;
}

/* ---- sparse */

static hone_tensor *sparse_values(hone_tensor *t, const double *n)
{
    const int64_t rows = hone_size(t, 0), cols = hone_size(t, 1);
    const int64_t zeros = (int64_t)ceil(n[0] * (double)rows);
    hone_tensor *values = hone_mul_scalar_(hone_randn_like(t), n[1]);
    for (int64_t c = 0; values && zeros > 0 && c < cols; c++) {
        HONE_SCOPE();
        hone_tensor *order = hone_randperm(rows); /* row r keeps its number if zeros <= order[r] */
        hone_tensor *column = hone_select(values, 1, c);
        hone_tensor *zero = hone_scalar(hone_dtype_of(t), 0);
        if (!order ||
            !hone_copy_(column, hone_where(hone_lt_scalar(order, (double)zeros), zero, column)))
            return NULL;
    }
    return values;
}

hone_tensor *hone_init_sparse_(hone_tensor *t, double sparsity, double std,
                               hone_generator *generator)
{
    const char *const name = "init_sparse_";
    const double deviation = std == 0 ? 0.01 : std == HONE_ZERO ? 0 : std;
    if (!has_dims(name, t, 2, 2))
        return NULL;
    if (!(sparsity >= 0 && sparsity <= 1))
        hone_error_set(HONE_E_VALUE, "%s: sparsity is %g, but 0 to 1 is wanted", name, sparsity);
    else if (!(deviation >= 0) || !isfinite(deviation))
        hone_error_set(HONE_E_VALUE, "%s: std is %g, but 0 or more is wanted", name, std);
    else
        return hone__init_drawn(t, generator, sparse_values,
                                (const double[]){ sparsity, deviation });
    return NULL;
}
