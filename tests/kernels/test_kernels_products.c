/* Products of rows and columns, and sums of columns that lie along memory, on every ISA: the order that
 * kernels.h states, and nothing behind the operand is touched. */
#include "../support/guard.h"
#include "../support/support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(kernels_products);

/* Rows of n elements, `apart` from each other. */
static guard numbers(int dtype, int64_t rows, int64_t n, int64_t apart)
{
    const size_t size = test_size(dtype);
    guard g = guard_new((size_t)((rows - 1) * apart + n) * size);
    for (int64_t i = 0; i < (rows - 1) * apart + n; i++) {
        const double value = 3 * test_uniform((uint64_t)i) - 1.5;
        const float narrow = (float)value;
        memcpy(g.data + (size_t)i * size, dtype == HONE__F32 ? (const void *)&narrow : &value,
               size);
    }
    return g;
}

static double number_at(const guard *g, int dtype, int64_t i)
{
    return test_number(dtype, g->data + (size_t)i * test_size(dtype));
}

/* Of elements first, first + step ..: in f32 if each pair's product is of a size that allows it. */
static double product_of_eight(const guard *g, int64_t first, int64_t step)
{
    float pair[4];
    double wide[4];
    bool narrow = true;
    for (int64_t i = 0; i < 4; i++) {
        const float a = (float)number_at(g, HONE__F32, first + 2 * i * step);
        const float b = (float)number_at(g, HONE__F32, first + (2 * i + 1) * step);
        pair[i] = a * b;
        wide[i] = (double)a * (double)b;
        narrow &= fabsf(pair[i]) >= 0x1p-15F && fabsf(pair[i]) < 0x1p17F;
    }
    return narrow ? (double)((pair[0] * pair[1]) * (pair[2] * pair[3]))
                  : (wide[0] * wide[1]) * (wide[2] * wide[3]);
}

