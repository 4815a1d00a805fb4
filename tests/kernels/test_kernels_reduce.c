/* Reductions: the order of sums is spelled out here a second time, as plainly as possible, and
 * every ISA must give its bits; whole rows, split rows, columns and split columns. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the order, written down plainly ---- */

static double rounded(int dtype, double x)
{
    return dtype == HONE__F32 ? (double)(float)x : x;
}

static double step(int kind, int dtype, double acc, double x)
{
    if (kind == HONE__K_SUM)
        return rounded(dtype, acc + x);
    return dtype == HONE__F32 ? (double)fmaf((float)x, (float)x, (float)acc) : fma(x, x, acc);
}

static double block_sum(int kind, int dtype, int64_t n, const double *x)
{
    const int lanes = dtype == HONE__F32 ? 64 : 32;
    double lane[64];
    for (int j = 0; j < lanes; j++)
        lane[j] = -0.0;
    for (int64_t i = 0; i < n; i++)
        lane[i % lanes] = step(kind, dtype, lane[i % lanes], x[i]);
    for (int h = lanes / 2; h >= 1; h /= 2)
        for (int j = 0; j < h; j++)
            lane[j] = rounded(dtype, lane[j] + lane[j + h]);
    return lane[0];
}

static double pairwise(int dtype, int64_t n, double *blocks)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i < n / 2; i++)
            blocks[i] = rounded(dtype, blocks[2 * i] + blocks[2 * i + 1]);
        if (n % 2)
            blocks[n / 2] = blocks[n - 1];
    }
    return blocks[0];
}

static double row_sum(int kind, int dtype, int64_t n, const double *x)
{
    const int64_t size = hone__reduce_block(dtype);
    double blocks[64];
    int64_t n_blocks = 0;
    if (n == 0)
        return 0;
    for (int64_t i = 0; i < n; i += size)
        blocks[n_blocks++] = block_sum(kind, dtype, n - i < size ? n - i : size, x + i);
    return pairwise(dtype, n_blocks, blocks);
}

static double column_sum(int kind, int dtype, int64_t rows, int64_t cols, const double *x,
                         int64_t j)
{
    double blocks[64];
    int64_t n_blocks = 0;
    if (rows == 0)
        return 0;
    for (int64_t r = 0; r < rows; r++) {
        if (r % HONE__COLS_BLOCK == 0)
            blocks[n_blocks++] = -0.0;
        blocks[n_blocks - 1] = step(kind, dtype, blocks[n_blocks - 1], x[r * cols + j]);
    }
    return pairwise(dtype, n_blocks, blocks);
}

/* ---- M2, as plainly ---- */

typedef struct {
    double base, shift, m2, n;
} moments;

static double folded(int dtype, int lanes, double *lane)
{
    for (int h = lanes / 2; h >= 1; h /= 2)
        for (int j = 0; j < h; j++)
            lane[j] = rounded(dtype, lane[j] + lane[j + h]);
    return lane[0];
}

static moments block_moments(int dtype, double sum, int64_t n, const double *x, int64_t stride,
                             int lanes)
{
    moments m = { .base = rounded(dtype, sum / (double)n), .n = (double)n };
    double off[64], squares[64];
    for (int j = 0; j < lanes; j++)
        off[j] = squares[j] = -0.0;
    for (int64_t i = 0; i < n; i++) {
        const double d = rounded(dtype, x[i * stride] - m.base);
        off[i % lanes] = step(HONE__K_SUM, dtype, off[i % lanes], d);
        squares[i % lanes] = step(HONE__K_SUM_SQUARES, dtype, squares[i % lanes], d);
    }
    const double d = folded(dtype, lanes, off), dd = folded(dtype, lanes, squares);
    m.shift = rounded(dtype, d / m.n);
    m.m2 = fmax(rounded(dtype, dd - rounded(dtype, d * m.shift)), 0);
    return m;
}

static double fused(int dtype, double a, double b, double c)
{
    return dtype == HONE__F32 ? (double)fmaf((float)a, (float)b, (float)c) : fma(a, b, c);
}

static moments join_moments(int dtype, moments a, moments b)
{
    const double share = rounded(dtype, b.n / (a.n + b.n));
    const double d =
        rounded(dtype, rounded(dtype, b.base - a.base) + rounded(dtype, b.shift - a.shift));
    return (moments){ .base = a.base,
                      .shift = fused(dtype, d, share, a.shift),
                      .m2 = fused(dtype, rounded(dtype, d * d), rounded(dtype, a.n * share),
                                  rounded(dtype, a.m2 + b.m2)),
                      .n = a.n + b.n };
}

