/* catalog_linalg.c: rows of src/ops/linalg_*.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- fills: square matrices with one large element a row, [.., n, n] */

static void fill_large(catalog_array *a, int64_t shift, bool alternate, uint64_t *random)
{
    const int64_t n = a->shape[a->ndim - 1];
    for (int64_t k = 0; k < a->numel; k++) {
        const int64_t i = k / n % n, j = k % n;
        const bool large = j == (i + shift) % n;
        a->at[k] = 0.4 * catalog_uniform(random) - 0.2;
        if (large)
            a->at[k] += (1.5 + 0.25 * (double)(n + i)) * (alternate && i % 2 ? -1 : 1);
    }
}

/* Rows have to be exchanged. */
static void fill_square(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    fill_large(in + i, 1, true, random);
}

static void fill_diagonal(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    fill_large(in + i, 0, true, random);
}

static void fill_definite(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    fill_large(in + i, 0, false, random);
}

/* Any extents: singular values apart from each other and from 0. */
static void fill_apart(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int64_t n = in[i].shape[in[i].ndim - 2], m = in[i].shape[in[i].ndim - 1];
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = 0.4 * catalog_uniform(random) - 0.2 +
                      (k / m % n == k % m ? 1.5 + 0.5 * (double)(k % m) : 0);
}

/* ---- one matrix: Gauss-Jordan */

static double eliminate(int64_t n, int64_t m, double *a, double *b)
{
    double det = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k; i < n; i++)
            best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
        for (int64_t j = 0; best != k && j < n + m; j++) {
            double *x = j < n ? a + k * n + j : b + k * m + j - n;
            double *y = j < n ? a + best * n + j : b + best * m + j - n;
            const double kept = *x;
            *x = *y;
            *y = kept;
        }
        det *= best != k ? -a[k * n + k] : a[k * n + k];
        for (int64_t i = 0; i < n; i++) {
            const double f = i == k ? 0 : a[i * n + k] / a[k * n + k];
            for (int64_t j = 0; j < n + m; j++)
                *(j < n ? a + i * n + j : b + i * m + j - n) -=
                    f * (j < n ? a[k * n + j] : b[k * m + j - n]);
        }
    }
    for (int64_t i = 0; i < n * m; i++)
        b[i] /= a[i / m * n + i / m];
    return det;
}

static double *copy_of(const double *from, int64_t n)
{
    double *to = malloc((size_t)(n + 1) * sizeof *to);
    memcpy(to, from, (size_t)n * sizeof *to);
    return to;
}

static int64_t count(const catalog_array *a)
{
    int64_t n = 1;
    for (int d = 0; d < a->ndim - 2; d++)
        n *= a->shape[d];
    return n;
}

static int64_t extent(const catalog_array *a, int from_last)
{
    return a->shape[a->ndim - from_last];
}

/* ---- oracles */

static void cholesky(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 1), size = n * n;
    (void)row, (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    memset(out->at, 0, (size_t)out->numel * sizeof *out->at);
    for (int64_t m = 0; m < count(in); m++) {
        const double *a = in->at + m * size;
        double *l = out->at + m * size;
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = j; i < n; i++) {
                double sum = 0;
                for (int64_t k = 0; k < j; k++)
                    sum += l[i * n + k] * l[j * n + k];
                l[i * n + j] =
                    i == j ? sqrt(a[i * n + i] - sum) : (a[i * n + j] - sum) / l[j * n + j];
            }
    }
}

/* The result's shape: in[1]'s, with the leading dims of in[0] if it has more; one of a batch is for all. */
static void solve(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const catalog_array *a = in, *b = in + 1;
    const bool triangular = row->op[5] == '_', left = !triangular || catalog_bool(row, "left");
    const bool vectors = b->ndim == 1;
    const int64_t n = extent(a, 1), size = n * n;
    const int64_t columns = vectors ? 1 : extent(b, 1), rows = vectors ? n : extent(b, 2);
    int64_t shape[HONE_MAX_DIMS];
    const catalog_array *longer = a->ndim > b->ndim ? a : b;
    (void)n_in;
    memcpy(shape, longer->shape, sizeof shape);
    int ndim = longer->ndim;
    if (vectors)
        shape[(ndim = a->ndim - 1) - 1] = n;
    else
        memcpy(shape + ndim - 2, b->shape + b->ndim - 2, 2 * sizeof *shape);
    catalog_shape(out, a->dtype, ndim, shape);
    const int64_t each = rows * columns, m = left ? columns : rows;
    for (int64_t k = 0; each && k < out->numel / each; k++) {
        const double *given = b->at + (b->numel == each ? 0 : k * each);
        double *matrix = copy_of(a->at + (a->numel == size ? 0 : k * size), size);
        for (int64_t e = 0; triangular && e < size; e++) {
            const int64_t i = e / n, j = e % n;
            if (i == j && catalog_bool(row, "unitriangular"))
                matrix[e] = 1;
            else if (catalog_bool(row, "upper") ? i > j : i < j)
                matrix[e] = 0;
        }
        double *turned = copy_of(matrix, size), *x = copy_of(given, each);
        for (int64_t e = 0; !left && e < size; e++)
            turned[e] = matrix[e % n * n + e / n];
        for (int64_t e = 0; !left && e < each; e++)
            x[e] = given[e % m * n + e / m];
        eliminate(n, m, turned, x);
        for (int64_t e = 0; e < each; e++)
            out->at[k * each + (left ? e : e % m * n + e / m)] = x[e];
        free(matrix);
        free(turned);
        free(x);
    }
}

