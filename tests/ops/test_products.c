/* test_products.c: matmul and linear: bits, unusual operands, errors. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <string.h>

SUITE(products);

Test(products, nothing_inside_gives_zeros_and_the_bias)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 0), *weight = hone_zeros(HONE_F32, 0, 3);
    CHECK_VALUES(hone_matmul(x, weight), HONE_F32, (2, 3), 0, 0, 0, 0, 0, 0);
    hone_tensor *bias = T(HONE_F32, (3), 1, -2, 3);
    CHECK_VALUES(hone_linear(x, weight, bias), HONE_F32, (2, 3), 1, -2, 3, 1, -2, 3);
    CHECK_VALUES(hone_linear_relu(x, weight, bias), HONE_F32, (2, 3), 1, 0, 3, 1, 0, 3);
    CHECK_VALUE0(hone_matmul(hone_zeros(HONE_F64, 0), hone_zeros(HONE_F64, 0)), HONE_F64, 0);
}

Test(products, eight_dims_of_batches)
{
    hone_tensor *a = hone_ones(HONE_F32, 1, 2, 1, 2, 1, 2, 2, 3);
    hone_tensor *y = hone_matmul(a, hone_ones(HONE_F32, 2, 1, 2, 1, 2, 1, 3, 1));
    cr_assert_eq(hone_dim(y), 8, "%s", hone_error_message());
    cr_assert_eq(hone_numel(y), 128);
    cr_assert_eq(hone_item(hone_sum(y)), 384);
}

/* Rows of a batch are rows of one product when the strides allow, and the same numbers anyway. */
Test(products, a_batch_of_rows_is_one_product)
{
    hone_tensor *x = hone_randn(HONE_F32, 4, 25, 33), *weight = hone_randn(HONE_F32, 33, 17);
    hone_tensor *flat = hone_matmul(hone_reshape(x, 100, 33), weight);
    cr_assert(hone_equal(hone_reshape(hone_matmul(x, weight), 100, 17), flat));
    cr_assert(hone_equal(hone_reshape(hone_linear(x, weight, HONE_NONE), 100, 17), flat));
    hone_tensor *strided = hone_transpose(hone_contiguous(hone_transpose(x, 0, 1)), 0, 1);
    cr_assert(hone_allclose(hone_reshape(hone_matmul(strided, weight), 100, 17), flat, 1e-5, 1e-5));
}

Test(products, the_fused_forms_have_the_bits_of_their_parts)
{
    hone_tensor *x = hone_randn(HONE_F32, 40, 65), *weight = hone_randn(HONE_F32, 65, 30);
    hone_tensor *bias = hone_randn(HONE_F32, 30);
    hone_tensor *parts = hone_add(hone_matmul(x, weight), bias);
    cr_assert(hone_equal(hone_linear(x, weight, bias), parts));
    cr_assert(hone_equal(hone_linear_relu(x, weight, bias), hone_relu(parts)));
    cr_assert(hone_equal(hone_linear_gelu(x, weight, bias), hone_gelu(parts)));
    cr_assert(hone_equal(hone_linear_gelu_tanh(x, weight, bias), hone_gelu_tanh(parts)));
}

static void gradients(hone_tensor *(*linear)(hone_tensor *, hone_tensor *, hone_tensor *),
                      hone_tensor *const *leaves, hone_tensor **grads)
{
    hone_tensor *y = linear(leaves[0], leaves[1], leaves[2]);
    CHECK_OK(hone_backward(hone_sum(hone_square(y))));
    for (int i = 0; i < 3; i++) {
        grads[i] = hone_clone(hone_grad(leaves[i]));
        CHECK_OK(hone_set_grad(leaves[i], HONE_NONE));
    }
}

static hone_tensor *in_parts(hone_tensor *x, hone_tensor *weight, hone_tensor *bias)
{
    return hone_relu(hone_add(hone_matmul(x, weight), bias));
}

static hone_tensor *gelu_in_parts(hone_tensor *x, hone_tensor *weight, hone_tensor *bias)
{
    return hone_gelu(hone_add(hone_matmul(x, weight), bias));
}

