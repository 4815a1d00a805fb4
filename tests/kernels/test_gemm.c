/* The matrix product: sizes around the tiles, special values, no memory. */
#include "gemm_cases.h"

#include "runtime/memory.h"

Test(gemm, small_sizes)
{
    start(1);
    static const int64_t depths[] = { 0, 1, 2, 5, 16, 33, 40 };
    for (int64_t m = 0; m <= 40; m++) {
        for (int64_t n = 0; n <= 40; n++) {
            const int64_t k = depths[below(7)];
            const hone__gemm_args x = shaped(below(4) == 0, m, n, k, next() & 1, next() & 1);
            run(&x);
        }
    }
}

Test(gemm, tile_edges)
{
    start(1);
    static const int64_t rows[] = { 1, 2, 3, 7, 8, 9, 13, 17, 25 };
    static const int64_t cols[] = { 1, 4, 15, 16, 17, 31, 47, 48, 49, 63, 65, 97, 130 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof *cols; j++) {
            for (int type = 0; type < 2; type++) {
                hone__gemm_args x =
                    shaped(type, rows[i], cols[j], 1 + below(30), next() & 1, next() & 1);
                x.accumulate = (int)below(2);
                x.act = next() & 1 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
                run(&x);
            }
        }
    }
}

Test(gemm, larger)
{
    start(1);
    static const int64_t sizes[][3] = {
        { 100, 10, 100 }, { 100, 100, 784 }, { 97, 51, 515 }, { 120, 110, 60 }, { 30, 300, 390 },
        { 150, 50, 800 }, { 33, 200, 770 },  { 1, 3000, 20 }, { 600, 9, 9 },    { 12, 12, 5000 },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int kind = 0; kind < 4; kind++) {
            hone__gemm_args x =
                shaped(kind == 2, sizes[i][0], sizes[i][1], sizes[i][2], kind & 1, kind & 2);
            x.accumulate = kind == 1;
            x.bias = kind == 3 ? &some_bias : NULL;
            x.bias_cs = 1;
            run(&x);
        }
    }
}

Test(gemm, vectors_and_few_rows)
{
    start(1);
    static const int64_t depths[] = { 1, 2, 31, 64, 100, 1000, 2048, 4097, 9000, 30000, 70001 };
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        for (int kind = 0; kind < 8; kind++) {
            const int64_t k = depths[i], wide = k > 5000 ? 3 : 1 + below(20);
            const int64_t m = kind & 1 ? 1 + below(8) : 1, n = kind & 2 ? wide : 1;
            hone__gemm_args x = shaped(kind & 1, m, n, k, false, kind & 4);
            if (kind == 3 && m == 1) {
                x.a_cs = 3;
            }
            run(&x);
        }
    }
}

Test(gemm, special_values)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        const float inf = INFINITY;
        float a[2] = { inf, 1 }, b[2 * 3] = { 0, 1, -1, 1, 1, 1 }, c[3] = { 0 };
        hone__gemm_args x = hone__gemm_contiguous(HONE__GEMM_F32, 1, 3, 2);
        x.a = a;
        x.b = b;
        x.c = c;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(isnan(c[0]) && c[1] == inf && c[2] == -inf);
        x.act = HONE__GEMM_RELU;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(isnan(c[0]) && c[1] == inf && c[2] == 0 && !signbit(c[2]));
        x.k = 0;
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert(c[0] == 0 && c[1] == 0 && c[2] == 0);
    }
}

Test(gemm, out_of_memory_leaves_c_alone)
{
    start(1);
    /* Packed B; pieces of K. */
    static const int64_t sizes[][3] = { { 100, 100, 500 }, { 12, 12, 5000 } };
    for (int i = 0; i < 2; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        hone__gemm_args x = shaped(HONE__GEMM_F32, m, n, k, false, true);
        float *a = calloc((size_t)(m * k), sizeof *a), *b = calloc((size_t)(k * n), sizeof *b);
        float *c = calloc((size_t)(m * n), sizeof *c);
        cr_assert(a && b && c);
        c[0] = 7;
        x.a = a;
        x.b = b;
        x.c = c;
        hone__fail_allocation(0);
        cr_assert_eq(hone__gemm(&x), -1);
        cr_assert_eq(c[0], 7);
        hone__fail_allocation(-1);
        cr_assert_eq(hone__gemm(&x), 0);
        cr_assert_eq(c[0], 0);
        free(a);
        free(b);
        free(c);
    }
}

Test(gemm, block_sizes_fit_the_tiles)
{
    start(1);
    for (int i = 0; hone__isa_available(i); i++) {
        for (int dtype = 0; dtype < 2; dtype++) {
            const hone__gemm_kernel *kernel = &hone__isa_available(i)->gemm.of[dtype];
            cr_expect(kernel->blocks.mc % kernel->mr == 0, "%s", kernel->name);
            cr_expect(kernel->nr % kernel->vl == 0, "%s", kernel->name);
            cr_expect(kernel->rows[kernel->nr / kernel->vl] == kernel->mr, "%s", kernel->name);
            cr_expect(kernel->wide % kernel->vl == 0 && kernel->rows[kernel->wide / kernel->vl] > 0,
                      "%s", kernel->name);
            cr_expect(kernel->wide == kernel->nr || kernel->direct_tails, "%s", kernel->name);
        }
    }
}