static double product_of_row(const guard *g, int dtype, int64_t first, int64_t n)
{
    double chain[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t at = 0;
    for (; dtype == HONE__F32 && at + HONE__PRODUCT_RUN <= n; at += HONE__PRODUCT_RUN)
        for (int64_t c = 0; c < 8; c++)
            chain[c] *= product_of_eight(g, first + at + c, 8);
    for (int64_t i = at; i < n; i++)
        chain[i % 8] *= number_at(g, dtype, first + i);
    return ((chain[0] * chain[1]) * (chain[2] * chain[3])) *
           ((chain[4] * chain[5]) * (chain[6] * chain[7]));
}

static void check_products(const hone__isa *isa, int dtype, int64_t rows, int64_t cols)
{
    const int64_t apart = cols + 1;
    guard x = numbers(dtype, rows, cols, apart);
    guard each = guard_new((size_t)rows * sizeof(double));
    guard down = guard_new((size_t)cols * sizeof(double));
    double *const got = (double *)(void *)each.data, *const below = (double *)(void *)down.data;
    for (int64_t j = 0; j < cols; j++)
        below[j] = 0.5 + (double)j;
    isa->product_rows[dtype](rows, cols, x.data, apart, got);
    isa->product_cols[dtype](rows, cols, x.data, apart, below);
    for (int64_t r = 0; r < rows; r++)
        cr_assert_eq(got[r], product_of_row(&x, dtype, r * apart, cols), "%s %d rows %dx%d",
                     isa->name, dtype, (int)rows, (int)cols);
    for (int64_t j = 0; j < cols; j++) {
        double want = 0.5 + (double)j;
        for (int64_t r = 0; r < rows; r++)
            want *= number_at(&x, dtype, r * apart + j);
        cr_assert_eq(below[j], want, "%s %d columns %dx%d", isa->name, dtype, (int)rows, (int)cols);
    }
    cr_assert(guard_intact(&x) && guard_intact(&each) && guard_intact(&down));
    guard_free(&x);
    guard_free(&each);
    guard_free(&down);
}

Test(kernels_products, products_have_the_stated_order)
{
    static const int64_t cols[] = { 1, 3, 4, 7, 8, 9, 31, 64, 101 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
            for (int64_t rows = 1; rows <= 9; rows++)
                for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                    check_products(isa, dtype, rows, cols[c]);
}

/* Numbers of every size, and what isn't one: a few in a row of plain ones, or as many. */
static guard numbers_of_all_sizes(int64_t n, int64_t one_in)
{
    static const float odd[12] = { 0,        -0.0F,    0x1p-140F, 0x1p-126F, 0x1p-15F, 0x1.8p-8F,
                                   0x1.8p8F, 0x1p127F, INFINITY,  -INFINITY, NAN,      FLT_MAX };
    guard g = numbers(HONE__F32, 1, n, n);
    for (int64_t i = 0; i < n; i++) {
        const float *from = odd + (int)(test_uniform((uint64_t)(n + 2 * i)) * 12);
        if (test_uniform((uint64_t)(n + 2 * i + 1)) * (double)one_in < 1)
            memcpy(g.data + (size_t)i * sizeof *from, from, sizeof *from);
    }
    return g;
}

static bool same_number(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

static void check_eights(const hone__isa *isa, int64_t n, int64_t one_in)
{
    guard x = numbers_of_all_sizes(n, one_in);
    double got;
    isa->product_rows[HONE__F32](1, n, x.data, n, &got);
    cr_assert(same_number(got, product_of_row(&x, HONE__F32, 0, n)), "%s %d, one in %d: %a",
              isa->name, (int)n, (int)one_in, got);
    for (int64_t groups = 1; groups <= 3; groups++) {
        const int64_t cols = n / (8 * groups);
        guard down = guard_new((size_t)cols * sizeof got);
        double *const below = (double *)(void *)down.data;
        for (int64_t j = 0; j < cols; j++)
            below[j] = 1.5;
        isa->product_eights(groups, cols, x.data, cols, below);
        for (int64_t j = 0; j < cols; j++) {
            double want = 1.5;
            for (int64_t g = 0; g < groups; g++)
                want *= product_of_eight(&x, 8 * g * cols + j, cols);
            cr_assert(same_number(below[j], want), "%s %d groups of %d, one in %d", isa->name,
                      (int)groups, (int)cols, (int)one_in);
        }
        cr_assert(guard_intact(&down));
        guard_free(&down);
    }
    cr_assert(guard_intact(&x));
    guard_free(&x);
}

Test(kernels_products, eights_stand_in_f32_or_f64_by_their_sizes_alone)
{
    static const int64_t sizes[] = { 64, 127, 128, 320, 447, 1000 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            for (int64_t one_in = 2; one_in < 2000; one_in *= 6)
                check_eights(isa, sizes[k], one_in);
}

static float sum_in_fours(const guard *x, int64_t first, int64_t step, int64_t n)
{
    float chain[4] = { -0.0F, -0.0F, -0.0F, -0.0F };
    for (int64_t i = 0; i < n; i++)
        chain[i % 4] += (float)number_at(x, HONE__F32, first + i * step);
    return (chain[0] + chain[2]) + (chain[1] + chain[3]);
}

/* apart: rows, and columns that lie along memory, from the next one's beginning. */
static void check_fours(const hone__isa *isa, int64_t rows, int64_t cols, int64_t apart)
{
    guard down = numbers(HONE__F32, rows, cols, cols + apart);
    guard across = numbers(HONE__F32, cols, rows, rows + apart);
    guard out = guard_new((size_t)cols * sizeof(float));
    float *const got = (float *)(void *)out.data;
    isa->sum_fours(rows, cols, (const float *)(const void *)down.data, cols + apart, got);
    for (int64_t j = 0; j < cols; j++)
        cr_assert_eq(got[j], sum_in_fours(&down, j, cols + apart, rows), "%s %dx%d", isa->name,
                     (int)rows, (int)cols);
    isa->sum_fours_across(rows, cols, (const float *)(const void *)across.data, rows + apart, got);
    for (int64_t j = 0; j < cols; j++)
        cr_assert_eq(got[j], sum_in_fours(&across, j * (rows + apart), 1, rows), "%s %dx%d across",
                     isa->name, (int)rows, (int)cols);
    cr_assert(guard_intact(&down) && guard_intact(&across) && guard_intact(&out));
    guard_free(&down);
    guard_free(&across);
    guard_free(&out);
}

Test(kernels_products, sums_in_fours_have_the_stated_order)
{
    static const int64_t rows[] = { 1, 2, 3, 4, 7, 150, HONE__FOURS_BLOCK };
    static const int64_t cols[] = { 1, 2, 7, 8, 9, 65, 301, HONE__FOURS_COLS };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                for (int64_t apart = 0; apart < 4; apart += 3)
                    check_fours(isa, rows[r], cols[c], apart);
}

static void check_across(const hone__isa *isa, int64_t rows, int64_t cols)
{
    const int64_t apart = rows + 2;
    guard x = numbers(HONE__F32, cols, rows, apart);
    guard out = guard_new((size_t)cols * sizeof(float));
    float *const turned = malloc((size_t)(rows * cols) * sizeof *turned);
    float *const want = malloc((size_t)cols * sizeof *want);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            turned[r * cols + c] = (float)number_at(&x, HONE__F32, c * apart + r);
    isa->reduce_cols[HONE__K_SUM][HONE__F32](rows, cols, turned, cols, want);
    isa->sum_across(rows, cols, (const float *)(const void *)x.data, apart,
                    (float *)(void *)out.data);
    cr_assert(memcmp(out.data, want, (size_t)cols * sizeof *want) == 0, "%s %dx%d", isa->name,
              (int)rows, (int)cols);
    cr_assert(guard_intact(&x) && guard_intact(&out));
    free(turned);
    free(want);
    guard_free(&x);
    guard_free(&out);
}

Test(kernels_products, sums_across_have_the_bits_of_sums_of_columns)
{
    static const int64_t rows[] = { 1, 2, 3, 4, 5, 17, HONE__COLS_BLOCK };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int64_t cols = 1; cols <= 53; cols++)
                check_across(isa, rows[r], cols);
}
