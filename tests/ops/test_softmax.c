/* Softmax and its kin along an outer dim take blocks of 128 rows, each relative to its own max:
 * what is special about infinities, NaNs and blocks of very different size. */
#include "support.h"

#include <hone/ops.h>

#include <math.h>

SUITE(softmax);

enum { ROWS = 300, COLS = 7 };

/* [300, 7]: a column a case. */
static hone_tensor *columns(void)
{
    static float x[ROWS * COLS];
    for (int r = 0; r < ROWS; r++) {
        float *row = x + r * COLS;
        row[0] = (float)(r % 11) - 5;                  /* ordinary */
        row[1] = r < 128 ? -INFINITY : (float)r;       /* a block of nothing */
        row[2] = -INFINITY;                            /* nothing at all */
        row[3] = r == 200 ? INFINITY : 1;              /* an inf in the second block */
        row[4] = r == 299 ? NAN : 1;                   /* a NaN in the last */
        row[5] = r < 128 ? -1000 : r < 256 ? 1000 : 0; /* e^x of no block alone fits */
        row[6] = r == 130 ? 88 : -88;
    }
    hone_tensor *t = hone_empty(HONE_F32, ROWS, COLS);
    hone_copy_in(t, x, sizeof x);
    return t;
}

/* The same number, or both a NaN, or close to it. */
static void check_close(hone_tensor *got, hone_tensor *want, const char *what)
{
    for (int64_t r = 0; r < hone_size(want, 0); r++)
        for (int64_t c = 0; c < COLS; c++) {
            const double a = hone_at(got, r, c), b = hone_at(want, r, c);
            cr_assert(a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 4e-6 * fmax(1, fabs(b)),
                      "%s [%d, %d]: %g, not %g", what, (int)r, (int)c, a, b);
        }
}

/* Along the last dim the max of the whole row is subtracted: another way to the same values. */
static hone_tensor *along_rows(hone_tensor *(*f)(hone_tensor *, int), hone_tensor *x)
{
    return hone_transpose(f(hone_contiguous(hone_transpose(x, 0, 1)), 1), 0, 1);
}

Test(softmax, outer_dims_agree_with_rows)
{
    hone_tensor *x = columns();
    check_close(hone_softmax(x, 0), along_rows(hone_softmax, x), "softmax");
    check_close(hone_log_softmax(x, 0), along_rows(hone_log_softmax, x), "log_softmax");
    hone_tensor *rows = hone_logsumexp(hone_contiguous(hone_transpose(x, 0, 1)), 1, true);
    check_close(hone_logsumexp(x, 0, true), hone_transpose(rows, 0, 1), "logsumexp");
}

Test(softmax, logsumexp_of_infinities_and_of_nothing)
{
    hone_tensor *lse = hone_logsumexp(columns(), 0, false);
    cr_assert(hone_at(lse, 2) == -INFINITY && hone_at(lse, 3) == INFINITY);
    cr_assert(isnan(hone_at(lse, 4)) && fabs(hone_at(lse, 5) - 1000 - log(128)) < 1e-3);
    CHECK_VALUES(hone_logsumexp(hone_zeros(HONE_F32, 0, 2), 0, false), HONE_F32, (2), -INFINITY,
                 -INFINITY);
    cr_assert(hone_numel(hone_softmax(hone_zeros(HONE_F32, 0, 2), 0)) == 0);
}

/* Which rule holds is a matter of shape: memory layout changes no bit. */
Test(softmax, layout_changes_no_bit)
{
    hone_tensor *x = hone_randn(HONE_F32, 3, 300, 20), *dy = hone_randn(HONE_F32, 3, 300, 20);
    hone_tensor *other = hone_permute(hone_contiguous(hone_permute(x, 2, 0, 1)), 1, 2, 0);
    hone_tensor *y = hone_softmax(x, 1), *ly = hone_log_softmax(x, 1);
    cr_assert(hone_equal(x, other) && hone_equal(y, hone_softmax(other, 1)));
    cr_assert(hone_equal(ly, hone_log_softmax(other, 1)));
    cr_assert(hone_equal(hone_logsumexp(x, 1, false), hone_logsumexp(other, 1, false)));
    hone_tensor *turned = hone_transpose(hone_contiguous(hone_transpose(dy, 0, 2)), 0, 2);
    cr_assert(hone_equal(hone_softmax_backward(dy, y, 1), hone_softmax_backward(turned, y, 1)));
    cr_assert(
        hone_equal(hone_log_softmax_backward(dy, ly, 1), hone_log_softmax_backward(turned, ly, 1)));
}