Test(products, the_fused_gradients_have_the_bits_of_their_parts)
{
    hone_tensor *leaves[] = { hone_requires_grad_(hone_randn(HONE_F32, 40, 65), true),
                              hone_requires_grad_(hone_randn(HONE_F32, 65, 30), true),
                              hone_requires_grad_(hone_randn(HONE_F32, 30), true) };
    hone_tensor *fused[3], *parts[3];
    gradients(hone_linear_relu, leaves, fused);
    gradients(in_parts, leaves, parts);
    for (int i = 0; i < 3; i++)
        cr_assert(hone_equal(fused[i], parts[i]), "input %d", i);
    gradients(hone_linear_gelu, leaves, fused);
    gradients(gelu_in_parts, leaves, parts);
    for (int i = 0; i < 3; i++)
        cr_assert(hone_equal(fused[i], parts[i]), "gelu, input %d", i);
}

/* One row, few rows contiguous in k, few outputs of a long k, ranges of k: each has its own end. */
Test(products, gelu_comes_last_in_every_kind_of_product)
{
    static const int64_t sizes[][3] = {
        { 1, 300, 70 }, { 4, 9, 100 }, { 12, 10, 5000 }, { 70, 530, 1500 }, { 40, 1, 60 }
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hone_tensor *x = hone_randn(HONE_F32, sizes[i][0], sizes[i][2]);
        hone_tensor *weight = hone_randn(HONE_F32, sizes[i][1], sizes[i][2]);
        hone_tensor *bias = hone_randn(HONE_F32, sizes[i][1]);
        for (int kind = 0; kind < 2; kind++) {
            hone_tensor *w = hone_transpose(weight, 0, 1);
            if (kind == 1)
                w = hone_requires_grad_(hone_detach(hone_contiguous(w)), true);
            hone_tensor *want = hone_gelu(hone_linear(x, w, bias));
            cr_assert(hone_equal(hone_linear_gelu(x, w, bias), want), "size %d kind %d", (int)i,
                      kind);
        }
    }
}

/* c + a b, each element one chain from c's on. */
static hone_tensor *chains_from(hone_tensor *c, hone_tensor *a, hone_tensor *b)
{
    const int64_t m = hone_size(a, 0), k = hone_size(a, 1), n = hone_size(b, 1);
    hone_tensor *y = hone_clone(c);
    a = hone_contiguous(a);
    const float *pa = hone_data(a), *pb = hone_data(hone_contiguous(b));
    float *to = hone_data(y);
    for (int64_t i = 0; i < m; i++)
        for (int64_t p = 0; p < k; p++)
            for (int64_t j = 0; j < n; j++)
                to[i * n + j] = fmaf(pa[i * k + p], pb[p * n + j], to[i * n + j]);
    return y;
}

