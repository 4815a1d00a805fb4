/* Kernels that only move, compare, choose or convert. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 131 };

static guard values(int dtype, int64_t n, uint64_t seed)
{
    guard g = guard_new((size_t)n * test_size(dtype));
    for (int64_t i = 0; i < n; i++)
        test_value(dtype, seed + (uint64_t)i, g.data + (size_t)i * test_size(dtype));
    return g;
}

static bool holds(int kind, double a, double b)
{
    switch (kind) {
    case HONE__K_EQ:
        return a == b;
    case HONE__K_NE:
        return a != b;
    case HONE__K_LT:
        return a < b;
    case HONE__K_LE:
        return a <= b;
    case HONE__K_GT:
        return a > b;
    default:
        return a >= b;
    }
}

static void check_compare(const hone__isa *isa, int kind, int dtype, int64_t n)
{
    static const int64_t strides[][3] = { { 1, 1, 1 }, { 1, 1, 0 }, { 1, 0, 1 }, { 2, 1, 3 } };
    const size_t size = test_size(dtype);
    guard a = values(dtype, 3 * N, 10), b = values(dtype, 3 * N, 1000);
    memcpy(b.data, a.data, 20 * size); /* so that some are equal */
    for (int s = 0; s < 4; s++) {
        const int64_t *t = strides[s];
        guard out = guard_new((size_t)(n > 0 ? (n - 1) * t[0] + 1 : 0));
        memset(out.data, 7, out.bytes);
        isa->compare[kind][dtype](n, out.data, t[0], a.data, t[1], b.data, t[2]);
        for (int64_t i = 0; i < n; i++) {
            const double x = test_number(dtype, a.data + (size_t)(i * t[1]) * size);
            const double y = test_number(dtype, b.data + (size_t)(i * t[2]) * size);
            cr_assert_eq(out.data[i * t[0]], holds(kind, x, y), "%s kind %d dtype %d: %a %a",
                         isa->name, kind, dtype, x, y);
            cr_assert(t[0] == 1 || i + 1 == n || out.data[i * t[0] + 1] == 7);
        }
        cr_assert(guard_intact(&out));
        guard_free(&out);
    }
    guard_free(&a);
    guard_free(&b);
}

Test(kernels_moves, comparisons)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = 0; kind < HONE__K_N_COMPARE; kind++)
            for (int dtype = 0; dtype < HONE__BF16; dtype++) /* of 16 bits nothing is computed */
                for (int64_t n = 0; n < N; n += n < 34 ? 1 : 24)
                    check_compare(isa, kind, dtype, n);
}

static void check_where_fill_copy(const hone__isa *isa, int dtype, int64_t n, int64_t stride)
{
    const size_t size = test_size(dtype), room = (size_t)(n > 0 ? (n - 1) * stride + 1 : 0) * size;
    guard a = values(dtype, 2 * N, 3), b = values(dtype, 2 * N, 5000), out = guard_new(room),
          cond = guard_new(N);
    for (int64_t i = 0; i < N; i++)
        cond.data[i] = test_bits((uint64_t)i) & 1;
    isa->where[dtype](n, out.data, stride, cond.data, 1, a.data, 1, b.data, stride);
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *want =
            cond.data[i] ? a.data + (size_t)i * size : b.data + (size_t)(i * stride) * size;
        cr_assert_eq(memcmp(out.data + (size_t)(i * stride) * size, want, size), 0);
    }
    isa->copy[dtype](n, out.data, stride, a.data, 1);
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(
            memcmp(out.data + (size_t)(i * stride) * size, a.data + (size_t)i * size, size), 0);
    guard dense = guard_new((size_t)n * size);
    isa->copy[dtype](n, dense.data, 1, b.data, stride);
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(
            memcmp(dense.data + (size_t)i * size, b.data + (size_t)(i * stride) * size, size), 0);
    isa->fill[dtype](n, out.data, stride, b.data + 3 * size);
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(memcmp(out.data + (size_t)(i * stride) * size, b.data + 3 * size, size), 0);
    cr_assert(guard_intact(&out) && guard_intact(&dense));
    guard_free(&a);
    guard_free(&b);
    guard_free(&out);
    guard_free(&cond);
    guard_free(&dense);
}

Test(kernels_moves, where_copy_and_fill)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++)
            for (int64_t n = 0; n < N; n += n < 34 ? 1 : 24)
                for (int64_t stride = 1; stride <= 2; stride++)
                    check_where_fill_copy(isa, dtype, n, stride);
}

