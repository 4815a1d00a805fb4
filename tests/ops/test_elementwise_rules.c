/* test_elementwise_rules.c: which dtype comes out, what is refused and how it is said, special
 * values. The dtypes and values are PyTorch's (2.13), but where a comment says otherwise. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(rules);

#define DTYPE(t, wanted)                                                                           \
    do {                                                                                           \
        hone_tensor *t_ = (t);                                                                     \
        cr_assert(t_, "%s", hone_error_message());                                                 \
        cr_expect(hone_dtype_of(t_) == (wanted), "%s is %s, not %s", #t,                           \
                  hone_dtype_name(hone_dtype_of(t_)), hone_dtype_name(wanted));                    \
    } while (0)

static hone_tensor *b, *u, *i, *l, *f, *d; /* [2] of each dtype */

static void tensors_of_each_dtype(void)
{
    test_begin();
    b = T(HONE_BOOL, (2), 1, 0);
    u = T(HONE_U8, (2), 1, 255);
    i = T(HONE_I32, (2), 1, -2);
    l = T(HONE_I64, (2), 1, -2);
    f = T(HONE_F32, (2), 1, -0.5);
    d = T(HONE_F64, (2), 1, -0.5);
}

Test(rules, promotion_of_tensors, .init = tensors_of_each_dtype)
{
    hone_tensor *const all[] = { b, u, i, l, f, d }; /* in the order of promotion */
    for (int x = 0; x < 6; x++)
        for (int y = 0; y < 6; y++) {
            hone_tensor *high = all[x > y ? x : y];
            DTYPE(hone_add(all[x], all[y]), hone_dtype_of(high));
            DTYPE(hone_mul(all[x], all[y]), hone_dtype_of(high));
            DTYPE(hone_maximum(all[x], all[y]), hone_dtype_of(high));
            DTYPE(hone_where(b, all[x], all[y]), hone_dtype_of(high));
            DTYPE(hone_div(all[x], all[y]), high == d ? HONE_F64 : HONE_F32);
            DTYPE(hone_lt(all[x], all[y]), HONE_BOOL);
        }
}

Test(rules, tensors_of_no_dims_raise_the_category_only, .init = tensors_of_each_dtype)
{
    DTYPE(hone_add(f, T0(HONE_F64, 1)), HONE_F32);
    DTYPE(hone_add(f, T0(HONE_I64, 1)), HONE_F32);
    DTYPE(hone_add(u, T0(HONE_I64, 3)), HONE_U8);
    DTYPE(hone_add(b, T0(HONE_I64, 3)), HONE_I64);
    DTYPE(hone_add(l, T0(HONE_F32, 1.5)), HONE_F32);
    DTYPE(hone_add(l, T0(HONE_F64, 1.5)), HONE_F64);
    DTYPE(hone_add(T0(HONE_U8, 3), T0(HONE_I64, 4)), HONE_I64);
    DTYPE(hone_where(b, l, T0(HONE_F32, 1)), HONE_F32);
    CHECK_VALUES(hone_add(T0(HONE_F64, 0.25), f), HONE_F32, (2), 1.25, -0.25);
}

