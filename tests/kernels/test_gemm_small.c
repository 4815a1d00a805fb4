/* test_gemm_small.c: tiny products: every height and width of a tile, each of the ways to turn an
 * operand, and the reductions' rule where lanes are absent. */
#include "gemm_cases.h"

/* Heights of one tile and of two, widths that end in every part of a vector. */
Test(gemm_small, every_tile)
{
    start(1);
    for (int64_t m = 2; m <= 18; m++) {
        for (int64_t n = 2; n <= 66; n += 1 + below(5)) {
            const hone__gemm_args x = shaped(next() & 1, m, n, 1 + below(6), m & 1, false);
            run(&x);
        }
    }
}

/* C lies in a larger matrix, whose other elements stay as they are (run() looks). */
Test(gemm_small, rows_apart)
{
    start(1);
    for (int i = 0; i < 100; i++) {
        hone__gemm_args x = shaped(next() & 1, 2 + below(40), 2 + below(140), 1 + below(12),
                                   next() & 1, next() & 1);
        x.c_rs += 1 + below(20);
        run(&x);
    }
}

/* B's columns are contiguous: sides and k that are no multiples of what is turned at a time. */
Test(gemm_small, turned)
{
    start(1);
    for (int i = 0; i < 150; i++) {
        const hone__gemm_args x =
            shaped(next() & 1, 2 + below(24), 2 + below(40), 1 + below(20), next() & 1, true);
        run(&x);
    }
}

/* Each number of present lanes, vectors along n and along m. */
Test(gemm_small, few_lanes)
{
    start(1);
    for (int64_t k = 2; k <= 66; k++) {
        for (int f64 = 0; f64 < 2; f64++) {
            const int64_t few = 2 + below(7), many = 2 + below(40);
            const bool tall = next() & 1;
            const hone__gemm_args x =
                shaped(f64, tall ? many : few, tall ? few : many, k, false, true);
            run(&x);
        }
    }
}

/* The reductions' rule tile by tile: every number of rows and columns that is left over, k around
 * full rounds of lanes and up to more than a block of the rule. */
Test(gemm_small, few_outputs)
{
    static const int64_t ks[] = { 2,   31,  32,  33,  48,   63,   64,   65,   96,
                                  127, 129, 200, 257, 2048, 2049, 4095, 4096, 4097 };
    start(1);
    for (int i = 0; i < 18; i++) {
        for (int64_t few = 2; few <= 8; few++) {
            const int64_t many = 2 + below(ks[i] < 128 ? 150 : 18);
            const bool tall = next() & 1;
            hone__gemm_args x =
                shaped(next() & 1, tall ? many : few, tall ? few : many, ks[i], false, true);
            x.a_rs += below(3);
            x.b_cs += below(3);
            x.c_rs += below(3);
            run(&x);
        }
    }
}

/* So long a k that B is turned a part of it at a time, where sums can wait in C and where not. */
Test(gemm_small, turned_in_parts)
{
    start(1);
    for (int i = 0; i < 48; i++) {
        hone__gemm_args x =
            shaped(next() & 1, 9 + below(12), 9 + below(12), 250 + below(2400), i & 1, true);
        x.accumulate = i % 6 == 0;
        x.act = i % 6 == 2 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        if (i % 6 == 4) {
            with_gelu(&x);
        }
        x.alpha = i % 6 == 3 ? 0.3 : 1;
        run(&x);
    }
    for (int i = 0; i < 4; i++) { /* more products than other small ones have */
        const hone__gemm_args x = shaped(i >> 1, 250, i & 1 ? 7 : 13, 700, i & 1, true);
        run(&x);
    }
}

/* Columns that end in a part of a vector, with enough rows and k for it to be done upright, or just
 * not. */
Test(gemm_small, upright_or_not)
{
    start(1);
    for (int i = 0; i < 120; i++) {
        const hone__gemm_args x =
            shaped(next() & 1, 8 + below(48), 2 + below(36), 8 + below(60), next() & 1, false);
        run(&x);
    }
}

/* What comes after the sums. */
Test(gemm_small, finished)
{
    start(1);
    for (int i = 0; i < 120; i++) {
        hone__gemm_args x =
            shaped(next() & 1, 2 + below(20), 2 + below(36), 1 + below(20), next() & 1, next() & 1);
        x.accumulate = i % 4 == 0;
        x.act = i % 4 == 1 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        if (i % 4 == 2) {
            with_gelu(&x);
        }
        if (i % 4 == 3) {
            x.alpha = 0.3;
        }
        run(&x);
    }
}

/* Few columns of a B along k whose A lies across it, and many rows of sums of pieces of K. */
Test(gemm_small, orders_that_do_not_look_at_a)
{
    start(1);
    static const int64_t shapes[][3] = { { 2, 1, 300 },    { 9, 3, 64 },     { 40, 8, 700 },
                                         { 5, 7, 4100 },   { 300, 1, 90 },   { 33, 2, 9 },
                                         { 1, 64, 10000 }, { 260, 64, 4097 } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int kind = 0; kind < 8; kind++) {
            hone__gemm_args x =
                shaped(kind >> 2, shapes[i][0], shapes[i][1], shapes[i][2], kind & 1, kind & 2);
            if (i % 2 == 0) {
                x.c_rs = 1;
                x.c_cs = x.m;
            }
            run(&x);
        }
    }
}

/* One row or one column, along k or not, with sums of every order, and strides that are not for the
 * short way. */
Test(gemm_small, one_row_or_column)
{
    start(1);
    static const int64_t lengths[] = { 1, 2, 15, 16, 17, 50, 64, 65, 100, 128, 129, 256, 300 };
    static const int64_t ks[] = { 2, 7, 64, 65, 100, 513, 4096, 5000 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
            const int64_t n = lengths[i], k = ks[j];
            for (int kind = 0; kind < 4; kind++) {
                hone__gemm_args x =
                    shaped(next() % 2, kind & 1 ? n : 1, kind & 1 ? 1 : n, k, kind == 3, kind == 2);
                run(&x);
                x.c_rs += kind == 3 ? 0 : 3;
                x.b_rs += kind == 0 ? 5 : kind == 3;
                x.a_cs += kind == 0 || kind == 3;
                x.b_cs += kind == 1 && next() % 2;
                run(&x);
            }
        }
    }
}
