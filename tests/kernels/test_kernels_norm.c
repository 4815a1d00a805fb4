/* Layer norm, its backward passes, deviations and the variance: a row's results against long double,
 * with the bits that it gets alone (rows are taken in groups), on every ISA the same; gradients with
 * what the forward pass kept have the bits of those that compute it again. All of this for ordinary
 * rows and for wild ones: among their neighbours are some whose squares over- or underflow. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct {
    int64_t rows, cols;
} shapes[] = { { 1, 1 },    { 40, 3 },   { 17, 16 },  { 33, 31 },  { 16, 64 },  { 37, 64 },
               { 5, 100 },  { 50, 100 }, { 9, 127 },  { 7, 256 },  { 33, 300 }, { 5, 1000 },
               { 4, 1024 }, { 3, 1025 }, { 3, 2049 }, { 2, 4096 }, { 3, 4097 }, { 130, 70 } };
enum { N_SHAPES = sizeof shapes / sizeof *shapes, APART = 3 };

typedef struct {
    guard x, dy, weight, bias, y, dx, dw, m2, norms[4], deviation, by_std;
    double eps;
} operands;

static guard numbers(int dtype, int64_t rows, int64_t cols, uint64_t seed, double mean)
{
    const size_t size = test_size(dtype);
    guard g = guard_new((size_t)((rows - 1) * (cols + APART) + cols) * size);
    memset(g.data, 0x5a, g.bytes);
    for (size_t i = 0; seed && i < g.bytes / size; i++) {
        const double x = mean + 8 * (test_uniform(seed + i) - 0.5);
        const float single = (float)x;
        memcpy(g.data + i * size, dtype == HONE__F32 ? (const void *)&single : &x, size);
    }
    return g;
}

static double at(int dtype, const guard *g, int64_t i)
{
    return test_number(dtype, g->data + (size_t)i * test_size(dtype));
}

static void each_guard(operands *o, void (*f)(guard *))
{
    guard *all[] = { &o->x,        &o->dy,       &o->weight,    &o->bias,     &o->y,
                     &o->dx,       &o->dw,       &o->m2,        &o->norms[0], &o->norms[1],
                     &o->norms[2], &o->norms[3], &o->deviation, &o->by_std };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        f(all[i]);
}

static void expect_intact(guard *g)
{
    cr_assert(guard_intact(g));
}

static hone__norms norms_of(const operands *o)
{
    return (hone__norms){ o->norms[0].data, o->norms[1].data, o->norms[2].data, o->norms[3].data };
}

/* Row r times the r-th factor. */
static void go_wild(const hone__isa *isa, int dtype, guard *x, int64_t rows, int64_t cols)
{
    static const double f32[] = { 1, 1e-25, 3, 5e36, 1e-42, 1, 1e20 };
    static const double f64[] = { 1, 1e-200, 3, 2e306, 1e-320, 1, 1e160 };
    for (int64_t r = 0; r < rows; r++) {
        const float single = (float)f32[r % 7];
        const void *by = dtype == HONE__F32 ? (const void *)&single : &f64[r % 7];
        unsigned char *row = x->data + (size_t)(r * (cols + APART)) * test_size(dtype);
        isa->binary[HONE__K_MUL][dtype](cols, row, 1, row, 1, by, 0);
    }
}

static operands run(const hone__isa *isa, int dtype, int64_t rows, int64_t cols, bool wild)
{
    const int64_t s = cols + APART;
    operands o = { .x = numbers(dtype, rows, cols, 1, 50),
                   .dy = numbers(dtype, rows, cols, 20000, 0),
                   .eps = wild ? 0 : 1e-5 };
    if (wild)
        go_wild(isa, dtype, &o.x, rows, cols);
    o.deviation = numbers(dtype, rows, cols, 0, 0);
    o.by_std = numbers(dtype, rows, cols, 0, 0);
    o.weight = numbers(dtype, 1, cols, 70000, 1);
    o.bias = numbers(dtype, 1, cols, 90000, 0);
    o.y = numbers(dtype, rows, cols, 0, 0);
    o.dx = numbers(dtype, rows, cols, 0, 0);
    o.dw = numbers(dtype, hone__cols_blocks(rows), cols, 0, 0);
    o.m2 = guard_new((size_t)rows * test_size(dtype));
    for (int i = 0; i < 4; i++)
        o.norms[i] = guard_new((size_t)rows * test_size(dtype));
    const hone__norms norms = norms_of(&o);
    isa->layer_norm[dtype](rows, cols, o.y.data, s, o.x.data, s, o.weight.data, o.bias.data, o.eps,
                           &norms, false);
    isa->layer_norm_backward[dtype](rows, cols, o.dx.data, s, o.dy.data, s, o.x.data, s,
                                    o.weight.data, o.eps, NULL, false);
    isa->layer_norm_weight_backward[dtype](rows, cols, o.dy.data, s, o.x.data, s, o.eps, NULL, 0,
                                           hone__cols_blocks(rows), o.dw.data);
    isa->deviation[dtype](rows, cols, o.deviation.data, s, o.x.data, s, NULL, false);
    isa->deviation[dtype](rows, cols, o.by_std.data, s, o.x.data, s, NULL, true);
    isa->reduce_rows[HONE__K_M2][dtype](rows, cols, o.x.data, s, o.m2.data, 1);
    each_guard(&o, expect_intact);
    return o;
}