Test(rules, numbers, .init = tensors_of_each_dtype)
{
    CHECK_VALUES(hone_add_scalar(b, 1), HONE_I64, (2), 2, 1);
    CHECK_VALUES(hone_add_scalar(u, 300), HONE_U8, (2), 45, 43); /* wraps */
    CHECK_VALUES(hone_mul_scalar(u, -1), HONE_U8, (2), 255, 1);
    CHECK_VALUES(hone_sub_scalar(u, -1), HONE_U8, (2), 2, 0);
    CHECK_VALUES(hone_add_scalar(u, 1.5), HONE_F32, (2), 2.5, 256.5);
    CHECK_VALUES(hone_add_scalar(l, 1.5), HONE_F32, (2), 2.5, -0.5);
    CHECK_VALUES(hone_add_scalar(f, 1.5), HONE_F32, (2), 2.5, 1);
    CHECK_VALUES(hone_div_scalar(l, 2), HONE_F32, (2), 0.5, -1);
    CHECK_VALUES(hone_div_scalar(b, 2), HONE_F32, (2), 0.5, 0);
    CHECK_VALUES(hone_maximum_scalar(l, -0x1p63), HONE_I64, (2), 1, -2);
    CHECK_VALUES(hone_mul_scalar(l, 0x1p63), HONE_F32, (2), 0x1p63, -0x1p64);
    CHECK_VALUES(hone_mul_scalar(l, 1e300), HONE_F32, (2), INFINITY, -INFINITY);
    CHECK_VALUES(hone_pow_scalar(l, 0.5), HONE_F32, (2), 1, NAN);
    CHECK_VALUES(hone_pow_scalar(u, 2), HONE_U8, (2), 1, 1);
    CHECK_VALUES(hone_pow_scalar(b, 2), HONE_I64, (2), 1, 0);
    CHECK_VALUES(hone_eq_scalar(u, 300), HONE_BOOL, (2), 0, 0);
    CHECK_VALUES(hone_lt_scalar(u, 300), HONE_BOOL, (2), 1, 1); /* PyTorch wraps 300 first */
    CHECK_VALUES(hone_gt_scalar(i, -1e300), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_eq_scalar(T(HONE_I64, (1), 16777217), 16777217), HONE_BOOL, (1), 1);
    CHECK_VALUES(hone_lt_scalar(T(HONE_I64, (1), 16777217), 16777217.5), HONE_BOOL, (1), 1);
    CHECK_VALUES(hone_eq_scalar(f, NAN), HONE_BOOL, (2), 0, 0);
    CHECK_VALUES(hone_ne_scalar(l, NAN), HONE_BOOL, (2), 1, 1);
}

/* PyTorch's maximum wraps such a number below 0 and refuses others. */
Test(rules, numbers_that_the_dtype_cannot_hold, .init = tensors_of_each_dtype)
{
    hone_tensor *x = T(HONE_U8, (3), 1, 100, 200), *wide = T(HONE_I32, (2), -0x1p31, 0x1p31 - 1);
    CHECK_VALUES(hone_maximum_scalar(x, -5), HONE_U8, (3), 1, 100, 200);
    CHECK_VALUES(hone_minimum_scalar(x, 300), HONE_U8, (3), 1, 100, 200);
    CHECK_VALUES(hone_minimum_scalar(x, 0x1p62), HONE_U8, (3), 1, 100, 200);
    CHECK_VALUES(hone_maximum_scalar(x, 255), HONE_U8, (3), 255, 255, 255);
    CHECK_VALUES(hone_minimum_scalar(x, 0), HONE_U8, (3), 0, 0, 0);
    CHECK_FAILS(hone_maximum_scalar(x, 256), HONE_E_VALUE,
                "maximum_scalar: 256 doesn't fit into u8");
    CHECK_FAILS(hone_minimum_scalar(x, -1), HONE_E_VALUE, "minimum_scalar: -1 doesn't fit into u8");
    CHECK_VALUES(hone_maximum_scalar(wide, -0x1p31 - 1), HONE_I32, (2), -0x1p31, 0x1p31 - 1);
    CHECK_VALUES(hone_minimum_scalar(wide, 0x1p31), HONE_I32, (2), -0x1p31, 0x1p31 - 1);
    CHECK_VALUES(hone_maximum_scalar(wide, -0x1p31), HONE_I32, (2), -0x1p31, 0x1p31 - 1);
    CHECK_FAILS(hone_maximum_scalar(wide, 0x1p31), HONE_E_VALUE, "i32");
    CHECK_FAILS(hone_minimum_scalar(wide, -0x1p40), HONE_E_VALUE, "i32");
    CHECK_VALUES(hone_maximum_scalar(x, INFINITY), HONE_F32, (3), INFINITY, INFINITY, INFINITY);
    CHECK_VALUES(hone_minimum_scalar(x, 2.5), HONE_F32, (3), 1, 2.5, 2.5);
    CHECK_VALUES(hone_maximum_scalar(x, NAN), HONE_F32, (3), NAN, NAN, NAN);
    CHECK_VALUES(hone_maximum_scalar(b, -5), HONE_I64, (2), 1, 0);
    CHECK_VALUES(hone_minimum_scalar(b, -5), HONE_I64, (2), -5, -5);
    CHECK_FAILS(hone_pow_scalar(x, 256), HONE_E_VALUE, "pow_scalar: 256 doesn't fit into u8");
    CHECK_FAILS(hone_pow_scalar(wide, 0x1p31), HONE_E_VALUE, "i32");
    CHECK_VALUES(hone_pow_scalar(x, 255), HONE_U8, (3), 1, 0, 0);
    CHECK_VALUES(hone_pow_scalar(T(HONE_I64, (3), 1, -1, 2), 0x1p62), HONE_I64, (3), 1, 1, 0);
    CHECK_VALUES(hone_pow_scalar(x, INFINITY), HONE_F32, (3), 1, INFINITY, INFINITY);
    CHECK_VALUES(hone_add_scalar(x, 0x1p40 + 1), HONE_U8, (3), 2, 101, 201);
    CHECK_VALUES(hone_sub_scalar(x, -0x1p63), HONE_U8, (3), 1, 100, 200);
    CHECK_VALUES(hone_mul_scalar(wide, 0x1p32 + 3), HONE_I32, (2), -0x1p31, 0x1p31 - 3);
    CHECK_VALUES(hone_add_scalar(x, NAN), HONE_F32, (3), NAN, NAN, NAN);
    CHECK_VALUES(hone_div_scalar(x, -INFINITY), HONE_F32, (3), -0.0, -0.0, -0.0);
    CHECK_FAILS(hone_fill_(x, -1), HONE_E_VALUE, "fill_: -1 doesn't fit into u8");
    CHECK_FAILS(hone_full(HONE_I64, -0x1.0000000000001p63, 2), HONE_E_VALUE, "i64");
}