/* y begins `skip` elements behind a line, rows of x and y lie sx and sy apart. */
static void check_transpose(hone__transpose_fn transpose, int dtype, int64_t rows, int64_t cols,
                            int64_t sx, int64_t sy, int64_t skip)
{
    const size_t size = test_size(dtype);
    const bool any = rows && cols;
    guard x = values(dtype, any ? (rows - 1) * sx + cols : 0, 9);
    guard out = guard_new((size_t)(skip + (any ? (cols - 1) * sy + rows : 0)) * size);
    memset(out.data, 0x5a, out.bytes);
    uint8_t *y = out.data + (size_t)skip * size;
    transpose(rows, cols, y, sy, x.data, sx);
    int64_t wrong = 0, touched = 0;
    for (int64_t p = 0; p < rows; p++)
        for (int64_t q = 0; q < cols; q++)
            wrong += memcmp(y + (size_t)(q * sy + p) * size, x.data + (size_t)(p * sx + q) * size,
                            size) != 0;
    for (int64_t q = 0; rows && q + 1 < cols; q++)
        for (int64_t p = rows; p < sy && p < rows + 40; p++)
            touched += y[(size_t)(q * sy + p) * size] != 0x5a;
    for (int64_t k = 0; k < skip; k++)
        touched += out.data[(size_t)k * size] != 0x5a;
    cr_assert(wrong == 0 && touched == 0, "%lld x %lld, strides %lld and %lld", (long long)rows,
              (long long)cols, (long long)sx, (long long)sy);
    cr_assert(guard_intact(&out));
    guard_free(&x);
    guard_free(&out);
}

Test(kernels_moves, transpose)
{
    static const int64_t sizes[] = { 0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 64, 70, 130 };
    enum { COUNT = sizeof sizes / sizeof *sizes };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++)
            for (int r = 0; r < COUNT; r++)
                for (int c = 0; c < COUNT; c++)
                    check_transpose(isa->transpose[dtype], dtype, sizes[r], sizes[c], sizes[c] + 1,
                                    sizes[r] + 2, 0);
}

/* Rows that lie a power of two apart go other ways, and so does what is larger than the caches. */
Test(kernels_moves, transpose_of_rows_that_share_sets)
{
    static const int64_t sizes[][2] = { { 17, 5 }, { 70, 131 }, { 131, 33 } };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int d = 0; d < 4; d++) {
            const int dtype = (const int[]){ HONE__F32, HONE__F64, HONE__U8, HONE__F16 }[d];
            const int64_t size = (int64_t)test_size(dtype), page = 4096 / size;
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
                const int64_t rows = sizes[k][0], cols = sizes[k][1];
                const int64_t strides[][2] = { { page, rows },
                                               { cols, page },
                                               { page, page },
                                               { page / 2, rows },
                                               { cols, rows + 3 * 64 },
                                               { cols, (rows + 64) / 64 * 64 },
                                               { page, (rows + 64) / 64 * 64 } };
                for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
                    const int64_t skip = s % 2 * 3;
                    const int64_t sx = strides[s][0] < cols ? cols : strides[s][0],
                                  sy = strides[s][1] < rows ? rows : strides[s][1];
                    check_transpose(isa->transpose[dtype], dtype, rows, cols, sx, sy, skip);
                    check_transpose(isa->transpose_past[dtype], dtype, rows, cols, sx, sy, skip);
                }
            }
        }
}

/* What C's conversion gives, made total: saturate, NaN to 0. */
static int64_t saturated(double x, int64_t least, int64_t most)
{
    if (isnan(x))
        return 0;
    return x <= (double)least ? least : x >= (double)most ? most : (int64_t)x;
}

/* The nearest float of 16 bits, the even one of two. */
static double nearest_half(int to, long double x)
{
    const int digits = to == HONE__BF16 ? 8 : 11, least = to == HONE__BF16 ? -133 : -24;
    const double most = to == HONE__BF16 ? 0x1.fep127 : 65504;
    int exponent;
    if (isnan(x) || isinf(x) || x == 0)
        return (double)x;
    frexpl(x, &exponent);
    exponent = exponent - digits < least ? least : exponent - digits;
    const double near = (double)ldexpl(rintl(ldexpl(x, -exponent)), exponent);
    return fabs(near) > most ? copysign(INFINITY, near) : near;
}

static bool cast_to_half_is_right(int from, int to, const void *x, const void *y)
{
    int64_t whole;
    memcpy(&whole, x, test_size(from) < sizeof whole ? test_size(from) : sizeof whole);
    const long double exact =
        from == HONE__I64 ? (long double)whole : (long double)test_number(from, x);
    const double want = nearest_half(to, exact), got = test_number(to, y);
    return isnan(want) ? isnan(got) : want == got && signbit(want) == signbit(got);
}

