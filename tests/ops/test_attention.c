/* Attention by blocks beside attention at once (which a mask that wants a gradient gets), over
 * lengths of several blocks; what a query doesn't see; how much memory it takes. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(attention);

#define NONE HONE_NONE

typedef struct {
    hone_tensor *q, *k, *v;
} operands;

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

/* Not a multiple of any block or vector; key and value with so many heads. */
enum { HEADS = 4, QUERIES = 301, KEYS = 277, WIDTH = 19, VALUES = 21 };
static operands operands_of(hone_dtype dtype, int64_t heads)
{
    hone_seed(1);
    return (operands){ leaf(hone_randn(dtype, 2, HEADS, QUERIES, WIDTH)),
                       leaf(hone_randn(dtype, 2, heads, KEYS, WIDTH)),
                       leaf(hone_randn(dtype, 2, heads, KEYS, VALUES)) };
}

static hone_tensor *triangle(int64_t queries, int64_t keys)
{
    return hone_ge(hone_unsqueeze(hone_arange(HONE_I64, 0, (double)queries, 1), 1),
                   hone_arange(HONE_I64, 0, (double)keys, 1));
}

/* Where a bool mask is false -inf; with a gradient, so that all weights are made. */
static hone_tensor *as_numbers(hone_tensor *mask, hone_dtype dtype)
{
    return hone_where(mask, hone_scalar(dtype, 0), hone_scalar(dtype, -INFINITY));
}

static void check_gradient(hone_tensor *got, hone_tensor *want, double close, const char *what)
{
    cr_assert(hone_allclose(hone_grad(got), hone_grad(want), close, close), "%s", what);
}

static void check(hone_dtype dtype, int64_t heads, hone_tensor *mask, hone_tensor *at_once,
                  bool causal)
{
    const double close = dtype == HONE_F64 ? 1e-11 : 2e-5;
    const operands a = operands_of(dtype, heads), b = operands_of(dtype, heads);
    hone_tensor *y = hone_scaled_dot_product_attention(a.q, a.k, a.v, mask, causal, 0, true);
    hone_tensor *want =
        hone_scaled_dot_product_attention(b.q, b.k, b.v, leaf(at_once), false, 0, true);
    cr_assert(y && want, "%s", hone_error_message());
    cr_assert(hone_allclose(hone_detach(y), hone_detach(want), close, close));
    const hone_backward_options dy = { .gradient = hone_randn(dtype, 2, HEADS, QUERIES, VALUES) };
    CHECK_OK(hone_backward_with(y, &dy));
    CHECK_OK(hone_backward_with(want, &dy));
    check_gradient(a.q, b.q, close, "dq");
    check_gradient(a.k, b.k, close, "dk");
    check_gradient(a.v, b.v, close, "dv");
}

Test(attention, by_blocks_as_at_once)
{
    hone_tensor *all = hone_ones(HONE_BOOL, QUERIES, KEYS), *low = triangle(QUERIES, KEYS);
    hone_tensor *some = hone_gt_scalar(hone_rand(HONE_F32, QUERIES, KEYS), 0.6);
    hone_tensor *padding = hone_lt_scalar(hone_arange(HONE_I64, 0, KEYS, 1), 139);
    for (int64_t heads = 1; heads <= HEADS; heads *= 2)
        for (int wide = 0; wide < 2; wide++) {
            HONE_SCOPE();
            const hone_dtype dtype = wide ? HONE_F64 : HONE_F32;
            check(dtype, heads, NONE, as_numbers(all, dtype), false);
            check(dtype, heads, NONE, as_numbers(low, dtype), true);
            check(dtype, heads, some, as_numbers(some, dtype), false);
            check(dtype, heads, padding, as_numbers(hone_expand(padding, QUERIES, KEYS), dtype),
                  false);
            hone_tensor *added =
                hone_add(as_numbers(some, dtype), hone_randn(dtype, QUERIES, KEYS));
            check(dtype, heads, hone_clone(added), added, false);
        }
}

