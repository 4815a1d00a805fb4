/* hooks.h: values are those of PyTorch 2.13 for the same programs. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

SUITE(autograd_hooks);

static char called[64];

static hone_tensor *times_ten(hone_tensor *grad, void *user)
{
    strcat(called, user);
    return hone_mul_scalar(grad, 10);
}

static hone_tensor *plus_one(hone_tensor *grad, void *user)
{
    strcat(called, user);
    return hone_add_scalar(grad, 1);
}

static hone_tensor *look(hone_tensor *grad, void *user)
{
    *(double *)user += hone_item(grad);
    return NULL;
}

static hone_tensor *number(double value)
{
    return hone_requires_grad_(hone_full(HONE_F64, value, 1), true);
}

static void is(hone_tensor *t, double value)
{
    cr_assert(t, "%s", hone_error_message());
    cr_assert(hone_item(t) == value, "%g, not %g", hone_item(t), value);
}

Test(autograd_hooks, inner)
{
    called[0] = 0;
    hone_tensor *x = number(2), *y = hone_mul(x, x);
    double seen = 0;
    cr_assert(hone_register_hook(y, times_ten, "a"));
    cr_assert(hone_register_hook(y, plus_one, "b"));
    cr_assert(hone_register_hook(y, look, &seen));
    CHECK_OK(hone_backward(hone_mul_scalar(y, 3)));
    cr_assert(!strcmp(called, "ab"), "%s", called);
    cr_assert(seen == 31);
    is(hone_grad(x), 31 * 4);
}

/* What is handed out is what the hooks made of it, whether or not the walk goes on below. */
Test(autograd_hooks, autograd_grad)
{
    hone_tensor *x = number(2), *y = hone_mul(x, x);
    cr_assert(hone_register_hook(y, times_ten, ""));
    hone_tensor *z = hone_mul_scalar(y, 3);
    const hone_autograd_options keep = { .retain_graph = true };
    hone_tensor_list both = hone_autograd_grad(hone_list(z), hone_list(y, x, x), &keep);
    is(both.at[0], 30);
    is(both.at[1], 120);
    cr_assert(hone_register_hook(x, plus_one, ""));
    both = hone_autograd_grad(hone_list(z), hone_list(x, y, x), &keep);
    is(both.at[0], 121);
    is(both.at[1], 30);
    is(both.at[2], 121);
    is(hone_autograd_grad(hone_list(z), hone_list(y), NULL).at[0], 30);
    cr_assert(!hone_grad(x));
}

static hone_tensor *cubed(hone_tensor *grad, void *user)
{
    (void)user;
    return hone_mul(grad, hone_mul(grad, grad));
}

/* y = x^2, dy = 3 y^2, hooked (3 y^2)^3 = 27 x^12, so dx = 54 x^13 and its derivative 702 x^12. */
Test(autograd_hooks, create_graph)
{
    hone_tensor *x = number(2), *y = hone_mul(x, x);
    cr_assert(hone_register_hook(y, cubed, NULL));
    CHECK_OK(hone_retain_grad(y));
    hone_tensor *z = hone_mul(y, hone_mul(y, y));
    hone_tensor *dx = hone_autograd_grad(hone_list(z), hone_list(x),
                                         &(hone_autograd_options){ .create_graph = true })
                          .at[0];
    is(dx, 54 * pow(2, 13));
    is(hone_grad(y), 27 * pow(2, 12));
    cr_assert(!hone_requires_grad(hone_grad(y)));
}

static hone_status note(hone_tensor *leaf, void *user)
{
    *(double *)user = hone_item(hone_grad(leaf));
    return hone_set_grad(leaf, HONE_NONE);
}

Test(autograd_hooks, leaf)
{
    called[0] = 0;
    hone_tensor *w = number(1);
    double after = 0;
    CHECK_OK(hone_backward(hone_mul_scalar(w, 7)));
    const int64_t hook = hone_register_hook(w, times_ten, "h");
    for (int i = 1; i <= 2; i++) {
        CHECK_OK(hone_backward(hone_add(hone_mul(w, w), hone_mul_scalar(w, 3))));
        is(hone_grad(w), 7 + i * 50);
    }
    cr_assert(!strcmp(called, "hh"), "%s", called); /* once a walk, not a use */
    cr_assert(hone_register_post_accumulate_grad_hook(w, note, &after));
    is(hone_autograd_grad(hone_list(hone_mul(w, w)), hone_list(w), NULL).at[0], 20);
    cr_assert(after == 0);
    CHECK_OK(hone_backward(hone_mul(w, w)));
    cr_assert(after == 127);
    cr_assert(!hone_grad(w));
    CHECK_OK(hone_remove_hook(w, hook));
    CHECK_OK(hone_backward(hone_mul(w, w)));
    cr_assert(after == 2);
    CHECK_OK(hone_backward(w)); /* no node at all */
    cr_assert(after == 1);
}

