/* What is not kept for a gradient but made again: rounded weights, and results whose op knows how. */
#include "support.h"

#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/math.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <string.h>

SUITE(made_again);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(hone_detach(t), true);
}

static hone_tensor *halves(int64_t rows, int64_t columns)
{
    return hone_to(hone_randn(HONE_F32, rows, columns), HONE_BF16);
}

static int64_t bytes_in_use(void)
{
    hone_memory now;
    hone_memory_stats(&now);
    return now.in_use_bytes;
}

Test(made_again, weights_lie_there_once)
{
    hone_tensor *x = leaf(halves(256, 300)), *w = leaf(hone_randn(HONE_F32, 300, 200)), *y;
    const int64_t before = bytes_in_use();
    {
        HONE_AUTOCAST(HONE_BF16);
        y = hone_linear(x, w, HONE_NONE);
        cr_assert(bytes_in_use() - before < (256 + 100) * 200 * 2, "no copy of the weight is kept");
    }
    hone_tensor *rounded = leaf(hone_to(w, HONE_BF16)), *r = hone_ones(HONE_BF16, 256, 200);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = r }));
    hone_tensor *dx = hone_grad(x);
    CHECK_OK(hone_set_grad(x, HONE_NONE));
    CHECK_OK(hone_backward_with(hone_linear(x, rounded, HONE_NONE),
                                &(hone_backward_options){ .gradient = r }));
    cr_assert(test_same_bits(dx, hone_grad(x)));
}

Test(made_again, a_weight_that_is_changed_is_refused)
{
    hone_tensor *x = leaf(halves(256, 300)), *w = leaf(hone_randn(HONE_F32, 300, 200)), *y;
    {
        HONE_AUTOCAST(HONE_BF16);
        y = hone_sum(hone_linear(x, w, HONE_NONE));
    }
    {
        HONE_NO_GRAD();
        hone_zero_(w);
    }
    CHECK_FAILS(hone_autograd_grad(hone_list(y), hone_list(x), NULL).at, HONE_E_STATE,
                "modified in place");
}

/* Of `made`, as it is and as a product that kept it would see it. */
static void has_the_same_gradients(hone_tensor *(*made)(hone_tensor *x))
{
    hone_tensor *x = leaf(halves(256, 300)), *w = leaf(halves(300, 200));
    hone_tensor_list g[2];
    for (int kept = 0; kept < 2; kept++) {
        hone_tensor *of = made(x);
        of = kept ? hone_mul_scalar(of, 1) : of;
        hone_tensor *y = hone_linear(of, w, HONE_NONE);
        g[kept] = hone_autograd_grad(hone_list(hone_sum(hone_mul(y, y))), hone_list(x, w), NULL);
        cr_assert(g[kept].at, "%s", hone_error_message());
    }
    for (int i = 0; i < 2; i++)
        cr_assert(test_same_bits(g[0].at[i], g[1].at[i]));
}

Test(made_again, gelu)
{
    has_the_same_gradients(hone_gelu);
    has_the_same_gradients(hone_gelu_tanh);
}

/* [4, 2, 64, 16] attends to itself; as [256, 32]. */
static hone_tensor *heads_in_rows(hone_tensor *x)
{
    hone_tensor *q = hone_transpose(hone_reshape(x, 4, 64, 2, 16), 1, 2);
    hone_tensor *y = hone_scaled_dot_product_attention(q, q, q, HONE_NONE, false, 0, false);
    return hone_reshape(hone_transpose(y, 1, 2), 256, 32);
}

Test(made_again, heads_side_by_side)
{
    hone_tensor *x = leaf(halves(256, 32)), *w = leaf(halves(32, 20)), *dw[2];
    int64_t held[2];
    for (int kept = 0; kept < 2; kept++) {
        const int64_t before = bytes_in_use();
        hone_tensor *y;
        {
            HONE_SCOPE();
            hone_tensor *rows = heads_in_rows(x);
            y = hone_linear(kept ? hone_mul_scalar(rows, 1) : rows, w, HONE_NONE);
            hone_scope_return(y);
        }
        held[kept] = bytes_in_use() - before;
        CHECK_OK(hone_backward(hone_sum(y)));
        dw[kept] = hone_grad(w);
        CHECK_OK(hone_set_grad(w, HONE_NONE));
    }
    cr_assert(held[1] - held[0] >= 256 * 32 * 2, "the product holds the rows");
    cr_assert(test_same_bits(dw[0], dw[1]));
}