Test(rules, comparisons_with_numbers_are_exact, .init = tensors_of_each_dtype)
{
    const int64_t ends[] = { INT64_MIN, INT64_MAX, INT64_MAX - 1, ((int64_t)1 << 53) + 1 };
    hone_tensor *x = hone_from_data(HONE_I64, ends, 4);
    CHECK_VALUES(hone_eq_scalar(x, 0x1p63), HONE_BOOL, (4), 0, 0, 0, 0);
    CHECK_VALUES(hone_lt_scalar(x, 0x1p63), HONE_BOOL, (4), 1, 1, 1, 1);
    CHECK_VALUES(hone_ge_scalar(x, 0x1p63), HONE_BOOL, (4), 0, 0, 0, 0);
    CHECK_VALUES(hone_ne_scalar(x, 0x1p64), HONE_BOOL, (4), 1, 1, 1, 1);
    CHECK_VALUES(hone_eq_scalar(x, -0x1p63), HONE_BOOL, (4), 1, 0, 0, 0);
    CHECK_VALUES(hone_gt_scalar(x, -0x1.0000000000001p63), HONE_BOOL, (4), 1, 1, 1, 1);
    CHECK_VALUES(hone_gt_scalar(x, 0x1p53), HONE_BOOL, (4), 0, 1, 1, 1);
    CHECK_VALUES(hone_eq_scalar(x, 0x1p53), HONE_BOOL, (4), 0, 0, 0, 0);
    CHECK_VALUES(hone_le_scalar(x, INFINITY), HONE_BOOL, (4), 1, 1, 1, 1);
    CHECK_VALUES(hone_le_scalar(x, NAN), HONE_BOOL, (4), 0, 0, 0, 0);
    CHECK_VALUES(hone_gt_scalar(u, -1), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_eq_scalar(u, -1), HONE_BOOL, (2), 0, 0);
    CHECK_VALUES(hone_le_scalar(i, 0x1p31), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_eq_scalar(b, 2), HONE_BOOL, (2), 0, 0);
    CHECK_VALUES(hone_lt_scalar(b, 0.5), HONE_BOOL, (2), 0, 1);
}

Test(rules, bool_arithmetic, .init = tensors_of_each_dtype)
{
    hone_tensor *c = T(HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_add(b, c), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_mul(b, c), HONE_BOOL, (2), 1, 0);
    CHECK_VALUES(hone_maximum(b, c), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_minimum(b, c), HONE_BOOL, (2), 1, 0);
    CHECK_VALUES(hone_div(b, b), HONE_F32, (2), 1, NAN);
    CHECK_VALUES(hone_square(b), HONE_I64, (2), 1, 0);
    CHECK_FAILS(hone_sub(b, c), HONE_E_DTYPE, "sub: operand 0 is bool [2]");
    CHECK_FAILS(hone_sub(f, c), HONE_E_DTYPE, "sub: operand 1 is bool [2]");
    CHECK_FAILS(hone_sub_scalar(b, 1), HONE_E_DTYPE, "sub_scalar: operand 0 is bool [2]");
    CHECK_FAILS(hone_pow(b, c), HONE_E_DTYPE, "pow: two bool operands");
    CHECK_FAILS(hone_neg(b), HONE_E_DTYPE, "neg: bool [2]");
    CHECK_FAILS(hone_abs(b), HONE_E_DTYPE, "abs: bool [2]");
    CHECK_FAILS(hone_relu(b), HONE_E_DTYPE, "relu: bool [2]");
}