/* A transposed leaf is walked past, unless it has hooks. */
Test(autograd_hooks, view_of_a_leaf)
{
    hone_tensor *w = hone_requires_grad_(hone_ones(HONE_F32, 2, 3), true);
    hone_tensor *v = hone_transpose(w, 0, 1);
    cr_assert(hone_register_hook(v, times_ten, ""));
    CHECK_OK(hone_backward(hone_sum(hone_matmul(hone_ones(HONE_F32, 4, 3), v))));
    is(hone_sum(hone_grad(w)), 4 * 6 * 10);
}

Test(autograd_hooks, several_outputs)
{
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 4), true);
    hone_tensor_list halves = hone_split(x, 2, 0);
    cr_assert(hone_register_hook(halves.at[1], times_ten, ""));
    CHECK_OK(hone_retain_grad(halves.at[1]));
    CHECK_OK(hone_backward(hone_add(hone_sum(halves.at[0]), hone_sum(halves.at[1]))));
    is(hone_sum(hone_grad(x)), 2 + 20);
    is(hone_sum(hone_grad(halves.at[1])), 20);
    cr_assert(!hone_grad(halves.at[0]));
}

typedef struct {
    hone_tensor *t;
    int64_t hook;
    int calls;
} once;

static hone_tensor *remove_itself(hone_tensor *grad, void *user)
{
    once *o = user;
    (void)grad;
    o->calls++;
    cr_assert(hone_remove_hook(o->t, o->hook) == HONE_OK);
    cr_assert(hone_register_hook(o->t, times_ten, "n")); /* from the next walk on */
    return NULL;
}

Test(autograd_hooks, removal)
{
    called[0] = 0;
    hone_tensor *x = number(1);
    once o = { .t = hone_mul_scalar(x, 2) };
    o.hook = hone_register_hook(o.t, remove_itself, &o);
    const int64_t second = hone_register_hook(o.t, times_ten, "s");
    const hone_backward_options keep = { .retain_graph = true };
    CHECK_OK(hone_backward_with(o.t, &keep));
    cr_assert(!strcmp(called, "s"), "%s", called);
    CHECK_OK(hone_remove_hook(o.t, second));
    CHECK_OK(hone_backward_with(o.t, &keep));
    cr_assert(!strcmp(called, "sn"), "%s", called);
    cr_assert(o.calls == 1);
    CHECK_FAILS(hone_remove_hook(o.t, second), HONE_E_VALUE, "remove_hook: f64 [1]");
    CHECK_FAILS(hone_remove_hook(x, second), HONE_E_VALUE, "has no hook");
}

Test(autograd_hooks, retain_grad)
{
    hone_tensor *x = number(2), *y = hone_mul(x, x), *z = hone_mul_scalar(y, 3);
    const hone_backward_options keep = { .retain_graph = true };
    cr_assert(!hone_retains_grad(y));
    CHECK_OK(hone_retain_grad(y));
    CHECK_OK(hone_retain_grad(y));
    CHECK_OK(hone_retain_grad(x));
    cr_assert(hone_retains_grad(y) && !hone_retains_grad(x));
    cr_assert(hone_register_hook(y, times_ten, "")); /* runs before, though added after */
    CHECK_OK(hone_backward_with(z, &keep));
    is(hone_grad(y), 30);
    CHECK_OK(hone_backward_with(z, &keep));
    is(hone_grad(y), 60);
    is(hone_grad(x), 240);
}

/* ---- what fails */

static hone_tensor *wrong_shape(hone_tensor *grad, void *user)
{
    (void)grad, (void)user;
    return hone_zeros(HONE_F64, 2);
}

static hone_tensor *wrong_dtype(hone_tensor *grad, void *user)
{
    (void)user;
    return hone_to(grad, HONE_F32);
}

static hone_tensor *no_tensor(hone_tensor *grad, void *user)
{
    (void)grad, (void)user;
    return HONE_NONE;
}

static hone_tensor *fails(hone_tensor *grad, void *user)
{
    (void)grad, (void)user;
    hone_error_set(HONE_E_VALUE, "a hook's own error");
    return NULL;
}

