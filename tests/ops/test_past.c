/* Results that the caches can't hold, which are written past them: the bits of the same op on a few
 * rows at a time. The machine is one whose cache is small. */
#include "support.h"

#include "isa/isa.h"
#include "loops/past.h"

#include <hone/hone.h>

#include <stdlib.h>

static void small_cache(void)
{
    setenv("HWLOC_SYNTHETIC", "L3:1(size=65536) L2:4(size=32768) L1d:1(size=16384) Core:1 PU:1", 1);
    setenv("HONE_FORCE_THREADS", "1", 1);
    test_begin();
}
TestSuite(past, .init = small_cache, .fini = test_end);

enum { ROWS = 1100, COLS = 1003, STEP = 100 }; /* more than 1 MiB of bytes; STEP rows: less */

/* Operands: rows of two matrices, and one row for all. */
typedef struct {
    hone_tensor *x, *y, *row;
} operands;
typedef hone_tensor *(*maker)(const operands *o);

static hone_tensor *mul_all(const operands *o)
{
    return hone_mul(o->x, o->y);
}
static hone_tensor *add_row(const operands *o)
{
    return hone_add(o->x, o->row);
}
static hone_tensor *sub_column(const operands *o)
{
    return hone_sub(o->x, hone_slice(o->y, 1, 3, 4, 1));
}
static hone_tensor *negate(const operands *o)
{
    return hone_neg(o->x);
}
static hone_tensor *divide_number(const operands *o)
{
    return hone_div(hone_full(HONE_F32, 3, 1, 1), o->x);
}
static hone_tensor *number_divides(const operands *o)
{
    return hone_div_scalar(o->x, 3);
}
static hone_tensor *rectify(const operands *o)
{
    return hone_relu(hone_abs(hone_square(hone_sub_scalar(o->x, 1))));
}
static hone_tensor *slope(const operands *o)
{
    return hone_maximum(hone_relu_backward(o->x, o->y), hone_tanh_backward(o->x, o->y));
}
static hone_tensor *doubles(const operands *o)
{
    hone_tensor *x = hone_to(o->x, HONE_F64);
    return hone_minimum(hone_relu(hone_neg(x)), hone_sigmoid_backward(x, x));
}
static hone_tensor *expanded(const operands *o) /* both operands one element a row */
{
    hone_tensor *column = hone_slice(o->y, 1, 3, 4, 1);
    const int64_t rows = hone_size(o->x, 0);
    return hone_mul(hone_expand(column, rows, COLS), hone_expand(column, rows, COLS));
}
static hone_tensor *less(const operands *o)
{
    return hone_lt(o->x, o->y);
}
static hone_tensor *choose(const operands *o)
{
    return hone_where(hone_lt(o->x, o->row), o->x, o->y);
}
static hone_tensor *choose_number(const operands *o) /* on either side, and on both */
{
    hone_tensor *is_less = hone_lt(o->x, o->y), *one = hone_scalar(HONE_F32, 1.25);
    hone_tensor *left = hone_where(is_less, one, o->y), *right = hone_where(is_less, o->x, one);
    return hone_add(hone_add(left, right), hone_where(is_less, one, hone_neg(one)));
}
static hone_tensor *choose_wide(const operands *o)
{
    return hone_where(hone_lt(o->x, o->row), hone_to(o->x, HONE_F64), hone_to(o->y, HONE_F64));
}
static hone_tensor *choose_bytes(const operands *o)
{
    return hone_where(hone_lt(o->x, o->row), hone_gt(o->x, o->y), hone_gt(o->y, o->row));
}
static hone_tensor *choose_row(const operands *o) /* one condition for all rows, one for a row */
{
    hone_tensor *columns = hone_where(hone_gt(o->row, hone_scalar(HONE_F32, 0)), o->x, o->y);
    return hone_where(hone_gt(hone_slice(o->y, 1, 3, 4, 1), o->row), columns, o->y);
}
static hone_tensor *roots(const operands *o)
{
    hone_tensor *x = hone_abs(o->x);
    return hone_add(hone_sqrt(x), hone_mul(hone_rsqrt(x), hone_reciprocal(o->y)));
}
static hone_tensor *exponential(const operands *o)
{
    return hone_mul(hone_exp(o->x), hone_to(hone_exp(hone_to(o->y, HONE_F64)), HONE_F32));
}
static hone_tensor *widen(const operands *o)
{
    return hone_to(o->x, HONE_F64);
}
static hone_tensor *mixed(const operands *o) /* cast on the way */
{
    return hone_add(o->x, hone_to(hone_mul_scalar(o->y, 100), HONE_I64));
}
static hone_tensor *alike(const operands *o)
{
    return hone_full(HONE_F32, 1.5, hone_size(o->x, 0), COLS);
}
static hone_tensor *inside(const operands *o) /* rows that begin anywhere in a line */
{
    hone_tensor *out = hone_zeros(HONE_F32, hone_size(o->x, 0), COLS + 2);
    hone_tensor *part = hone_slice(out, 1, 1, COLS + 1, 1);
    return hone_copy_(part, o->x) ? out : NULL;
}

