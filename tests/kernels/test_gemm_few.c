/* The matrix product: up to a few rows of A with a B that lies along k, as weights [out, in] do. */
#include "gemm/blocks.h"
#include "gemm_cases.h"

/* B along k, its columns `apart` elements apart, more than k or just so many. */
static void run_few(hone__gemm_dtype dtype, int64_t m, int64_t n, int64_t k, int64_t apart)
{
    hone__gemm_args x = shaped(dtype, m, n, k, next() & 1, true);
    x.b_cs = apart;
    x.a_rs += below(3);
    x.c_rs += below(3);
    x.accumulate =
        (hone__gemm_accumulate)below(3); /* begins with what C holds, or adds it, or doesn't */
    run(&x);
}

static void rows_and_columns(int64_t apart)
{
    for (int64_t m = 1; m <= 9; m++) {
        for (int64_t n = 1; n <= 67; n += 1 + n / 8) {
            const int64_t k = 1 + below(apart < 300 ? apart : 300);
            run_few(HONE__GEMM_F32, m, n, k, apart);
            run_few(HONE__GEMM_F64, m, n, k, apart);
        }
    }
}

Test(gemm_few, every_tail)
{
    start(1);
    rows_and_columns(300);
}

/* Columns that share lines of L1 are read in another order. */
Test(gemm_few, columns_that_are_pages_apart)
{
    start(1);
    rows_and_columns(1024);
    rows_and_columns(513);
}

/* With caches as small as can be, everything comes from memory. */
Test(gemm_few, from_memory)
{
    start(1);
    hone__gemm_set_caches(4 << 10, 16, 16);
    rows_and_columns(1024);
    rows_and_columns(300);
}

/* The same with an L1 of 12 ways, from L3 and from memory: columns of fewer lines than are asked for
 * ahead and of more, in products too large to be done without a plan. */
Test(gemm_few, from_afar_with_many_ways)
{
    enum { PLANNED = 1 << 20 };
    start(1);
    static const int64_t apart[] = { 120, 300, 1024 };
    for (int kind = 0; kind < 2; kind++) {
        hone__gemm_set_caches(48 << 10, 16, kind ? 16 : 1 << 30);
        for (int64_t m = 2; m <= 10; m++) {
            for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
                const int64_t k = apart[i] - below(20);
                run_few(HONE__GEMM_F32, m, PLANNED / (m * k) + 1 + below(40), k, apart[i]);
            }
        }
    }
}

/* More rows than are done at once, and as many columns, which then are the rows; of few columns and of
 * many, whose sums begin with what C holds or not. */
Test(gemm_few, in_parts)
{
    start(1);
    static const int64_t apart[] = { 131, 300, 512 };
    for (int64_t m = 9; m <= 21; m++) {
        for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
            for (int kind = 0; kind < 4; kind++) {
                const int64_t n = kind & 1 ? 60 + below(40) : 16 + below(24);
                hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, 0, false, true);
                x.k = apart[i] - below(3);
                x.a_rs = x.b_cs = apart[i];
                x.c_rs += below(3);
                x.accumulate = kind & 2 ? HONE__GEMM_BEGIN : HONE__GEMM_OVERWRITE;
                run(&x);
                hone__gemm_args turned = shaped(HONE__GEMM_F32, n, m, 0, false, true);
                turned.k = x.k;
                turned.a_rs = turned.b_cs = apart[i];
                turned.c_rs += below(3);
                run(&turned);
            }
        }
    }
}

/* Few columns, fewer than are done side by side, of any few rows. */
Test(gemm_few, few_columns)
{
    start(1);
    static const int64_t apart[] = { 203, 512 };
    for (int64_t m = 1; m <= 21; m++) {
        for (int64_t n = 15; n <= 34; n += 1 + below(3)) {
            run_few(HONE__GEMM_F32, m, n, 60 + below(143), apart[below(2)]);
        }
    }
}

/* More k than is copied of A at a time. */
Test(gemm_few, long_sums)
{
    start(1);
    for (int64_t m = 1; m <= 8; m++) {
        run_few(HONE__GEMM_F32, m, 41, 4099 + 300 * m, m & 1 ? 8192 : 9000);
        run_few(HONE__GEMM_F64, m, 37, 2051 + 300 * m, m & 1 ? 8192 : 9000);
    }
}