/* Row r on its own, past the caches too, gives what it gave among the others. */
static void check_alone(const hone__isa *isa, int dtype, const operands *o, int64_t r, int64_t cols)
{
    const size_t size = test_size(dtype), row = (size_t)cols * size;
    const size_t from = (size_t)(r * (cols + APART)) * size;
    guard y = guard_new(row), m2 = guard_new(size);
    isa->layer_norm[dtype](1, cols, y.data, cols, o->x.data + from, cols, o->weight.data,
                           o->bias.data, o->eps, NULL, true);
    cr_assert_eq(memcmp(y.data, o->y.data + from, row), 0, "%s: row %d of %d", isa->name, (int)r,
                 (int)cols);
    isa->layer_norm_backward[dtype](1, cols, y.data, cols, o->dy.data + from, cols,
                                    o->x.data + from, cols, o->weight.data, o->eps, NULL, true);
    cr_assert_eq(memcmp(y.data, o->dx.data + from, row), 0, "%s: dx of row %d of %d", isa->name,
                 (int)r, (int)cols);
    for (int by_std = 0; by_std <= 1; by_std++) {
        isa->deviation[dtype](1, cols, y.data, cols, o->x.data + from, cols, NULL, by_std);
        cr_assert_eq(memcmp(y.data, (by_std ? o->by_std : o->deviation).data + from, row), 0);
    }
    isa->reduce_rows[HONE__K_M2][dtype](1, cols, o->x.data + from, cols, m2.data, 1);
    cr_assert_eq(memcmp(m2.data, o->m2.data + (size_t)r * size, size), 0);
    guard_free(&y);
    guard_free(&m2);
}

/* Kept norms: the same dx, past the caches, and the same dw whether its columns are taken together
 * or in two parts. */
static void check_kept(const hone__isa *isa, int dtype, const operands *o, int64_t rows,
                       int64_t cols)
{
    const int64_t s = cols + APART, part = cols / 2;
    const hone__norms norms = norms_of(o);
    const size_t size = test_size(dtype), last = (size_t)(rows - 1) / 128 * 128;
    guard dx = numbers(dtype, rows, cols, 0, 0), dw = guard_new((size_t)cols * size);
    const unsigned char *want = o->dw.data + last / 128 * (size_t)cols * size;
    isa->layer_norm_backward[dtype](rows, cols, dx.data, s, o->dy.data, s, o->x.data, s,
                                    o->weight.data, o->eps, &norms, true);
    cr_assert_eq(memcmp(dx.data, o->dx.data, dx.bytes), 0, "%s: dx of %dx%d", isa->name, (int)rows,
                 (int)cols);
    for (int parts = 1; parts <= 2; parts++) {
        const int64_t cut = parts == 1 ? 0 : part;
        const int64_t block = (int64_t)last / 128;
        memset(dw.data, 0x5a, dw.bytes);
        for (int64_t at = 0, n; at < cols; at += n) {
            n = at < cut ? cut : cols - at;
            isa->layer_norm_weight_backward[dtype](rows, n, o->dy.data + (size_t)at * size, s,
                                                   o->x.data + (size_t)at * size, s, o->eps, &norms,
                                                   block, block + 1, dw.data + (size_t)at * size);
        }
        cr_assert_eq(memcmp(dw.data, want, dw.bytes), 0, "%s: dw of %dx%d in %d", isa->name,
                     (int)rows, (int)cols, parts);
    }
    cr_assert(guard_intact(&dx) && guard_intact(&dw));
    guard_free(&dx);
    guard_free(&dw);
}