Test(rules, integers_wrap, .init = tensors_of_each_dtype)
{
    CHECK_VALUES(hone_neg(u), HONE_U8, (2), 255, 1);
    CHECK_VALUES(hone_add(u, u), HONE_U8, (2), 2, 254);
    CHECK_VALUES(hone_square(T(HONE_I32, (1), 65537)), HONE_I32, (1), 131073);
    CHECK_VALUES(hone_neg(T(HONE_I32, (1), -0x1p31)), HONE_I32, (1), -0x1p31);
    CHECK_VALUES(hone_add(u, l), HONE_I64, (2), 2, 253);
}

/* At infinities the limits (PyTorch: NaN for all but relu and softplus), at NaN what PyTorch
 * does. */
Test(rules, gradients_at_infinities_and_nan, .init = test_begin)
{
    hone_tensor *(*const functions[])(hone_tensor *) = { hone_relu, hone_gelu, hone_gelu_tanh,
                                                         hone_silu, hone_softplus };
    for (int k = 0; k < 5; k++)
        for (hone_dtype t = HONE_F32; t <= HONE_F64; t++) {
            hone_tensor *x = T(t, (5), INFINITY, -INFINITY, 1e30, -1e30, NAN);
            hone_requires_grad_(x, true);
            hone_backward(hone_sum(functions[k](x)));
            CHECK_VALUES(hone_slice(hone_grad(x), 0, 0, 4, 1), t, (4), 1, 0, 1, 0);
            const double last = hone_item(hone_select(hone_grad(x), 0, 4));
            cr_expect(k == 0 ? last == 1 : isnan(last), "function %d: %f at NaN", k, last);
        }
}

Test(rules, integer_powers, .init = tensors_of_each_dtype)
{
    CHECK_VALUES(hone_pow(T(HONE_I64, (3), -2, 0, 3), T(HONE_I64, (3), 3, 0, 4)), HONE_I64, (3), -8,
                 1, 81);
    CHECK_VALUES(hone_pow(l, T0(HONE_F32, 2)), HONE_F32, (2), 1, 4);
    /* PyTorch computes these for tensors (and gives 0) but refuses them for a number */
    CHECK_FAILS(hone_pow(l, l), HONE_E_VALUE, "negative integer powers");
    CHECK_FAILS(hone_pow(u, T(HONE_I32, (2, 1), 1, -1)), HONE_E_VALUE, "pow");
    CHECK_FAILS(hone_pow_scalar(l, -1), HONE_E_VALUE, "pow_scalar: i64 [2] to the power -1");
    CHECK_FAILS(hone_pow_scalar_(u, -3), HONE_E_VALUE, "pow_scalar");
}

Test(rules, shapes_that_do_not_fit, .init = tensors_of_each_dtype)
{
    hone_tensor *x = T_EMPTY(HONE_F32, 3, 4), *y = T_EMPTY(HONE_F32, 2, 4);
    CHECK_FAILS(hone_add(x, y), HONE_E_SHAPE,
                "add: shapes can't be broadcast together: [3, 4] and [2, 4]");
    CHECK_FAILS(hone_lt(x, y), HONE_E_SHAPE, "lt: ");
    CHECK_FAILS(hone_relu_backward(x, y), HONE_E_SHAPE, "relu_backward: ");
    CHECK_FAILS(hone_where(b, x, x), HONE_E_SHAPE, "[2] and [3, 4] and [3, 4]");
    CHECK_FAILS(hone_add_(f, T_EMPTY(HONE_F32, 3, 2)), HONE_E_SHAPE, "[3, 2]");
    CHECK_FAILS(hone_copy_(f, T_EMPTY(HONE_F32, 3, 2)), HONE_E_SHAPE, "[3, 2]");
    CHECK_FAILS(hone_copy_(f, T_EMPTY(HONE_F32, 3)), HONE_E_SHAPE, "copy_");
}