static hone_status fails_after(hone_tensor *leaf, void *user)
{
    (void)leaf, (void)user;
    return HONE_E_IO;
}

static void refused(hone_grad_hook hook, hone_status code, const char *inner, const char *leaf)
{
    hone_tensor *x = number(2), *y = hone_mul(x, x);
    cr_assert(hone_register_hook(y, hook, NULL));
    CHECK_FAILS(hone_backward(hone_mul_scalar(y, 3)), code, inner);
    cr_assert(!hone_grad(x));
    hone_tensor *w = number(2);
    CHECK_OK(hone_backward(w));
    cr_assert(hone_register_hook(w, hook, NULL));
    CHECK_FAILS(hone_backward(hone_mul_scalar(w, 3)), code, leaf);
    is(hone_grad(w), 1); /* as before */
    CHECK_FAILS(hone_autograd_grad(hone_list(hone_mul(w, w)), hone_list(w), NULL).at, code, leaf);
}

Test(autograd_hooks, errors)
{
    refused(wrong_shape, HONE_E_SHAPE,
            "register_hook: a hook gave f64 [2] in place of the gradient f64 [1] of mul",
            "of a leaf");
    refused(wrong_dtype, HONE_E_DTYPE,
            "register_hook: a hook gave f32 [1] in place of the gradient f64 [1] of mul",
            "of a leaf");
    refused(no_tensor, HONE_E_NULL, "register_hook: HONE_NONE", "register_hook: HONE_NONE");
    refused(fails, HONE_E_VALUE, "a hook's own error", "a hook's own error");

    hone_tensor *w = number(2);
    cr_assert(hone_register_post_accumulate_grad_hook(w, fails_after, NULL));
    CHECK_FAILS(hone_backward(hone_mul_scalar(w, 3)), HONE_E_IO,
                "register_post_accumulate_grad_hook: a hook of f64 [1]");
    is(hone_grad(w), 3); /* it has been accumulated */
}

/* The walk ends before it comes to the leaf, or after: .grad is what it was. */
Test(autograd_hooks, failed_walk)
{
    hone_tensor *w = number(2), *v = number(1);
    CHECK_OK(hone_backward(w));
    cr_assert(hone_register_hook(w, times_ten, ""));
    hone_tensor *inner = hone_mul_scalar(v, 2);
    cr_assert(hone_register_hook(inner, fails, NULL));
    CHECK_FAILS(hone_backward(hone_add(inner, hone_mul_scalar(w, 3))), HONE_E_VALUE, "own error");
    is(hone_grad(w), 1);
    CHECK_OK(hone_backward(hone_mul_scalar(w, 3)));
    is(hone_grad(w), 31);
}

static void *walk_too(void *w)
{
    HONE_SCOPE();
    CHECK_FAILS(hone_backward(hone_mul_scalar(w, 2)), HONE_E_STATE,
                "backward: another thread's walk brings a gradient to f64 [1], which has hooks");
    return NULL;
}

static hone_tensor *in_the_middle(hone_tensor *grad, void *w)
{
    pthread_t thread;
    (void)grad;
    cr_assert(pthread_create(&thread, NULL, walk_too, w) == 0);
    cr_assert(pthread_join(thread, NULL) == 0);
    return NULL;
}

Test(autograd_hooks, two_threads)
{
    hone_tensor *w = number(2), *inner = hone_mul_scalar(number(1), 2);
    cr_assert(hone_register_hook(inner, in_the_middle, w));
    cr_assert(hone_register_hook(w, times_ten, ""));
    CHECK_OK(hone_backward(hone_add(inner, hone_mul_scalar(w, 3))));
    is(hone_grad(w), 30);
}

Test(autograd_hooks, refuses)
{
    hone_tensor *plain = hone_ones(HONE_F64, 1), *x = number(1), *y = hone_mul(x, x);
    double seen;
    CHECK_FAILS(hone_register_hook(plain, times_ten, ""), HONE_E_STATE, "register_hook: f64 [1]");
    CHECK_FAILS(hone_register_hook(x, NULL, NULL), HONE_E_NULL, "register_hook");
    CHECK_FAILS(hone_register_post_accumulate_grad_hook(plain, note, &seen), HONE_E_STATE,
                "doesn't require a gradient");
    CHECK_FAILS(hone_register_post_accumulate_grad_hook(y, note, &seen), HONE_E_STATE,
                "is not a leaf");
    CHECK_FAILS(hone_register_post_accumulate_grad_hook(x, NULL, NULL), HONE_E_NULL, "function");
    CHECK_FAILS(hone_retain_grad(plain), HONE_E_STATE, "retain_grad: f64 [1]");
}

