/* test_random.c: random tensors (ops.h): reproducible, right distribution, independent of threads.
 */
#include "isa/isa.h"
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(random);

typedef struct {
    double mean, variance, least, most;
} moments;

static moments moments_of(hone_tensor *t)
{
    const int64_t n = hone_numel(t);
    moments m = { 0, 0, INFINITY, -INFINITY };
    hone_tensor *x = hone_to(t, HONE_F64);
    const double *at = hone_data(x);
    for (int64_t i = 0; i < n; i++) {
        m.mean += at[i] / (double)n;
        m.least = fmin(m.least, at[i]);
        m.most = fmax(m.most, at[i]);
    }
    for (int64_t i = 0; i < n; i++)
        m.variance += (at[i] - m.mean) * (at[i] - m.mean) / (double)n;
    return m;
}

Test(random, uniform)
{
    hone_seed(1);
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++) {
        const moments m = moments_of(hone_rand(dtype, 300, 400));
        cr_expect(m.least >= 0 && m.most < 1 && m.least < 1e-3 && m.most > 0.999);
        cr_expect(fabs(m.mean - 0.5) < 0.004 && fabs(m.variance - 1.0 / 12) < 0.002);
    }
}

Test(random, normal)
{
    hone_seed(2);
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++) {
        const moments m = moments_of(hone_randn(dtype, 300, 400));
        cr_expect(fabs(m.mean) < 0.012 && fabs(m.variance - 1) < 0.02);
        cr_expect(m.least < -3.5 && m.least > -7 && m.most > 3.5 && m.most < 7);
    }
}

/* The definition in kernels.h, for one stream: what a given seed gives must never change. */
Test(random, numbers_come_from_the_counter)
{
    uint32_t words[64];
    hone_seed(77);
    hone_next_stream(NULL, NULL);
    hone_tensor *t = hone_rand(HONE_F32, 8, 8); /* stream 1 */
    hone__k->random_u32(64, words, 77, 1, 0);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(hone_at(t, i / 8, i % 8), (words[i] >> 8) * 0x1p-24);
    t = hone_randint(HONE_I64, -5, 100, 32); /* stream 2 */
    hone__k->random_u32(64, words, 77, 2, 0);
    for (int i = 0; i < 32; i++) {
        const uint64_t word = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
        cr_assert_eq(hone_at(t, i),
                     (double)(-5 + (int64_t)(((unsigned __int128)word * 105) >> 64)));
    }
}

Test(random, seed_and_stream_decide)
{
    hone_seed(5);
    hone_tensor *a = hone_randn(HONE_F32, 100), *b = hone_randn(HONE_F32, 100);
    hone_seed(5);
    hone_tensor *again = hone_randn(HONE_F32, 100);
    hone_seed(6);
    hone_tensor *other = hone_randn(HONE_F32, 100);
    cr_expect(hone_equal(a, again));
    cr_expect_not(hone_equal(a, b));
    cr_expect_not(hone_equal(a, other));
}

static hone_tensor *all_kinds(void)
{
    hone_seed(9);
    hone_tensor *parts[] = { hone_rand(HONE_F64, 5001),
                             hone_to(hone_randn(HONE_F32, 777), HONE_F64),
                             hone_to(hone_randint(HONE_I32, -9, 1000, 4099), HONE_F64) };
    hone_tensor *all = hone_zeros(HONE_F64, 5001 + 777 + 4099);
    double *at = hone_data(all);
    for (int i = 0; i < 3; i++) {
        const size_t bytes = (size_t)hone_numel(parts[i]) * sizeof(double);
        cr_assert(hone_copy_out(parts[i], at, bytes) == HONE_OK);
        at += hone_numel(parts[i]);
    }
    return all;
}

static void force_threads(void)
{
    setenv("HONE_FORCE_THREADS", "1", 1);
    test_begin();
}

Test(random, same_on_any_number_of_threads_and_any_isa, .init = force_threads)
{
    hone_tensor *first = all_kinds();
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        cr_expect(hone_equal(first, all_kinds()), "%s", hone__isa_available(i)->name);
    }
    for (int n = 2; n <= 5; n++) {
        hone_set_threads(n);
        cr_expect(hone_equal(first, all_kinds()), "%d threads", n);
    }
}

Test(random, integers_stay_in_their_range)
{
    static const struct {
        hone_dtype dtype;
        int64_t low, high;
    } ranges[] = {
        { HONE_I64, 0, 1 },
        { HONE_I64, -3, 4 },
        { HONE_U8, 0, 256 },
        { HONE_BOOL, 0, 2 },
        { HONE_F32, -10, 10 },
        { HONE_F64, 5, 7 },
        { HONE_I32, INT32_MIN, (int64_t)INT32_MAX + 1 },
        { HONE_I64, INT64_MIN, INT64_MAX },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const double low = (double)ranges[i].low, high = (double)ranges[i].high - 1;
        const moments m =
            moments_of(hone_randint(ranges[i].dtype, ranges[i].low, ranges[i].high, 5000));
        const double width = high - low;
        cr_expect(m.least >= low && m.most <= high && m.least <= low + 0.01 * width &&
                      m.most >= high - 0.01 * width,
                  "range %zu: %g..%g", i, m.least, m.most);
        cr_expect(fabs(m.mean - (low + width / 2)) <= 0.05 * width);
    }
}