static hone_tensor *norm(const operands *o)
{
    return hone_layer_norm(o->x, o->row, o->row, 1, 1e-5);
}
static hone_tensor *norm_backward(const operands *o)
{
    return hone_layer_norm_backward(o->y, o->x, o->row, 1, 1e-5);
}

/* The same values with the columns' elements side by side. */
static hone_tensor *across(hone_tensor *t)
{
    return hone_transpose(hone_contiguous(hone_transpose(t, 0, 1)), 0, 1);
}
static hone_tensor *norm_across(const operands *o)
{
    return hone_layer_norm(across(o->x), HONE_NONE, o->row, 1, 1e-5);
}
static hone_tensor *norm_backward_across(const operands *o)
{
    return hone_layer_norm_backward(across(o->y), across(o->x), HONE_NONE, 1, 1e-5);
}

static hone_tensor *rows_of(hone_tensor *t, int64_t begin)
{
    return hone_slice(t, 0, begin, begin + STEP, 1);
}

Test(past, same_bits)
{
    static const maker makers[] = {
        mul_all,       add_row,       sub_column,     negate,      alike,
        inside,        divide_number, number_divides, rectify,     slope,
        expanded,      doubles,       less,           choose,      widen,
        mixed,         norm,          norm_backward,  norm_across, norm_backward_across,
        choose_number, choose_wide,   choose_bytes,   choose_row,  roots,
        exponential
    };
    const operands all = { hone_randn(HONE_F32, ROWS, COLS), hone_randn(HONE_F32, ROWS, COLS),
                           hone_randn(HONE_F32, COLS) };
    cr_assert(hone__exceeds_caches(ROWS * COLS));
    for (int threads = 1; threads <= 3; threads += 2) {
        CHECK_OK(hone_set_threads(threads));
        for (int i = 0; i < (int)(sizeof makers / sizeof *makers); i++) {
            HONE_SCOPE();
            hone_tensor *whole = makers[i](&all);
            cr_assert(whole, "%s", hone_error_message());
            for (int64_t r = 0; r < ROWS; r += STEP) {
                const operands few = { rows_of(all.x, r), rows_of(all.y, r), all.row };
                cr_assert(hone_equal(rows_of(whole, r), makers[i](&few)),
                          "op %d, rows from %d, %d threads", i, (int)r, threads);
            }
        }
    }
}

/* Along the rows a whole column belongs together: what is strided has the bits of what isn't. */
Test(past, softmax_of_columns)
{
    hone_tensor *x = hone_randn(HONE_F32, ROWS, COLS), *dy = hone_randn(HONE_F32, ROWS, COLS);
    for (int threads = 1; threads <= 3; threads += 2) {
        CHECK_OK(hone_set_threads(threads));
        cr_assert(hone_equal(hone_softmax(across(x), 0), hone_softmax(x, 0)));
        cr_assert(hone_equal(hone_log_softmax(across(x), 0), hone_log_softmax(x, 0)));
        cr_assert(hone_equal(hone_logsumexp(across(x), 0, false), hone_logsumexp(x, 0, false)));
        for (int kind = 0; kind < 3; kind++) {
            hone_tensor *a = kind != 1 ? across(dy) : dy, *b = kind != 0 ? across(x) : x;
            cr_assert(hone_equal(hone_softmax_backward(a, b, 0), hone_softmax_backward(dy, x, 0)));
            cr_assert(hone_equal(hone_log_softmax_backward(a, b, 0),
                                 hone_log_softmax_backward(dy, x, 0)));
        }
    }
}

/* A result over its own operand is not taken past: what is read is written. */
Test(past, in_place)
{
    hone_tensor *x = hone_randn(HONE_F32, ROWS, COLS), *twice = hone_mul_scalar(x, 2);
    hone_add_(x, x);
    cr_assert(hone_equal(x, twice));
}

Test(past, caches_of_the_team)
{
    CHECK_OK(hone_set_threads(1));
    cr_assert(!hone__exceeds_caches(65536) && hone__exceeds_caches(65537));
    cr_assert(hone__goes_past(65537) == (hone__k->write_past != NULL));
}