/* ---- parts */

typedef struct {
    int calls;
    hone_tensor *grad;
} saw;

static hone_tensor *see(hone_tensor *grad, void *user)
{
    saw *s = user;
    s->calls++;
    hone_assign(&s->grad, grad);
    return hone_mul_scalar(grad, 0.5);
}

static hone_status see_after(hone_tensor *leaf, void *user)
{
    saw *s = user;
    s->calls++;
    return hone_assign(&s->grad, hone_clone(hone_grad(leaf)));
}

static void in_parts(hone_tensor *w, hone_tensor *x, hone_tensor *y, int64_t each)
{
    CHECK_OK(hone_accumulate_begin(8));
    for (int64_t i = 0; i < 8; i += each) {
        HONE_SCOPE();
        CHECK_OK(hone_accumulate_part(each));
        hone_tensor *h = hone_matmul(hone_slice(x, 0, i, i + each, 1), w);
        CHECK_OK(hone_backward(
            hone_cross_entropy(hone_matmul(hone_tanh(h), w), hone_slice(y, 0, i, i + each, 1))));
        if (i == 0)
            CHECK_FAILS(hone_register_hook(w, see, NULL), HONE_E_STATE,
                        "register_hook: parts of the batch");
    }
    cr_assert(hone_accumulate_end(), "%s", hone_error_message());
}

static void same_bits(hone_tensor *a, hone_tensor *b)
{
    cr_assert(!memcmp(hone_data(a), hone_data(b), 9 * sizeof(float)));
}

/* The leaf is used twice: each use has a sum of its own until the end. */
static void any_cut(void)
{
    hone_seed(3);
    hone_tensor *x = hone_randn(HONE_F32, 8, 3), *y = hone_randint(HONE_I64, 0, 3, 8);
    hone_tensor *init = hone_randn(HONE_F32, 3, 3), *whole[2] = { NULL, NULL };
    for (int64_t each = 8; each >= 1; each /= 2) {
        hone_tensor *w = hone_requires_grad_(hone_clone(init), true);
        saw before = { 0, NULL }, after = { 0, NULL };
        cr_assert(hone_register_hook(w, see, &before));
        cr_assert(hone_register_post_accumulate_grad_hook(w, see_after, &after));
        in_parts(w, x, y, each);
        cr_assert(before.calls == 1 && after.calls == 1);
        same_bits(hone_mul_scalar(before.grad, 0.5), after.grad);
        same_bits(hone_grad(w), after.grad);
        if (!whole[0]) {
            whole[0] = hone_clone(before.grad);
            whole[1] = hone_clone(after.grad);
        }
        same_bits(whole[0], before.grad);
        same_bits(whole[1], after.grad);
        hone_release(before.grad);
        hone_release(after.grad);
    }
}

Test(autograd_hooks, parts)
{
    any_cut();
}

Test(autograd_hooks, parts_in_shards)
{
    hone_module *any = hone_nn_relu();
    CHECK_OK(hone_dist_model(any, &(hone_dist_options){ .shards = 4 }));
    any_cut();
    CHECK_OK(hone_dist_model(any, NULL));
    hone_module_free(any);
}

/* Post-accumulate hooks alone don't change a bit of what goes on from .grad. */
Test(autograd_hooks, same_bits_with_and_without)
{
    hone_seed(4);
    hone_tensor *x = hone_randn(HONE_F32, 8, 3), *y = hone_randint(HONE_I64, 0, 3, 8);
    hone_tensor *init = hone_randn(HONE_F32, 3, 3), *w[2];
    for (int i = 0; i < 2; i++) {
        saw after = { 0, NULL };
        w[i] = hone_requires_grad_(hone_clone(init), true);
        if (i)
            cr_assert(hone_register_post_accumulate_grad_hook(w[i], see_after, &after));
        in_parts(w[i], x, y, 2);
        CHECK_OK(hone_backward(hone_cross_entropy(hone_matmul(x, w[i]), y)));
        cr_assert(after.calls == 2 * i);
        hone_release(after.grad);
    }
    same_bits(hone_grad(w[0]), hone_grad(w[1]));
}