Test(made_again, only_what_is_needed_is_held)
{
    hone_tensor *x = leaf(halves(256, 1000)), *w = leaf(halves(1000, 10)), *y;
    const int64_t before = bytes_in_use();
    {
        HONE_SCOPE();
        y = hone_linear(hone_gelu(x), w, HONE_NONE);
        hone_scope_return(y);
    }
    cr_assert(bytes_in_use() - before < 256 * 1000, "the product holds GELU's result");
    CHECK_OK(hone_backward(hone_sum(y)));
}

Test(made_again, a_gradient_has_a_gradient)
{
    hone_tensor *x = leaf(halves(64, 300)), *w = leaf(halves(300, 20));
    hone_tensor *second[2];
    for (int kept = 0; kept < 2; kept++) {
        hone_tensor *of = hone_gelu(x);
        of = kept ? hone_mul_scalar(of, 1) : of;
        hone_tensor *y = hone_linear(of, w, HONE_NONE);
        hone_tensor_list g = hone_autograd_grad(hone_list(hone_sum(y)), hone_list(w),
                                                &(hone_autograd_options){ .create_graph = true });
        cr_assert(g.at, "%s", hone_error_message());
        hone_tensor_list h =
            hone_autograd_grad(hone_list(hone_sum(hone_mul(g.at[0], g.at[0]))), hone_list(x), NULL);
        cr_assert(h.at, "%s", hone_error_message());
        second[kept] = h.at[0];
    }
    cr_assert(test_same_bits(second[0], second[1]));
}

Test(made_again, what_is_changed_is_refused)
{
    for (int which = 0; which < 2; which++) {
        hone_tensor *x = leaf(halves(256, 300)), *w = leaf(halves(300, 200));
        hone_tensor *of = hone_gelu(x), *y = hone_sum(hone_linear(of, w, HONE_NONE));
        {
            HONE_NO_GRAD();
            hone_zero_(which ? of : x);
        }
        CHECK_FAILS(hone_autograd_grad(hone_list(y), hone_list(w), NULL).at, HONE_E_STATE,
                    "modified in place");
    }
}

/* A leaf that shares a result is its own: it has second gradients, too. */
Test(made_again, a_leaf_of_a_result)
{
    hone_tensor *x = leaf(halves(64, 300)), *w = leaf(halves(300, 20));
    hone_tensor *result = hone_gelu(x), *second[2];
    for (int kept = 0; kept < 2; kept++) {
        hone_tensor *z = leaf(kept ? hone_clone(result) : result);
        hone_tensor *y = hone_linear(z, w, HONE_NONE);
        hone_tensor_list g = hone_autograd_grad(hone_list(hone_sum(y)), hone_list(w),
                                                &(hone_autograd_options){ .create_graph = true });
        cr_assert(g.at, "%s", hone_error_message());
        hone_tensor_list h =
            hone_autograd_grad(hone_list(hone_sum(hone_mul(g.at[0], g.at[0]))), hone_list(z), NULL);
        cr_assert(h.at, "%s", hone_error_message());
        second[kept] = h.at[0];
    }
    cr_assert(test_same_bits(second[0], second[1]));
}

/* A head on detached features has walks of its own, before which an optimizer may change what made
 * them. */
Test(made_again, features_that_are_detached)
{
    hone_tensor *x = leaf(halves(64, 300)), *w = leaf(halves(300, 20)), *dw[2];
    for (int changed = 0; changed < 2; changed++) {
        hone_tensor *features = hone_gelu(x);
        hone_tensor *y = hone_sum(hone_linear(features, w, HONE_NONE));
        hone_tensor *head = leaf(w);
        hone_tensor *r = hone_linear(hone_detach(features), head, HONE_NONE);
        CHECK_OK(hone_backward(y));
        if (changed) {
            HONE_NO_GRAD();
            hone_mul_scalar_(x, 3);
        }
        CHECK_OK(hone_backward(hone_sum(r)));
        dw[changed] = hone_grad(head);
    }
    cr_assert(test_same_bits(dw[0], dw[1]));
}