static double pairwise_m2(int dtype, int64_t n, moments *blocks)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i < n / 2; i++)
            blocks[i] = join_moments(dtype, blocks[2 * i], blocks[2 * i + 1]);
        if (n % 2)
            blocks[n / 2] = blocks[n - 1];
    }
    return blocks[0].m2;
}

static double row_m2(int dtype, int64_t n, const double *x)
{
    const int64_t size = hone__reduce_block(dtype);
    moments blocks[64];
    int64_t n_blocks = 0;
    for (int64_t i = 0; i < n; i += size) {
        const int64_t m = n - i < size ? n - i : size;
        blocks[n_blocks++] = block_moments(dtype, block_sum(HONE__K_SUM, dtype, m, x + i), m, x + i,
                                           1, dtype == HONE__F32 ? 64 : 32);
    }
    return n ? pairwise_m2(dtype, n_blocks, blocks) : 0;
}

static double column_m2(int dtype, int64_t rows, int64_t cols, const double *x, int64_t j)
{
    moments blocks[64];
    int64_t n_blocks = 0;
    for (int64_t r = 0; r < rows; r += HONE__COLS_BLOCK) {
        const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
        double sum = -0.0;
        for (int64_t i = r; i < r + n; i++)
            sum = rounded(dtype, sum + x[i * cols + j]);
        blocks[n_blocks++] = block_moments(dtype, sum, n, x + r * cols + j, cols, 1);
    }
    return rows ? pairwise_m2(dtype, n_blocks, blocks) : 0;
}

/* ---- operands ---- */

static void put(int dtype, unsigned char *to, double x)
{
    const float single = (float)x;
    if (dtype == HONE__F32)
        memcpy(to, &single, 4);
    else
        memcpy(to, &x, 8);
}

/* rows x cols numbers of mixed size in a guard with row stride `stride`, and the same in `plain`.
 * `special` mixes in the rest. */
static guard matrix(int dtype, int64_t rows, int64_t cols, int64_t stride, uint64_t seed,
                    bool special, double *plain)
{
    const size_t size = test_size(dtype);
    guard g = guard_new((size_t)(rows > 0 ? (rows - 1) * stride + cols : 0) * size);
    memset(g.data, 0, g.bytes);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++) {
            const uint64_t i = (uint64_t)(r * cols + c);
            unsigned char *to = g.data + (size_t)(r * stride + c) * size;
            if (special || !test_is_real(dtype))
                test_value(dtype, seed + i, to);
            else
                put(dtype, to, ldexp(test_uniform(seed + i) - 0.4, (int)(test_bits(i) % 12)));
            if (plain)
                plain[i] = test_number(dtype, to);
        }
    }
    return g;
}

static const int64_t row_sizes[] = { 0,    1,    2,    3,    7,    8,    10,   15,    16,   17,
                                     31,   32,   33,   63,   64,   65,   100,  127,   130,  777,
                                     2048, 2049, 4095, 4096, 4097, 8192, 8193, 20000, 45057 };
enum { N_ROW_SIZES = sizeof row_sizes / sizeof *row_sizes };

static void check_row_sums(const hone__isa *isa, int kind, int dtype, int64_t cols)
{
    enum { ROWS = 3 };
    const size_t size = test_size(dtype);
    double *plain = malloc((size_t)(ROWS * cols + 1) * sizeof *plain);
    guard x = matrix(dtype, ROWS, cols, cols + 5, (uint64_t)cols, false, plain),
          out = guard_new(ROWS * size);
    isa->reduce_rows[kind][dtype](ROWS, cols, x.data, cols + 5, out.data, 1);
    for (int r = 0; r < ROWS; r++) {
        const double want = kind == HONE__K_M2 ? row_m2(dtype, cols, plain + r * cols)
                                               : row_sum(kind, dtype, cols, plain + r * cols);
        const double got = test_number(dtype, out.data + (size_t)r * size);
        cr_assert(test_same(HONE__F64, &got, &want), "%s kind %d dtype %d cols %d: %a, not %a",
                  isa->name, kind, dtype, (int)cols, got, want);
    }
    cr_assert(guard_intact(&out));
    free(plain);
    guard_free(&x);
    guard_free(&out);
}

Test(kernels_reduce, row_sums_follow_the_written_order)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = HONE__K_SUM; kind <= HONE__K_M2; kind++)
            for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
                for (int s = 0; s < N_ROW_SIZES; s++)
                    check_row_sums(isa, kind, dtype, row_sizes[s]);
}

