/* Batch norm: what torch 2.13 gives, running statistics, large means, any cut of a batch in
 * evaluation, and what is refused. */
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>

SUITE(batch_norm);

static const hone_batch_norm_options training = { .training = true };

static hone_tensor *waves(bool cosine, hone_dtype dtype)
{
    hone_tensor *t = hone_arange(HONE_F64, cosine ? 0 : 1, cosine ? 24 : 25, 1);
    t = hone_reshape(cosine ? hone_cos(t) : hone_sin(t), 2, 2, 3, 2);
    return hone_to(t, dtype);
}

static hone_tensor *some(hone_tensor *t, hone_tensor *places)
{
    return hone_index(hone_reshape(t, -1), places);
}

/* By torch: F.batch_norm(x, rm, rv, w, b, training, 0.3, 1e-3) and its gradients in f64. */
static void golden(bool train, hone_tensor *want_y, hone_tensor *want_dx, hone_tensor *want_dw)
{
    hone_tensor *x = hone_requires_grad_(waves(false, HONE_F64), true);
    hone_tensor *w = hone_requires_grad_(T(HONE_F64, (2), 0.5, -2), true);
    hone_tensor *b = hone_requires_grad_(T(HONE_F64, (2), 1, 0.25), true);
    hone_tensor *mean = T(HONE_F64, (2), 0.5, -1), *var = T(HONE_F64, (2), 2, 0.25);
    const hone_batch_norm_options o = { .training = train, .momentum = 0.3, .eps = 1e-3 };
    hone_tensor *y = hone_batch_norm(x, mean, var, w, b, &o);
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, waves(true, HONE_F64)))));
    cr_expect(hone_allclose(some(hone_detach(y), T(HONE_I64, (5), 0, 5, 6, 13, 23)), want_y, 1e-12,
                            1e-12));
    cr_expect(
        hone_allclose(some(hone_grad(x), T(HONE_I64, (4), 0, 7, 12, 23)), want_dx, 1e-12, 1e-12));
    cr_expect(hone_allclose(hone_grad(w), want_dw, 1e-12, 1e-12));
    CHECK_CLOSE(hone_grad(b), 1e-12, 1e-12, HONE_F64, (2), -0.3402912355231146,
                -0.20062330449618315);
    if (train) {
        CHECK_CLOSE(mean, 1e-12, 0, HONE_F64, (2), 0.34893800822214455, -0.6970823220350535);
        CHECK_CLOSE(var, 1e-12, 0, HONE_F64, (2), 1.5711879461705383, 0.34559587173854667);
    } else {
        CHECK_VALUES(mean, HONE_F64, (2), 0.5, -1);
    }
}

Test(batch_norm, golden)
{
    golden(true,
           T(HONE_F64, (5), 1.5836277344554248, 0.8094597394376579, -1.5412817864720338,
             1.6866324606111704, 2.7830852471246947),
           T(HONE_F64, (4), 0.22229774997866822, 0.17199623331497638, 0.3577392232969721,
             -0.7249986586728865),
           T(HONE_F64, (2), 7.263208922681885, 7.372054664172942));
    golden(false,
           T(HONE_F64, (5), 1.1206980537254962, 0.724503873355383, -6.364730137667141,
             1.1734125463371252, -0.1269334374614815),
           T(HONE_F64, (4), 0.35346503537745116, -3.0095958328907315, 0.29827286937678255,
             2.1270821626854275),
           T(HONE_F64, (2), 3.8382084195135118, 10.22967259993221));
}