/* What may have been written to by its address is kept as it is; what was saved before isn't touched. */
Test(made_again, what_is_written_by_its_address)
{
    hone_tensor *x = leaf(halves(64, 300)), *w = leaf(halves(300, 20));
    hone_tensor *of = hone_gelu(x), *before = hone_linear(of, w, HONE_NONE);
    hone_tensor_list first =
        hone_autograd_grad(hone_list(hone_sum(hone_linear(of, w, HONE_NONE))), hone_list(w), NULL);
    memset(hone_data(of), 0, 64 * 150 * sizeof(uint16_t));
    hone_tensor_list g =
        hone_autograd_grad(hone_list(hone_sum(hone_linear(of, w, HONE_NONE))), hone_list(w), NULL);
    hone_tensor *kept = hone_mul_scalar(of, 1);
    hone_tensor_list k = hone_autograd_grad(hone_list(hone_sum(hone_linear(kept, w, HONE_NONE))),
                                            hone_list(w), NULL);
    cr_assert(g.at && k.at && test_same_bits(g.at[0], k.at[0]), "%s", hone_error_message());
    hone_tensor_list again = hone_autograd_grad(hone_list(hone_sum(before)), hone_list(w), NULL);
    cr_assert(again.at && test_same_bits(again.at[0], first.at[0]), "%s", hone_error_message());
}

/* A result that outlives its graph is kept as any other. */
Test(made_again, a_graph_that_is_gone)
{
    hone_tensor *x = leaf(halves(256, 300)), *w = leaf(halves(300, 200));
    hone_tensor *of = hone_detach(hone_gelu(x)), *y;
    CHECK_OK(hone_backward(hone_sum(hone_gelu(x))));
    y = hone_linear(of, w, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_assert(hone_grad(w));
}

static hone_tensor *norm(hone_tensor *x, hone_tensor **of, bool training)
{
    return hone_batch_norm(x, of[0], of[1], of[2], of[3],
                           &(hone_batch_norm_options){ .training = training });
}

/* As f32's of the same numbers, rounded once: planes that are read as they lie and others. */
Test(made_again, batch_norm_reads_bf16)
{
    const int64_t shapes[][4] = {
        { 3, 5, 7, 9 }, { 2, 70, 4, 4 }, { 4, 3, 1, 1 }, { 2, 3, 70, 61 }, { 1, 2, 64, 64 }
    };
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        const int64_t *s = shapes[i / 2], c = s[1];
        const bool training = i % 2;
        hone_tensor *y[2], *g[2][3],
            *numbers[] = { hone_zeros(HONE_F32, c), hone_ones(HONE_F32, c), hone_randn(HONE_F32, c),
                           hone_randn(HONE_F32, c) };
        hone_tensor *x = hone_to(hone_randn(HONE_F32, s[0], c, s[2], s[3]), HONE_BF16);
        hone_tensor *dy = hone_to(hone_randn(HONE_F32, s[0], c, s[2], s[3]), HONE_BF16);
        for (int wide = 0; wide < 2; wide++) {
            hone_tensor *of[] = { hone_clone(numbers[0]), hone_clone(numbers[1]), leaf(numbers[2]),
                                  leaf(numbers[3]) };
            const hone_dtype dtype = wide ? HONE_F32 : HONE_BF16;
            hone_tensor *in = leaf(hone_to(x, dtype)), *out = norm(in, of, training);
            cr_assert(out, "%s", hone_error_message());
            CHECK_OK(hone_backward_with(
                out, &(hone_backward_options){ .gradient = hone_to(dy, dtype) }));
            y[wide] = hone_to(hone_detach(out), HONE_BF16);
            g[wide][0] = hone_to(hone_grad(in), HONE_BF16);
            g[wide][1] = hone_grad(of[2]);
            g[wide][2] = hone_grad(of[3]);
            cr_assert(hone_dtype_of(g[wide][1]) == HONE_F32);
        }
        cr_assert(test_same_bits(y[0], y[1]), "%zu", i);
        for (int k = 0; k < 3; k++)
            cr_assert(test_same_bits(g[0][k], g[1][k]), "%zu, gradient %d", i, k);
    }
}