static void check_column_sums(const hone__isa *isa, int kind, int dtype, int64_t rows, int64_t cols)
{
    const size_t size = test_size(dtype);
    double *plain = malloc((size_t)(rows * cols + 1) * sizeof *plain);
    guard x = matrix(dtype, rows, cols, cols + 3, (uint64_t)rows, false, plain),
          out = guard_new((size_t)cols * size);
    isa->reduce_cols[kind][dtype](rows, cols, x.data, cols + 3, out.data);
    for (int64_t j = 0; j < cols; j++) {
        const double want = kind == HONE__K_M2 ? column_m2(dtype, rows, cols, plain, j)
                                               : column_sum(kind, dtype, rows, cols, plain, j);
        const double got = test_number(dtype, out.data + (size_t)j * size);
        cr_assert(test_same(HONE__F64, &got, &want),
                  "%s kind %d dtype %d %dx%d column %d: %a, not %a", isa->name, kind, dtype,
                  (int)rows, (int)cols, (int)j, got, want);
    }
    cr_assert(guard_intact(&out));
    free(plain);
    guard_free(&x);
    guard_free(&out);
}

Test(kernels_reduce, column_sums_follow_the_written_order)
{
    static const int64_t rows[] = { 0, 1, 2, 127, 128, 129, 300, 1500 };
    static const int64_t cols[] = { 0, 1, 3, 8, 16, 17, 64, 100, 129, 530 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = HONE__K_SUM; kind <= HONE__K_M2; kind++)
            for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
                for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
                    for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                        check_column_sums(isa, kind, dtype, rows[r], cols[c]);
}

/* ---- the split forms give the whole's bits ---- */

static size_t out_size(int kind, int dtype)
{
    const bool wide = kind >= HONE__K_ARGMAX || (kind == HONE__K_SUM && !test_is_real(dtype));
    return wide ? 8 : test_size(dtype);
}

static void check_split_row(const hone__isa *isa, int kind, int dtype, int64_t cols)
{
    guard x = matrix(dtype, 1, cols, cols, (uint64_t)cols, cols % 2 == 1, NULL);
    const int64_t block = hone__reduce_block(dtype), n = (cols + block - 1) / block;
    unsigned char whole[8], joined[8];
    hone__partial *partials = malloc((size_t)n * sizeof *partials);
    isa->reduce_rows[kind][dtype](1, cols, x.data, cols, whole, 1);
    for (int64_t b = 0; b < n; b += 2) /* as two threads might, in pieces */
        isa->reduce_blocks[kind][dtype](cols, x.data, b, b + 2 < n ? b + 2 : n, partials + b);
    isa->reduce_combine[kind][dtype](n, partials, joined);
    const size_t size = out_size(kind, dtype);
    cr_assert(memcmp(whole, joined, size) == 0 ||
                  (test_is_real(dtype) && test_same(dtype, whole, joined)),
              "%s kind %d dtype %d cols %d", isa->name, kind, dtype, (int)cols);
    free(partials);
    guard_free(&x);
}

/* Rows in pieces of `run` elements, row after row in turn, from element `at` on. */
static void check_pieces(const hone__isa *isa, int kind, int dtype, int64_t n, int64_t at,
                         int64_t run)
{
    const int64_t rows = n % 3 == 0 ? 1 : 19, stride = run + 3, apart = rows * stride;
    const int64_t pieces = (at + n + run - 1) / run;
    const size_t size = test_size(dtype);
    guard x = matrix(dtype, pieces * rows, run, stride, (uint64_t)(n + run), n % 2 == 1, NULL);
    unsigned char *row = malloc((size_t)n * size), whole[8];
    hone__partial out[19 * 2];
    const hone__pieces p = { rows, stride, n, x.data, at, run, apart };
    isa->reduce_pieces[kind][dtype](&p, out, 2);
    for (int64_t r = 0; r < rows; r++) {
        const char *from = (const char *)x.data + (size_t)(r * stride) * size;
        for (int64_t i = 0; i < n; i++)
            memcpy(row + (size_t)i * size,
                   from + (size_t)((at + i) / run * apart + (at + i) % run) * size, size);
        isa->reduce_rows[kind][dtype](1, n, row, n, whole, 1);
        cr_assert(memcmp(whole, &out[2 * r].value, size) == 0 ||
                      test_same(dtype, whole, &out[2 * r].value),
                  "%s kind %d dtype %d: %d from %d on, runs of %d", isa->name, kind, dtype, (int)n,
                  (int)at, (int)run);
    }
    free(row);
    guard_free(&x);
}

