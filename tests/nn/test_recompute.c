/* hone_recompute(): the bits of the plain call, without its activations. */
#include "support.h"

#include <hone/hone.h>

#include <string.h>

SUITE(recompute);

static int runs;

/* Saves inputs, outputs, a mask that is drawn, and a weight. user: the weights. */
static hone_tensor *part(hone_tensor *const *in, int n_in, void *user)
{
    hone_tensor *const *w = user;
    (void)n_in;
    runs++;
    hone_tensor *h = hone_tanh(hone_add(hone_matmul(in[0], w[0]), w[1]));
    h = hone_dropout(hone_exp(h), 0.3, true);
    h = hone_mul(h, hone_softmax(in[0], 1));
    return in[1] == HONE_NONE ? h : hone_add(h, hone_mul(in[1], hone_sigmoid(in[1])));
}

static hone_tensor *drawn(int64_t rows, int64_t columns)
{
    return hone_requires_grad_(hone_randn(HONE_F32, rows, columns), true);
}

typedef struct {
    hone_tensor *x, *w[2], *loss;
} parts;

/* Two parts with something before, between and behind them; w is used by all. Whole until the next call with that `recompute`: parts read weights again. */
static parts *run_parts(bool recompute, int64_t rows)
{
    static parts both[2];
    parts *const of = &both[recompute];
    hone_seed(5);
    of->x = drawn(rows, 8);
    of->w[0] = drawn(8, 8);
    of->w[1] = drawn(1, 8);
    hone_tensor *h = hone_mul(of->x, of->w[1]);
    for (int i = 0; i < 2; i++) {
        hone_tensor *other = i == 0 ? HONE_NONE : hone_dropout(h, 0.1, true);
        hone_tensor *in[] = { h, other, HONE_END_TENSOR };
        h = recompute ? hone_recompute(part, of->w, hone_list(h, other)) : part(in, 2, of->w);
        h = hone_add(hone_dropout(h, 0.2, true), hone_matmul(h, of->w[0]));
    }
    of->loss = hone_mean(hone_mul(h, h));
    cr_assert(of->loss, "%s", hone_error_message());
    return of;
}

static void check_same(const parts *a, const parts *b)
{
    cr_expect(test_same_bits(hone_detach(a->loss), hone_detach(b->loss)));
    cr_expect(test_same_bits(hone_grad(a->x), hone_grad(b->x)));
    cr_expect(test_same_bits(hone_grad(a->w[0]), hone_grad(b->w[0])));
    cr_expect(test_same_bits(hone_grad(a->w[1]), hone_grad(b->w[1])));
}

Test(recompute, has_the_plain_calls_bits)
{
    parts *a = run_parts(false, 40);
    uint64_t seed, next, again_next;
    CHECK_OK(hone_next_stream(&seed, &next));
    runs = 0;
    parts *b = run_parts(true, 40);
    cr_assert(runs == 2);
    CHECK_OK(hone_backward(a->loss));
    CHECK_OK(hone_backward(b->loss));
    cr_assert(runs == 4); /* each once more */
    CHECK_OK(hone_next_stream(&seed, &again_next));
    cr_expect(again_next == next, "the second run draws from where the first began");
    check_same(a, b);
}

/* A graph that is kept is walked twice; gradients of inner tensors alone. */
Test(recompute, walks_of_other_kinds)
{
    parts *a = run_parts(false, 9), *b = run_parts(true, 9);
    const hone_backward_options keep = { .retain_graph = true };
    for (int i = 0; i < 2; i++) {
        CHECK_OK(hone_backward_with(a->loss, &keep));
        CHECK_OK(hone_backward_with(b->loss, &keep));
        check_same(a, b);
    }
    const hone_tensor_list one =
        hone_autograd_grad(hone_list(a->loss), hone_list(a->x, a->w[1]), NULL);
    const hone_tensor_list two =
        hone_autograd_grad(hone_list(b->loss), hone_list(b->x, b->w[1]), NULL);
    cr_assert(one.at && two.at, "%s", hone_error_message());
    cr_expect(test_same_bits(one.at[0], two.at[0]) && test_same_bits(one.at[1], two.at[1]));
    b = run_parts(true, 9);
    cr_assert(!hone_autograd_grad(hone_list(b->loss), hone_list(b->x),
                                  &(hone_autograd_options){ .create_graph = true })
                   .at);
    CHECK_ERROR(HONE_E_STATE, "a part of hone_recompute(), which can't be");
}

/* ---- as modules, of a batch in parts, with an optimizer in the backward */

