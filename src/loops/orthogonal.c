/* orthogonal.c: QR by Householder, eigenvalues by cyclic Jacobi, singular values by one-sided Jacobi. */
#include "loops/orthogonal.h"

#include <math.h>
#include <stdbool.h>

/* sum of x[i sx] y[i sy], one chain */
static double along(int64_t n, const double *x, int64_t sx, const double *y, int64_t sy)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i * sx] * y[i * sy];
    return sum;
}

/* ---- QR */

/* I - 2 u u^T / (u^T u) applied to the first `columns` of rows u has; scale: 2 / (u^T u). */
static void reflect(int64_t n, const double *u, double scale, int64_t columns, int64_t pitch,
                    double *a)
{
    for (int64_t j = 0; j < columns; j++) {
        const double s = scale * along(n, u, 1, a + j, pitch);
        for (int64_t i = 0; i < n; i++)
            a[i * pitch + j] -= s * u[i];
    }
}

static double scale_of(int64_t n, const double *u)
{
    const double square = along(n, u, 1, u, 1);
    return square == 0 ? 0 : 2 / square;
}

void hone__qr(int64_t n, int64_t m, double *a, double *q, double *reflections)
{
    const int64_t k = n < m ? n : m;
    for (int64_t j = 0; j < k; j++) {
        double *u = reflections + j * n, below = 0;
        for (int64_t i = j; i < n; i++)
            u[i] = a[i * m + j];
        for (int64_t i = j + 1; i < n; i++)
            below += u[i] * u[i];
        if (below == 0) { /* nothing to be reflected */
            u[j] = 0;
            continue;
        }
        const double norm = sqrt(u[j] * u[j] + below);
        const double diagonal = u[j] > 0 ? -norm : norm;
        u[j] -= diagonal;
        reflect(n - j, u + j, scale_of(n - j, u + j), m - j - 1, m, a + j * m + j + 1);
        a[j * m + j] = diagonal;
        for (int64_t i = j + 1; i < n; i++)
            a[i * m + j] = 0;
    }
    for (int64_t i = 0; i < n * k; i++)
        q[i] = i / k == i % k;
    for (int64_t j = k - 1; j >= 0; j--) {
        const double *u = reflections + j * n + j;
        reflect(n - j, u, scale_of(n - j, u), k, k, q + j * k);
    }
}

/* ---- Jacobi */

enum { SWEEPS = 64 };

/* c and s of the rotation that makes [[p, r], [r, q]] diagonal. */
static void rotation(double p, double r, double q, double *c, double *s)
{
    const double tau = (q - p) / (2 * r);
    const double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau));
    *c = 1 / sqrt(1 + t * t);
    *s = t * *c;
}

static void rotate(int64_t n, int64_t step, double c, double s, double *x, double *y)
{
    for (int64_t i = 0; i < n; i++) {
        const double a = x[i * step], b = y[i * step];
        x[i * step] = c * a - s * b;
        y[i * step] = s * a + c * b;
    }
}

static void identity(int64_t n, double *v)
{
    for (int64_t i = 0; i < n * n; i++)
        v[i] = i / n == i % n;
}

static void exchange_columns(int64_t n, int64_t pitch, double *a, int64_t i, int64_t j)
{
    for (int64_t k = 0; k < n; k++) {
        const double kept = a[k * pitch + i];
        a[k * pitch + i] = a[k * pitch + j];
        a[k * pitch + j] = kept;
    }
}

/* True: column j of a should be negated for its largest element to be positive. */
static bool is_negative(int64_t n, int64_t pitch, const double *column)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = fabs(column[i * pitch]) > fabs(column[best * pitch]) ? i : best;
    return n > 0 && column[best * pitch] < 0;
}

static void negate(int64_t n, int64_t pitch, double *column)
{
    for (int64_t i = 0; i < n; i++)
        column[i * pitch] = -column[i * pitch];
}

/* Rotates where what is beside the diagonal is more than `least`; true: nowhere. */
static bool eigh_sweep(int64_t n, double least, double *a, double *v)
{
    bool still = true;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) {
            const double p = a[i * n + i], q = a[j * n + j], r = a[i * n + j];
            double c, s;
            if (fabs(r) <= least)
                continue;
            still = false;
            rotation(p, r, q, &c, &s);
            rotate(n, n, c, s, a + i, a + j);
            rotate(n, 1, c, s, a + i * n, a + j * n);
            a[i * n + j] = a[j * n + i] = 0;
            rotate(n, n, c, s, v + i, v + j);
        }
    return still;
}