Test(kernels_reduce, a_block_in_pieces_has_the_bits_of_one_that_lies_side_by_side)
{
    static const int64_t runs[] = { 1, 7, 32, 49, 64, 128, 196, 1000 };
    static const int64_t ns[] = { 1, 5, 63, 64, 65, 130, 1001, 2048 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = 0; kind < HONE__K_N_REDUCE; kind++)
            for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
                for (size_t r = 0; r < 64 && isa->reduce_pieces[kind][dtype]; r++) {
                    check_pieces(isa, kind, dtype, ns[r / 8], 0, runs[r % 8]);
                    check_pieces(isa, kind, dtype, ns[r / 8], runs[r % 8] * 2 / 3, runs[r % 8]);
                    check_pieces(isa, kind, dtype, ns[r / 8], runs[r % 8], runs[r % 8]);
                }
}

/* Columns of rows that lie far apart are read in another order; only their own counts. */
Test(kernels_reduce, columns_of_rows_that_lie_far_apart_have_the_same_bits)
{
    enum { ROWS = 200, COLS = 37, APART = 1 << 16 }; /* 50 MiB, hardly touched */
    float *near = malloc(sizeof(float) * ROWS * COLS), want[COLS], got[COLS];
    float *far = calloc((size_t)ROWS * APART, sizeof *far);
    cr_assert(near && far);
    for (int i = 0; i < ROWS * COLS; i++)
        far[i / COLS * APART + i % COLS] = near[i] = (float)(i * 7919 % 1009) / 13;
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = HONE__K_SUM; kind <= HONE__K_MIN; kind++) {
            isa->reduce_cols[kind][HONE__F32](ROWS, COLS, near, COLS, want);
            isa->reduce_cols[kind][HONE__F32](ROWS, COLS, far, APART, got);
            cr_assert(memcmp(want, got, sizeof got) == 0, "%s kind %d", isa->name, kind);
        }
    free(near);
    free(far);
}

static void check_split_columns(const hone__isa *isa, int kind, int dtype, int64_t rows,
                                int64_t cols)
{
    guard x = matrix(dtype, rows, cols, cols + 1, (uint64_t)rows, cols % 2 == 1, NULL);
    const int64_t n = (rows + HONE__COLS_BLOCK - 1) / HONE__COLS_BLOCK;
    const size_t size = out_size(kind, dtype), row = (size_t)cols * size;
    const size_t part = kind == HONE__K_M2 ? 3 * row : row;
    unsigned char *whole = malloc(row), *parts = malloc((size_t)n * part);
    isa->reduce_cols[kind][dtype](rows, cols, x.data, cols + 1, whole);
    for (int64_t b = 0; b < n; b += 3)
        isa->reduce_cols_blocks[kind][dtype](rows, cols, x.data, cols + 1, b, b + 3 < n ? b + 3 : n,
                                             parts + (size_t)b * part);
    isa->reduce_cols_combine[kind][dtype](rows, cols, parts, parts);
    for (size_t j = 0; j < row; j += size)
        cr_assert(memcmp(whole + j, parts + j, size) == 0 ||
                      (test_is_real(dtype) && test_same(dtype, whole + j, parts + j)),
                  "%s kind %d dtype %d %dx%d", isa->name, kind, dtype, (int)rows, (int)cols);
    free(whole);
    free(parts);
    guard_free(&x);
}

Test(kernels_reduce, split_rows_and_columns_have_the_bits_of_the_whole)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int kind = 0; kind < HONE__K_N_REDUCE; kind++) {
            for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++) {
                if (!isa->reduce_rows[kind][dtype])
                    continue;
                check_split_row(isa, kind, dtype, 1);
                check_split_row(isa, kind, dtype, 20480);
                check_split_row(isa, kind, dtype, 45057);
                if (!isa->reduce_cols_blocks[kind][dtype])
                    continue;
                check_split_columns(isa, kind, dtype, 100, 7);
                check_split_columns(isa, kind, dtype, 1000, 70);
                check_split_columns(isa, kind, dtype, 1409, 19);
            }
        }
    }
}

/* ---- extremes and integers, against a plain loop ---- */

static bool beats(double a, double b, bool largest)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && !isnan(b);
    return largest ? a > b : a < b;
}

