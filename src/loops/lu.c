/* lu.c: plain loops: factors by Gaussian elimination with partial pivoting and by Cholesky. */
#include "loops/lu.h"

#include <math.h>

/* to -= s from */
static void take_away(int64_t n, double s, const double *restrict from, double *restrict to)
{
    for (int64_t j = 0; j < n; j++)
        to[j] -= s * from[j];
}

static void exchange(int64_t n, double *restrict a, double *restrict b)
{
    for (int64_t j = 0; j < n; j++) {
        const double kept = a[j];
        a[j] = b[j];
        b[j] = kept;
    }
}

int64_t hone__lu(int64_t n, double *a, int64_t *row)
{
    int64_t zero = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; i++)
            best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
        row[k] = best;
        if (best != k)
            exchange(n, a + k * n, a + best * n);
        const double pivot = a[k * n + k];
        if (pivot == 0) { /* and so is all below it */
            zero = zero ? zero : k + 1;
            continue;
        }
        for (int64_t i = k + 1; i < n; i++) {
            a[i * n + k] /= pivot;
            take_away(n - k - 1, a[i * n + k], a + k * n + k + 1, a + i * n + k + 1);
        }
    }
    return zero;
}

void hone__substitute(int64_t n, int64_t m, const double *a, bool upper, bool unit, double *b)
{
    for (int64_t done = 0; done < n; done++) {
        const int64_t i = upper ? n - 1 - done : done;
        for (int64_t before = 0; before < done; before++) {
            const int64_t j = upper ? n - 1 - before : before;
            take_away(m, a[i * n + j], b + j * m, b + i * m);
        }
        for (int64_t j = 0; !unit && j < m; j++)
            b[i * m + j] /= a[i * n + i];
    }
}

void hone__lu_solve(int64_t n, int64_t m, const double *lu, const int64_t *row, double *b)
{
    for (int64_t k = 0; k < n; k++)
        if (row[k] != k)
            exchange(m, b + k * m, b + row[k] * m);
    hone__substitute(n, m, lu, false, true, b);
    hone__substitute(n, m, lu, true, false, b);
}

int64_t hone__cholesky(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double left = a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                left -= a[i * n + k] * a[j * n + k];
            if (j == i && !(left > 0))
                return i + 1;
            a[i * n + j] = j == i ? sqrt(left) : left / a[j * n + j];
        }
        for (int64_t j = i + 1; j < n; j++)
            a[i * n + j] = 0;
    }
    return 0;
}
