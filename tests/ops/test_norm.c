/* Layer norm's gradients by way of the walk, which has the norms that the forward kept: the bits of
 * the public ops, which compute them, for rows and columns cut over any number of threads. */
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>

static void force_threads(void)
{
    setenv("HONE_FORCE_THREADS", "5", 1);
    test_begin();
}

TestSuite(norm, .init = force_threads, .fini = test_end);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(hone_to(t, HONE_F32), true);
}

/* [a, b, c] normalised over the last n dims; `create` records the walk. */
static void check_gradients(int64_t a, int64_t b, int64_t c, int n, bool across, bool create)
{
    HONE_SCOPE();
    hone_tensor *x = across ? hone_transpose(hone_randn(HONE_F32, b, a, c), 0, 1)
                            : hone_randn(HONE_F32, a, b, c);
    hone_tensor *weight = leaf(hone_randn(HONE_F32, b, c));
    if (n == 1)
        weight = leaf(hone_detach(hone_select(weight, 0, 0)));
    cr_assert(weight);
    hone_requires_grad_(x, true);
    hone_tensor *y = hone_layer_norm(x, weight, HONE_NONE, n, 1e-5);
    hone_tensor *dy = hone_randn(HONE_F32, a, b, c);
    const hone_autograd_options options = { .grad_outputs = hone_list(dy), .create_graph = create };
    hone_tensor_list grad = hone_autograd_grad(hone_list(y), hone_list(x, weight), &options);
    cr_assert(grad.at, "%s", hone_error_message());
    hone_tensor *fixed = hone_detach(x);
    cr_assert_eq(hone_requires_grad(grad.at[0]), create);
    cr_assert(hone_equal(hone_detach(grad.at[0]),
                         hone_layer_norm_backward(dy, fixed, hone_detach(weight), n, 1e-5)));
    cr_assert(
        hone_equal(hone_detach(grad.at[1]), hone_layer_norm_weight_backward(dy, fixed, n, 1e-5)),
        "%dx%dx%d over the last %d", (int)a, (int)b, (int)c, n);
}

Test(norm, gradients_with_kept_norms)
{
    static const int64_t shapes[][3] = { { 1, 3, 5 },    { 2, 20, 700 }, { 3, 100, 64 },
                                         { 5, 300, 17 }, { 1, 1, 5000 }, { 0, 3, 4 },
                                         { 4, 3, 0 } };
    for (int threads = 1; threads <= 5; threads++) {
        hone_set_threads(threads);
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int k = 0; k < 8; k++)
                check_gradients(shapes[s][0], shapes[s][1], shapes[s][2], 1 + k % 2, k & 2, k & 4);
    }
}

/* What the forward kept is not read once x has changed. */
Test(norm, changed_input_is_refused)
{
    hone_tensor *x = leaf(hone_randn(HONE_F32, 3, 4));
    hone_tensor *h = hone_mul_scalar(x, 2);
    hone_tensor *loss = hone_sum(hone_layer_norm(h, HONE_NONE, HONE_NONE, 1, 1e-5));
    hone_add_scalar_(h, 1);
    CHECK_FAILS(hone_backward(loss), HONE_E_STATE, "layer_norm");
}

static bool step(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 200, 30);
    hone_tensor *weight = x ? hone_ones(HONE_F32, 30) : NULL;
    if (!x || !weight || !hone_requires_grad_(x, true) || !hone_requires_grad_(weight, true))
        return false;
    hone_tensor *loss = hone_sum(hone_layer_norm(x, weight, HONE_NONE, 1, 1e-5));
    return loss && hone_backward(loss) == HONE_OK;
}

Test(norm, out_of_memory)
{
    test_each_allocation_fails(step);
}
