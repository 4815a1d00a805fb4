/* Products of bf16 in the order `tiles`. */
#include "bf16_check.h"
#include "gemm/blocks.h"
#include "runtime/cpu.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void want_tiles(void)
{
    hone__bf16_order_set(HONE__BF16_TILES);
}

TestSuite(gemm_bf16_tiles, .init = want_tiles);

Test(gemm_bf16_tiles, remainders_on_1_thread)
{
    check_remainders(1);
}

Test(gemm_bf16_tiles, remainders_on_3_threads)
{
    check_remainders(3);
}

Test(gemm_bf16_tiles, long_k)
{
    check_long_k();
}

Test(gemm_bf16_tiles, ends)
{
    check_ends();
}

Test(gemm_bf16_tiles, denormals)
{
    check_denormals();
}

Test(gemm_bf16_tiles, strides_and_batches)
{
    check_strides_and_batches();
}

/* Blocks of B that follow each other, ranges of k whose sums wait, A where it lies. */
Test(gemm_bf16_tiles, small_blocks)
{
    enum { CACHE = 16 << 10 };
    start(2);
    hone__gemm_set_caches(CACHE, CACHE, 2 * CACHE);
    check_layouts(80, 100, 96, USUAL);
    check_layouts(48, 64, 64, USUAL);
    check_layouts(33, 70, 200, SPECIALS);
    check_layouts(4, 70, 1100, USUAL);
}

/* Many panels of B beside each other, of which one is rounded while the next is summed. */
Test(gemm_bf16_tiles, wide_rows)
{
    start(2);
    check_layouts(97, 200, 64, USUAL);
    check_layouts(64, 96, 300, USUAL);
    check_layouts(70, 97, 31, SPECIALS);
}

/* Tiles of several panels of B, the last one whole, of one column or lacking one. */
static void check_wide(int64_t k, const int64_t *columns, int n)
{
    start(2);
    for (int i = 0; i < n; i++) {
        const int64_t m = k > 1 ? 33 : 65;
        hone__gemm_args x = shaped(HONE__GEMM_BF16, m, columns[i], k, i % 4 == 3, i & 2);
        check(&x, false, USUAL);
        x.narrow = true;
        x.act = i & 4 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        *(i % 3 ? &x.bias_cs : &x.bias_rs) = 1;
        check(&x, true, USUAL);
    }
}

Test(gemm_bf16_tiles, wide_of_few_k)
{
    static const int64_t columns[] = { 31, 32, 33, 63, 64, 65, 95, 96, 97 };
    check_wide(0, columns, 9);
    check_wide(1, columns, 9);
    check_wide(65, columns, 9);
}

/* Ranges of k that end before, with and after it. */
Test(gemm_bf16_tiles, wide_of_many_k)
{
    check_wide(2047, (int64_t[]){ 33 }, 1);
    check_wide(2048, (int64_t[]){ 64 }, 1);
    check_wide(2049, (int64_t[]){ 95, 65 }, 2);
}

static bool refuses_tiles(void)
{
#if defined(__linux__) && defined(__x86_64__)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    return hone__cpu_is_of_amx() && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) != 0;
#else
    return false;
#endif
}

/* Linux refuses tiles to a process one of whose stacks for signals couldn't hold them. */
Test(gemm_bf16_tiles, by_fmas_where_tiles_are_refused)
{
    static char small[2048];
    const stack_t stack = { .ss_sp = small, .ss_size = sizeof small };
    stack_t old;
    if (sigaltstack(&stack, &old) != 0 || !refuses_tiles()) {
        cr_skip_test("this CPU has no AMX, or the OS doesn't refuse it");
    }
    cr_assert(!hone__cpu_has_amx_bf16());
    cr_assert_eq(sigaltstack(&old, NULL), 0);
    start(2);
    cr_assert(hone__bf16_find("avx512_amx") == NULL);
    hone__isa_use(hone__isa_find("avx512"));
    cr_assert(!hone__bf16_in(true)->tiled);
    check_layouts(70, 97, 129, SPECIALS);
    check_layouts(3, 97, 65, USUAL);
}

Test(gemm_bf16_tiles, amx_where_it_is)
{
    if (!hone__cpu_has_amx_bf16()) {
        cr_skip_test("this CPU has no AMX, or the OS keeps it to itself");
    }
    cr_assert(hone__bf16_find("avx512_amx") != NULL);
    start(1);
    hone__isa_use(hone__isa_find("avx512"));
    cr_assert(hone__bf16_in(true)->tiled && !hone__bf16_in(false)->tiled);
}

/* What x comes to on every kernel, in n floats: as in the first if it is not NULL. */
static void check_is(hone__gemm_args *x, int64_t n, const float *want)
{
    float got[64 * 64];
    cr_assert_leq(n, 64 * 64);
    for (int i = 0; use_kernel(i); i++) {
        memset(got, 0, sizeof got);
        x->c = got;
        cr_assert_eq(hone__gemm_pairs(x), 0);
        cr_assert(memcmp(got, want, (size_t)n * sizeof *got) == 0);
    }
}

/* A sum over samples is in tiles if none can span two of them, else a chain: then a batch may be cut
 * between any two (contract 7). */
Test(gemm_bf16_tiles, sums_over_samples)
{
    start(2);
    enum { M = 9, N = 35, K = 192 };
    guard a = some_bf16(M * K, USUAL), b = some_bf16(K * N, USUAL);
    float tiles[M * N], chain[M * N], parts[M * N];
    hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_BF16, M, N, K);
    x.a = a.data;
    x.b = b.data;
    x.accumulate = HONE__GEMM_BEGIN;
    for (int i = 0; i < M * N; i++) {
        const uint16_t *row = (uint16_t *)(void *)a.data + i / N * K;
        const uint16_t *column = (uint16_t *)(void *)b.data + i % N;
        tiles[i] = value(model_product(true, K, row, 1, column, N, 0));
        chain[i] = value(model_product(false, K, row, 1, column, N, 0));
    }
    cr_assert(memcmp(tiles, chain, sizeof tiles) != 0);
    const int64_t positions[] = { 0, 1, 2, 24, 32, 64, 96, 48 };
    for (int p = 0; p < 8; p++) {
        x.positions = positions[p];
        check_is(&x, M * N, positions[p] % 32 ? chain : tiles);
        if (!positions[p]) {
            continue;
        }
        memset(parts, 0, sizeof parts);
        hone__gemm_args part = x;
        part.c = parts;
        for (int64_t k = 0; k < K; k += part.k) {
            part.k = k + 2 * x.positions <= K ? 2 * x.positions : x.positions;
            part.a = (uint16_t *)(void *)a.data + k;
            part.b = (uint16_t *)(void *)b.data + k * N;
            cr_assert_eq(hone__gemm_pairs(&part), 0);
        }
        cr_assert(memcmp(parts, positions[p] % 32 ? chain : tiles, sizeof parts) == 0);
    }
    check_free(&a);
    check_free(&b);
}

Test(gemm_bf16_tiles, the_order_is_a_threads_own)
{
    cr_assert_eq(hone__bf16_order_set(HONE__BF16_PAIRS), HONE__BF16_TILES);
    cr_assert_eq(hone__bf16_order_now(), HONE__BF16_PAIRS);
}
