/* Ops that cut rows, columns or destinations among threads: the bits of one thread on any number of
 * them, for shapes of which none gets an even part. (Of all ops and instruction sets:
 * tests/bits/ops.sh.) */
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>

/* Everything is divided over hone_set_threads(n) threads. */
static void divide_all(void)
{
    setenv("HONE_FORCE_THREADS", "3", 1);
    test_begin();
}
TestSuite(threads, .init = divide_all, .fini = test_end);

enum { MOST = 12 };

/* Fills out[MOST] with what is made of x; returns how many. */
typedef int (*maker)(hone_tensor *x, hone_tensor **out);

static void check_threads(maker make, hone_tensor *x)
{
    hone_tensor *want[MOST], *got[MOST];
    CHECK_OK(hone_set_threads(1));
    const int n = make(x, want);
    for (int threads = 2; threads <= 5; threads++) {
        CHECK_OK(hone_set_threads(threads));
        cr_assert(make(x, got) == n);
        for (int i = 0; i < n; i++)
            cr_assert(want[i] && hone_equal(got[i], want[i]), "result %d on %d threads: %s", i,
                      threads, hone_error_message());
    }
}

static void check_shapes(maker make)
{
    const int64_t shapes[][2] = { { 37, 5 }, { 3, 5000 }, { 700, 3 }, { 1, 9000 } };
    for (int s = 0; s < 4; s++) {
        hone_tensor *x = hone_randn(HONE_F32, shapes[s][0], shapes[s][1]);
        check_threads(make, x);
        check_threads(make, hone_transpose(x, 0, 1));
        check_threads(make, hone_slice(hone_to(x, HONE_F64), 1, 0, INT64_MAX, 2));
    }
}

static int reductions(hone_tensor *x, hone_tensor **out)
{
    int n = 0;
    for (int dim = 0; dim < 2; dim++) {
        out[n++] = hone_sum_dim(x, dim, false);
        out[n++] = hone_max_dim(x, dim, false);
        out[n++] = hone_argmin(x, dim, false);
        out[n++] = hone_var_dim(x, dim, 0, false);
        out[n++] = hone_logsumexp(x, dim, false);
    }
    out[n++] = hone_sum(x);
    out[n++] = hone_sum(hone_to(x, HONE_I64));
    return n;
}

Test(threads, reductions)
{
    check_shapes(reductions);
}

static int softmaxes(hone_tensor *x, hone_tensor **out)
{
    int n = 0;
    for (int dim = 0; dim < 2; dim++) {
        hone_tensor *y = hone_softmax(x, dim), *log_y = hone_log_softmax(x, dim);
        out[n++] = y;
        out[n++] = log_y;
        out[n++] = hone_softmax_backward(x, y, dim);
        out[n++] = hone_log_softmax_backward(x, log_y, dim);
    }
    hone_tensor *target = hone_argmax(x, 1, false);
    out[n++] = hone_cross_entropy(x, target);
    out[n++] = hone_cross_entropy_backward(hone_scalar(hone_dtype_of(x), 1), x, target);
    return n;
}

Test(threads, softmaxes)
{
    check_shapes(softmaxes);
}

/* Many indices for few destinations: what is added must be added in their order. */
static int indexing(hone_tensor *x, hone_tensor **out)
{
    hone_seed(1);
    const int64_t rows = hone_size(x, 0), cols = hone_size(x, 1);
    hone_tensor *down = hone_randint(HONE_I64, 0, rows, rows, cols);
    hone_tensor *along = hone_randint(HONE_I64, 0, cols, rows, cols);
    hone_tensor *few = hone_randint(HONE_I64, 0, (rows + 3) / 4, 2 * rows);
    int n = 0;
    out[n++] = hone_gather(x, 0, down);
    out[n++] = hone_gather(x, 1, along);
    out[n++] = hone_scatter_add(x, 0, down, x);
    out[n++] = hone_scatter_add(x, 1, along, x);
    out[n++] = hone_index(x, few);
    out[n++] = hone_index_backward_v(out[4], HONE_DIM_ARGS(rows, cols), HONE_TENSOR_ARGS(few));
    out[n++] = hone_index(x, HONE_NONE, hone_randint(HONE_I64, 0, cols, 7));
    return n;
}

Test(threads, indexing)
{
    check_shapes(indexing);
}
