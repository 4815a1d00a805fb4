/* The matrix product: any strides, batches and epilogues; teams. */
#include "gemm_cases.h"

static int64_t some_extent(void)
{
    switch (below(6)) {
    case 0:
        return 1 + below(3);
    case 1:
        return 1 + below(100);
    default:
        return 1 + below(40);
    }
}

static void random_strides(int64_t rows, int64_t cols, int64_t *rs, int64_t *cs)
{
    const int64_t gap = below(4);
    switch (below(8)) {
    case 0: /* transposed */
        *rs = 1;
        *cs = rows + gap;
        break;
    case 1:
        *cs = 2 + below(3);
        *rs = *cs * cols + gap;
        break;
    case 2:
        *rs = 2 + below(3);
        *cs = *rs * rows + gap;
        break;
    case 3: /* backwards */
        *rs = -(cols + gap);
        *cs = below(2) ? 1 : -1;
        break;
    case 4: /* broadcast */
        *rs = below(2) ? 0 : cols;
        *cs = *rs == 0 ? below(2) : 0;
        break;
    default:
        *rs = cols + gap;
        *cs = 1;
    }
}

static hone__gemm_args random_case(void)
{
    hone__gemm_args x = hone__gemm_contiguous(below(2) ? HONE__GEMM_F32 : HONE__GEMM_F64,
                                              some_extent(), some_extent(), some_extent());
    random_strides(x.m, x.k, &x.a_rs, &x.a_cs);
    random_strides(x.k, x.n, &x.b_rs, &x.b_cs);
    switch (below(6)) {
    case 0:
        x.c_rs = 1;
        x.c_cs = x.m + below(3);
        break;
    case 1:
        x.c_cs = 2;
        x.c_rs = 2 * x.n + 1;
        break;
    default:
        x.c_rs = x.n + below(3);
    }
    x.accumulate = below(3) == 0;
    x.b_trained = below(2) == 0;
    x.act = below(3) == 0 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
    if (below(4) == 0) {
        with_gelu(&x);
    }
    x.alpha = below(3) == 0 ? -0.7 : 1.0;
    x.bias = below(2) ? &some_bias : NULL;
    x.bias_rs = below(3) == 0 ? 1 + below(2) : 0;
    x.bias_cs = below(3) == 0 ? below(3) : x.bias_rs == 0;
    x.n_batch_dims = below(3) == 0 ? (int)below(3) : 0;
    int64_t span = x.m * x.c_rs + x.n * x.c_cs;
    const bool more_rows = below(2);
    for (int d = x.n_batch_dims - 1; d >= 0; d--) {
        x.batch[d] = 1 + below(3);
        x.a_batch[d] = below(3) == 0 ? 0 : x.m * x.a_rs + below(2);
        x.b_batch[d] = below(2) ? 0 : x.k * x.n + below(2);
        x.c_batch[d] = span;
        if (more_rows && d == x.n_batch_dims - 1) {
            x.a_batch[d] = x.m * x.a_rs;
            x.b_batch[d] = 0;
            x.c_batch[d] = x.c_rs > x.c_cs ? x.m * x.c_rs : span;
        }
        span *= x.batch[d];
    }
    return x;
}

Test(gemm_random, random_cases)
{
    start(1);
    for (int i = 0; i < 1000; i++) {
        const hone__gemm_args x = random_case();
        run(&x);
    }
}

static void on_threads(int count)
{
    start(count);
    for (int i = 0; i < 100; i++) {
        const hone__gemm_args x = random_case();
        run(&x);
    }
    static const int64_t sizes[][3] = { { 60, 100, 500 }, { 130, 100, 100 }, { 10, 12, 9000 },
                                        { 1, 2, 50000 },  { 1, 900, 300 },   { 3, 200, 300 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x =
                shaped(HONE__GEMM_F32, sizes[i][0], sizes[i][1], sizes[i][2], kind & 1, kind & 2);
            x.accumulate = kind == 0;
            run(&x);
        }
    }
    for (int i = 0; i < 10; i++) { /* the threads have bands of k */
        hone__gemm_args x = shaped(below(4) == 0, 20 + below(100), 10 + below(150),
                                   200 + below(300), false, below(4) == 0);
        x.b_trained = true;
        x.act = next() & 1 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        if (below(4) == 0) {
            with_gelu(&x);
        }
        x.bias = &some_bias;
        x.bias_cs = 1;
        run(&x);
    }
}

Test(gemm_random, threads_2)
{
    on_threads(2);
}

Test(gemm_random, threads_3)
{
    on_threads(3);
}

Test(gemm_random, threads_7)
{
    on_threads(7);
}
