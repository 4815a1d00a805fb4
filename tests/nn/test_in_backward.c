/* hone_optim_in_backward(): the plain loop's bits, in the memory of one gradient. */
#include "support.h"

#include <hone/hone.h>

#include <string.h>

SUITE(in_backward);

enum { WORDS = 40, WIDTH = 24, LAYERS = 6 };

/* Layers, and an embedding whose weight gives the scores, too: it is complete last. */
typedef struct {
    hone_tensor *words, *layer[LAYERS], *bias;
} net;

static hone_tensor *weight(double scale, int64_t rows, int64_t columns)
{
    return hone_requires_grad_(hone_mul_scalar(hone_randn(HONE_F32, rows, columns), scale), true);
}

static net make_net(int64_t words, int64_t width)
{
    net n;
    hone_seed(3);
    n.words = weight(1, words, width);
    for (int i = 0; i < LAYERS; i++)
        n.layer[i] = weight(0.1, width, width);
    n.bias = weight(0.1, 1, width);
    return n;
}

static hone_tensor_list parameters(const net *n)
{
    return hone_list(n->words, n->layer[0], n->layer[1], n->layer[2], n->layer[3], n->layer[4],
                     n->layer[5], n->bias);
}

/* Each layer as it is and turned (a view), the bias at each. */
static hone_tensor *loss_of(const net *n, hone_tensor *tokens, hone_tensor *y)
{
    hone_tensor *h = hone_embedding(tokens, n->words, HONE_NO_PADDING);
    for (int i = 0; i < LAYERS; i++) {
        h = hone_tanh(hone_add(hone_matmul(h, n->layer[i]), n->bias));
        h = hone_add(h, hone_matmul(h, hone_transpose(n->layer[i], 0, 1)));
    }
    return hone_cross_entropy(hone_matmul(h, hone_transpose(n->words, 0, 1)), y);
}

static void train(const net *n, hone_optim *o, int steps)
{
    hone_seed(4);
    for (int i = 0; i < steps; i++) {
        HONE_SCOPE();
        const int64_t words = hone_size(n->words, 0);
        hone_tensor *tokens = hone_randint(HONE_I64, 0, words, 10);
        hone_tensor *y = hone_randint(HONE_I64, 0, words, 10);
        CHECK_OK(hone_optim_zero_grad(o));
        CHECK_OK(hone_optim_set_lr(o, 0.02 / (i + 1)));
        CHECK_OK(hone_backward(loss_of(n, tokens, y)));
        CHECK_OK(hone_optim_step(o));
    }
}

static void check_same(const char *name, const net *a, hone_optim *oa, const net *b, hone_optim *ob)
{
    const hone_tensor_list x = parameters(a), y = parameters(b);
    const hone_named_list s = hone_optim_state(oa), t = hone_optim_state(ob);
    for (int i = 0; i < x.n; i++)
        cr_expect(test_same_bits(x.at[i], y.at[i]), "%s: parameter %d", name, i);
    cr_assert(s.n == t.n && s.n > 0);
    for (int i = 0; i < s.n; i++)
        cr_expect(test_same_bits(s.at[i].tensor, t.at[i].tensor), "%s: %s", name, s.at[i].name);
}

/* ... and after it has been switched off again. */
Test(in_backward, has_the_plain_loops_bits)
{
    for (int i = 0; i < hone_optim_kinds(); i++) {
        const char *name = hone_optim_kind(i);
        const net a = make_net(WORDS, WIDTH), b = make_net(WORDS, WIDTH);
        hone_optim *oa = hone_optim_by_name(name, parameters(&a), NULL);
        hone_optim *ob = hone_optim_by_name(name, parameters(&b), NULL);
        CHECK_OK(hone_optim_in_backward(ob, true));
        CHECK_OK(hone_optim_in_backward(ob, true));
        train(&a, oa, 3);
        train(&b, ob, 3);
        check_same(name, &a, oa, &b, ob);
        CHECK_OK(hone_optim_in_backward(ob, false));
        train(&a, oa, 2);
        train(&b, ob, 2);
        check_same(name, &a, oa, &b, ob);
        hone_optim_free(oa);
        hone_optim_free(ob);
    }
}

static int64_t peak_of_a_step(bool in_backward)
{
    HONE_SCOPE();
    const net n = make_net(16, 256);
    hone_optim *o = hone_sgd_list(parameters(&n), NULL);
    CHECK_OK(hone_optim_in_backward(o, in_backward));
    train(&n, o, 2);
    hone_memory m;
    hone_memory_stats(&m);
    hone_optim_free(o);
    return m.peak_bytes;
}

/* Each layer's gradient is 256 KB, and there are 6. */
Test(in_backward, holds_about_one_gradient)
{
    const int64_t with = peak_of_a_step(true), plain = peak_of_a_step(false);
    cr_assert(with <= plain - 4 * 256 * 256 * 4, "%lld, %lld", (long long)with, (long long)plain);
}

/* A weight that the loss doesn't come to, one that requires no gradient, and a branch of the graph
 * that no gradient goes through. */