static void check_row(int dtype, const operands *o, int64_t r, int64_t cols)
{
    const int64_t first = r * (cols + APART);
    const double bound = dtype == HONE__F32 ? 2e-4 : 1e-12;
    long double mean = 0, m2 = 0;
    for (int64_t j = 0; j < cols; j++)
        mean += (long double)at(dtype, &o->x, first + j) / (long double)cols;
    for (int64_t j = 0; j < cols; j++)
        m2 += powl((long double)at(dtype, &o->x, first + j) - mean, 2);
    if (o->eps > 0)
        cr_assert_float_eq(at(dtype, &o->m2, r), (double)m2, bound * (1 + (double)m2));
    const long double std = sqrtl(m2 / (long double)cols);
    const long double scale = 1 / sqrtl(m2 / (long double)cols + (long double)o->eps);
    for (int64_t j = 0; j < cols; j++) {
        const long double d = (long double)at(dtype, &o->x, first + j) - mean;
        const double want =
            (double)(d * scale * (long double)at(dtype, &o->weight, j)) + at(dtype, &o->bias, j);
        cr_assert_float_eq(at(dtype, &o->y, first + j), want, bound * 4, "row %d of %d: %a, not %a",
                           (int)r, (int)cols, at(dtype, &o->y, first + j), want);
        if (std == 0)
            continue;
        cr_assert_float_eq(at(dtype, &o->by_std, first + j), (double)(d / std), bound);
        cr_assert(fabsl((long double)at(dtype, &o->deviation, first + j) - d) <=
                  (long double)bound * std + 0x1p-149L);
    }
}

static void expect_same(const hone__isa *isa, const guard *a, const guard *b)
{
    cr_assert_eq(memcmp(a->data, b->data, a->bytes), 0, "%s", isa->name);
}

static void check_shape(int dtype, int64_t rows, int64_t cols, bool wild)
{
    const hone__isa *isa;
    operands first = run(hone__isa_available(0), dtype, rows, cols, wild);
    for (int64_t r = 0; r < rows; r++)
        check_row(dtype, &first, r, cols);
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        operands o = run(isa, dtype, rows, cols, wild);
        for (int64_t r = 0; r < rows; r++)
            check_alone(isa, dtype, &o, r, cols);
        check_kept(isa, dtype, &o, rows, cols);
        expect_same(isa, &o.y, &first.y);
        expect_same(isa, &o.dx, &first.dx);
        expect_same(isa, &o.deviation, &first.deviation);
        expect_same(isa, &o.by_std, &first.by_std);
        cr_assert_eq(memcmp(o.dw.data, first.dw.data,
                            (size_t)(hone__cols_blocks(rows) * cols) * test_size(dtype)),
                     0, "%s", isa->name);
        each_guard(&o, guard_free);
    }
    each_guard(&first, guard_free);
}

Test(kernels_norm, rows_in_groups)
{
    for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
        for (int s = 0; s < N_SHAPES; s++)
            check_shape(dtype, shapes[s].rows, shapes[s].cols, false);
}

Test(kernels_norm, rows_whose_squares_leave_the_range)
{
    for (int dtype = HONE__F32; dtype <= HONE__F64; dtype++)
        for (int s = 0; s < N_SHAPES; s++)
            if (shapes[s].cols > 1)
                check_shape(dtype, shapes[s].rows, shapes[s].cols, true);
}

Test(kernels_norm, no_weight_infinities_and_no_columns)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        float x[3][70], y[3][70], m2[3] = { 1, 1, 1 };
        for (int j = 0; j < 210; j++)
            x[j / 70][j % 70] = (float)(j % 9);
        x[1][69] = INFINITY;
        isa->layer_norm[HONE__F32](3, 70, y, 70, x, 70, NULL, NULL, 1e-5, NULL, false);
        for (int j = 0; j < 70; j++)
            cr_assert(isfinite(y[0][j]) && isnan(y[1][j]) && isfinite(y[2][j]), "%s", isa->name);
        isa->reduce_rows[HONE__K_M2][HONE__F32](3, 70, x, 70, m2, 1);
        cr_assert(isfinite(m2[0]) && isnan(m2[1]) && isfinite(m2[2]));
        isa->reduce_rows[HONE__K_M2][HONE__F32](3, 0, x, 70, m2, 1);
        cr_assert(m2[0] == 0 && m2[1] == 0 && m2[2] == 0);
        isa->layer_norm[HONE__F32](3, 0, y, 0, x, 0, NULL, NULL, 1e-5, NULL, false);
    }
}
