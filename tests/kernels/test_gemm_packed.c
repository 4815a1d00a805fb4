/* The matrix product: operands that are packed, several blocks. */
#include "gemm_cases.h"

#include "gemm/blocks.h"

/* Large enough to be packed, against the same product by few columns, which is not. */
static void run_by_columns(int64_t m, int64_t n, int64_t k, bool ta, bool tb)
{
    hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, k, ta, tb);
    guard a = random_guard(&x, 0, m * k - 1), b = random_guard(&x, 0, k * n - 1);
    guard whole = random_guard(&x, 0, m * n - 1), slices = guard_new(whole.bytes);
    x.a = a.data;
    x.b = b.data;
    x.c = whole.data;
    cr_assert_eq(hone__gemm(&x), 0);
    for (int64_t j = 0; j < n; j += 60) {
        x.n = n - j < 60 ? n - j : 60;
        x.b = b.data + j * x.b_cs * (int64_t)sizeof(float);
        x.c = slices.data + j * (int64_t)sizeof(float);
        cr_assert_eq(hone__gemm(&x), 0);
    }
    cr_assert(memcmp(whole.data, slices.data, whole.bytes) == 0, "%d x %d x %d", (int)m, (int)n,
              (int)k);
    check_free(&a);
    check_free(&b);
    check_free(&whole);
    check_free(&slices);
}

Test(gemm_packed, packed_as_in_place)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        if (hone__isa_available(i)->gemm.of[HONE__GEMM_F32].vl == 1) {
            run_by_columns(40, 517, 3000, false, false);
            continue;
        }
        run_by_columns(100, 517, 4000, false, false);
        run_by_columns(100, 517, 4000, true, true);
        run_by_columns(1030, 530, 3100, false, false);
        hone__gemm_set_caches(32768, 131072, 0); /* several ranges of k, several blocks of rows */
        run_by_columns(130, 1009, 790, false, false);
        hone__gemm_set_caches(0, 0, 0);
    }
}

/* A^T whose rows lie pages apart: sums wait beside C, transposed, and in several parts. */
Test(gemm_packed, turned)
{
    start(3);
    hone__gemm_args x = shaped(HONE__GEMM_F32, 390, 257, 1030, true, false);
    x.a_cs = 1024;
    run(&x);
    x.accumulate = HONE__GEMM_BEGIN;
    run(&x);
    x = shaped(HONE__GEMM_F64, 260, 257, 1030, true, false);
    x.a_cs = 512;
    x.accumulate = HONE__GEMM_AFTER;
    x.alpha = 0.5;
    x.act = HONE__GEMM_RELU;
    x.bias = &some_bias;
    x.bias_rs = 1;
    run(&x);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        if (hone__isa_available(i)->gemm.of[HONE__GEMM_F32].vl > 1) {
            run_by_columns(2048, 700, 1024, true, false);
        }
    }
}

Test(gemm_packed, cache_sizes_change_no_bit)
{
    start(1);
    static const size_t caches[][3] = { { 8192, 65536, 0 },
                                        { 65536, 4194304, 8388608 },
                                        { 1, 1, 1 } };
    for (int i = 0; i < 3; i++) {
        hone__gemm_set_caches(caches[i][0], caches[i][1], caches[i][2]);
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x = shaped(kind == 3, 40, 120, 900, kind & 1, kind & 2);
            x.accumulate = kind == 2;
            run(&x);
        }
    }
    hone__gemm_set_caches(0, 0, 0);
}

/* One row of A, B from L2, L3 and memory: whole pages apart, lines apart, neither; with short
 * bands, groups that are not full, rows of several runs and pages. */
Test(gemm_packed, one_row_from_every_level)
{
    start(1);
    static const size_t l3[] = { 1 << 30, 1 << 22, 1 }, l2[] = { 1 << 30, 40000, 40000 };
    static const int64_t shapes[][2] = { { 1024, 67 }, { 2100, 97 },  { 2048, 43 }, { 1040, 61 },
                                         { 256, 203 }, { 1003, 102 }, { 3000, 3 },  { 65, 200 } };
    for (int i = 0; i < 3; i++) {
        hone__gemm_set_caches(32768, l2[i], l3[i]);
        for (int s = 0; s < 8; s++) {
            for (int kind = 0; kind < 3; kind++) {
                hone__gemm_args x = shaped(kind == 2, 1, shapes[s][0], shapes[s][1], false, false);
                x.accumulate = kind == 1;
                run(&x);
            }
        }
    }
    hone__gemm_set_caches(0, 0, 0);
}