/* A batch that lacks samples calls no hook, and leaves .grad as it was. */
Test(autograd_hooks, batch_that_fails)
{
    hone_tensor *w = hone_requires_grad_(hone_ones(HONE_F32, 3, 3), true);
    hone_tensor *x = hone_ones(HONE_F32, 4, 3), *y = hone_zeros(HONE_I64, 4);
    saw before = { 0, NULL };
    CHECK_OK(hone_backward(hone_sum(w)));
    cr_assert(hone_register_hook(w, see, &before));
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_OK(hone_accumulate_part(4));
    CHECK_OK(hone_backward(hone_cross_entropy(hone_matmul(x, w), y)));
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "4 samples came of the 8");
    cr_assert(before.calls == 0);
    is(hone_sum(hone_grad(w)), 9);
    CHECK_OK(hone_backward(hone_sum(w)));
    cr_assert(before.calls == 1);
    is(hone_sum(hone_grad(w)), 13.5);
    hone_release(before.grad);
}

/* ---- anomaly mode */

Test(autograd_hooks, anomaly)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_zeros(HONE_F32, 2, 3), true);
    cr_assert(!hone_anomaly_enabled());
    hone_tensor *outside = hone_sum(hone_mul_scalar(hone_sqrt(x), 0)); /* 0 * inf */
    {
        HONE_DETECT_ANOMALY();
        cr_assert(hone_anomaly_enabled());
        hone_tensor *inside = hone_sum(hone_mul_scalar(hone_sqrt(x), 0));
        CHECK_FAILS(hone_backward(inside), HONE_E_GRADIENT,
                    "backward: anomaly: the gradient of input 0 of sqrt(f32 [2, 3]) -> f32 [2, 3] "
                    "became NaN; it was called in the scope that autograd_hooks_anomaly");
        CHECK_FAILS(hone_backward(outside), HONE_E_GRADIENT, "a forward without anomaly mode");
        cr_assert(!hone_grad(x));
        hone_tensor *w = number(2);
        CHECK_OK(hone_backward(hone_mul(w, hone_mul(w, w))));
        is(hone_grad(w), 12);
        hone_tensor *hooked = hone_mul(w, w); /* noted and hooked */
        cr_assert(hone_register_hook(hooked, times_ten, ""));
        CHECK_OK(hone_backward(hooked));
        is(hone_grad(w), 52);
    }
    cr_assert(!hone_anomaly_enabled());
    CHECK_OK(hone_backward(hone_sum(hone_mul_scalar(hone_sqrt(x), 0))));
    cr_assert(isnan(hone_item(hone_sum(hone_grad(x)))));
}

/* Which of two: the divisor's, 0 * inf, while the other is fine. */
Test(autograd_hooks, anomaly_names_the_input)
{
    HONE_DETECT_ANOMALY();
    hone_tensor *a = number(0), *b = number(0);
    CHECK_FAILS(hone_backward(hone_div(a, b)), HONE_E_GRADIENT, "the gradient of input 1 of div(");
}

/* Looking for NaN doesn't change a bit, nor with parts. */
Test(autograd_hooks, anomaly_has_the_same_bits)
{
    hone_seed(5);
    hone_tensor *x = hone_randn(HONE_F32, 8, 3), *y = hone_randint(HONE_I64, 0, 3, 8);
    hone_tensor *init = hone_randn(HONE_F32, 3, 3), *w[2];
    for (int i = 0; i < 2; i++) {
        w[i] = hone_requires_grad_(hone_clone(init), true);
        hone_set_detect_anomaly(i == 1);
        in_parts(w[i], x, y, 2);
        CHECK_OK(hone_backward(hone_cross_entropy(hone_matmul(x, w[i]), y)));
    }
    hone_set_detect_anomaly(false);
    same_bits(hone_grad(w[0]), hone_grad(w[1]));
}

/* A leaf that had a NaN before is none of the walk's doing. */
Test(autograd_hooks, anomaly_before_the_walk)
{
    hone_tensor *w = hone_requires_grad_(hone_ones(HONE_F32, 3, 3), true);
    CHECK_OK(hone_set_grad(w, hone_full(HONE_F32, NAN, 3, 3)));
    HONE_DETECT_ANOMALY();
    CHECK_OK(hone_backward(hone_sum(hone_matmul(hone_ones(HONE_F32, 4, 3), w))));
    CHECK_FAILS(
        hone_backward(hone_sum(hone_matmul(hone_full(HONE_F32, NAN, 4, 3),
                                           hone_requires_grad_(hone_ones(HONE_F32, 3, 3), true)))),
        HONE_E_GRADIENT, "the gradient of input 1 of matmul(f32 [4, 3], f32 [3, 3])");
}