static const char text[] =
    "model Block(width):\n"
    "    norm = BatchNorm1d(width)\n"
    "    up = Linear(width, 32)\n"
    "    drop = Dropout(0.25)\n"
    "    down = Linear(32, width)\n"
    "    forward(x):\n"
    "        return x + down(drop(relu(up(norm(x)))))\n"
    "model Net():\n"
    "    h = [Block(12) for i in range(3)]\n"
    "    rest = Sequential(Linear(12, 16), ReLU(), Sequential(Linear(16, 5)))\n"
    "    forward(x):\n"
    "        for block in h:\n"
    "            x = block(x)\n"
    "        return rest(x)\n";

static hone_module *network(const char *pattern)
{
    hone_seed(6);
    hone_module *m = hone_model_parse(text, "net", NULL);
    cr_assert(m, "%s", hone_error_message());
    if (pattern)
        cr_assert(hone_module_recompute_(m, pattern, true) > 0, "%s", hone_error_message());
    return m;
}

static void train(hone_module *m, bool in_backward)
{
    hone_optim *o = hone_adam(m, NULL);
    CHECK_OK(hone_optim_in_backward(o, in_backward));
    for (int i = 0; i < 3; i++) {
        HONE_SCOPE();
        hone_tensor *x = hone_randn(HONE_F32, 10, 12), *y = hone_randint(HONE_I64, 0, 5, 10);
        CHECK_OK(hone_optim_zero_grad(o));
        CHECK_OK(hone_backward(hone_cross_entropy(hone_forward(m, x), y)));
        CHECK_OK(hone_optim_step(o));
    }
    hone_optim_free(o);
}

static void check_state(hone_module *a, hone_module *b, const char *what)
{
    const hone_named_list x = hone_named_state(a), y = hone_named_state(b);
    cr_assert(x.n == y.n && x.n > 0);
    for (int i = 0; i < x.n; i++)
        cr_expect(test_same_bits(x.at[i].tensor, y.at[i].tensor), "%s: %s", what, x.at[i].name);
}

/* Weights, and running statistics, which follow once. */
Test(recompute, modules)
{
    static const char *const patterns[] = { "h.*", "h.1", "rest", "", "rest.*", "*" };
    hone_module *plain = network(NULL);
    train(plain, false);
    for (size_t i = 0; i < 2 * (sizeof patterns / sizeof *patterns); i++) {
        hone_module *m = network(patterns[i / 2]);
        train(m, i % 2);
        check_state(plain, m, patterns[i / 2]);
        hone_module_free(m);
    }
    CHECK_FAILS(hone_module_recompute_(plain, "g.*", true) == -1 ? NULL : plain, HONE_E_INDEX,
                "module_recompute_: none of the");
    hone_module_free(plain);
}

static hone_tensor *in_parts(hone_module *m, hone_tensor *x, hone_tensor *y, int64_t each)
{
    CHECK_OK(hone_accumulate_begin(12));
    for (int64_t at = 0; at < 12; at += each) {
        HONE_SCOPE();
        CHECK_OK(hone_accumulate_part(each));
        CHECK_OK(
            hone_backward(hone_cross_entropy(hone_forward(m, hone_slice(x, 0, at, at + each, 1)),
                                             hone_slice(y, 0, at, at + each, 1))));
    }
    return hone_accumulate_end();
}

/* Contract 7: dropout, and losses within the part. */
Test(recompute, any_cut_of_the_batch)
{
    hone_seed(1);
    hone_tensor *x = hone_randn(HONE_F32, 12, 6), *y = hone_randint(HONE_I64, 0, 4, 12);
    hone_seed(3);
    hone_module *a = hone_nn_layer("Sequential", "Linear(6, 9), Dropout(0.5), Linear(9, 4)");
    hone_seed(3);
    hone_module *b = hone_nn_layer("Sequential", "Linear(6, 9), Dropout(0.5), Linear(9, 4)");
    cr_assert(hone_module_recompute_(b, "", true) == 1);
    hone_tensor *wanted = NULL;
    for (int i = 0; i < 4; i++) {
        hone_module *m = i % 2 ? b : a;
        hone_seed(2);
        hone_module_zero_grad(m);
        hone_tensor *loss = in_parts(m, x, y, i < 2 ? 12 : 4);
        cr_assert(loss, "%s", hone_error_message());
        const hone_tensor_list p = hone_parameters(m);
        hone_tensor *all = hone_cat(
            hone_list(hone_flatten(hone_grad(p.at[0]), 0), hone_grad(p.at[1]),
                      hone_flatten(hone_grad(p.at[2]), 0), hone_detach(hone_reshape(loss, 1))),
            0);
        cr_assert(!wanted || test_same_bits(all, wanted), "%d", i);
        wanted = all;
    }
    hone_module_free(a);
    hone_module_free(b);
}