static void inverse(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 1), size = n * n;
    (void)row, (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t k = 0; k < count(in); k++) {
        double *a = copy_of(in->at + k * size, size);
        for (int64_t e = 0; e < size; e++)
            out->at[k * size + e] = e / n == e % n;
        eliminate(n, n, a, out->at + k * size);
        free(a);
    }
}

static void det(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 1);
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim - 2, in->shape);
    for (int64_t k = 0; k < out->numel; k++) {
        double *a = copy_of(in->at + k * n * n, n * n);
        const double d = eliminate(n, 0, a, a);
        out->at[k] = row->op[0] == 'd' ? d : row->output ? log(fabs(d)) : (d > 0) - (d < 0);
        free(a);
    }
}

/* ---- orthogonal factors, for each matrix: reflections as whole matrices, the largest element rotated away */

static void qr_of(int64_t n, int64_t m, double *a, double *q)
{
    double *r = copy_of(a, n * m), *h = malloc((size_t)(n * n + 1) * sizeof *h);
    double *old = malloc((size_t)(n * n + 1) * sizeof *old);
    for (int64_t e = 0; e < n * n; e++)
        q[e] = e / n == e % n;
    for (int64_t j = 0; j < n - 1 && j < m; j++) {
        double square = 0, length = 0;
        for (int64_t i = j; i < n; i++)
            square += r[i * m + j] * r[i * m + j];
        const double first = r[j * m + j] + (r[j * m + j] > 0 ? sqrt(square) : -sqrt(square));
        for (int64_t i = j; i < n; i++)
            length += pow(i == j ? first : r[i * m + j], 2);
        for (int64_t e = 0; e < n * n; e++) {
            const int64_t i = e / n, k = e % n;
            const double x = i < j ? 0 : i == j ? first : r[i * m + j];
            const double y = k < j ? 0 : k == j ? first : r[k * m + j];
            h[e] = (i == k) - 2 * x * y / length;
        }
        memcpy(old, q, (size_t)(n * n) * sizeof *q);
        for (int64_t e = 0; e < n * n; e++) {
            q[e] = 0;
            for (int64_t k = 0; k < n; k++)
                q[e] += old[e / n * n + k] * h[k * n + e % n];
        }
        memset(r, 0, (size_t)(n * m) * sizeof *r);
        for (int64_t e = 0; e < n * m; e++)
            for (int64_t k = 0; k < n; k++)
                r[e] += q[k * n + e / m] * a[k * m + e % m];
    }
    memcpy(a, r, (size_t)(n * m) * sizeof *r);
    for (int64_t e = 0; e < n * m; e++)
        a[e] = e % m < e / m ? 0 : a[e];
    free(h);
    free(r);
    free(old);
}

static void qr(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 2), m = extent(in, 1), k = n < m ? n : m;
    int64_t shape[HONE_MAX_DIMS];
    (void)n_in;
    memcpy(shape, in->shape, sizeof shape);
    shape[in->ndim - (row->output ? 2 : 1)] = k;
    catalog_shape(out, in->dtype, in->ndim, shape);
    for (int64_t i = 0; out->numel && i < count(in); i++) {
        double *a = copy_of(in->at + i * n * m, n * m),
               *q = malloc((size_t)(n * n + 1) * sizeof *q);
        qr_of(n, m, a, q);
        for (int64_t e = 0; e < (row->output ? k * m : n * k); e++)
            out->at[i * (row->output ? k * m : n * k) + e] =
                row->output ? a[e] : q[e / k * n + e % k];
        free(a);
        free(q);
    }
}