/* Lengths up to a block and more: the keys behind those that a query sees change no bit of it. */
Test(attention, bits_of_what_is_seen_alone)
{
    hone_tensor *q = hone_randn(HONE_F32, 3, 300, 24), *k = hone_randn(HONE_F32, 3, 300, 24);
    hone_tensor *v = hone_randn(HONE_F32, 3, 300, 24);
    hone_tensor *whole = hone_scaled_dot_product_attention(q, k, v, NONE, true, 0, false);
    for (int64_t n = 1; n < 300; n += n < 20 ? 1 : 37) {
        HONE_SCOPE();
        hone_tensor *some =
            hone_scaled_dot_product_attention(hone_slice(q, 1, 0, n, 1), hone_slice(k, 1, 0, n, 1),
                                              hone_slice(v, 1, 0, n, 1), NONE, true, 0, false);
        cr_assert(test_same_bits(some, hone_contiguous(hone_slice(whole, 1, 0, n, 1))));
        hone_tensor *last =
            hone_scaled_dot_product_attention(/* a step with a cache of keys */
                                              hone_slice(q, 1, n - 1, n, 1),
                                              hone_slice(k, 1, 0, n, 1), hone_slice(v, 1, 0, n, 1),
                                              NONE, false, 0, false);
        cr_assert(test_same_bits(last, hone_contiguous(hone_slice(whole, 1, n - 1, n, 1))));
        hone_tensor *one =
            hone_scaled_dot_product_attention(/* a head alone */
                                              hone_slice(q, 0, 1, 2, 1), hone_slice(k, 0, 1, 2, 1),
                                              hone_slice(v, 0, 1, 2, 1), NONE, true, 0, false);
        cr_assert(test_same_bits(one, hone_contiguous(hone_slice(whole, 0, 1, 2, 1))));
    }
}

/* Masked and causal give the same bits; NaN and infinities that are hidden don't show. */
Test(attention, hidden_keys_are_left_out)
{
    hone_tensor *q = leaf(hone_randn(HONE_F64, 1, 140, 8)), *mask = triangle(140, 150);
    hone_tensor *k = hone_randn(HONE_F64, 1, 150, 8), *v = hone_randn(HONE_F64, 1, 150, 8);
    hone_tensor *want = hone_scaled_dot_product_attention(q, k, v, NONE, true, 0, false);
    CHECK_OK(hone_backward(hone_sum(want)));
    hone_tensor *dq = hone_clone(hone_grad(q));
    hone_fill_(hone_slice(k, 1, 140, 145, 1), NAN);
    hone_fill_(hone_slice(v, 1, 141, 150, 1), INFINITY);
    hone_tensor *const masks[] = { NONE, mask, as_numbers(mask, HONE_F64) };
    for (int i = 0; i < 3; i++) {
        CHECK_OK(hone_set_grad(q, HONE_NONE));
        hone_tensor *y = hone_scaled_dot_product_attention(q, k, v, masks[i], i == 0, 0, false);
        cr_expect(test_same_bits(hone_detach(y), hone_detach(want)), "%d", i);
        CHECK_OK(hone_backward(hone_sum(y)));
        cr_expect(test_same_bits(hone_grad(q), dq), "%d", i);
    }
    hone_tensor *seen = hone_scaled_dot_product_attention(
        hone_ones(HONE_F32, 2, 1), /* inf - inf */
        T(HONE_F32, (2, 1), INFINITY, 1), T(HONE_F32, (2, 1), 1, 2), NONE, false, 0, false);
    cr_expect(isnan(hone_at(seen, 0, 0)));
}