Test(rules, dtypes_that_do_not_fit, .init = tensors_of_each_dtype)
{
    CHECK_FAILS(hone_where(u, f, f), HONE_E_DTYPE, "where: the condition is u8 [2]");
    CHECK_FAILS(hone_relu_backward(l, f), HONE_E_DTYPE, "relu_backward: i64 [2] and f32 [2]");
    CHECK_FAILS(hone_sigmoid_backward(f, l), HONE_E_DTYPE, "sigmoid_backward");
    CHECK_FAILS(hone_tanh_backward(l, l), HONE_E_DTYPE, "tanh_backward");
    CHECK_FAILS(hone_to(f, (hone_dtype)9), HONE_E_DTYPE, "9");
}

Test(rules, results_in_place, .init = tensors_of_each_dtype)
{
    CHECK_FAILS(hone_add_scalar_(l, 1.5), HONE_E_DTYPE, "f32 can't be stored in a tensor of i64");
    CHECK_FAILS(hone_add_(l, f), HONE_E_DTYPE, "add_: ");
    CHECK_FAILS(hone_div_scalar_(l, 2), HONE_E_DTYPE, "div_scalar_: ");
    CHECK_FAILS(hone_exp_(l), HONE_E_DTYPE, "exp_: ");
    CHECK_FAILS(hone_add_scalar_(b, 1), HONE_E_DTYPE, "i64 can't be stored in a tensor of bool");
    CHECK_VALUES(hone_add_(u, l), HONE_U8, (2), 2, 253); /* i64 into u8: the same category */
    CHECK_VALUES(hone_add_(f, d), HONE_F32, (2), 2, -1);
    CHECK_VALUES(hone_add_(b, b), HONE_BOOL, (2), 1, 0);
    CHECK_VALUES(hone_copy_(l, T(HONE_F32, (2), 2.7, -1e30)), HONE_I64, (2), 2, -0x1p63);
    CHECK_VALUES(hone_fill_(u, 2.7), HONE_U8, (2), 2, 2);
    CHECK_VALUES(hone_fill_(b, 3), HONE_BOOL, (2), 1, 1);
    CHECK_VALUES(hone_zero_(d), HONE_F64, (2), 0, 0);
    CHECK_FAILS(hone_fill_(u, 300), HONE_E_VALUE, "fill_: 300 doesn't fit into u8");
    CHECK_FAILS(hone_fill_(l, NAN), HONE_E_VALUE, "fill_");
    hone_tensor *leaf = hone_requires_grad_(T(HONE_F32, (2), 1, 2), true);
    CHECK_FAILS(hone_add_scalar_(leaf, 1), HONE_E_STATE, "add_scalar_: ");
    CHECK_FAILS(hone_fill_(leaf, 1), HONE_E_STATE, "fill_: ");
}

Test(rules, conversions)
{
    hone_tensor *x = T(HONE_F32, (5), 300, -1.7, 1e20, NAN, 2.9);
    /* saturating and NaN to 0: PyTorch's results differ between machines here */
    CHECK_VALUES(hone_to(x, HONE_U8), HONE_U8, (5), 255, 0, 255, 0, 2);
    CHECK_VALUES(hone_to(x, HONE_I32), HONE_I32, (5), 300, -1, 0x1p31 - 1, 0, 2);
    CHECK_VALUES(hone_to(x, HONE_BOOL), HONE_BOOL, (5), 1, 1, 1, 1, 1);
    CHECK_VALUES(hone_to(T(HONE_I64, (2), 300, -1), HONE_U8), HONE_U8, (2), 44, 255);
    CHECK_VALUES(hone_to(T(HONE_F64, (1), 0.1), HONE_F32), HONE_F32, (1), (double)0.1f);
    cr_expect_eq(hone_to(x, HONE_F32), x);
    cr_expect_eq(hone_contiguous(x), x);
    cr_expect_neq(hone_clone(x), x);
}

