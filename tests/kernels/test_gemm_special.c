/* test_gemm_special.c: NaN and infinity in the matrix product: what is in A, B, C and the bias goes
 * where the contract says, and nothing comes from an old C, nor from between and outside the rows.
 */
#include "gemm_cases.h"

static void put(const hone__gemm_args *x, char *at, int64_t index, double value)
{
    if (x->dtype == HONE__GEMM_F32) {
        ((float *)(void *)at)[index] = (float)value;
    } else {
        ((double *)(void *)at)[index] = value;
    }
}

/* A matrix amid NaN, of numbers; about every `rare`th of them is special. */
static guard matrix_amid_nan(const hone__gemm_args *x, int64_t rows, int64_t cols, int64_t rs,
                             int64_t cs, int64_t rare)
{
    static const double special[] = { (double)NAN, (double)INFINITY, -(double)INFINITY, -0.0 };
    const int64_t n = rows * cols == 0 ? 1 : (rows - 1) * rs + (cols - 1) * cs + 1;
    guard g = guard_new((size_t)n * size_of(x));
    for (int64_t i = 0; i < n; i++) {
        put(x, (char *)g.data, i, (double)NAN);
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            const double value = below(rare) == 0 ? special[below(4)] : number();
            put(x, (char *)g.data, i * rs + j * cs, value);
        }
    }
    return g;
}

static bool same(const hone__gemm_args *x, const guard *got, const guard *want)
{
    const size_t size = size_of(x);
    for (size_t at = 0; at < got->bytes; at += size) {
        if (!test_same(x->dtype == HONE__GEMM_F32 ? HONE__F32 : HONE__F64, got->data + at,
                       want->data + at)) {
            return false;
        }
    }
    return true;
}

static void run_special(hone__gemm_args x, int64_t rare)
{
    guard a = matrix_amid_nan(&x, x.m, x.k, x.a_rs, x.a_cs, rare);
    guard b = matrix_amid_nan(&x, x.k, x.n, x.b_rs, x.b_cs, rare);
    guard bias = matrix_amid_nan(&x, 1, x.n, 0, 1, rare);
    guard old = matrix_amid_nan(&x, x.m, x.n, x.c_rs, x.c_cs, x.accumulate ? rare : 1);
    guard want = guard_new(old.bytes), got = guard_new(old.bytes);
    x.a = a.data;
    x.b = b.data;
    x.bias = x.bias ? bias.data : NULL;
    x.c = want.data;
    memcpy(want.data, old.data, old.bytes);
    reference(&x);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        memcpy(got.data, old.data, old.bytes);
        x.c = got.data;
        cr_assert_eq(hone__gemm(&x), 0);
        if (!same(&x, &got, &want)) {
            explain(&x, hone__isa_available(i)->name);
            cr_assert_fail("values differ");
        }
    }
    check_free(&a);
    check_free(&b);
    check_free(&bias);
    check_free(&old);
    check_free(&want);
    check_free(&got);
}

static void run_shapes(int cases, int64_t sides, int64_t depth)
{
    for (int i = 0; i < cases; i++) {
        hone__gemm_args x = shaped(next() & 1, 1 + below(sides), 1 + below(sides), below(depth),
                                   next() & 1, next() & 1);
        *(x.a_cs == 1 ? &x.a_rs : &x.a_cs) += below(5);
        *(x.b_cs == 1 ? &x.b_rs : &x.b_cs) += below(5);
        x.c_rs += below(5);
        x.accumulate = below(3) == 0;
        x.act = below(3) == 0 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        if (below(3) == 0) {
            x.bias = &some_bias;
            x.bias_cs = 1;
        }
        run_special(x, next() & 1 ? 40 : 4000);
    }
}

Test(gemm_special, tiny)
{
    start(1);
    run_shapes(300, 36, 40);
}

Test(gemm_special, few_outputs)
{
    start(1);
    run_shapes(150, 9, 300);
}

Test(gemm_special, planned)
{
    start(3);
    run_shapes(60, 120, 90);
}
