/* Softmax and its relatives against long double, and every ISA against the first, bit by bit. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { ROWS = 3, MAX_COLS = 9000 };
static const int64_t sizes[] = { 1,  2,  3,  7,  8,  9,   10,  15,   16,   17,
                                 31, 33, 63, 64, 65, 100, 129, 1000, 4097, 8999 };
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* One set of operands: logits x, a gradient g, targets; and everything the kernels make of them.
 * Row strides are cols + 3. */
typedef struct {
    guard x, g, y, log_y, dx, log_dx, lse, loss, max, log_sum, ce_dx, scale;
    int64_t target[ROWS];
} operands;

static guard real_guard(int dtype, int64_t cols, bool fill, uint64_t seed)
{
    const size_t size = test_size(dtype);
    guard g = guard_new((size_t)((ROWS - 1) * (cols + 3) + cols) * size);
    memset(g.data, 0x5a, g.bytes);
    for (size_t i = 0; fill && i < g.bytes / size; i++) {
        const double x = 8 * (test_uniform(seed + i) - 0.5) + (test_bits(seed) % 2 ? 50 : 0);
        const float single = (float)x;
        memcpy(g.data + i * size, dtype == HONE__F32 ? (const void *)&single : &x, size);
    }
    return g;
}

static operands run(const hone__isa *isa, int dtype, int64_t cols)
{
    const int64_t s = cols + 3;
    const size_t per_row = ROWS * test_size(dtype);
    operands o = { .x = real_guard(dtype, cols, true, (uint64_t)cols),
                   .g = real_guard(dtype, cols, true, 99) };
    o.y = real_guard(dtype, cols, false, 0);
    o.log_y = real_guard(dtype, cols, false, 0);
    o.dx = real_guard(dtype, cols, false, 0);
    o.log_dx = real_guard(dtype, cols, false, 0);
    o.ce_dx = real_guard(dtype, cols, false, 0);
    o.lse = guard_new(per_row);
    o.loss = guard_new(per_row);
    o.max = guard_new(per_row);
    o.log_sum = guard_new(per_row);
    o.scale = guard_new(test_size(dtype));
    const double scale = 0.25;
    hone__isa_find("scalar")->cast[HONE__F64][dtype](1, o.scale.data, 1, &scale, 1);
    for (int r = 0; r < ROWS; r++)
        o.target[r] = (int64_t)(test_bits((uint64_t)r) % (uint64_t)cols);
    isa->softmax[dtype](ROWS, cols, o.y.data, s, o.x.data, s);
    isa->log_softmax[dtype](ROWS, cols, o.log_y.data, s, o.x.data, s);
    isa->logsumexp[dtype](ROWS, cols, o.lse.data, 1, o.x.data, s);
    isa->softmax_backward[dtype](ROWS, cols, o.dx.data, s, o.g.data, s, o.y.data, s);
    isa->log_softmax_backward[dtype](ROWS, cols, o.log_dx.data, s, o.g.data, s, o.log_y.data, s);
    isa->cross_entropy[dtype](ROWS, cols, o.loss.data, o.max.data, o.log_sum.data, o.x.data, s,
                              o.target);
    isa->cross_entropy_backward[dtype](ROWS, cols, o.ce_dx.data, s, o.x.data, s, o.max.data,
                                       o.log_sum.data, o.target, o.scale.data, 0);
    return o;
}

static void each_guard(operands *o, void (*visit)(guard *))
{
    guard *const all[] = { &o->x,   &o->g,    &o->y,   &o->log_y,   &o->dx,    &o->log_dx,
                           &o->lse, &o->loss, &o->max, &o->log_sum, &o->ce_dx, &o->scale };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        visit(all[i]);
}

static void expect_intact(guard *g)
{
    cr_assert(guard_intact(g));
}

static double number(const guard *g, int dtype, int64_t i)
{
    return test_number(dtype, g->data + (size_t)i * test_size(dtype));
}

static void expect_near(double got, long double want, double tolerance, const char *what,
                        int64_t cols)
{
    const double error = (double)fabsl((long double)got - want);
    cr_assert(error <= tolerance, "%s of %d columns: %.17g, not %.17Lg", what, (int)cols, got,
              want);
}

