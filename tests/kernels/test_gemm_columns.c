/* The matrix product: few columns, or a few more than whole vectors, which vectors along m may
 * do. */
#include "gemm/upright.h"
#include "gemm_cases.h"

/* One of eight ways to finish a product. */
static void finish_in_way(hone__gemm_args *x, int way)
{
    x->accumulate = way == 2 || way == 7;
    x->act = way == 4 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
    x->alpha = way == 5 ? 0.3 : 1;
    x->bias = way >= 4 ? &some_bias : NULL;
    x->bias_rs = way == 6 ? 1 + below(2) : 0;
    x->bias_cs = way == 6 ? 0 : below(3);
    if (way == 3 || way == 7) {
        with_gelu(x);
    }
}

/* Too large for the path of small products. */
static void large_with_bias(int64_t m, int64_t n, int64_t k, bool ta)
{
    for (int kind = 0; kind < 3; kind++) {
        hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, kind == 2 ? 1100 : k, ta, false);
        x.accumulate = kind == 1;
        x.bias = &some_bias;
        x.bias_cs = 1;
        if (kind > 0) {
            with_gelu(&x);
        }
        run(&x);
    }
}

/* A contiguous along m: the last columns may be computed by vectors that run along m. */
Test(gemm_columns, tails_of_a_transposed_a)
{
    start(1);
    static const int64_t rows[] = { 31, 32, 40, 64, 65, 100, 133 };
    static const int64_t cols[] = { 2, 3, 4, 5, 9, 10, 12, 15, 17, 20, 36, 68, 100 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof *cols; j++) {
            for (int kind = 0; kind < 8; kind++) {
                hone__gemm_args x =
                    shaped(kind & 1, rows[i], cols[j], 1 + below(20), true, next() & 1);
                x.a_cs += below(2);
                x.c_rs += below(4);
                finish_in_way(&x, kind);
                run(&x);
            }
        }
    }
    large_with_bias(784, 100, 30, true);
}

/* A along m and few columns of a B along k: sums by lanes, for vectors of outputs. */
Test(gemm_columns, lanes_of_a_transposed_a)
{
    start(1);
    static const int64_t rows[] = { 2, 7, 16, 64, 33, 70, 128, 133 };
    static const int64_t depths[] = { 31, 32, 33, 63, 64, 65, 128, 300, 577, 1100, 4096, 4200 };
    for (int64_t n = 1; n <= 8; n++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            for (size_t j = 0; j < sizeof depths / sizeof *depths; j++) {
                hone__gemm_args x =
                    shaped((i + j) & 1, rows[i], n, depths[j] + below(3), true, true);
                x.a_cs += below(2);
                x.b_cs += below(2);
                x.c_rs += below(2);
                finish_in_way(&x, (int)below(8));
                run(&x);
            }
        }
    }
}

/* Few columns and an A along k, which the kernel may turn on the way. */
Test(gemm_columns, few_columns)
{
    start(1);
    static const int64_t rows[] = { 8, 15, 16, 17, 24, 31, 36, 100 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int n = 1; n <= 18; n++) {
            for (int kind = 0; kind < 8; kind++) {
                hone__gemm_args x = shaped(kind & 1, rows[i], n, 14 + below(9), false, false);
                x.a_rs += below(3);
                x.b_rs += below(2);
                x.c_rs += below(4);
                finish_in_way(&x, kind);
                run(&x);
            }
        }
    }
    for (int n = 1; n <= 21; n++) { /* rows that share lines of L1 */
        hone__gemm_args x = shaped(HONE__GEMM_F32, 40 + below(40), n, 61 + below(40), false, false);
        x.a_rs = 512;
        run(&x);
    }
    large_with_bias(3000, 10, 99, false);
}

/* ---- more rows than an int counts: by a kernel that only counts them ---- */

static int64_t rows_done;

static void count_rows(const hone__gemm_tile *t)
{
    rows_done += t->mr;
}

static void count_columns(const hone__gemm_tile *t)
{
    rows_done += t->nr;
}

static void transpose_nothing(int64_t rows, int64_t cols, void *to, int64_t to_rs, const void *from,
                              int64_t from_rs)
{
    (void)rows, (void)cols, (void)to, (void)to_rs, (void)from, (void)from_rs;
}

Test(gemm_columns, more_rows_than_an_int_counts)
{
    const int64_t rows = ((int64_t)1 << 31) + 3;
    hone__gemm_kernel kernel = {
        .vl = 1 << 20, .wide = 4 << 20, .rows = { 0, 16, 12, 8, 6 }, .direct_tails = 1
    };
    kernel.transpose = transpose_nothing;
    kernel.turning_tile = count_rows;
    static char place[64]; /* a row: all of them are the same */
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, rows, 3, 1);
    x.a_rs = 0;
    hone__gemm_region region = { .a = place, .b = place, .c = place, .k = 1, .m1 = rows, .n1 = 3 };
    kernel.tile = count_rows; /* what is left of the last vector */
    hone__gemm_upright(&kernel, &x, &region);
    cr_expect_eq(rows_done, rows);

    x.a_rs = 1;
    x.a_cs = 0;
    rows_done = 0;
    kernel.tile = count_columns;
    hone__gemm_upright(&kernel, &x, &region);
    cr_expect_eq(rows_done, rows);
}