Test(batch_norm, running_statistics)
{
    hone_tensor *mean = hone_zeros(HONE_F32, 1), *var = hone_ones(HONE_F32, 1);
    hone_tensor *a = T(HONE_F32, (2, 1), 1, 3), *b = T(HONE_F32, (2, 1), 5, 9);
    hone_batch_norm(a, mean, var, HONE_NONE, HONE_NONE, &training);
    CHECK_VALUES(mean, HONE_F32, (1), (float)0.2);
    CHECK_VALUES(var, HONE_F32, (1), (float)1.1);
    hone_batch_norm_options o = { .training = true, .cumulative = 1 };
    hone_batch_norm(a, mean, var, HONE_NONE, HONE_NONE, &o);
    o.cumulative = 2;
    hone_batch_norm(b, mean, var, HONE_NONE, HONE_NONE, &o);
    CHECK_VALUES(mean, HONE_F32, (1), 4.5);
    CHECK_VALUES(var, HONE_F32, (1), 5);
    const hone_batch_norm_options still = { .training = true, .momentum = HONE_ZERO };
    hone_batch_norm(a, mean, var, HONE_NONE, HONE_NONE, &still);
    hone_batch_norm(hone_zeros(HONE_F32, 0, 1), mean, var, HONE_NONE, HONE_NONE, &training);
    hone_batch_norm(a, mean, var, HONE_NONE, HONE_NONE, NULL); /* evaluation */
    CHECK_VALUES(mean, HONE_F32, (1), 4.5);
    hone_tensor *gaps = hone_slice(hone_zeros(HONE_F32, 4), 0, 0, 4, 2);
    hone_tensor *x = T(HONE_F32, (2, 2), 1, 10, 3, 20);
    o.cumulative = 1;
    cr_assert(hone_batch_norm(x, gaps, hone_slice(hone_ones(HONE_F32, 4), 0, 0, 4, 2), HONE_NONE,
                              HONE_NONE, &o));
    CHECK_VALUES(gaps, HONE_F32, (2), 2, 15);
}

/* A large mean costs nothing: a constant channel is 0, but for what scaling the mean's last bits
 * rounds to, and what lies close to a large mean is as of a small one. */
Test(batch_norm, large_means)
{
    hone_tensor *x = hone_full(HONE_F32, 1000.1, 64, 3);
    hone_tensor *y = hone_batch_norm(x, HONE_NONE, HONE_NONE, HONE_NONE, HONE_NONE, &training);
    cr_expect(hone_allclose(y, hone_zeros(HONE_F32, 64, 3), 0, 1e-8));
    x = hone_full(HONE_F32, 1000.1, 2, 3, 70, 70);
    y = hone_batch_norm(x, HONE_NONE, HONE_NONE, HONE_NONE, HONE_NONE, &training);
    cr_expect(hone_allclose(y, hone_zeros(HONE_F32, 2, 3, 70, 70), 0, 1e-8));
    hone_tensor *noise = hone_randn(HONE_F64, 200, 2, 5);
    hone_tensor *far = hone_to(hone_add_scalar(noise, 1e4), HONE_F32);
    y = hone_batch_norm(far, HONE_NONE, HONE_NONE, HONE_NONE, HONE_NONE, &training);
    hone_tensor *exact = hone_batch_norm(hone_to(far, HONE_F64), HONE_NONE, HONE_NONE, HONE_NONE,
                                         HONE_NONE, &training);
    cr_expect(hone_allclose(y, hone_to(exact, HONE_F32), 1e-6, 1e-6));
}

/* Gradients of weight and bias in evaluation: the batch in pieces gives the bits of the whole. */
static void accumulate(hone_tensor *x, int64_t at_once, hone_tensor *w, hone_tensor *b)
{
    hone_tensor *mean = T(HONE_F32, (3), 0.1, -0.2, 0.3), *var = T(HONE_F32, (3), 1, 2, 3);
    for (int64_t i = 0; i < hone_size(x, 0); i += at_once) {
        hone_tensor *part = hone_slice(x, 0, i, i + at_once, 1);
        hone_tensor *y = hone_batch_norm(part, mean, var, w, b, NULL);
        CHECK_OK(hone_backward(hone_sum(hone_mul(y, part))));
    }
}