Test(in_backward, steps_what_the_loss_uses)
{
    hone_tensor *a = hone_requires_grad_(T(HONE_F32, (1), 1), true);
    hone_tensor *b = hone_requires_grad_(T(HONE_F32, (1), 1), true);
    hone_tensor *c = hone_requires_grad_(T(HONE_F32, (1), 1), true);
    hone_optim *o =
        hone_sgd_list(hone_list(a, b, c), &(hone_sgd_options){ .lr = 0.5, .momentum = 0.5 });
    CHECK_OK(hone_optim_in_backward(o, true));
    hone_requires_grad_(c, false);
    hone_tensor *used = hone_mul(a, hone_add(c, hone_detach(hone_exp(b))));
    CHECK_OK(hone_backward(
        hone_sum(hone_mul_scalar(hone_add(used, hone_mul(b, hone_zeros(HONE_F32, 1))), 2))));
    cr_expect(hone_item(a) < 0 && hone_item(c) == 1 && hone_item(b) == 1);
    cr_assert(!hone_grad(a));
    const double then = hone_item(a);
    CHECK_OK(hone_optim_step(o)); /* nothing is left for it */
    cr_expect(hone_item(a) == then);
    hone_optim_free(o);
    hone_requires_grad_(c, true);
    CHECK_OK(hone_backward(hone_sum(hone_mul(a, c)))); /* nobody steps any more */
    cr_expect(hone_item(a) == then && hone_item(hone_grad(c)) == then);
}

static hone_tensor *twice(hone_tensor *grad, void *user)
{
    *(int *)user += 1;
    return hone_mul_scalar(grad, 2);
}

static hone_status see(hone_tensor *leaf, void *user)
{
    *(double *)user = hone_item(hone_grad(leaf));
    return HONE_OK;
}

/* A leaf's other hooks run before its step. */
Test(in_backward, hooks_come_first)
{
    int calls = 0;
    double seen = 0;
    hone_tensor *w = hone_requires_grad_(T(HONE_F32, (1), 3), true);
    hone_optim *o = hone_sgd_list(hone_list(w), &(hone_sgd_options){ .lr = 1 });
    CHECK_OK(hone_optim_in_backward(o, true));
    cr_assert(hone_register_hook(w, twice, &calls));
    cr_assert(hone_register_post_accumulate_grad_hook(w, see, &seen));
    hone_tensor *y = hone_mul(hone_exp(w), hone_zeros(HONE_F32, 1));
    CHECK_OK(hone_backward(hone_sum(hone_add(hone_mul_scalar(w, 0.25), y))));
    cr_expect(calls == 1 && seen == 0.5 && hone_item(w) == 2.5, "%g %g", seen, hone_item(w));
    hone_optim_free(o);
}

Test(in_backward, what_needs_all_gradients_is_refused)
{
    hone_tensor *w = hone_requires_grad_(T(HONE_F32, (2), 3, 4), true);
    hone_optim *o = hone_sgd_list(hone_list(w), NULL), *other = hone_sgd_list(hone_list(w), NULL);
    CHECK_FAILS(hone_optim_in_backward(NULL, true), HONE_E_NULL, "optim_in_backward");
    CHECK_OK(hone_backward(hone_sum(w)));
    CHECK_FAILS(hone_optim_in_backward(o, true), HONE_E_STATE, "f32 [2] has a gradient already");
    CHECK_OK(hone_optim_zero_grad(o));
    CHECK_OK(hone_optim_in_backward(o, true));
    CHECK_FAILS(hone_optim_in_backward(other, true), HONE_E_STATE,
                "f32 [2] is stepped within the backward");
    CHECK_FAILS(hone_clip_grad_norm_(hone_list(w), 1, NULL, NULL), HONE_E_STATE,
                "clip_grad_norm_: f32 [2] is stepped within the backward (hone_optim_in_backward)");
    CHECK_FAILS(hone_clip_grad_value_(hone_list(w), 1), HONE_E_STATE, "clip_grad_value_: f32 [2]");
    cr_assert(hone_optim_add_group(o, hone_list(hone_requires_grad_(hone_ones(HONE_F32, 1), true)),
                                   NULL) == -1);
    CHECK_ERROR(HONE_E_STATE, "optim_add_group: sgd steps within the backward");
    CHECK_OK(hone_accumulate_begin(2));
    CHECK_OK(hone_accumulate_part(1));
    CHECK_FAILS(hone_backward(hone_sum(w)), HONE_E_STATE, "a batch in parts: f32 [2] is stepped");
    hone_accumulate_end();
    hone_error_clear();
    CHECK_VALUES(hone_detach(w), HONE_F32, (2), 3, 4);
    hone_optim_free(o);
    hone_optim_free(other);
}

/* An op that saved the weight without the graph's knowing would read the new one. */
Test(in_backward, an_old_value_is_missed)
{
    hone_tensor *w = hone_requires_grad_(T(HONE_F32, (1), 3), true);
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (1), 3), true);
    hone_optim *o = hone_sgd_list(hone_list(w), NULL);
    CHECK_OK(hone_optim_in_backward(o, true));
    hone_tensor *early = hone_mul(x, hone_detach(w));
    CHECK_FAILS(hone_backward(hone_sum(hone_mul(early, w))), HONE_E_STATE,
                "was modified in place after it was saved");
    hone_optim_free(o);
}

static bool a_step(void)
{
    HONE_SCOPE();
    hone_tensor *w = hone_requires_grad_(hone_full(HONE_F32, 3, 4, 4), true);
    hone_optim *o = w ? hone_adam_list(hone_list(w), NULL) : NULL;
    const bool ok = o && hone_optim_in_backward(o, true) == HONE_OK &&
                    hone_backward(hone_sum(hone_matmul(w, w))) == HONE_OK;
    hone_optim_free(o);
    return ok;
}

Test(in_backward, every_allocation_may_fail)
{
    test_each_allocation_fails(a_step);
}