/* Values fall; the vectors are columns, of any sign. */
static void eigen_of(int64_t n, double *a, double *v)
{
    for (int64_t e = 0; e < n * n; e++)
        v[e] = e / n == e % n;
    for (int64_t turn = 0; n > 1 && turn < 40 * n * n; turn++) {
        int64_t p = 0, q = 1;
        for (int64_t e = 0; e < n * n; e++)
            if (e / n < e % n && fabs(a[e]) > fabs(a[p * n + q])) {
                p = e / n;
                q = e % n;
            }
        const double angle = atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]) / 2;
        const double c = cos(angle), s = sin(angle);
        for (int side = 0; side < 3; side++)
            for (int64_t i = 0; i < n; i++) {
                double *x = side == 0 ? a + i * n + p : side == 1 ? a + p * n + i : v + i * n + p;
                double *y = side == 0 ? a + i * n + q : side == 1 ? a + q * n + i : v + i * n + q;
                const double kept = *x;
                *x = c * kept - s * *y;
                *y = s * kept + c * *y;
            }
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            if (a[j * n + j] > a[i * n + i]) {
                const double kept = a[i * n + i];
                a[i * n + i] = a[j * n + j];
                a[j * n + j] = kept;
                for (int64_t k = 0; k < n; k++) {
                    const double x = v[k * n + i];
                    v[k * n + i] = v[k * n + j];
                    v[k * n + j] = x;
                }
            }
}

/* The sign that makes the largest of n elements positive. */
static double sign_of(int64_t n, const double *x, int64_t step)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = fabs(x[i * step]) > fabs(x[best * step]) ? i : best;
    return x[best * step] < 0 ? -1 : 1;
}

static void eigh(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 1), size = n * n;
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim - !row->output, in->shape);
    for (int64_t i = 0; i < count(in) && n; i++) {
        double *a = copy_of(in->at + i * size, size), *v = copy_of(a, size);
        for (int64_t e = 0; e < size; e++)
            a[e] = e % n > e / n ? a[e % n * n + e / n] : a[e];
        eigen_of(n, a, v);
        for (int64_t j = 0; j < n; j++) {
            const int64_t from = n - 1 - j;
            if (!row->output)
                out->at[i * n + j] = a[from * n + from];
            for (int64_t k = 0; row->output && k < n; k++)
                out->at[i * size + k * n + j] = v[k * n + from] * sign_of(n, v + from, n);
        }
        free(a);
        free(v);
    }
}

/* By the eigenvectors of a^T a, or of a a^T where that is smaller; those of the other side are products. */
static void svd_of(int64_t n, int64_t m, const double *a, double *u, double *s, double *vt)
{
    const int64_t k = n < m ? n : m, other = n < m ? m : n;
    double *square = calloc((size_t)(k * k + 1), sizeof *square), *v = copy_of(square, k * k);
    for (int64_t e = 0; e < k * k; e++)
        for (int64_t i = 0; i < other; i++)
            square[e] +=
                n < m ? a[e / k * m + i] * a[e % k * m + i] : a[i * m + e / k] * a[i * m + e % k];
    eigen_of(k, square, v);
    for (int64_t j = 0; j < k; j++) {
        double *longer = malloc((size_t)(other + 1) * sizeof *longer);
        s[j] = sqrt(square[j * k + j]);
        for (int64_t i = 0; i < other; i++) {
            longer[i] = 0;
            for (int64_t l = 0; l < k; l++)
                longer[i] += v[l * k + j] * (n < m ? a[l * m + i] : a[i * m + l]) / s[j];
        }
        const double sign = sign_of(other, longer, 1);
        for (int64_t i = 0; i < other; i++)
            *(n < m ? vt + j * m + i : u + i * k + j) = sign * longer[i];
        for (int64_t i = 0; i < k; i++)
            *(n < m ? u + i * k + j : vt + j * m + i) = sign * v[i * k + j];
        free(longer);
    }
    free(square);
    free(v);
}

static void svd(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const int64_t n = extent(in, 2), m = extent(in, 1), k = n < m ? n : m;
    int64_t shape[HONE_MAX_DIMS];
    (void)n_in;
    memcpy(shape, in->shape, sizeof shape);
    shape[in->ndim - (row->output ? 2 : 1)] = k;
    catalog_shape(out, in->dtype, in->ndim - (row->output == 1), shape);
    for (int64_t i = 0; out->numel && i < count(in); i++) {
        double *room = malloc((size_t)(n * k + k + k * m) * sizeof *room);
        double *const parts[] = { room, room + n * k, room + n * k + k };
        const int64_t sizes[] = { n * k, k, k * m };
        svd_of(n, m, in->at + i * n * m, parts[0], parts[1], parts[2]);
        memcpy(out->at + i * sizes[row->output], parts[row->output],
               (size_t)sizes[row->output] * sizeof *room);
        free(room);
    }
}

/* ---- rows */

/* Symmetric, as gradients are of all of x: only the lower triangle is read. */
static hone_tensor *call_cholesky(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)row, (void)n_in;
    return hone_cholesky(
        hone_add(hone_tril(in[0], 0), hone_transpose(hone_tril(in[0], -1), -2, -1)));
}