Test(batch_norm, any_cut_of_the_batch_in_evaluation)
{
    hone_tensor *x = hone_randn(HONE_F32, 12, 3, 7, 5), *grad[2][2];
    for (int k = 0; k < 2; k++) {
        hone_tensor *w = hone_requires_grad_(hone_ones(HONE_F32, 3), true);
        hone_tensor *b = hone_requires_grad_(hone_zeros(HONE_F32, 3), true);
        accumulate(x, k ? 4 : 12, w, b);
        grad[k][0] = hone_grad(w);
        grad[k][1] = hone_grad(b);
    }
    cr_expect(hone_equal(grad[0][0], grad[1][0]));
    cr_expect(hone_equal(grad[0][1], grad[1][1]));
}

/* Backward of an evaluation whose running statistics went on since: the forward's count. */
Test(batch_norm, gradients_go_by_the_forward)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (2, 1), 1, 3), true);
    hone_tensor *mean = hone_zeros(HONE_F32, 1), *var = hone_full(HONE_F32, 4, 1);
    const hone_batch_norm_options o = { .eps = HONE_ZERO };
    hone_tensor *y = hone_batch_norm(x, mean, var, HONE_NONE, HONE_NONE, &o);
    hone_fill_(var, 100);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(x), HONE_F32, (2, 1), 0.5, 0.5);
}

static hone_tensor *norm(hone_tensor *x, hone_tensor *mean, hone_tensor *var, hone_tensor *weight,
                         const hone_batch_norm_options *o)
{
    return hone_batch_norm(x, mean, var, weight, HONE_NONE, o);
}

Test(batch_norm, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 3), *c = hone_ones(HONE_F32, 3);
    hone_tensor *n = HONE_NONE;
    const hone_batch_norm_options zero = { .training = true, .eps = HONE_ZERO };
    const hone_batch_norm_options negative = { .eps = -1 };
    CHECK_FAILS(norm(x, n, n, n, NULL), HONE_E_VALUE, "evaluation needs running_mean");
    CHECK_FAILS(norm(x, c, n, n, &training), HONE_E_VALUE, "needed together");
    CHECK_FAILS(norm(hone_zeros(HONE_F32, 1, 3), n, n, n, &training), HONE_E_VALUE,
                "one value a channel");
    CHECK_FAILS(norm(x, n, n, n, &zero), HONE_E_VALUE, "more than 0 in training");
    CHECK_FAILS(norm(x, c, c, n, &negative), HONE_E_VALUE, "eps is -1");
    CHECK_FAILS(norm(c, n, n, n, &training), HONE_E_SHAPE, "[N, C, ...]");
    CHECK_FAILS(norm(hone_zeros(HONE_I64, 2, 3), n, n, n, &training), HONE_E_DTYPE, "f32 or f64");
    CHECK_FAILS(norm(x, hone_ones(HONE_F32, 4), c, n, &training), HONE_E_SHAPE, "running_mean");
    CHECK_FAILS(norm(x, n, n, hone_ones(HONE_F64, 3), &training), HONE_E_DTYPE, "weight");
    CHECK_FAILS(norm(x, hone_expand(hone_zeros(HONE_F32, 1), 3), c, n, &training), HONE_E_STATE,
                "share one place");
    hone_tensor *leaf = hone_requires_grad_(hone_zeros(HONE_F32, 3), true);
    CHECK_FAILS(norm(x, leaf, c, n, &training), HONE_E_STATE, "require a gradient");
    CHECK_FAILS(norm(NULL, n, n, n, &training), HONE_E_NULL, "batch_norm");
    hone_batch_norm_gradients g = hone_batch_norm_backward(x, x, n, n, n, false, 1e-5);
    cr_expect(!g.dx && !g.dweight && !g.dbias);
    CHECK_ERROR(HONE_E_VALUE, "batch_norm_backward: evaluation needs");
    g = hone_batch_norm_backward(c, x, n, n, n, true, 1e-5);
    CHECK_ERROR(HONE_E_SHAPE, "must be like x");
}

static bool step(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 20, 3, 2, 2);
    hone_tensor *w = x ? hone_ones(HONE_F32, 3) : NULL;
    if (!x || !w || !hone_requires_grad_(x, true) || !hone_requires_grad_(w, true))
        return false;
    hone_tensor *loss = hone_sum(norm(x, HONE_NONE, HONE_NONE, w, &training));
    return loss && hone_backward(loss) == HONE_OK;
}