Test(rules, special_values)
{
    hone_tensor *x = T(HONE_F32, (5), NAN, INFINITY, -INFINITY, 0, -0.0);
    CHECK_VALUES(hone_relu(x), HONE_F32, (5), NAN, INFINITY, 0, 0, 0);
    CHECK_VALUES(hone_sign(x), HONE_F32, (5), 0, 1, -1, 0, 0);
    CHECK_VALUES(hone_abs(x), HONE_F32, (5), NAN, INFINITY, INFINITY, 0, 0);
    CHECK_VALUES(hone_exp(x), HONE_F32, (5), NAN, INFINITY, 0, 1, 1);
    CHECK_VALUES(hone_sigmoid(x), HONE_F32, (5), NAN, 1, 0, 0.5, 0.5);
    CHECK_VALUES(hone_tanh(x), HONE_F32, (5), NAN, 1, -1, 0, -0.0);
    CHECK_VALUES(hone_log(x), HONE_F32, (5), NAN, INFINITY, NAN, -INFINITY, -INFINITY);
    CHECK_VALUES(hone_reciprocal(x), HONE_F32, (5), NAN, 0, -0.0, INFINITY, -INFINITY);
    CHECK_VALUES(hone_maximum_scalar(x, 0), HONE_F32, (5), NAN, INFINITY, 0, 0, 0);
    CHECK_VALUES(hone_maximum(T(HONE_F32, (2), 1, NAN), T(HONE_F32, (2), NAN, 1)), HONE_F32, (2),
                 NAN, NAN);
    CHECK_VALUES(hone_minimum(T(HONE_F32, (2), 1, NAN), T(HONE_F32, (2), NAN, 1)), HONE_F32, (2),
                 NAN, NAN);
    CHECK_VALUES(hone_div(T(HONE_I64, (3), 1, -1, 0), T(HONE_I64, (3), 0, 0, 0)), HONE_F32, (3),
                 INFINITY, -INFINITY, NAN);
    /* NaN in the branch not taken stays there */
    CHECK_VALUES(hone_where(T(HONE_BOOL, (2), 1, 0), T0(HONE_F32, 2), x = T(HONE_F32, (2), NAN, 3)),
                 HONE_F32, (2), 2, 3);
}

static hone_tensor *leaf(double x0, double x1, double x2)
{
    return hone_requires_grad_(T(HONE_F64, (3), x0, x1, x2), true);
}

static void backward(hone_tensor *y)
{
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = hone_ones_like(y) }));
}

/* Where a formula has a kink or a pole, the gradient is PyTorch's. */
Test(rules, gradients_at_special_points)
{
    hone_tensor *x = leaf(0, 1, NAN), *y = leaf(0, 2, 1);
    backward(hone_maximum(x, y));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0.5, 0, 1);
    CHECK_VALUES(hone_grad(y), HONE_F64, (3), 0.5, 1, 1);
    x = leaf(0, -1, 2);
    backward(hone_relu(x));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 0, 1);
    x = leaf(0, -1, 2);
    backward(hone_abs(x));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, -1, 1);
    x = leaf(0, 0, 2);
    y = leaf(0, 2, 0);
    backward(hone_pow(x, y));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 0, 0);
    CHECK_CLOSE(hone_grad(y), 1e-15, 0, HONE_F64, (3), 0, 0, log(2));
    x = leaf(0, 5, 2); /* 5^(0 - 1) must not be 5^255 */
    backward(hone_pow(x, T(HONE_U8, (3), 0, 0, 3)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 0, 12);
    x = leaf(0, 0, 3);
    backward(hone_pow_scalar(x, 0));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 0, 0);
    x = leaf(0, 4, 1);
    backward(hone_sqrt(x));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), INFINITY, 0.25, 0.5);
    x = leaf(1, 1, 1);
    backward(hone_where(T(HONE_BOOL, (3), 1, 0, 1), x, T0(HONE_F64, 5)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 1, 0, 1);
}

/* What a gradient does not need may be changed before the walk; what it needs may not. */
Test(rules, saved_operands)
{
    hone_tensor *x = leaf(1, 2, 3), *c = T(HONE_F64, (3), 4, 5, 6), *kept = hone_clone(c);
    hone_tensor *y = hone_mul(hone_add_scalar(x, 0), c), *z = hone_div(c, hone_add_scalar(x, 0));
    (void)z;
    hone_add_scalar_(kept, 1);
    backward(y);
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 4, 5, 6);
    hone_tensor *inner = hone_add_scalar(x, 0);
    y = hone_mul(inner, c);
    hone_add_scalar_(inner, 1); /* c's gradient isn't asked for, so nobody needs inner */
    backward(y);
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 8, 10, 12);
    y = hone_mul(hone_add_scalar(x, 0), c);
    hone_zero_(c);
    CHECK_FAILS(hone_backward_with(y, &(hone_backward_options){ .gradient = hone_ones_like(y) }),
                HONE_E_STATE, "mul");
}