/* Scores of any size; masks and keys that are broadcast. */
Test(attention, corners)
{
    hone_tensor *big =
        hone_scaled_dot_product_attention(T(HONE_F32, (1, 1), 300), T(HONE_F32, (2, 1), 300, 299),
                                          T(HONE_F32, (2, 1), 1, 2), NONE, false, 1, false);
    CHECK_VALUES(big, HONE_F32, (1, 1), 1);
    hone_tensor *q = hone_randn(HONE_F64, 2, 3, 5, 4), *k = hone_randn(HONE_F64, 1, 3, 6, 4);
    hone_tensor *y = hone_scaled_dot_product_attention(q, k, k, NONE, false, 0, false);
    hone_tensor *wide = hone_contiguous(hone_expand(k, 2, 3, 6, 4));
    cr_expect(
        test_same_bits(y, hone_scaled_dot_product_attention(q, wide, wide, NONE, false, 0, false)));
    hone_tensor *none =
        hone_scaled_dot_product_attention(q, hone_zeros(HONE_F64, 2, 3, 0, 4),
                                          hone_zeros(HONE_F64, 2, 3, 0, 4), NONE, false, 0, false);
    cr_expect_eq(hone_item(hone_max(hone_abs(none))), 0);
    CHECK_FAILS(hone_scaled_dot_product_attention(q, hone_zeros(HONE_F64, 2, 4, 5, 4),
                                                  hone_zeros(HONE_F64, 2, 4, 5, 4), NONE, false, 0,
                                                  false),
                HONE_E_SHAPE, "don't broadcast");
    CHECK_FAILS(
        hone_scaled_dot_product_attention(q, k, k, hone_ones(HONE_BOOL, 4, 6), false, 0, false),
        HONE_E_SHAPE, "expand");
}

/* Values of no width: what they are weighed by has gradients of 0. Keys of no width: all weigh the same. */
Test(attention, no_width)
{
    for (int causal = 0; causal < 2; causal++)
        for (int64_t values = 0; values < 6; values += 5) {
            const int64_t width = 5 - values;
            const operands a = { leaf(hone_randn(HONE_F64, 2, 70, width)),
                                 leaf(hone_randn(HONE_F64, 2, 90, width)),
                                 leaf(hone_ones(HONE_F64, 2, 90, values)) };
            hone_tensor *y =
                hone_scaled_dot_product_attention(a.q, a.k, a.v, NONE, causal, 0, false);
            cr_assert(y, "%s", hone_error_message());
            cr_expect(hone_allclose(hone_detach(y), hone_ones(HONE_F64, 2, 70, values), 0, 1e-12));
            CHECK_OK(hone_backward(hone_sum(y)));
            cr_expect(hone_equal(hone_grad(a.q), hone_zeros_like(a.q)));
            cr_expect(hone_equal(hone_grad(a.k), hone_zeros_like(a.k)));
            const double whole = hone_item(hone_sum(hone_grad(a.v)));
            cr_expect(fabs(whole - 2.0 * 70 * (double)values) < 1e-9, "%g", whole);
        }
}

/* What the walk and all threads need besides inputs and outputs is small. */
static int64_t peak_of(int64_t length, bool walk)
{
    hone_memory now;
    HONE_SCOPE();
    hone_tensor *t[3];
    for (int i = 0; i < 3; i++)
        t[i] = leaf(hone_randn(HONE_F32, 8, length, 64));
    hone_tensor *dy = hone_randn(HONE_F32, 8, length, 64);
    hone_set_grad_enabled(walk);
    hone_tensor *y = hone_scaled_dot_product_attention(t[0], t[1], t[2], NONE, true, 0, false);
    if (walk)
        CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    hone_set_grad_enabled(true);
    hone_memory_stats(&now);
    return (int64_t)now.peak_bytes;
}

/* Each in a process of its own, whose peak it is. Scores alone would be 128 MiB. */
enum { EACH = 8 * 2048 * 64 * 4, SMALL = 1 << 20 };
Test(attention, memory_is_linear)
{
    cr_expect_leq(peak_of(2048, false), (int64_t)5 * EACH / 10 * 12 + SMALL); /* q, k, v, dy; y */
}

Test(attention, memory_of_the_walk_is_linear)
{
    cr_expect_leq(peak_of(2048, true), (int64_t)8 * EACH / 10 * 12 + SMALL);
}
