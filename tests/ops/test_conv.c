/* Convolution: PyTorch's values, what its bits may depend on, the product it is, refusals. */
#include "../support/support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(conv);

/* (0, 1, 2, ...) mod m - less. */
static hone_tensor *counted(hone_dtype dtype, int m, int less, int64_t a, int64_t b, int64_t c,
                            int64_t d)
{
    double *values = malloc((size_t)(a * b * c * d) * sizeof *values);
    for (int64_t i = 0; i < a * b * c * d; i++)
        values[i] = (double)(i % m - less);
    hone_tensor *t = hone_to(hone_from_data(HONE_F64, values, a, b, c, d), dtype);
    free(values);
    return hone_requires_grad_(t, true);
}

static void is(hone_tensor *t, const double *want, int n)
{
    cr_assert(t, "%s", hone_error_message());
    for (int i = 0; i < n; i++)
        cr_expect_eq(hone_at(hone_reshape(t, -1), i), want[i], "element %d", i);
}

/* torch 2.13: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2). */
Test(conv, pytorchs_values)
{
    HONE_SCOPE();
    static const double y_want[] = { -3, -3, -6, -1, 2, -5, -6, 10, 4, 4, 3, 2, 5, 2, -1 };
    static const double w_want[] = { 2,  3, -4, -4, 2,  2,  2,  3, -4, -4, 2,  2,
                                     -5, 1, 3,  3,  -3, -5, -5, 1, 3,  3,  -3, -5 };
    static const double x_want[] = { 3, -3, 3,  0, -3, -1, -2, 4,  -2, 1,
                                     0, 3,  -6, 3, 0,  3,  -1, -2, 1,  -2 };
    static const double bias[] = { 1, -2, 3, 0.5 };
    hone_tensor *x = counted(HONE_F64, 7, 3, 2, 2, 4, 5);
    hone_tensor *w = counted(HONE_F64, 5, 2, 4, 1, 2, 3);
    hone_tensor *y = hone_conv2d(
        x, w, hone_from_data(HONE_F64, bias, 4),
        &(hone_conv2d_options){
            .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 2 });
    is(y, y_want, 15);
    hone_tensor *by = hone_reshape(counted(HONE_F64, 3, 1, 2, 4, 3, 5), 2, 4, 3, 5);
    cr_assert_eq(hone_backward(hone_sum(hone_mul(y, hone_detach(by)))), HONE_OK);
    is(hone_grad(w), w_want, 24);
    is(hone_grad(x), x_want, 20);
}

/* F.conv2d(x, w, b, padding='same', groups=2): the odd row is below. */
Test(conv, same_padding)
{
    HONE_SCOPE();
    static const double want[] = { 2,  23, 7,  -2, -4, -3, -8, -3, 23, 3,
                                   -1, -4, -6, -8, 3,  3,  6,  3,  0,  -3 };
    static const double bias[] = { 1, -2, 3, 0.5 };
    is(hone_conv2d(counted(HONE_F64, 7, 3, 2, 2, 4, 5), counted(HONE_F64, 5, 2, 4, 1, 2, 3),
                   hone_from_data(HONE_F64, bias, 4),
                   &(hone_conv2d_options){ .auto_pad = HONE_PAD_SAME, .groups = 2 }),
       want, 20);
}

static const hone_conv2d_options padded = { .padding = { 1, 1 } };

/* Forward and the three gradients. */
static void run_all(hone_tensor *x, hone_tensor *w, hone_tensor *b, hone_tensor **got)
{
    x = hone_requires_grad_(hone_detach(x), true);
    w = hone_requires_grad_(hone_detach(w), true);
    b = hone_requires_grad_(hone_detach(b), true);
    got[0] = hone_conv2d(x, w, b, &padded);
    const hone_backward_options from = { .gradient = hone_detach(got[0]) };
    cr_assert_eq(hone_backward_with(got[0], &from), HONE_OK, "%s", hone_error_message());
    got[1] = hone_grad(x);
    got[2] = hone_grad(w);
    got[3] = hone_grad(b);
}

