/* Products of rows and columns, and sums of columns that lie along memory, on every ISA: the order that
 * kernels.h states, and nothing behind the operand is touched. */
#include "../support/guard.h"
#include "../support/support.h"

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

static double product_of_row(const guard *g, int dtype, int64_t first, int64_t n)
{
    double chain[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    for (int64_t i = 0; i < n; i++)
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