void hone__eigh(int64_t n, double *a, double *values, double *v)
{
    bool done = false;
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            a[i * n + j] = a[j * n + i];
    for (int64_t i = 0; i < n * n; i++)
        largest = fabs(a[i]) > largest ? fabs(a[i]) : largest;
    identity(n, v);
    for (int sweep = 0; !done && sweep < SWEEPS; sweep++)
        done = eigh_sweep(n, largest < INFINITY ? 0x1p-58 * largest : 0, a, v);
    for (int64_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    for (int64_t i = 0; i < n; i++) {
        int64_t least = i;
        for (int64_t j = i + 1; j < n; j++)
            least = values[j] < values[least] ? j : least;
        const double kept = values[i];
        values[i] = values[least];
        values[least] = kept;
        if (least != i)
            exchange_columns(n, n, v, i, least);
        if (is_negative(n, n, v + i))
            negate(n, n, v + i);
    }
}

/* Rotates columns that aren't orthogonal as far as sums of n products can tell; true: none. */
static bool svd_sweep(int64_t n, int64_t m, double *a, double *v)
{
    bool still = true;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = i + 1; j < m; j++) {
            const double p = along(n, a + i, m, a + i, m), q = along(n, a + j, m, a + j, m);
            const double r = along(n, a + i, m, a + j, m);
            double c, s;
            if (fabs(r) <= 0x1p-53 * (double)(n + 8) * sqrt(p) * sqrt(q) || fabs(r) < 0x1p-1000)
                continue;
            still = false;
            rotation(p, r, q, &c, &s);
            rotate(n, m, c, s, a + i, a + j);
            rotate(m, m, c, s, v + i, v + j);
        }
    return still;
}

/* Column j, of norm 0, becomes one of norm 1 that is orthogonal to those before: of the unit vectors' rests that
 * of the largest norm, which is at least sqrt((n - j) / n), made orthogonal twice. */
static void complete(int64_t n, int64_t m, int64_t j, double *u)
{
    int64_t best = 0;
    double most = -1;
    for (int64_t i = 0; i < n; i++) {
        const double rest = 1 - along(j, u + i * m, 1, u + i * m, 1);
        best = rest > most ? i : best;
        most = rest > most ? rest : most;
    }
    for (int64_t i = 0; i < n; i++)
        u[i * m + j] = i == best;
    for (int twice = 0; twice < 2; twice++) {
        for (int64_t k = 0; k < j; k++) {
            const double part = along(n, u + k, m, u + j, m);
            for (int64_t i = 0; i < n; i++)
                u[i * m + j] -= part * u[i * m + k];
        }
        const double norm = sqrt(along(n, u + j, m, u + j, m));
        for (int64_t i = 0; i < n; i++)
            u[i * m + j] /= norm;
    }
}

void hone__svd(int64_t n, int64_t m, double *a, double *s, double *v)
{
    bool done = false;
    identity(m, v);
    for (int sweep = 0; !done && sweep < SWEEPS; sweep++)
        done = svd_sweep(n, m, a, v);
    for (int64_t j = 0; j < m; j++)
        s[j] = sqrt(along(n, a + j, m, a + j, m));
    for (int64_t i = 0; i < m; i++) {
        int64_t most = i;
        for (int64_t j = i + 1; j < m; j++)
            most = s[j] > s[most] ? j : most;
        const double kept = s[i];
        s[i] = s[most];
        s[most] = kept;
        if (most != i) {
            exchange_columns(n, m, a, i, most);
            exchange_columns(m, m, v, i, most);
        }
    }
    for (int64_t j = 0; j < m; j++) {
        for (int64_t i = 0; s[j] > 0 && i < n; i++)
            a[i * m + j] /= s[j];
        if (s[j] == 0)
            complete(n, m, j, a);
        if (is_negative(n, m, a + j)) {
            negate(n, m, a + j);
            negate(m, m, v + j);
        }
    }
}