Test(conv, bits_depend_on_no_isa_and_no_layout)
{
    HONE_SCOPE();
    for (int dtype = HONE_F32; dtype <= (int)HONE_F64; dtype++) {
        hone_tensor *x = hone_randn((hone_dtype)dtype, 3, 9, 19, 23);
        hone_tensor *w = hone_randn((hone_dtype)dtype, 20, 9, 3, 3);
        hone_tensor *b = hone_randn((hone_dtype)dtype, 20), *want[4], *got[4];
        run_all(x, w, b, want);
        hone_tensor *last = hone_contiguous(hone_permute(x, 0, 2, 3, 1));
        for (int i = 0; hone__isa_available(i); i++) {
            hone__isa_use(hone__isa_available(i));
            run_all(hone_permute(last, 0, 3, 1, 2), w, b, got);
            for (int k = 0; k < 4; k++)
                cr_expect(test_same_bits(want[k], got[k]), "%d on %s", k,
                          hone__isa_available(i)->name);
        }
    }
}

Test(conv, a_sample_knows_no_other)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 9, 5, 12, 11), *w = hone_randn(HONE_F32, 7, 5, 3, 3);
    hone_tensor *all = hone_conv2d(x, w, HONE_NONE, &padded);
    hone_tensor *dx = hone_conv2d_backward_input(all, w, 12, 11, &padded);
    for (int i = 0; i < 9; i++) {
        hone_tensor *one = hone_conv2d(hone_slice(x, 0, i, i + 1, 1), w, HONE_NONE, &padded);
        cr_expect(test_same_bits(one, hone_slice(all, 0, i, i + 1, 1)), "sample %d", i);
        cr_expect(test_same_bits(hone_conv2d_backward_input(one, w, 12, 11, &padded),
                                 hone_slice(dx, 0, i, i + 1, 1)),
                  "gradient of sample %d", i);
    }
}

/* Of one tap: a weight whose rows are pages apart is turned once for many samples. */
Test(conv, a_sample_knows_no_other_of_many_channels)
{
    enum { SAMPLES = 4 };
    HONE_SCOPE();
    hone_tensor *dy = hone_randn(HONE_F32, SAMPLES, 384, 14, 14);
    hone_tensor *w = hone_randn(HONE_F32, 384, 1024, 1, 1);
    hone_tensor *dx = hone_conv2d_backward_input(dy, w, 14, 14, NULL);
    for (int i = 0; i < SAMPLES; i += SAMPLES - 1) {
        hone_tensor *one = hone_slice(dy, 0, i, i + 1, 1);
        cr_expect(test_same_bits(hone_conv2d_backward_input(one, w, 14, 14, NULL),
                                 hone_slice(dx, 0, i, i + 1, 1)),
                  "sample %d", i);
    }
}

/* Of one tap and few outputs: several samples are one product. */
Test(conv, a_sample_knows_no_other_of_few_outputs)
{
    enum { SAMPLES = 7, LEAST = 3, MOST = 5 };
    const hone_conv2d_options second = { .stride = { 2, 2 } };
    for (int isa = 0; hone__isa_available(isa); isa++)
        for (int64_t extent = LEAST; extent <= MOST; extent++) {
            HONE_SCOPE();
            hone__isa_use(hone__isa_available(isa));
            hone_tensor *x = hone_randn(HONE_F32, SAMPLES, 35, 2 * extent, 2 * extent - 1);
            hone_tensor *w = hone_randn(HONE_F32, 83, 35, 1, 1), *b = hone_randn(HONE_F32, 83);
            hone_tensor *all = hone_conv2d(x, w, b, &second);
            for (int i = 0; i < SAMPLES; i++)
                cr_expect(test_same_bits(hone_conv2d(hone_slice(x, 0, i, i + 1, 1), w, b, &second),
                                         hone_slice(all, 0, i, i + 1, 1)),
                          "%d x %d, sample %d on %s", (int)extent, (int)extent, i,
                          hone__isa_available(isa)->name);
        }
    hone__isa_use(hone__isa_best());
}

/* An image without a dim of samples is a batch of one, gradients that go on too. */
Test(conv, of_one_image)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 5, 12, 11), *w = hone_randn(HONE_F32, 7, 5, 3, 3);
    hone_tensor *b = hone_randn(HONE_F32, 7), *want[4], *got[4];
    run_all(hone_unsqueeze(x, 0), w, b, want);
    run_all(x, w, b, got);
    for (int k = 0; k < 4; k++)
        cr_expect(test_same_bits(k < 2 ? hone_unsqueeze(got[k], 0) : got[k], want[k]), "%d", k);
    hone_tensor *one = hone_requires_grad_(w, true),
                *two = hone_requires_grad_(hone_clone(hone_detach(w)), true);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(hone_backward(hone_sum(hone_conv2d(x, one, HONE_NONE, &padded))));
        CHECK_OK(
            hone_backward(hone_sum(hone_conv2d(hone_unsqueeze(x, 0), two, HONE_NONE, &padded))));
    }
    cr_expect(test_same_bits(hone_grad(one), hone_grad(two)));
}