static void check_against_formulas(const operands *o, int dtype, int64_t cols)
{
    static long double p[MAX_COLS];
    const double eps = dtype == HONE__F32 ? 0x1p-23 : 0x1p-52;
    for (int64_t r = 0; r < ROWS; r++) {
        const int64_t start = r * (cols + 3);
        long double max = -INFINITY, sum = 0, dot = 0, total = 0;
        for (int64_t j = 0; j < cols; j++)
            max = fmaxl(max, (long double)number(&o->x, dtype, start + j));
        for (int64_t j = 0; j < cols; j++)
            sum += p[j] = expl((long double)number(&o->x, dtype, start + j) - max);
        for (int64_t j = 0; j < cols; j++) {
            p[j] /= sum;
            dot += p[j] * (long double)number(&o->g, dtype, start + j);
            total += (long double)number(&o->g, dtype, start + j);
        }
        const long double lse = max + logl(sum);
        expect_near(number(&o->lse, dtype, r), lse, 64 * eps, "logsumexp", cols);
        const long double x_target = (long double)number(&o->x, dtype, start + o->target[r]);
        expect_near(number(&o->loss, dtype, r), lse - x_target, 16 * eps, "cross-entropy", cols);
        for (int64_t j = 0; j < cols; j++) {
            const long double g = (long double)number(&o->g, dtype, start + j);
            const long double x = (long double)number(&o->x, dtype, start + j);
            const long double hit = j == o->target[r];
            expect_near(number(&o->y, dtype, start + j), p[j], 16 * eps * (double)p[j], "softmax",
                        cols);
            expect_near(number(&o->log_y, dtype, start + j), x - lse, 16 * eps, "log_softmax",
                        cols);
            expect_near(number(&o->dx, dtype, start + j), p[j] * (g - dot), 512 * eps,
                        "softmax backward", cols);
            expect_near(number(&o->log_dx, dtype, start + j), g - p[j] * total, 4096 * eps,
                        "log_softmax backward", cols);
            expect_near(number(&o->ce_dx, dtype, start + j), (p[j] - hit) * 0.25L, 16 * eps,
                        "cross-entropy backward", cols);
        }
    }
}

static void check_same(const guard *a, const guard *b, const char *what, const char *isa,
                       int64_t cols)
{
    cr_assert_eq(memcmp(a->data, b->data, a->bytes), 0, "%s: %s of %d columns differs", isa, what,
                 (int)cols);
}

Test(kernels_rows, formulas_and_same_bits)
{
    for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++) {
        for (int s = 0; s < N_SIZES; s++) {
            operands first = run(hone__isa_available(0), dtype, sizes[s]);
            check_against_formulas(&first, dtype, sizes[s]);
            const hone__isa *isa;
            for (int i = 0; (isa = hone__isa_available(i)); i++) {
                operands o = run(isa, dtype, sizes[s]);
                check_same(&first.y, &o.y, "softmax", isa->name, sizes[s]);
                check_same(&first.log_y, &o.log_y, "log_softmax", isa->name, sizes[s]);
                check_same(&first.dx, &o.dx, "softmax backward", isa->name, sizes[s]);
                check_same(&first.log_dx, &o.log_dx, "log_softmax backward", isa->name, sizes[s]);
                check_same(&first.lse, &o.lse, "logsumexp", isa->name, sizes[s]);
                check_same(&first.loss, &o.loss, "cross-entropy", isa->name, sizes[s]);
                check_same(&first.ce_dx, &o.ce_dx, "cross-entropy backward", isa->name, sizes[s]);
                each_guard(&o, expect_intact);
                each_guard(&o, guard_free);
            }
            each_guard(&first, guard_free);
        }
    }
}

Test(kernels_rows, infinities_and_nan)
{
    const float inf = INFINITY;
    const float rows[4][3] = { { -inf, 0, 0 }, { -inf, -inf, -inf }, { inf, 0, 1 }, { NAN, 0, 1 } };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        float y[4][3], lse[4], empty = 0;
        isa->softmax[HONE__F32](4, 3, y, 3, rows, 3);
        cr_assert(y[0][0] == 0 && y[0][1] == 0.5f && y[0][2] == 0.5f);
        cr_assert(isnan(y[1][0]) && isnan(y[2][0]) && isnan(y[3][1]));
        isa->logsumexp[HONE__F32](4, 3, lse, 1, rows, 3);
        cr_assert_float_eq(lse[0], 0.6931472f, 1e-6);
        cr_assert(lse[1] == -inf && lse[2] == inf && isnan(lse[3]));
        isa->logsumexp[HONE__F32](1, 0, &empty, 1, rows, 3);
        cr_assert(empty == -inf);
    }
}