/* ... of output 0 or 1 */
static hone_tensor *call_eigh(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    const hone_eigen e =
        hone_eigh(hone_add(hone_tril(in[0], 0), hone_transpose(hone_tril(in[0], -1), -2, -1)));
    return row->output ? e.vectors : e.values;
}

static const char *const any[] = { "4x3",     "3x4:t", "3x3:s", "2x4x3", "2x2x4:t",
                                   "3x4x2:e", "1x1",   "0x0",   "0x2x3", NULL };
static const char *const square[] = { "3x3",     "4x4:t", "3x3:s", "2x3x3", "2x3x3:t", "3x2x2x2:s",
                                      "3x2x2:e", "1x1",   "0x0",   "0x2x2", "2x0x0",   NULL };
static const char *const pairs[] = { "3x3 3x2",   "4x4:t 4x3:t", "3x3:s 3x2:s", "2x3x3 2x3x4",
                                     "3x3 2x3x4", "2x3x3 3x4",   "1x1 1x1",     "2x3x3:e 2x3x1:e",
                                     "0x0 0x3",   "3x3 3x0",     "0x2x2 0x2x3", NULL };
static const char *const right[] = { "3x3 2x3",   "4x4:t 3x4:t", "3x3:s 2x3:s", "2x3x3 2x4x3",
                                     "3x3 2x4x3", "2x3x3 4x3",   "1x1 1x1",     NULL };
static const char *const vectors[] = { "3x3 3", "4x4:t 4:s", "2x3x3 3", "1x1 1", "0x0 0", NULL };

#define ROW(op_, note_, oracle_, cases_, bits_, text, ...)                                         \
    {                                                                                              \
        .op = op_, .note = note_, .oracle = oracle_, .cases = cases_, .bits = bits_,               \
        .attributes = text, .ulps = 64, .scale = 1, __VA_ARGS__                                    \
    }
#define INPUTS(...) .in = { __VA_ARGS__ }
#define SQUARE                                                                                     \
    {                                                                                              \
        .fill = fill_square                                                                        \
    }
#define DIAGONAL                                                                                   \
    {                                                                                              \
        .fill = fill_diagonal                                                                      \
    }
#define ANY                                                                                        \
    {                                                                                              \
        .fill = catalog_any                                                                        \
    }
#define TRIANGULAR(note, cases, bits, text)                                                        \
    ROW("solve_triangular", note, solve, cases, bits, text, INPUTS(DIAGONAL, ANY))

#define APART                                                                                      \
    {                                                                                              \
        .fill = fill_apart                                                                         \
    }
#define ORTHOGONAL(op, note, oracle, cases, output_, fill, ...)                                    \
    ROW(op, note, oracle, cases, "3x17x17", "", INPUTS(fill), .output = output_, __VA_ARGS__)

static const catalog_row rows[] = {
    ROW("cholesky", NULL, cholesky, square, "3x37x37", "", INPUTS({ .fill = fill_definite }),
        .call = call_cholesky),
    TRIANGULAR("upper", pairs, "3x37x37 3x37x70", "upper=true left=true unitriangular=false"),
    TRIANGULAR("lower", pairs, "3x37x37 37x7", "upper=false left=true unitriangular=false"),
    TRIANGULAR("unit", pairs, "37x37 37x70", "upper=true left=true unitriangular=true"),
    TRIANGULAR("right", right, "3x37x37 3x70x37", "upper=false left=false unitriangular=false"),
    TRIANGULAR("unit, right", right, "37x37 70x37", "upper=true left=false unitriangular=true"),
    ROW("solve", NULL, solve, pairs, "3x37x37 3x37x70", "", INPUTS(SQUARE, ANY)),
    ROW("solve", "vectors", solve, vectors, "3x37x37 37", "", INPUTS(SQUARE, ANY)),
    ROW("inverse", NULL, inverse, square, "3x37x37", "", INPUTS(SQUARE)),
    ROW("det", NULL, det, square, "70x9x9", "", INPUTS(SQUARE)),
    ROW("slogdet", "sign", det, square, "70x9x9", "", INPUTS(SQUARE), .no_gradient = "steps"),
    ORTHOGONAL("qr", "q", qr, any, 0, APART),
    ORTHOGONAL("qr", "r", qr, any, 1, APART),
    ORTHOGONAL("eigh", "values", eigh, square, 0, DIAGONAL, .call = call_eigh),
    ORTHOGONAL("eigh", "vectors", eigh, square, 1, DIAGONAL, .call = call_eigh),
    ORTHOGONAL("svd", "u", svd, any, 0, APART),
    ORTHOGONAL("svd", "s", svd, any, 1, APART),
    ORTHOGONAL("svd", "vt", svd, any, 2, APART),
    ROW("slogdet", "logabsdet", det, square, "3x37x37", "", INPUTS(SQUARE), .output = 1),
};
CATALOG_FAMILY(linalg);
