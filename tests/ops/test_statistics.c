/* Ranks, counts and running extremes where the catalog does not go: NaN, ties, and what is refused. The
 * values are PyTorch's. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(statistics);

static const double nan_ = (double)NAN, inf = (double)INFINITY;

Test(statistics, ties_and_nan)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (4), 1, 2, 2, 3), true);
    hone_tensor *y = hone_median(x);
    hone_backward(y);
    CHECK_VALUE0(y, HONE_F64, 2);
    CHECK_VALUES(hone_grad(x), HONE_F64, (4), 0, 0.5, 0.5, 0);
    CHECK_VALUE0(hone_median(T(HONE_F64, (4), 4, 1, 3, 2)), HONE_F64, 2);
    CHECK_VALUE0(hone_median(T(HONE_F64, (3), 1, nan_, 2)), HONE_F64, nan_);
    CHECK_VALUE0(hone_nanmedian(T(HONE_F64, (3), 1, nan_, 2)), HONE_F64, 1);
    CHECK_VALUE0(hone_nanmedian(T(HONE_F64, (2), nan_, nan_)), HONE_F64, nan_);
    const hone_values_indices m = hone_median_dim(T(HONE_F64, (3), 1, nan_, nan_), 0, false);
    CHECK_VALUE0(m.indices, HONE_I64, 1);
    const hone_values_indices most = hone_mode(T(HONE_I64, (2, 2), 1, 2, 2, 2), -1, false);
    CHECK_VALUES(most.values, HONE_I64, (2), 1, 2);
    CHECK_VALUES(most.indices, HONE_I64, (2), 0, 1);
    const hone_values_indices up = hone_cummax(T(HONE_F64, (6), 1, 3, 3, 2, nan_, 1), 0);
    CHECK_VALUES(up.values, HONE_F64, (6), 1, 3, 3, 3, nan_, nan_);
    CHECK_VALUES(up.indices, HONE_I64, (6), 0, 1, 2, 2, 4, 4);
    CHECK_CLOSE(hone_logcumsumexp(T(HONE_F64, (4), -inf, 0, 0, 800), 0), 1e-15, 0, HONE_F64, (4),
                -inf, 0, 0.69314718055994531, 800);
    CHECK_VALUES(hone_quantile(T(HONE_F64, (3), 3, 1, 2), T(HONE_F64, (2), 0, 1), 0), HONE_F64, (2),
                 1, 3);
    CHECK_VALUES(hone_quantile(T(HONE_F64, (3), 3, nan_, 2), T(HONE_F64, (2), 0, 1), 0), HONE_F64,
                 (2), nan_, nan_);
    CHECK_VALUES(hone_nanquantile(T(HONE_F64, (3), 3, nan_, 2), T(HONE_F64, (2), 0, 1), 0),
                 HONE_F64, (2), 2, 3);
}

/* Rows that part badly: equal, sorted, a saw. */
Test(statistics, selection_of_long_rows)
{
    for (int kind = 0; kind < 4; kind++) {
        hone_tensor *x = hone_arange(HONE_I64, 0, 50001, 1);
        x = kind == 0   ? hone_full(HONE_I64, 7, 50001)
            : kind == 1 ? x
            : kind == 2 ? hone_remainder_scalar(hone_mul_scalar(x, 7), 1000)
                        : hone_abs(hone_sub_scalar(x, 25000));
        for (int64_t k = 1; k <= 50001; k += 12500) {
            const hone_values_indices got = hone_kthvalue(x, k, 0, false);
            const hone_values_indices sorted = hone_sort(x, 0, false);
            cr_expect_eq(hone_item(got.values), hone_at(sorted.values, k - 1));
            cr_expect_eq(hone_at(x, (int64_t)hone_item(got.indices)), hone_item(got.values));
        }
    }
}

Test(statistics, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *none = hone_ones(HONE_F32, 0, 3);
    CHECK_FAILS(hone_median(none), HONE_E_SHAPE,
                "median: there is nothing to choose from in f32 [0, 3]");
    CHECK_FAILS(hone_nanmedian_dim(none, 0, false).values, HONE_E_SHAPE,
                "nanmedian_dim: there is nothing");
    CHECK_FAILS(hone_median_dim(x, 2, false).values, HONE_E_SHAPE, "median_dim");
    CHECK_FAILS(hone_mode(x, -3, false).values, HONE_E_SHAPE, "mode");
    CHECK_FAILS(hone_kthvalue(x, 4, 1, false).values, HONE_E_VALUE,
                "kthvalue: k is 4, but dim 1 of f32 [2, 3] has 3 elements");
    CHECK_FAILS(hone_kthvalue(x, 0, 1, false).values, HONE_E_VALUE, "k is 0");
    CHECK_FAILS(hone_quantile(x, hone_scalar(HONE_F64, 0.5), 0), HONE_E_DTYPE,
                "quantile: q is f64");
    CHECK_FAILS(hone_quantile(x, hone_ones(HONE_F32, 1, 1), 0), HONE_E_SHAPE, "0-d or 1-d");
    CHECK_FAILS(hone_quantile(x, hone_scalar(HONE_F32, 1.5), 0), HONE_E_VALUE, "outside of 0 .. 1");
    CHECK_FAILS(hone_quantile(hone_ones(HONE_I64, 2), hone_scalar(HONE_F32, 1), 0), HONE_E_DTYPE,
                "quantile: needs f32 or f64");
    CHECK_FAILS(hone_nanquantile_dim(x, hone_scalar(HONE_F32, 1), 5, false, 0), HONE_E_SHAPE,
                "nanquantile_dim");
    CHECK_FAILS(hone_nanmean(hone_ones(HONE_I64, 2)), HONE_E_DTYPE, "nanmean: needs f32 or f64");
    CHECK_FAILS(hone_nansum_dim(x, 2, false), HONE_E_SHAPE, "nansum_dim");
    CHECK_FAILS(hone_count_nonzero_dims(x, false, 0, 0), HONE_E_SHAPE, "dim 0 is given twice");
    CHECK_FAILS(hone_aminmax(none).max, HONE_E_SHAPE, "nothing to choose from");
    CHECK_FAILS(hone_cummin(x, 2).values, HONE_E_SHAPE, "cummin");
    CHECK_FAILS(hone_logcumsumexp(x, -3), HONE_E_SHAPE, "logcumsumexp");
}