static void expected_cast(int from, int to, const void *x, void *y)
{
    int64_t whole = 0;
    const double real = test_number(from, x);
    if (from == HONE__I64)
        memcpy(&whole, x, sizeof whole);
    else if (!test_is_real(from))
        whole = (int64_t)real;
    const bool f = test_is_real(from);
    const float single = f ? (float)real : (float)whole;
    const double wide = f ? real : (double)whole;
    const int64_t i64 = f ? saturated(real, INT64_MIN, INT64_MAX) : whole;
    const int32_t i32 = (int32_t)(f ? saturated(real, INT32_MIN, INT32_MAX) : whole);
    const uint8_t u8 = (uint8_t)(f ? saturated(real, 0, 255) : whole);
    const uint8_t truth = f ? real != 0 : whole != 0;
    const void *all[] = { &single, &wide, &i64, &i32, &u8, &truth };
    memcpy(y, all[to], test_size(to));
}

Test(kernels_moves, casts)
{
    static const double edges[] = { 255,        256,           255.9,  254.5,   -0.5, 2147483647,
                                    2147483648, -2147483649.0, 9.3e18, -9.3e18, 1e300 };
    enum { N_EDGES = sizeof edges / sizeof *edges };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int from = 0; from < HONE__N_DTYPES; from++) {
            guard x = values(from, N, 42);
            for (int e = 0; e < N_EDGES && test_is_real(from); e++) {
                const float single = (float)edges[e];
                memcpy(x.data + (size_t)e * test_size(from),
                       from == HONE__F32 ? (const void *)&single : edges + e, test_size(from));
            }
            for (int to = 0; to < HONE__N_DTYPES; to++) {
                for (int64_t n = 0; n <= N; n += n < 34 ? 1 : 97) {
                    for (int64_t stride = 1; stride <= 2; stride++) {
                        guard y =
                            guard_new((size_t)(n > 0 ? (n - 1) * stride + 1 : 0) * test_size(to));
                        isa->cast[from][to](n, y.data, stride, x.data, 1);
                        for (int64_t j = 0; j < n; j++) {
                            unsigned char want[8];
                            const unsigned char *p = x.data + (size_t)j * test_size(from);
                            if (to >= HONE__BF16) {
                                const uint8_t *got = y.data + (size_t)(j * stride) * 2;
                                cr_assert(cast_to_half_is_right(from, to, p, got),
                                          "%s: %a from dtype %d to %d: %a", isa->name,
                                          test_number(from, p), from, to, test_number(to, got));
                                continue;
                            }
                            expected_cast(from, to, p, want);
                            cr_assert(
                                test_same(to, y.data + (size_t)(j * stride) * test_size(to), want),
                                "%s: %a from dtype %d to %d", isa->name, test_number(from, p), from,
                                to);
                        }
                        cr_assert(guard_intact(&y));
                        guard_free(&y);
                    }
                }
            }
            guard_free(&x);
        }
    }
}

/* Around each float of 16 bits and each middle between two: from f32 and from f64, which has values
 * that f32 would round to the middle first. */
Test(kernels_moves, casts_round_once)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int to = HONE__BF16; to <= HONE__F16; to++)
            for (int bits = 0; bits < 1 << 16; bits++) {
                double at[6];
                float single[6];
                uint16_t half[12] = { (uint16_t)bits }, next = (uint16_t)(bits + 1);
                const double low = test_number(to, half), high = test_number(to, &next);
                if (isnan(low) || isnan(high) || isinf(low) || isinf(high))
                    continue;
                at[0] = low;
                at[1] = nextafter(low, high);
                at[3] = (low + high) / 2;
                at[2] = nextafter(at[3], low);
                at[4] = nextafter(at[3], high);
                at[5] = nextafter(high, low);
                for (int k = 0; k < 6; k++)
                    single[k] = (float)at[k];
                isa->cast[HONE__F64][to](6, half, 1, at, 1);
                isa->cast[HONE__F32][to](6, half + 6, 1, single, 1);
                for (int k = 0; k < 6; k++) {
                    cr_assert(cast_to_half_is_right(HONE__F64, to, at + k, half + k), "%s %a",
                              isa->name, at[k]);
                    cr_assert(cast_to_half_is_right(HONE__F32, to, single + k, half + 6 + k),
                              "%s %a", isa->name, (double)single[k]);
                }
            }
}

Test(kernels_moves, write_past)
{
    enum { MOST = 300, PLACES = 70 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        if (!isa->write_past)
            continue;
        guard x = values(HONE__U8, MOST + PLACES, 7);
        for (int64_t n = 0; n <= MOST; n++) {
            for (int place = 0; place < PLACES; place += n % 64 < 2 ? 1 : 13) {
                guard y = guard_new((size_t)(n + place));
                memset(y.data, 0xEE, (size_t)(n + place));
                isa->write_past(n, y.data + place, x.data + place / 2);
                isa->past_end();
                cr_assert(memcmp(y.data + place, x.data + place / 2, (size_t)n) == 0,
                          "%s: %d bytes at %d", isa->name, (int)n, place);
                for (int k = 0; k < place; k++)
                    cr_assert(y.data[k] == 0xEE);
                cr_assert(guard_intact(&y));
                guard_free(&y);
            }
        }
        guard_free(&x);
    }
}
