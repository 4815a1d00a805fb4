/* A ReLU in the pass of the max pooling behind it (op/relu_pool.h): the bits of the two. */
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>

SUITE(relu_pool);

static int seen_calls;
static hone_tensor *seen(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user)
{
    (void)module;
    (void)in;
    (void)n_in;
    (void)user;
    seen_calls++;
    return out;
}

/* A hook keeps the two apart. */
enum { APART, HOOKED_POOL, LAYERS, DESCRIBED, KINDS };

static hone_module *relu_and_pool(int kind)
{
    if (kind == DESCRIBED)
        return hone_model_parse("model Net():\n"
                                "    pool = MaxPool2d(2)\n"
                                "    forward(x):\n"
                                "        return pool(relu(x))\n",
                                "text", NULL);
    hone_module *relu = hone_nn_relu(), *pool = hone_nn_layer("MaxPool2d", "2");
    if (kind == APART || kind == HOOKED_POOL)
        CHECK_OK(hone_module_forward_hook(kind == APART ? relu : pool, seen, NULL));
    return hone_nn_sequential(relu, pool);
}

enum { Y, DX, DX_AGAIN, DDY, RESULTS };

/* The gradients of y and of dx, by what is recorded. */
static void run_kind(int kind, hone_tensor *given, hone_tensor *dy, hone_tensor **got)
{
    hone_module *net = relu_and_pool(kind);
    cr_assert(net, "%s", hone_error_message());
    hone_tensor *x = hone_requires_grad_(hone_clone(given), true), *y = hone_forward(net, x);
    cr_assert(y, "%s", hone_error_message());
    const hone_backward_options from = { .gradient = dy };
    CHECK_OK(hone_backward_with(y, &from));
    got[Y] = hone_detach(y);
    got[DX] = hone_grad(x);
    hone_tensor *v = hone_requires_grad_(hone_clone(dy), true);
    const hone_autograd_options create = { .create_graph = true };
    y = hone_sum(hone_mul(hone_forward(net, x), v));
    hone_tensor *dx = hone_autograd_grad(hone_list(y), hone_list(x), &create).at[0];
    cr_assert(dx, "%s", hone_error_message());
    got[DX_AGAIN] = hone_detach(dx);
    got[DDY] = hone_autograd_grad(hone_list(hone_sum(hone_mul(dx, dx))), hone_list(v), NULL).at[0];
    cr_assert(got[DDY], "%s", hone_error_message());
    hone_module_free(net);
}

static hone_tensor *some(hone_dtype dtype, uint32_t seed, bool special, hone_tensor *like)
{
    static const float odd[] = { -INFINITY, -1, -0.0F, 0, 1, 1, INFINITY, NAN };
    hone_tensor *t = hone_empty_like(hone_to(like, HONE_F32));
    float *x = hone_data(t);
    for (int64_t i = 0; i < hone_numel(t); i++) {
        seed = seed * 1664525 + 1013904223;
        x[i] = special ? odd[seed >> 29] : (float)(int32_t)seed / 1e9F;
    }
    return hone_to(t, dtype);
}

static void check(hone_dtype dtype, hone_tensor *shape, uint32_t seed, bool special)
{
    const hone_max_pool2d_options two = { .kernel_size = { 2, 2 } };
    hone_tensor *x = some(dtype, seed, special, shape);
    hone_tensor *dy = some(dtype, seed + 1, false, hone_max_pool2d(shape, &two));
    if (special)
        dy = hone_mul(dy, hone_to(hone_gt_scalar(dy, 0), dtype)); /* -0 among them */
    hone_tensor *want[RESULTS], *got[RESULTS];
    run_kind(APART, x, dy, want);
    for (int a = 0; hone__isa_available(a); a++) {
        hone__isa_use(hone__isa_available(a));
        for (int kind = HOOKED_POOL; kind < KINDS; kind++) {
            run_kind(kind, x, dy, got);
            for (int r = 0; r < RESULTS; r++)
                cr_expect(test_same_bits(want[r], got[r]), "%s, %lld x %lld, result %d of %d",
                          hone_dtype_name(dtype), (long long)hone_size(x, -2),
                          (long long)hone_size(x, -1), r, kind);
        }
    }
    hone__isa_use(hone__isa_best());
}