Test(products, addmm_begins_with_its_input)
{
    static const int64_t sizes[][3] = { { 3, 5, 4 },       { 100, 10, 100 }, { 1, 70, 900 },
                                        { 70, 530, 1500 }, { 784, 100, 50 }, { 40, 1, 60 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        hone_tensor *c = hone_randn(HONE_F32, m, n), *a = hone_randn(HONE_F32, k, m);
        hone_tensor *b = hone_randn(HONE_F32, k, n), *at = hone_transpose(a, 0, 1);
        hone_tensor *want = chains_from(c, at, b);
        cr_assert(hone_equal(hone_addmm(c, at, b), want), "size %d", (int)i);
        hone_tensor *turned = hone_transpose(hone_contiguous(hone_transpose(c, 0, 1)), 0, 1);
        cr_assert_eq(hone_addmm_(turned, at, b), turned);
        cr_assert(hone_equal(turned, want), "in columns, size %d", (int)i);
    }
}

Test(products, addmm_may_read_what_it_changes)
{
    hone_tensor *x = hone_randn(HONE_F64, 9, 9);
    hone_tensor *want = hone_addmm(x, x, hone_contiguous(hone_transpose(x, 0, 1)));
    cr_assert(hone_equal(hone_addmm_(x, x, hone_transpose(x, 0, 1)), want));
    hone_tensor *y = hone_randn(HONE_F32, 6, 4);
    hone_tensor *half = hone_slice(y, 0, 0, 3, 1), *a = hone_randn(HONE_F32, 3, 3);
    want = hone_addmm(half, a, hone_clone(hone_slice(y, 0, 3, 6, 1)));
    cr_assert(hone_equal(hone_addmm_(half, a, hone_slice(y, 0, 3, 6, 1)), want));
}

/* The second walk goes on with the gradients of the first as if its samples came after those. */
Test(products, gradients_go_on)
{
    hone_tensor *x = hone_randn(HONE_F32, 2, 20, 65), *grad[2][2];
    for (int walks = 1; walks <= 2; walks++) {
        hone_tensor *leaves[] = { hone_requires_grad_(hone_ones(HONE_F32, 65, 30), true),
                                  hone_requires_grad_(hone_zeros(HONE_F32, 30), true) };
        for (int walk = 0; walk < walks; walk++) {
            hone_tensor *part = walks == 1 ? x : hone_slice(x, 0, walk, walk + 1, 1);
            hone_tensor *y = hone_linear_relu(part, leaves[0], leaves[1]);
            CHECK_OK(hone_backward(hone_sum(hone_square(y))));
        }
        grad[walks - 1][0] = hone_grad(leaves[0]);
        grad[walks - 1][1] = hone_grad(leaves[1]);
    }
    cr_expect(hone_equal(grad[0][0], grad[1][0]));
    cr_expect(hone_equal(grad[0][1], grad[1][1]));
}

/* A tensor that several products use: their gradients meet on the way to it, not in a leaf. */
Test(products, gradients_of_shared_inputs_add_up_with_the_bits_of_a_sum)
{
    hone_tensor *x = hone_requires_grad_(hone_randn(HONE_F32, 4, 7, 33), true);
    hone_tensor *weight[3], *dy = hone_randn(HONE_F32, 4, 7, 21), *want = NULL;
    hone_tensor *h = hone_mul_scalar(x, 1), *y = hone_zeros(HONE_F32, 4, 7, 21);
    for (int i = 0; i < 3; i++) {
        weight[i] = hone_randn(HONE_F32, 33, 21);
        y = hone_add(y, hone_linear(h, weight[i], HONE_NONE));
    }
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    for (int i = 2; i >= 0; i--) {
        hone_tensor *part = hone_matmul(dy, hone_transpose(weight[i], 0, 1));
        want = want ? hone_add(want, part) : part;
    }
    cr_assert(hone_equal(hone_grad(x), want));
}

static hone_tensor *product(hone_tensor *x, hone_tensor *weight, hone_tensor *bias)
{
    (void)bias;
    return hone_matmul(x, weight);
}

/* What is the input and the weight at once, and another op's input: three gradients meet. */
Test(products, gradients_of_an_input_that_is_the_weight)
{
    hone_tensor *start = hone_randn(HONE_F32, 24, 24), *s = hone_randn(HONE_F32, 24, 24);
    hone_tensor *(*const ops[])(hone_tensor *, hone_tensor *, hone_tensor *) = { product,
                                                                                 hone_linear };
    for (int first = 0; first < 2; first++) {
        hone_tensor *grad[2];
        for (int k = 0; k < 2; k++) {
            hone_tensor *x = hone_requires_grad_(hone_clone(start), true), *h = hone_mul(x, s);
            hone_tensor *before = first ? hone_sin(h) : NULL;
            hone_tensor *y = hone_mul(ops[k](h, h, HONE_NONE), s);
            CHECK_OK(hone_backward(hone_sum(hone_add(y, before ? before : hone_sin(h)))));
            grad[k] = hone_grad(x);
        }
        cr_expect(test_same_bits(grad[1], grad[0]), "the other op is the %s",
                  first ? "first" : "last");
    }
}

/* Only what is asked for is kept: a plain linear layer lets its output be changed in place. */
Test(products, a_linear_output_may_be_changed_in_place)
{
    hone_tensor *weight = hone_requires_grad_(hone_randn(HONE_F64, 3, 2), true);
    hone_tensor *y = hone_linear(hone_ones(HONE_F64, 4, 3), weight, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(hone_mul_scalar_(y, 2))));
    CHECK_VALUES(hone_grad(weight), HONE_F64, (3, 2), 8, 8, 8, 8, 8, 8);
    y = hone_linear_relu(hone_ones(HONE_F64, 4, 3), weight, HONE_NONE);
    hone_mul_scalar_(y, 2);
    CHECK_FAILS(hone_backward(hone_sum(y)), HONE_E_STATE, "linear_relu");
}

Test(products, nan_and_infinity_go_through)
{
    hone_tensor *a = T(HONE_F32, (1, 2), NAN, 1), *b = T(HONE_F32, (2, 1), 0, 1);
    CHECK_VALUES(hone_matmul(a, b), HONE_F32, (1, 1), NAN);
    CHECK_VALUES(hone_linear_relu(a, b, HONE_NONE), HONE_F32, (1, 1), NAN);
    CHECK_VALUES(hone_matmul(T(HONE_F64, (2), INFINITY, 1), T(HONE_F64, (2, 1), 1, 1)), HONE_F64,
                 (1), INFINITY);
}