/* Parts of a batch, one after the other, end in the bits of the whole. */
Test(conv, gradients_of_parameters_go_on_over_samples)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 7, 3, 9, 8), *w = hone_randn(HONE_F32, 5, 3, 3, 3);
    hone_tensor *b = hone_randn(HONE_F32, 5), *want[4];
    run_all(x, w, b, want);
    w = hone_requires_grad_(w, true);
    b = hone_requires_grad_(b, true);
    for (int i = 0; i < 7; i += 3) {
        hone_tensor *y = hone_conv2d(hone_slice(x, 0, i, i + 3, 1), w, b, &padded);
        const hone_backward_options from = { .gradient = hone_detach(y) };
        cr_assert_eq(hone_backward_with(y, &from), HONE_OK);
    }
    cr_expect(test_same_bits(hone_grad(w), want[2]));
    cr_expect(test_same_bits(hone_grad(b), want[3]));
}

Test(conv, of_one_tap_is_the_product)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 4, 33, 10, 13), *w = hone_randn(HONE_F32, 21, 33, 1, 1);
    hone_tensor *rows = hone_reshape(hone_permute(x, 0, 2, 3, 1), 520, 33);
    hone_tensor *y = hone_matmul(rows, hone_transpose(hone_reshape(w, 21, 33), 0, 1));
    cr_expect(test_same_bits(hone_permute(hone_conv2d(x, w, HONE_NONE, NULL), 0, 2, 3, 1),
                             hone_reshape(y, 4, 10, 13, 21)));
}

Test(conv, taps_in_the_padding_are_zeros)
{
    HONE_SCOPE();
    hone_tensor *x = hone_full(HONE_F32, -1, 1, 1, 1, 1),
                *w = hone_full(HONE_F32, INFINITY, 1, 1, 1, 3);
    hone_tensor *y = hone_conv2d(x, w, HONE_NONE, &(hone_conv2d_options){ .padding = { 0, 1 } });
    cr_expect(isnan(hone_item(y)));
    w = hone_full(HONE_F32, -0.0, 1, 1, 3, 3);
    y = hone_conv2d(x, w, HONE_NONE, &padded);
    cr_expect(hone_item(y) == 0 && !signbit(hone_item(y)));
}

static void refused(hone_tensor *y, hone_status status, const char *words)
{
    cr_expect_null(y);
    cr_expect_eq(hone_error_code(), status, "%s: %s", words, hone_error_message());
    cr_expect(strstr(hone_error_message(), words), "\"%s\" has no \"%s\"", hone_error_message(),
              words);
    hone_error_clear();
}

