/* topk and sort where values are special or equal, over more than a thread's rows, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(sort);

Test(sort, ties_nan_and_zeros)
{
    hone_tensor *x = T(HONE_F32, (6), 1, NAN, 5, NAN, -INFINITY, 5);
    hone_values_indices r = hone_topk(x, 4, -1, true, true);
    cr_expect(isnan(hone_at(r.values, 0)) && isnan(hone_at(r.values, 1)));
    cr_expect_eq(hone_at(r.values, 2), 5);
    CHECK_VALUES(r.indices, HONE_I64, (4), 1, 3, 2, 5);
    r = hone_topk(x, 6, 0, false, true);
    CHECK_VALUES(r.indices, HONE_I64, (6), 4, 0, 2, 5, 1, 3);
    hone_tensor *zeros = T(HONE_F64, (4), -0.0, 0.0, -0.0, 0.0);
    r = hone_topk(zeros, 3, 0, true, true);
    CHECK_VALUES(r.indices, HONE_I64, (3), 0, 1, 2);
    cr_expect(signbit(hone_at(r.values, 0)) && !signbit(hone_at(r.values, 1)));
    r = hone_topk(T(HONE_F32, (5), 1, 3, 3, 3, 2), 2, 0, true, true);
    CHECK_VALUES(r.indices, HONE_I64, (2), 1, 2);
    r = hone_topk(T(HONE_F32, (5), 1, 3, 9, 3, 2), 3, 0, true, false); /* in the order of places */
    CHECK_VALUES(r.indices, HONE_I64, (3), 1, 2, 3);
}

Test(sort, integers_to_their_ends)
{
    hone_tensor *x =
        hone_from_data(HONE_I64, ((const int64_t[]){ INT64_MAX, INT64_MIN, -1, INT64_MAX - 1 }), 4);
    CHECK_VALUES(hone_topk(x, 4, 0, true, true).indices, HONE_I64, (4), 0, 3, 2, 1);
    CHECK_VALUES(hone_topk(x, 2, 0, false, true).indices, HONE_I64, (2), 1, 2);
}

Test(sort, zero_dims)
{
    hone_tensor *x = hone_scalar(HONE_F32, 3);
    CHECK_VALUE0(hone_topk(x, 1, 0, true, true).values, HONE_F32, 3);
    CHECK_VALUE0(hone_topk(x, 0, -1, true, true).indices, HONE_I64, 0);
}

Test(sort, gradient)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (5), 1, 5, 2, 5, 0), true);
    hone_tensor *weights = T(HONE_F64, (3), 1, 2, 3);
    CHECK_OK(hone_backward(hone_sum(hone_mul(hone_topk(x, 3, 0, true, true).values, weights))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (5), 0, 1, 3, 2, 0);
}

/* Sorting all of it is sorting: as the elements in order, whatever the cut. */
Test(sort, long_rows_on_any_number_of_threads)
{
    hone_tensor *x = hone_randn(HONE_F32, 40, 1000), *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        hone_set_threads(threads);
        const hone_values_indices r = hone_topk(x, 1000, 1, true, true);
        hone_tensor *rest = hone_slice(r.values, 1, 1, 1000, 1);
        hone_tensor *before = hone_slice(r.values, 1, 0, 999, 1);
        cr_expect_eq(hone_item(hone_sum(hone_lt(before, rest))), 0);
        cr_expect(hone_equal(hone_gather(x, 1, r.indices), r.values));
        first = first ? first : r.indices;
        cr_expect(hone_equal(first, r.indices));
    }
}

/* Equal ones keep their order both ways, a NaN is the largest. */
Test(sort, is_stable)
{
    hone_tensor *x = T(HONE_F32, (6), 2, NAN, 1, -0.0, 2, 0.0);
    hone_values_indices r = hone_sort(x, 0, false);
    CHECK_VALUES(r.indices, HONE_I64, (6), 3, 5, 2, 0, 4, 1);
    cr_expect(isnan(hone_at(r.values, 5)) && signbit(hone_at(r.values, 0)));
    r = hone_sort(x, -1, true);
    CHECK_VALUES(r.indices, HONE_I64, (6), 1, 0, 4, 2, 3, 5);
    cr_expect(hone_equal(hone_argsort(x, 0, true), r.indices));
    CHECK_VALUES(hone_argsort(T(HONE_BOOL, (5), 1, 0, 1, 0, 0), 0, false), HONE_I64, (5), 1, 3, 4,
                 0, 2);
    hone_tensor *ends =
        hone_from_data(HONE_I64, ((const int64_t[]){ INT64_MAX, INT64_MIN, -1, INT64_MAX - 1 }), 4);
    CHECK_VALUES(hone_argsort(ends, 0, false), HONE_I64, (4), 1, 2, 3, 0);
    CHECK_FAILS(hone_argsort(x, 1, false), HONE_E_SHAPE, "argsort: dim 1");
    r = hone_sort(x, -2, false);
    cr_expect(!r.values && !r.indices);
    CHECK_ERROR(HONE_E_SHAPE, "sort: dim -2");
}

/* All of the extents around those of runs; the order is that of topk. */
Test(sort, of_every_length)
{
    for (int64_t n = 1; n <= 70; n++) {
        HONE_SCOPE();
        hone_tensor *x = hone_randint(HONE_I32, 0, 20, 3, n);
        const hone_values_indices r = hone_sort(x, 1, n % 2), t = hone_topk(x, n, 1, n % 2, true);
        cr_expect(hone_equal(r.indices, t.indices) && hone_equal(r.values, t.values), "%lld",
                  (long long)n);
    }
}

static void refuses(hone_tensor *x, int64_t k, int dim, hone_status code, const char *text)
{
    const hone_values_indices r = hone_topk(x, k, dim, true, true);
    cr_expect(!r.values && !r.indices);
    CHECK_ERROR(code, text);
}

Test(sort, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 3);
    refuses(x, 4, -1, HONE_E_VALUE, "topk: k is 4, but dim 1");
    refuses(x, -1, 0, HONE_E_VALUE, "k is -1");
    refuses(x, 1, 2, HONE_E_SHAPE, "topk");
    refuses(hone_scalar(HONE_F32, 1), 2, 0, HONE_E_VALUE, "has 1 elements");
    refuses(hone_zeros(HONE_BOOL, 3), 1, 0, HONE_E_DTYPE, "no order among bool");
    refuses(NULL, 1, 0, HONE_E_NULL, "topk");
}