Test(relu_pool, the_bits_of_the_two)
{
    static const int64_t sizes[][3] = { { 1, 2, 2 },   { 3, 5, 7 },    { 5, 3, 2 },
                                        { 2, 33, 31 }, { 4, 28, 28 },  { 3, 2, 67 },
                                        { 7, 9, 34 },  { 2, 6, 4096 }, { 1, 4, 4099 } };
    static const hone_dtype dtypes[] = { HONE_F32, HONE_BF16, HONE_F16, HONE_F64 };
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < 8; k++) {
            HONE_SCOPE();
            const int64_t *s = sizes[i];
            hone_tensor *shape = k % 3 ? hone_zeros(HONE_F32, 3, s[0], s[1], s[2])
                                       : hone_zeros(HONE_F32, s[0], s[1], s[2]);
            check(dtypes[k % 4], shape, (uint32_t)(8 * i + k), k >= 4);
        }
}

Test(relu_pool, strided_and_on_any_threads)
{
    static const int threads[] = { 1, 2, 3, 5 };
    hone_tensor *x = hone_randn(HONE_F32, 9, 31, 8, 30);
    hone_tensor *dy = hone_randn(HONE_F32, 9, 31, 4, 15), *want[RESULTS], *got[RESULTS];
    run_kind(APART, x, dy, want);
    for (int i = 0; i < 4; i++) {
        hone_set_threads(threads[i]);
        run_kind(LAYERS, x, dy, got);
        for (int r = 0; r < RESULTS; r++)
            cr_expect(test_same_bits(want[r], got[r]), "%d threads, result %d", threads[i], r);
    }
    hone_module *apart = relu_and_pool(APART), *both = relu_and_pool(LAYERS);
    hone_tensor *across = hone_transpose(x, 2, 3);
    cr_expect(test_same_bits(hone_forward(apart, across), hone_forward(both, across)));
    hone_module_free(apart);
    hone_module_free(both);
}

/* Only windows of 2 x 2 side by side are taken, and what has a hook is called. */
Test(relu_pool, others_stay_apart)
{
    static const char *const pools[] = { "2, stride=1", "3, stride=2", "2, padding=1",
                                         "2, dilation=2", "2, ceil_mode=True" };
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 9, 9);
    for (int i = 0; i < 5; i++) {
        hone_module *pool = hone_nn_layer("MaxPool2d", pools[i]);
        hone_module *net = hone_nn_sequential(hone_nn_relu(), pool);
        cr_expect(test_same_bits(hone_forward(net, x), hone_forward(pool, hone_relu(x))), "%s",
                  pools[i]);
        hone_module_free(net);
    }
    seen_calls = 0;
    for (int kind = APART; kind <= HOOKED_POOL; kind++) {
        hone_module *net = relu_and_pool(kind);
        cr_expect(hone_forward(net, x));
        hone_module_free(net);
    }
    cr_expect_eq(seen_calls, 2);
    hone_module *net = relu_and_pool(LAYERS);
    CHECK_FAILS(hone_forward(net, hone_zeros(HONE_F32, 3, 1, 9)), HONE_E_SHAPE, "max_pool2d");
    CHECK_FAILS(hone_forward(net, hone_zeros(HONE_F32, 9)), HONE_E_SHAPE, "max_pool2d");
    hone_module_free(net);
}

/* What the backward needs is a byte a window, instead of relu(x) and an i64 a window. */
Test(relu_pool, keeps_a_byte_a_window)
{
    hone_module *net = relu_and_pool(LAYERS);
    hone_tensor *x = hone_requires_grad_(hone_randn(HONE_F32, 4, 8, 64, 64), true);
    hone_memory before, after;
    hone_memory_stats(&before);
    hone_tensor *y = hone_forward(net, x);
    hone_memory_stats(&after);
    const int64_t kept = after.in_use_bytes - before.in_use_bytes - hone_numel(y) * 4;
    cr_expect(kept >= hone_numel(y) && kept < 2 * hone_numel(y), "%lld bytes", (long long)kept);
    hone_module_free(net);
}