static void check_extremes(const hone__isa *isa, int dtype, int64_t rows, int64_t cols,
                           uint64_t seed)
{
    double *plain = malloc((size_t)(rows * cols) * sizeof *plain);
    guard x = matrix(dtype, rows, cols, cols + 2, seed, true, plain);
    const size_t size = test_size(dtype);
    guard value = guard_new((size_t)(rows > cols ? rows : cols) * size);
    int64_t *place = malloc((size_t)(rows > cols ? rows : cols) * sizeof *place);
    for (int columns = 0; columns < 2; columns++) {
        for (int largest = 0; largest < 2; largest++) {
            const int kind = largest ? HONE__K_MAX : HONE__K_MIN,
                      arg = largest ? HONE__K_ARGMAX : HONE__K_ARGMIN;
            if (columns) {
                isa->reduce_cols[kind][dtype](rows, cols, x.data, cols + 2, value.data);
                isa->reduce_cols[arg][dtype](rows, cols, x.data, cols + 2, place);
            } else {
                isa->reduce_rows[kind][dtype](rows, cols, x.data, cols + 2, value.data, 1);
                isa->reduce_rows[arg][dtype](rows, cols, x.data, cols + 2, place, 1);
            }
            for (int64_t o = 0; o < (columns ? cols : rows); o++) {
                const int64_t start = columns ? o : o * cols, stride = columns ? cols : 1;
                int64_t best = 0;
                for (int64_t k = 1; k < (columns ? rows : cols); k++)
                    if (beats(plain[start + k * stride], plain[start + best * stride], largest))
                        best = k;
                const double want = plain[start + best * stride],
                             got = test_number(dtype, value.data + (size_t)o * size);
                cr_assert_eq(place[o], best, "%s dtype %d arg of %dx%d: %d, not %d", isa->name,
                             dtype, (int)rows, (int)cols, (int)place[o], (int)best);
                cr_assert(got == want || (isnan(got) && isnan(want)),
                          "%s dtype %d of %dx%d: %a, not %a", isa->name, dtype, (int)rows,
                          (int)cols, got, want);
            }
        }
    }
    cr_assert(guard_intact(&value));
    free(plain);
    free(place);
    guard_free(&x);
    guard_free(&value);
}

Test(kernels_reduce, extremes_and_their_places)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int dtype = 0; dtype < HONE__BF16; dtype++) {
            for (int64_t n = 1; n < 70; n++)
                check_extremes(isa, dtype, n % 5 + 1, n, (uint64_t)n);
            for (uint64_t seed = 0; seed < 20;
                 seed++) /* few values: with and without a NaN, with ties */
                check_extremes(isa, dtype, 2, 3, seed * 100);
            check_extremes(isa, dtype, 2, 9001, 5);
            check_extremes(isa, dtype, 301, 150, 6);
            check_extremes(isa, dtype, 37, 150, 7); /* few rows go through registers */
            check_extremes(isa, dtype, 63, 203, 8);
        }
    }
}

Test(kernels_reduce, integer_sums_are_i64_and_wrap)
{
    const hone__isa *isa;
    enum { N = 1003 };
    static int64_t wide[N];
    static int32_t narrow[N];
    static uint8_t bytes[N], truths[N];
    uint64_t sums[4] = { 0 };
    for (uint64_t j = 0; j < N; j++) {
        wide[j] = (int64_t)test_bits(j);
        narrow[j] = (int32_t)test_bits(j + N);
        bytes[j] = (uint8_t)test_bits(j);
        truths[j] = bytes[j] & 1;
        sums[0] += (uint64_t)wide[j];
        sums[1] += (uint64_t)(int64_t)narrow[j];
        sums[2] += bytes[j];
        sums[3] += truths[j];
    }
    const void *x[] = { wide, narrow, bytes, truths };
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int d = 0; d < 4; d++) {
            int64_t got = 1;
            isa->reduce_rows[HONE__K_SUM][HONE__I64 + d](1, N, x[d], N, &got, 1);
            cr_assert_eq((uint64_t)got, sums[d]);
            int64_t cols[17], total = 0;
            isa->reduce_cols[HONE__K_SUM][HONE__I64 + d](N / 17, 17, x[d], 17, cols);
            for (int c = 0; c < 17; c++)
                total = (int64_t)((uint64_t)total + (uint64_t)cols[c]);
            cr_assert_eq((uint64_t)total, sums[d]);
            isa->reduce_rows[HONE__K_SUM][HONE__I64 + d](1, 0, x[d], N, &got, 1);
            cr_assert_eq(got, 0);
        }
    }
}
