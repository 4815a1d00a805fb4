/* bf16_pairs.h: PAIRS hard pairs of numbers on every kernel of this machine, against the model: by
 * tiles and by rows. (a test's file that defines SUITE_NAME and PAIRS; ORDER; how many k are summed,
 * DEPTH) */
#include "bf16_cases.h"

enum { N_PAIRS = 96 };

/* m rows of A, each with its own k, times columns of B with theirs, onto sums. */
static void compare_pairs(int m)
{
    uint16_t a[32][DEPTH], b[DEPTH][N_PAIRS];
    uint32_t begin[32][N_PAIRS], want[32][N_PAIRS], got[32][N_PAIRS];
    for (int i = 0; i < m; i++) {
        for (int p = 0; p < DEPTH; p++) {
            a[i][p] = hard();
        }
    }
    for (int j = 0; j < N_PAIRS; j++) {
        for (int p = 0; p < DEPTH; p++) {
            b[p][j] = hard();
        }
    }
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < N_PAIRS; j++) {
            begin[i][j] = hard_sum(a[i][0], b[0][j]);
            want[i][j] = model_product(ORDER == HONE__BF16_TILES, DEPTH, a[i], 1, &b[0][j], N_PAIRS,
                                       begin[i][j]);
        }
    }
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_BF16, m, N_PAIRS, DEPTH);
    x.a = a;
    x.b = b;
    x.c = got;
    x.accumulate = HONE__GEMM_BEGIN;
    const hone__bf16_kernel *kernel;
    for (int q = 0; (kernel = use_kernel(q)); q++) {
        memcpy(got, begin, sizeof got);
        cr_assert_eq(hone__gemm_pairs(&x), 0);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < N_PAIRS; j++) {
                cr_assert_eq(no_nan(got[i][j]), want[i][j],
                             "%s, %d rows: %08x + %04x * %04x + %04x * %04x ... is %08x, not %08x",
                             kernel->name, m, begin[i][j], a[i][0], b[0][j], a[i][1], b[1][j],
                             got[i][j], want[i][j]);
            }
        }
    }
}

Test(SUITE_NAME, are_what_the_description_says)
{
    start(1);
    hone__bf16_order_set(ORDER);
    const char *step = getenv("HONE_TEST_STEP"); /* one of so many, where it is emulated */
    const int64_t pairs = (int64_t)(PAIRS) / (step ? atoll(step) : 1);
    for (int64_t done = 0; done < pairs; done += (32 + 3) * N_PAIRS * DEPTH / 2) {
        compare_pairs(32);
        compare_pairs(3);
    }
}