/* Each of few values is as frequent as the others: chi-squared with 9 degrees of freedom. */
Test(random, integers_are_uniform)
{
    hone_seed(3);
    hone_tensor *t = hone_randint(HONE_I64, 0, 10, 100000);
    const int64_t *at = hone_data(t);
    double count[10] = { 0 }, chi = 0;
    for (int i = 0; i < 100000; i++)
        count[at[i]]++;
    for (int i = 0; i < 10; i++)
        chi += (count[i] - 1e4) * (count[i] - 1e4) / 1e4;
    cr_expect(chi < 27.9, "chi-squared %g", chi); /* p = 0.001 */
}

Test(random, permutation)
{
    static const int64_t sizes[] = { 0, 1, 2, 255, 256, 257, 1000 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        hone_tensor *t = hone_randperm(sizes[k]);
        const int64_t *at = hone_data(t);
        bool seen[1000] = { false };
        cr_assert(hone_dtype_of(t) == HONE_I64 && hone_numel(t) == sizes[k]);
        for (int64_t i = 0; i < sizes[k]; i++) {
            cr_assert(at[i] >= 0 && at[i] < sizes[k] && !seen[at[i]]);
            seen[at[i]] = true;
        }
    }
    int firsts[3] = { 0 };
    for (int i = 0; i < 3000; i++) {
        HONE_SCOPE();
        firsts[(int)hone_at(hone_randperm(3), 0)]++;
    }
    for (int i = 0; i < 3; i++)
        cr_expect(abs(firsts[i] - 1000) < 120, "%d of 3000 begin with %d", firsts[i], i);
    CHECK_FAILS(hone_randperm(-1), HONE_E_SHAPE, "randperm");
    CHECK_FAILS(hone_randperm((int64_t)1 << 61), HONE_E_SHAPE, "randperm");
}

Test(random, like_another_tensor)
{
    hone_tensor *x = hone_transpose(hone_ones(HONE_F64, 3, 5), 0, 1);
    hone_seed(7);
    hone_tensor *u = hone_rand(HONE_F64, 5, 3), *n = hone_randn(HONE_F64, 5, 3);
    hone_seed(7);
    cr_assert(hone_equal(hone_rand_like(x), u) && hone_equal(hone_randn_like(x), n));
    cr_assert(hone_is_contiguous(hone_rand_like(x)));
    cr_assert(hone_dim(hone_randn_like(hone_scalar(HONE_F32, 0))) == 0);
    CHECK_FAILS(hone_rand_like(hone_ones(HONE_I64, 2)), HONE_E_DTYPE,
                "rand_like: the tensor is i64");
    CHECK_FAILS(hone_randn_like(NULL), HONE_E_NULL, "randn_like");
}

Test(random, refuses_what_makes_no_sense)
{
    CHECK_FAILS(hone_rand(HONE_I64, 2), HONE_E_DTYPE, "rand: the first argument is i64");
    CHECK_FAILS(hone_randn(HONE_BOOL, 2), HONE_E_DTYPE, "randn");
    CHECK_FAILS(hone_rand((hone_dtype)99, 2), HONE_E_DTYPE, "rand");
    CHECK_FAILS(hone_rand_v((const int64_t[]){ INT64_C(1) << 32, 2, HONE_END_DIM }), HONE_E_DTYPE,
                "4294967296 is none");
    CHECK_FAILS(hone_randn_v((const int64_t[]){ INT64_C(1) << 32 | HONE_F64, 2, HONE_END_DIM }),
                HONE_E_DTYPE, "4294967297 is none");
    CHECK_FAILS(hone_rand(HONE_F32, -2), HONE_E_SHAPE, "rand");
    CHECK_FAILS(hone_rand_v(NULL), HONE_E_NULL, "rand");
    CHECK_FAILS(hone_randint(HONE_I64, 5, 5, 2), HONE_E_VALUE, "[5, 5) is empty");
    CHECK_FAILS(hone_randint(HONE_U8, 0, 257, 2), HONE_E_VALUE, "u8");
    CHECK_FAILS(hone_randint(HONE_U8, -1, 2, 2), HONE_E_VALUE, "u8");
    CHECK_FAILS(hone_randint(HONE_F32, 0, (1 << 24) + 2, 2), HONE_E_VALUE, "f32");
    CHECK_FAILS(hone_randint((hone_dtype)9, 0, 2, 2), HONE_E_DTYPE, "randint");
    CHECK_FAILS(hone_randint(HONE_I64, 0, 2, -2), HONE_E_SHAPE, "randint");
    CHECK_FAILS(hone_randint_v(HONE_I64, 0, 2, NULL), HONE_E_NULL, "randint");
}