Test(conv, refusals)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2, 4, 5, 6), *w = hone_ones(HONE_F32, 6, 4, 3, 3);
#define CONV(...) hone_conv2d(x, w, HONE_NONE, &(hone_conv2d_options){ __VA_ARGS__ })
    refused(hone_conv2d(hone_ones(HONE_F32, 5, 6), w, HONE_NONE, NULL), HONE_E_SHAPE,
            "f32 [5, 6] and f32 [6, 4, 3, 3], but an image [N, C, H, W] or [C, H, W]");
    refused(hone_conv2d(hone_ones(HONE_F32, 3, 5, 6), w, HONE_NONE, NULL), HONE_E_SHAPE,
            "conv2d: f32 [3, 5, 6] and");
    refused(hone_conv2d_backward_weight(x, hone_ones(HONE_F32, 4, 5, 6), 3, 3, NULL), HONE_E_SHAPE,
            "or both without N");
    refused(hone_conv2d_backward_input(hone_ones(HONE_F32, 6, 5, 5), w, 5, 5, NULL), HONE_E_SHAPE,
            "the result of this convolution is [6, 3, 3]");
    refused(hone_conv2d(x, hone_ones(HONE_F64, 6, 4, 3, 3), HONE_NONE, NULL), HONE_E_DTYPE,
            "must be numbers of one dtype");
    refused(hone_conv2d(hone_ones(HONE_I64, 2, 4, 5, 6), w, HONE_NONE, NULL), HONE_E_DTYPE, "i64");
    refused(CONV(.groups = 4), HONE_E_SHAPE,
            "with 4 groups: 4 input channels must be groups times");
    refused(CONV(.groups = 3), HONE_E_SHAPE, "groups");
    refused(CONV(.dilation = { 3, 1 }), HONE_E_SHAPE, "doesn't fit into an image of 5 x 6");
    refused(CONV(.stride = { -1, 1 }), HONE_E_VALUE, "stride is -1, but 1");
    refused(CONV(.padding = { 0, -2 }), HONE_E_VALUE, "padding is -2, but 0");
    refused(CONV(.stride = { 2, 1 }, .auto_pad = HONE_PAD_SAME), HONE_E_VALUE, "stride 1");
    refused(CONV(.padding = { 1, 1 }, .auto_pad = HONE_PAD_VALID), HONE_E_VALUE,
            "no other padding");
    refused(hone_conv2d(x, w, hone_ones(HONE_F32, 5), NULL), HONE_E_SHAPE, "the bias f32 [5]");
    refused(hone_conv2d_backward_input(x, w, 9, 9, NULL), HONE_E_SHAPE, "");
    refused(hone_conv2d_backward_weight(x, x, 3, 3, NULL), HONE_E_SHAPE, "the result of this");
    cr_expect_null(hone_call("conv2d", hone_list(x, w), "stride=0").at);
    refused(NULL, HONE_E_VALUE, "stride is 0, but 1");
}

Test(conv, einsum_refusals)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *i = hone_ones(HONE_I64, 2, 3);
    refused(hone_einsum("ij,jk->ik", hone_list(x)), HONE_E_VALUE, "more terms than the 1");
    refused(hone_einsum("ij", hone_list(x, x)), HONE_E_VALUE, "fewer terms than the 2");
    refused(hone_einsum("i1->i", hone_list(x)), HONE_E_VALUE, "\"1\" is no letter");
    refused(hone_einsum("ijk->i", hone_list(x)), HONE_E_SHAPE, "operand 0 has 3 letters");
    refused(hone_einsum("ij->ii", hone_list(x)), HONE_E_VALUE, "i of the result is there twice");
    refused(hone_einsum("ij->k", hone_list(x)), HONE_E_VALUE, "k of the result is in no operand");
    refused(hone_einsum("ij,jk->ik", hone_list(x, x)), HONE_E_SHAPE,
            "doesn't fit the extent 3 of j");
    refused(hone_einsum("ii", hone_list(x)), HONE_E_SHAPE, "extent 2 of i");
    refused(hone_einsum("ij->i->j", hone_list(x)), HONE_E_VALUE, "no letter");
    refused(hone_einsum("ij,ij", hone_list(x, i)), HONE_E_DTYPE, "operand 1 is i64");
}

/* torch.einsum's results of equations with dots. */
Test(conv, einsum_dots)
{
    HONE_SCOPE();
    hone_tensor *a = hone_randn(HONE_F64, 2, 1, 3, 4), *b = hone_randn(HONE_F64, 5, 4, 6);
    cr_expect(
        test_same_bits(hone_einsum("...ij,...jk->...ik", hone_list(a, b)), hone_matmul(a, b)));
    cr_expect(test_same_bits(hone_einsum("...ij, ...jk", hone_list(a, b)), hone_matmul(a, b)));
    cr_expect(test_same_bits(hone_einsum("i...->...", hone_list(a)), hone_sum_dim(a, 0, false)));
    cr_expect(
        test_same_bits(hone_einsum("...ij->j...i", hone_list(a)), hone_permute(a, 3, 0, 1, 2)));
    hone_tensor *x = hone_requires_grad_(a, true);
    cr_assert_eq(hone_backward(hone_sum(hone_einsum("...i->i", hone_list(x)))), HONE_OK);
    cr_expect_eq(hone_at(hone_reshape(hone_grad(x), -1), 7), 1.0);
    hone_tensor *out = hone_zeros(HONE_F64, 4);
    cr_expect_eq(hone_call_out("einsum", hone_list(x), "equation=...i->i", hone_list(out)),
                 HONE_E_STATE);
    hone_error_clear();
}