Test(kernels_rows, in_place)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        double x[37], y[37], g[37], dx[37];
        for (int j = 0; j < 37; j++) {
            x[j] = test_uniform((uint64_t)j) * 9;
            g[j] = test_uniform((uint64_t)j + 40);
        }
        isa->softmax[HONE__F64](1, 37, y, 37, x, 37);
        isa->softmax_backward[HONE__F64](1, 37, dx, 37, g, 37, y, 37);
        isa->softmax_backward[HONE__F64](1, 37, g, 37, g, 37, y, 37);
        cr_assert_eq(memcmp(g, dx, sizeof g), 0);
        double loss, max, log_sum, scale = 2;
        int64_t target = 5;
        isa->cross_entropy[HONE__F64](1, 37, &loss, &max, &log_sum, x, 37, &target);
        isa->cross_entropy_backward[HONE__F64](1, 37, dx, 37, x, 37, &max, &log_sum, &target,
                                               &scale, 1);
        double in_place[37];
        memcpy(in_place, x, sizeof x);
        isa->cross_entropy_backward[HONE__F64](1, 37, in_place, 37, in_place, 37, &max, &log_sum,
                                               &target, &scale, 1);
        cr_assert_eq(memcmp(in_place, dx, sizeof dx), 0);
        isa->softmax[HONE__F64](1, 37, x, 37, x, 37);
        cr_assert_eq(memcmp(x, y, sizeof x), 0);
    }
}

/* Bits of any exponent, of ones and of zeros at their end, so that quotients lie close to halves. */
static uint64_t hard_bits(uint64_t seed)
{
    const uint64_t bits = test_bits(seed), ends = UINT64_MAX >> (12 + test_bits(seed + 1) % 50);
    return seed % 3 == 0 ? bits : seed % 3 == 1 ? bits | ends : bits & ~ends;
}

Test(kernels_rows, attention_is_divided_as_by_division)
{
    enum { QUERIES = 500, WIDTH = 67 };
    static float f[QUERIES][WIDTH], f_want[QUERIES][WIDTH], f_sum[QUERIES];
    static double d[QUERIES][WIDTH], d_want[QUERIES][WIDTH], d_sum[QUERIES];
    static const double corners[] = { 0.0, -0.0, INFINITY, -INFINITY, 0x1p-148, -0x1.8p-130 };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (uint64_t r = 0, seed = 1; r < QUERIES; r++) {
            const uint64_t of = hard_bits(seed++);
            memcpy(&d_sum[r], &(uint64_t){ (of & UINT64_MAX >> 12) | (1000 + of % 45) << 52 }, 8);
            memcpy(&f_sum[r], &(uint32_t){ (uint32_t)((of & 0x7fffff) | (104 + of % 45) << 23) },
                   4);
            for (uint64_t c = 0; c < WIDTH; c++) {
                const uint64_t bits = hard_bits(seed++), corner = bits % 999;
                memcpy(&d[r][c], &bits, 8);
                memcpy(&f[r][c], &(uint32_t){ (uint32_t)(bits ^ bits >> 32) }, 4);
                if (corner < sizeof corners / sizeof *corners)
                    f[r][c] = (float)(d[r][c] = corners[corner]);
                d[r][c] = isnan(d[r][c]) ? 1 : d[r][c];
                f[r][c] = isnan(f[r][c]) ? 1 : f[r][c];
                d_want[r][c] = d[r][c] / d_sum[r];
                f_want[r][c] = f[r][c] / f_sum[r];
            }
        }
        isa->attend_end[HONE__F32](QUERIES, WIDTH, f, WIDTH, f_sum);
        isa->attend_end[HONE__F64](QUERIES, WIDTH, d, WIDTH, d_sum);
        cr_assert_eq(memcmp(f, f_want, sizeof f), 0, "%s", isa->name);
        cr_assert_eq(memcmp(d, d_want, sizeof d), 0, "%s", isa->name);
    }
}
