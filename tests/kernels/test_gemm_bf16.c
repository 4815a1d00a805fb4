/* Products of bf16 in the order `pairs`. */
#include "bf16_check.h"

Test(gemm_bf16, remainders_on_1_thread)
{
    check_remainders(1);
}
Test(gemm_bf16, remainders_on_3_threads)
{
    check_remainders(3);
}

Test(gemm_bf16, long_k)
{
    check_long_k();
}

Test(gemm_bf16, ends)
{
    check_ends();
}

Test(gemm_bf16, denormals)
{
    check_denormals();
}

Test(gemm_bf16, strides_and_batches)
{
    check_strides_and_batches();
}

/* Contracts 1 and 7: cut anywhere, a sum goes on as if it weren't. */
Test(gemm_bf16, cuts_of_k)
{
    start(1);
    enum { M = 13, N = 40, K = 61 };
    guard a = some_bf16(M * K, SPECIALS), b = some_bf16(K * N, SPECIALS);
    float whole[M * N], parts[M * N];
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_BF16, M, N, K);
    for (int i = 0; use_kernel(i); i++) {
        x.k = K;
        x.accumulate = HONE__GEMM_OVERWRITE;
        x.a = a.data;
        x.b = b.data;
        x.c = whole;
        cr_assert_eq(hone__gemm_pairs(&x), 0);
        x.c = parts;
        for (int64_t p = 0; p < K; p += x.k) {
            x.k = p + 7 > K ? K - p : 1 + below(7);
            x.a = (const uint16_t *)(const void *)a.data + p;
            x.b = (const uint16_t *)(const void *)b.data + p * N;
            cr_assert_eq(hone__gemm_pairs(&x), 0);
            x.accumulate = HONE__GEMM_BEGIN;
        }
        for (int j = 0; j < M * N; j++) {
            cr_assert_eq(no_nan(bits_of(parts[j])), no_nan(bits_of(whole[j])));
        }
    }
    check_free(&a);
    check_free(&b);
}

/* Without denormals it is f32's chain on widened operands. */
Test(gemm_bf16, is_the_chain_of_f32)
{
    start(2);
    enum { M = 70, N = 130, K = 301 };
    static float a[M * K], b[K * N], want[M * N], got[M * N];
    guard half_a = some_bf16(M * K, USUAL), half_b = some_bf16(K * N, USUAL);
    for (int i = 0; i < M * K; i++) {
        a[i] = value((uint32_t)((uint16_t *)(void *)half_a.data)[i] << 16);
    }
    for (int i = 0; i < K * N; i++) {
        b[i] = value((uint32_t)((uint16_t *)(void *)half_b.data)[i] << 16);
    }
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, M, N, K), y = x;
    x.chain = 1;
    x.a = a;
    x.b = b;
    x.c = want;
    y.dtype = HONE__GEMM_BF16;
    y.a = half_a.data;
    y.b = half_b.data;
    y.c = got;
    for (int i = 0; use_kernel(i); i++) {
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert_eq(hone__gemm_pairs(&y), 0);
        cr_assert(memcmp(want, got, sizeof want) == 0);
    }
    check_free(&half_a);
    check_free(&half_b);
}

/* ---- A from a source ---- */

typedef struct {
    hone__gemm_source source;
    int64_t rs, cs;
} reader;

static void read_panel(const hone__gemm_source *source, const void *base, int64_t i, int valid,
                       int64_t p, int64_t k, int width, void *panel)
{
    const reader *r = (const reader *)source;
    const uint16_t *from = base;
    uint16_t *to = panel;
    for (int64_t q = 0; q < k; q++) {
        for (int j = 0; j < width; j++) {
            to[q * width + j] = j < valid ? from[(i + j) * r->rs + (p + q) * r->cs] : 0;
        }
    }
}

Test(gemm_bf16, from_a_source)
{
    start(2);
    for (int i = 0; i < 24; i++) {
        const int64_t m = 1 + below(60), n = 1 + below(60), k = below(300);
        hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_BF16, m, n, k);
        if (i & 1) { /* it becomes B */
            x.c_rs = 1;
            x.c_cs = m;
        }
        x.narrow = i & 2;
        guard a = some_bf16(m * k + 1, USUAL), b = some_bf16(k * n + 1, USUAL);
        guard want = some_c(&x, m * n, USUAL), got = guard_new(want.bytes);
        const reader r = { { read_panel }, k, 1 };
        x.a = a.data;
        x.b = b.data;
        for (int q = 0; use_kernel(q); q++) {
            x.c = want.data;
            cr_assert_eq(hone__gemm_pairs(&x), 0);
            x.c = got.data;
            cr_assert_eq(hone__gemm_pairs_from(&x, &r.source), 0);
            cr_assert(same(&x, &got, &want), "%d x %d x %d", (int)m, (int)n, (int)k);
        }
        check_free(&a);
        check_free(&b);
        check_free(&want);
        check_free(&got);
    }
}

Test(gemm_bf16, nothing_is_done_where_c_is_empty)
{
    start(1);
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_BF16, 0, 5, 5);
    cr_assert_eq(hone__gemm_pairs(&x), 0);
    x.m = 5;
    x.n_batch_dims = 1;
    x.batch[0] = 0;
    cr_assert_eq(hone__gemm_pairs(&x), 0);
}

/* Rounding to bf16, all of its corners: ties, NaN, denormals, what becomes infinite. */
Test(gemm_bf16, narrow)
{
    start(1);
    enum { N = 4099 };
    float from[N];
    uint16_t to[N];
    for (int i = 0; i < N; i++) {
        const uint32_t r = next();
        from[i] = value(i % 4 == 0   ? r
                        : i % 4 == 1 ? (r & 0xFFFF0000) | 0x8000
                        : i % 4 == 2 ? (r & 0x807FFFFF)
                                     : (r & 0xFFFF0000) | 0x7FFF);
    }
    for (int i = 0; use_kernel(i); i++) {
        hone__bf16()->narrow(1, N, to, 0, from, 0);
        for (int j = 0; j < N; j++) {
            cr_assert_eq(to[j], hone__bf16_of(bits_of(from[j])));
        }
    }
}