/* ---- memory */

static hone_tensor *deep(hone_tensor *const *in, int n_in, void *user)
{
    hone_tensor *x = in[0];
    (void)n_in, (void)user;
    for (int i = 0; i < 20; i++)
        x = hone_tanh(x);
    return x;
}

static int64_t peak(bool recompute)
{
    HONE_SCOPE();
    hone_memory m;
    hone_tensor *x = hone_requires_grad_(hone_randn(HONE_F32, 64, 1024), true); /* 256 KB */
    for (int i = 0; i < 4; i++) {
        hone_tensor *in[] = { x, HONE_END_TENSOR };
        x = recompute ? hone_recompute(deep, NULL, hone_list(x)) : deep(in, 1, NULL);
    }
    CHECK_OK(hone_backward(hone_sum(x)));
    hone_memory_stats(&m);
    return m.peak_bytes;
}

Test(recompute, holds_one_parts_activations)
{
    const int64_t with = peak(true), without = peak(false);
    /* 80 tanh, or 3 outputs and 20 of one part */
    cr_assert(with < without / 2, "%lld, %lld", (long long)with, (long long)without);
}

/* ---- what can't be */

static hone_tensor *other_each_time(hone_tensor *const *in, int n_in, void *user)
{
    int *times = user;
    (void)n_in;
    switch ((*times)++) {
    case 0:
        return hone_tanh(hone_exp(in[0]));
    case 1:
        return hone_exp(hone_exp(in[0]));
    case 2:
        return hone_exp(in[0]);
    case 3:
        return hone_tanh(hone_exp(hone_slice(in[0], 0, 0, 1, 1)));
    case 4:
        return hone_tanh(hone_tanh(hone_exp(in[0])));
    default:
        return NULL;
    }
}

Test(recompute, a_part_that_does_something_else)
{
    int times = 0;
    const hone_backward_options keep = { .retain_graph = true };
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (2), 1, 2), true);
    hone_tensor *y = hone_sum(hone_recompute(other_each_time, &times, hone_list(x)));
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_STATE,
                "call 1 (exp) is another op than at first");
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_STATE, "call 1 (tanh) is missing");
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_STATE, "call 0 (slice) is another op");
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_STATE,
                "call 2 (tanh) is one more than at first");
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_NULL, "recompute");
    CHECK_FAILS(hone_recompute(NULL, NULL, hone_list(x)), HONE_E_NULL, "recompute");
    CHECK_FAILS(hone_recompute(deep, NULL, hone_list(NULL)), HONE_E_NULL, "");
}

Test(recompute, what_has_changed_since)
{
    hone_tensor *w[] = { drawn(8, 8), drawn(1, 8) };
    hone_tensor *x = hone_randn(HONE_F32, 3, 8);
    hone_tensor *y = hone_sum(hone_recompute(part, w, hone_list(x, HONE_NONE)));
    hone_add_scalar_(x, 1);
    CHECK_FAILS(hone_backward(y), HONE_E_STATE, "input 0 (f32 [3, 8]) was modified in place");
    y = hone_sum(hone_recompute(part, w, hone_list(x, HONE_NONE)));
    {
        HONE_NO_GRAD(); /* nobody saves a bias */
        hone_add_scalar_(w[1], 1);
    }
    CHECK_FAILS(hone_backward(y), HONE_E_STATE, "call 1 (add) has other operands than at first");
}

/* A graph that is never walked, and nothing to record. */
Test(recompute, without_a_walk)
{
    hone_tensor *w[] = { drawn(8, 8), drawn(1, 8) };
    runs = 0;
    cr_assert(hone_recompute(part, w, hone_list(hone_randn(HONE_F32, 3, 8), HONE_NONE)));
    HONE_NO_GRAD();
    cr_assert(!hone_requires_grad(
        hone_recompute(part, w, hone_list(hone_randn(HONE_F32, 3, 8), HONE_NONE))));
    cr_assert(runs == 2);
}

static bool a_step(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_full(HONE_F32, 3, 4, 4), true);
    return x && hone_backward(hone_sum(hone_recompute(deep, NULL, hone_list(x)))) == HONE_OK;
}

Test(recompute, every_allocation_may_fail)
{
    test_each_allocation_fails(a_step);
}