Test(batch_norm, out_of_memory)
{
    test_each_allocation_fails(step);
}

/* ---- a ReLU behind it, which layers and described networks compute in its pass */

static hone_tensor *seen(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user)
{
    (void)module;
    (void)in;
    (void)n_in;
    (void)user;
    return out;
}

/* A hook between the two keeps them apart. */
enum { APART, LAYERS, DESCRIBED, KINDS };

static hone_module *norm_and_relu(int kind, hone_dtype dtype)
{
    if (kind == DESCRIBED)
        return hone_model_parse("model Net():\n"
                                "    norm = BatchNorm2d(5)\n"
                                "    forward(x):\n"
                                "        return relu(norm(x))\n",
                                "text", NULL);
    const hone_nn_batch_norm_options o = { .dtype = dtype };
    hone_module *norm = hone_nn_batch_norm2d(5, &o);
    if (kind == APART)
        CHECK_OK(hone_module_forward_hook(norm, seen, NULL));
    return hone_nn_sequential(norm, hone_nn_relu());
}

enum { Y, DX, DWEIGHT, DBIAS, DX_OF_DX, RESULTS };

static void run_kind(int kind, bool train, hone_tensor *given, hone_tensor *dy, hone_tensor **got)
{
    hone_module *net = norm_and_relu(kind, hone_dtype_of(given));
    cr_assert(net, "%s", hone_error_message());
    hone_module_train(net, train);
    hone_tensor_list p = hone_parameters(net);
    for (int c = 0; c < 5; c++) {
        HONE_NO_GRAD();
        hone_fill_(hone_select(p.at[0], 0, c), 1.5 - c);
        hone_fill_(hone_select(p.at[1], 0, c), 0.25 * (c - 2));
    }
    hone_tensor *x = hone_requires_grad_(hone_clone(given), true), *y = hone_forward(net, x);
    cr_assert(y, "%s", hone_error_message());
    const hone_backward_options from = { .gradient = dy };
    CHECK_OK(hone_backward_with(y, &from));
    got[Y] = hone_detach(y);
    got[DX] = hone_grad(x);
    got[DWEIGHT] = hone_grad(p.at[0]);
    got[DBIAS] = hone_grad(p.at[1]);
    const hone_autograd_options create = { .create_graph = true };
    y = hone_sum(hone_mul(hone_forward(net, x), dy));
    hone_tensor *dx = hone_autograd_grad(hone_list(y), hone_list(x), &create).at[0];
    y = hone_sum(hone_mul(dx, dx));
    got[DX_OF_DX] = train ? hone_autograd_grad(hone_list(y), hone_list(x), NULL).at[0] : dx;
    hone_module_free(net);
}

Test(batch_norm, with_relu_has_the_bits_of_the_two)
{
    static const int64_t sizes[][2] = { { 1, 1 }, { 3, 5 }, { 8, 8 }, { 20, 21 }, { 160, 150 } };
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 4; k++) {
            HONE_SCOPE();
            const hone_dtype dtype = k & 1 ? HONE_F64 : HONE_F32;
            hone_tensor *x = hone_randn(dtype, 3, 5, sizes[i][0], sizes[i][1]);
            hone_tensor *dy = hone_randn(dtype, 3, 5, sizes[i][0], sizes[i][1]);
            hone_tensor *want[RESULTS], *got[RESULTS];
            run_kind(APART, k & 2, x, dy, want);
            for (int a = 0; hone__isa_available(a); a++) {
                hone__isa_use(hone__isa_available(a));
                for (int kind = LAYERS; kind < (k & 1 ? DESCRIBED : KINDS); kind++) {
                    run_kind(kind, k & 2, x, dy, got);
                    for (int r = 0; r < RESULTS; r++)
                        cr_expect(test_same_bits(want[r], got[r]), "size %d, %d, result %d of %d",
                                  i, k, r, kind);
                }
            }
            hone__isa_use(hone__isa_best());
        }
}