Test(products, errors)
{
    hone_tensor *a = hone_ones(HONE_F32, 32, 784), *b = hone_ones(HONE_F32, 512, 10);
    CHECK_FAILS(hone_matmul(a, b), HONE_E_SHAPE,
                "matmul: inner dimensions differ: [32, 784] x [512, 10]");
    CHECK_FAILS(hone_matmul(hone_ones(HONE_F32, 3), b), HONE_E_SHAPE, "[3] x [512, 10]");
    hone_tensor *c = hone_ones(HONE_F32, 32, 10), *d = hone_ones(HONE_F32, 784, 10);
    CHECK_FAILS(hone_addmm(c, a, b), HONE_E_SHAPE, "addmm: inner dimensions differ");
    CHECK_FAILS(hone_addmm(hone_ones(HONE_F32, 31, 10), a, d), HONE_E_SHAPE,
                "addmm: input f32 [31, 10] doesn't broadcast to the product's shape [32, 10]");
    CHECK_FAILS(hone_addmm_(hone_ones(HONE_F32, 10), a, d), HONE_E_SHAPE, "addmm_: the result");
    CHECK_FAILS(hone_addmm(hone_ones(HONE_F64, 32, 10), a, d), HONE_E_DTYPE, "addmm: input is f64");
    CHECK_FAILS(hone_addmm(c, hone_ones(HONE_F32, 2, 32, 784), d), HONE_E_SHAPE,
                "must be matrices");
    CHECK_FAILS(hone_matmul(b, hone_ones(HONE_F32, 3)), HONE_E_SHAPE, "[512, 10] x [3]");
    CHECK_FAILS(hone_matmul(hone_scalar(HONE_F32, 1), b), HONE_E_SHAPE, "at least one dim");
    CHECK_FAILS(hone_matmul(b, hone_scalar(HONE_F32, 1)), HONE_E_SHAPE, "at least one dim");
    CHECK_FAILS(hone_matmul(hone_ones(HONE_F32, 2, 3, 4), hone_ones(HONE_F32, 3, 4, 5)),
                HONE_E_SHAPE, "batch dimensions don't broadcast: [2, 3, 4] x [3, 4, 5]");
    CHECK_FAILS(hone_matmul(hone_ones(HONE_F64, 2, 2), hone_ones(HONE_F32, 2, 2)), HONE_E_DTYPE,
                "f64 [2, 2] x f32 [2, 2]");
    CHECK_FAILS(hone_matmul(hone_ones(HONE_BOOL, 2, 2), hone_ones(HONE_BOOL, 2, 2)), HONE_E_DTYPE,
                "bool");
    CHECK_FAILS(hone_linear(a, b, HONE_NONE), HONE_E_SHAPE, "linear: inner dimensions differ");
    CHECK_FAILS(hone_linear(a, hone_ones(HONE_F32, 784), HONE_NONE), HONE_E_SHAPE, "[in, out]");
    CHECK_FAILS(hone_linear(a, HONE_NONE, HONE_NONE), HONE_E_NULL, "linear: its weight: HONE_NONE");
    CHECK_FAILS(hone_linear_relu(b, hone_ones(HONE_F32, 10, 4), hone_ones(HONE_F32, 3)),
                HONE_E_SHAPE, "linear_relu: the bias f32 [3] doesn't fit the weight f32 [10, 4]");
    CHECK_FAILS(hone_linear(b, hone_ones(HONE_F32, 10, 4), hone_ones(HONE_F64, 4)), HONE_E_DTYPE,
                "bias f64 [4]");
    hone_tensor *tall = hone_expand(hone_ones(HONE_F32, 1, 1), (int64_t)1 << 32, 1);
    CHECK_FAILS(hone_matmul(tall, hone_transpose(tall, 0, 1)), HONE_E_SHAPE, "matmul");
    CHECK_FAILS(hone_linear(tall, hone_transpose(tall, 0, 1), HONE_NONE), HONE_E_SHAPE, "linear");
    CHECK_FAILS(hone_linear(a, NULL, HONE_NONE), HONE_E_NULL, "linear");
}

/* One row that is expanded: its rows lie 0 bytes apart. */
Test(products, a_row_times_one_row_that_stands_for_many)
{
    hone_tensor *w = hone_expand(hone_full(HONE_F32, 0.5, 1, 1024), 2048, 1024);
    hone_tensor *y = hone_matmul(hone_ones(HONE_F32, 1, 2048), w);
    CHECK_VALUE0(hone_max(y), HONE_F32, 1024);
    CHECK_VALUE0(hone_min(y), HONE_F32, 1024);
}
