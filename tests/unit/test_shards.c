/* test_shards.c: batches cut into shards (hone/dist.h) in one process: the tree, gradients against
 * those of each shard alone, any cut of a shard, statistics, what is refused. Ranks are tests/dist. */
#include "support.h"

#include "op/shards.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

SUITE(shards);

static void cut_into(int64_t shards)
{
    hone_module *any = hone_nn_relu();
    CHECK_OK(hone_dist_model(any, &(hone_dist_options){ .shards = shards }));
    cr_assert_eq(hone_dist_shards(), shards);
    hone_module_free(any);
}

/* ---- the tree */

typedef struct {
    char s[600];
} text;

/* The node over shards [lo, hi) as the header says it; "" if none of them has samples. */
static text node(const hone__cut *cut, int64_t lo, int64_t hi)
{
    text t = { "" };
    if (hi - lo == 1) {
        if (hone__shard_begin(cut, lo) < hone__shard_begin(cut, hi))
            snprintf(t.s, sizeof t.s, "%d", (int)lo);
        return t;
    }
    int64_t half = 1;
    while (2 * half < hi - lo)
        half *= 2;
    const text a = node(cut, lo, lo + half), b = node(cut, lo + half, hi);
    if (!a.s[0] || !b.s[0])
        return a.s[0] ? a : b;
    snprintf(t.s, sizeof t.s, "(%.290s %.290s)", a.s, b.s);
    return t;
}

/* What is on the stack after a push. */
static void join(text *stack, int top, int joined)
{
    for (; joined > 0; joined--, top--) {
        text t;
        snprintf(t.s, sizeof t.s, "(%.290s %.290s)", stack[top - 1].s, stack[top].s);
        stack[top - 1] = t;
    }
}

/* The forests of n ranks, and all of them joined. */
static text joined_by(int64_t shards, int64_t whole, int n)
{
    text all[HONE__FOREST], own[HONE__FOREST];
    hone__forest of_all = { 0 };
    const hone__cut everything = hone__cut_of(shards, whole, 0, 1);
    for (int r = 0; r < n; r++) {
        const hone__cut cut = hone__cut_of(shards, whole, r, n);
        hone__forest f = { 0 };
        for (int64_t s = cut.first; s < cut.end; s++) {
            if (hone__shard_begin(&cut, s) == hone__shard_begin(&cut, s + 1))
                continue;
            const int at = f.n;
            snprintf(own[at].s, sizeof own[at].s, "%d", (int)s);
            join(own, at, hone__forest_push(&f, &cut, s, s));
        }
        const hone__forest told = hone__forest_of(&cut);
        cr_assert_eq(told.n, f.n);
        for (int i = 0; i < f.n; i++) {
            const int at = of_all.n;
            all[at] = own[i];
            join(all, at, hone__forest_push(&of_all, &everything, f.tree[i].lo, f.tree[i].hi));
        }
    }
    cr_assert_eq(of_all.n, 1, "%d trees", of_all.n);
    return all[0];
}

Test(shards, any_number_of_ranks_makes_the_same_tree)
{
    for (int64_t shards = 1; shards <= 17; shards++)
        for (int64_t whole = 1; whole <= 20; whole++) {
            const hone__cut cut = hone__cut_of(shards, whole, 0, 1);
            const text want = node(&cut, 0, shards);
            for (int n = 1; n <= shards; n++) {
                const text got = joined_by(shards, whole, n);
                cr_assert(strcmp(want.s, got.s) == 0, "%d shards, %d samples, %d ranks: %s, not %s",
                          (int)shards, (int)whole, n, got.s, want.s);
            }
        }
}

Test(shards, every_sample_is_in_one_shard)
{
    for (int64_t shards = 1; shards <= 40; shards += 3)
        for (int64_t whole = 1; whole <= 50; whole++) {
            const hone__cut cut = hone__cut_of(shards, whole, 0, 1);
            for (int64_t i = 0; i < whole; i++) {
                const int64_t s = hone__shard_of(&cut, i);
                cr_assert(hone__shard_begin(&cut, s) <= i && i < hone__shard_begin(&cut, s + 1));
            }
            cr_assert_eq(hone__shard_begin(&cut, shards), whole);
        }
    const hone__cut huge = hone__cut_of(INT64_MAX, INT64_MAX, 0, 1);
    cr_assert_eq(hone__shard_of(&huge, INT64_MAX - 1), INT64_MAX - 1);
}

/* ---- gradients */

/* A network of x, [samples, ...]; its parameters are p. */
typedef hone_tensor *(*net)(hone_tensor *x, hone_tensor *const *p);

typedef struct {
    const char *name;
    net run;
    int n;
    int64_t shape[3][5]; /* of the parameters, ended by 0 */
    int64_t x[5];        /* of a sample, ended by 0 */
} example;

static hone_tensor *of_shape(const int64_t *shape, int64_t samples)
{
    int64_t dims[8] = { HONE_F32 };
    int n = 1;
    if (samples)
        dims[n++] = samples;
    for (; *shape; shape++)
        dims[n++] = *shape;
    dims[n] = HONE_END_DIM;
    return hone_randn_v(dims);
}

static hone_tensor *linear(hone_tensor *x, hone_tensor *const *p)
{
    return hone_gelu(hone_linear(x, p[0], p[1]));
}

static hone_tensor *transposed(hone_tensor *x, hone_tensor *const *p)
{
    return hone_add(hone_matmul(x, hone_transpose(p[0], 0, 1)), p[1]);
}

static hone_tensor *conv(hone_tensor *x, hone_tensor *const *p)
{
    return hone_relu(hone_conv2d(x, p[0], p[1], NULL));
}

static hone_tensor *conv_transpose(hone_tensor *x, hone_tensor *const *p)
{
    return hone_square(hone_conv_transpose2d(x, p[0], p[1], NULL));
}

static hone_tensor *layer_norm(hone_tensor *x, hone_tensor *const *p)
{
    return hone_square(hone_add(hone_layer_norm(x, p[0], HONE_NONE, 1, 1e-5),
                                hone_slice(p[1], 0, 0, hone_size(x, 1), 1)));
}

static hone_tensor *embedding(hone_tensor *x, hone_tensor *const *p)
{
    hone_tensor *at = hone_to(hone_minimum_scalar(hone_abs(hone_mul_scalar(x, 3)), 6), HONE_I64);
    return hone_square(hone_embedding(at, p[0], HONE_NO_PADDING));
}

/* A weight in two places. */
static hone_tensor *tied(hone_tensor *x, hone_tensor *const *p)
{
    return hone_add(hone_matmul(hone_tanh(hone_matmul(x, p[0])), p[0]), p[1]);
}

static const example examples[] = {
    { "linear", linear, 2, { { 5, 7 }, { 7 } }, { 5 } },
    { "linear over positions", linear, 2, { { 5, 7 }, { 7 } }, { 300, 5 } },
    { "linear wide", linear, 2, { { 130, 70 }, { 70 } }, { 130 } },
    { "matmul transposed", transposed, 2, { { 6, 5 }, { 3, 1, 6 } }, { 3, 2, 5 } },
    { "conv2d", conv, 2, { { 4, 3, 3, 3 }, { 4 } }, { 3, 8, 7 } },
    { "conv_transpose2d", conv_transpose, 2, { { 3, 4, 3, 3 }, { 4 } }, { 3, 5, 4 } },
    { "layer_norm", layer_norm, 2, { { 9 }, { 6, 9 } }, { 4, 9 } },
    { "embedding", embedding, 1, { { 7, 5 } }, { 4 } },
    { "tied", tied, 2, { { 6, 6 }, { 1, 6 } }, { 6 } },
};
enum { N_EXAMPLES = sizeof examples / sizeof *examples, WHOLE = 11 };

static void make_leaves(const example *e, hone_tensor **p)
{
    hone_seed(3);
    for (int i = 0; i < e->n; i++)
        p[i] = hone_requires_grad_(of_shape(e->shape[i], 0), true);
}

/* The gradients of samples [begin, end) alone. */
static void walk(const example *e, hone_tensor *x, hone_tensor *const *p, int64_t begin,
                 int64_t end)
{
    HONE_SCOPE();
    CHECK_OK(hone_backward(hone_sum(e->run(hone_slice(x, 0, begin, end, 1), p))));
}

/* The tree, added by hand. Where a leaf is used twice, each use has one of its own: close to it. */
static hone_tensor *tree_of(const example *e, hone_tensor *x, hone_tensor *const *p, int which,
                            const hone__cut *cut, int64_t lo, int64_t hi)
{
    if (hi - lo == 1) {
        const int64_t begin = hone__shard_begin(cut, lo), end = hone__shard_begin(cut, hi);
        for (int i = 0; i < e->n; i++)
            CHECK_OK(hone_set_grad(p[i], HONE_NONE));
        if (begin == end)
            return NULL;
        walk(e, x, p, begin, end);
        return hone_clone(hone_grad(p[which]));
    }
    int64_t half = 1;
    while (2 * half < hi - lo)
        half *= 2;
    hone_tensor *a = tree_of(e, x, p, which, cut, lo, lo + half);
    hone_tensor *b = tree_of(e, x, p, which, cut, lo + half, hi);
    return !a ? b : !b ? a : hone_add(a, b);
}

/* The gradients of a batch in parts of so many samples. */
static void run_in_parts(const example *e, hone_tensor *x, hone_tensor *const *p, int64_t part)
{
    for (int i = 0; i < e->n; i++)
        CHECK_OK(hone_set_grad(p[i], HONE_NONE));
    CHECK_OK(hone_accumulate_begin(WHOLE));
    for (int64_t i = 0; i < WHOLE; i += part) {
        const int64_t end = i + part < WHOLE ? i + part : WHOLE;
        CHECK_OK(hone_accumulate_part(end - i));
        walk(e, x, p, i, end);
    }
    cr_assert(hone_accumulate_end());
}

Test(shards, gradients_are_those_of_each_shard)
{
    for (int k = 0; k < N_EXAMPLES; k++)
        for (int64_t shards = 1; shards <= 13; shards += 3) {
            HONE_SCOPE();
            const example *e = &examples[k];
            hone_tensor *p[3], *want[3];
            make_leaves(e, p);
            hone_tensor *x = of_shape(e->x, WHOLE);
            const hone__cut cut = hone__cut_of(shards, WHOLE, 0, 1);
            for (int i = 0; i < e->n; i++)
                want[i] = tree_of(e, x, p, i, &cut, 0, shards);
            cut_into(shards);
            for (int64_t part = WHOLE; part > 0; part -= 5) {
                run_in_parts(e, x, p, part);
                for (int i = 0; i < e->n; i++) {
                    const bool once = e->run != tied || i > 0;
                    cr_expect(hone_allclose(hone_grad(p[i]), want[i], 1e-4, 1e-4));
                    cr_expect(!once || hone_equal(hone_grad(p[i]), want[i]),
                              "%s, %d shards, parts of %d: gradient %d", e->name, (int)shards,
                              (int)part, i);
                }
            }
            hone_dist_stop();
        }
}

/* Each use's tree, then their sum; begun with what was there. */
Test(shards, uses_are_added_one_after_the_other)
{
    hone_tensor *x = hone_randn(HONE_F32, 6, 3), *y = hone_randn(HONE_F32, 6, 3);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, 3, 2), true), *tree[2];
    hone_tensor *before = hone_randn(HONE_F32, 3, 2);
    cut_into(2);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(hone_set_grad(w, i < 2 ? HONE_NONE : hone_clone(before)));
        CHECK_OK(hone_accumulate_begin(6));
        CHECK_OK(hone_accumulate_part(6));
        hone_tensor *second = hone_sum(hone_matmul(x, w)), *first = hone_sum(hone_matmul(y, w));
        CHECK_OK(hone_backward(i == 0 ? first : i == 1 ? second : hone_add(second, first)));
        cr_assert(hone_accumulate_end());
        if (i < 2)
            tree[i] = hone_clone(hone_grad(w));
    }
    cr_assert(hone_equal(hone_grad(w), hone_add(hone_add(before, tree[0]), tree[1])));
}

/* ---- losses, batch norm */

Test(shards, losses_are_those_of_the_batch)
{
    hone_tensor *x = hone_randn(HONE_F32, 9, 4), *y = hone_randint(HONE_I64, 0, 3, 9);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, 4, 3), true);
    hone_tensor *whole = hone_cross_entropy(hone_matmul(x, w), y);
    cut_into(4);
    CHECK_OK(hone_accumulate_begin(9));
    CHECK_OK(hone_accumulate_part(9));
    CHECK_OK(hone_backward(hone_cross_entropy(hone_matmul(x, w), y)));
    cr_assert(hone_equal(hone_accumulate_end(), whole));
}

static hone_tensor *normed(hone_tensor *x, hone_tensor *mean, hone_tensor *var, hone_tensor *w,
                           hone_tensor *b)
{
    return hone_batch_norm(x, mean, var, w, b, &(hone_batch_norm_options){ .training = true });
}

Test(shards, batch_norm_has_the_batch_s_statistics)
{
    hone_tensor *x = hone_randn(HONE_F32, 10, 3, 4, 2);
    hone_tensor *u = hone_randn(HONE_F32, 10, 3, 4, 2), *state[2][2], *got[2][3];
    for (int sharded = 0; sharded < 2; sharded++) {
        hone_tensor *w = hone_requires_grad_(hone_full(HONE_F32, 1.5, 3), true);
        hone_tensor *b = hone_requires_grad_(hone_zeros(HONE_F32, 3), true);
        hone_tensor **s = state[sharded], **g = got[sharded];
        s[0] = hone_zeros(HONE_F32, 3);
        s[1] = hone_ones(HONE_F32, 3);
        if (sharded)
            cut_into(4);
        CHECK_OK(hone_accumulate_begin(10));
        CHECK_OK(hone_accumulate_part(10));
        hone_tensor *far = hone_add_scalar(x, 100); /* from 0 */
        g[0] = normed(far, s[0], s[1], w, b);
        CHECK_OK(hone_backward(hone_sum(hone_mul(hone_square(g[0]), u))));
        cr_assert(hone_accumulate_end());
        g[1] = hone_grad(w);
        g[2] = hone_grad(b);
    }
    for (int i = 0; i < 2; i++)
        cr_expect(hone_allclose(state[0][i], state[1][i], 1e-5, 1e-6), "running %d", i);
    for (int i = 0; i < 3; i++)
        cr_expect(hone_allclose(got[0][i], got[1][i], 1e-4, 1e-4), "result %d", i);
}

/* dx, which is no leaf's: through a linear layer's weight. */
Test(shards, batch_norm_hands_on_the_gradient_of_all)
{
    hone_tensor *x = hone_randn(HONE_F64, 12, 5), *grad[2];
    for (int sharded = 0; sharded < 2; sharded++) {
        hone_seed(1);
        hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F64, 5, 3), true);
        hone_tensor *u = hone_randn(HONE_F64, 12, 3);
        if (sharded)
            cut_into(5);
        CHECK_OK(hone_accumulate_begin(12));
        CHECK_OK(hone_accumulate_part(12));
        hone_tensor *y = normed(hone_matmul(x, w), HONE_NONE, HONE_NONE, HONE_NONE, HONE_NONE);
        CHECK_OK(hone_backward(hone_sum(hone_mul(y, u))));
        cr_assert(hone_accumulate_end());
        grad[sharded] = hone_grad(w);
    }
    cr_assert(hone_allclose(grad[0], grad[1], 1e-10, 1e-12));
}

/* ---- what is refused */

static hone_tensor *custom_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone_save_for_backward(ctx, 2, in) == HONE_OK ? hone_matmul(in[0], in[1]) : NULL;
}

static void custom_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    grad_in[1] = hone_matmul(hone_transpose(hone_saved(ctx, 0), 0, 1), grad);
}

/* A tree is joined depth first: as many sums are alive as it is deep, not as there are shards. */
Test(shards, few_sums_are_alive)
{
    enum { SHARDS = 64, DEEP = 6, WIDE = 512 };
    HONE_SCOPE();
    hone_memory before, after;
    hone_module *model = hone_nn_linear(WIDE, WIDE);
    hone_tensor *x = hone_randn(HONE_F32, SHARDS, WIDE), *y = hone_zeros(HONE_I64, SHARDS);
    cut_into(SHARDS);
    CHECK_OK(hone_accumulate_begin(SHARDS));
    CHECK_OK(hone_accumulate_part(SHARDS));
    hone_tensor *loss = hone_cross_entropy(hone_forward(model, x), y);
    hone_memory_stats(&before);
    cr_assert_leq(before.peak_bytes,
                  before.in_use_bytes + (4 << 20)); /* nothing larger was there */
    CHECK_OK(hone_backward(loss));
    hone_memory_stats(&after);
    cr_assert(hone_accumulate_end());
    hone_dist_stop();
    hone_module_free(model);
    const int64_t sums = (after.peak_bytes - before.in_use_bytes) / (4 * WIDE * WIDE);
    cr_assert(sums >= 2 && sums <= DEEP + 2, "%d", (int)sums);
}

Test(shards, refused)
{
    static const hone_function custom = { .name = "mine",
                                          .forward = custom_forward,
                                          .backward = custom_backward };
    hone_tensor *x = hone_randn(HONE_F32, 6, 3);
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F32, 3, 2), true);
    hone_module *any = hone_nn_relu();
    CHECK_FAILS(hone_dist_model(any, &(hone_dist_options){ .shards = -1 }), HONE_E_VALUE,
                "dist_model: shards is -1");
    CHECK_FAILS(hone_dist_model(any, &(hone_dist_options){ .shards = INT64_MAX }), HONE_E_VALUE,
                "shards, 1048576 at most are possible");
    CHECK_FAILS(hone_dist_model(any, &(hone_dist_options){ .bucket_bytes = -5 }), HONE_E_VALUE,
                "bucket_bytes is -5");
    CHECK_FAILS(hone_dist_model(NULL, NULL), HONE_E_NULL, "dist_model");
    cut_into(2);
    CHECK_OK(hone_accumulate_begin(6));
    CHECK_FAILS(hone_dist_model(any, NULL), HONE_E_STATE, "dist_model: a batch is open");
    CHECK_OK(hone_accumulate_part(6));
    CHECK_FAILS(hone_backward(hone_sum(hone_apply(&custom, x, w))), HONE_E_STATE,
                "mine: its gradient for the leaf f32 [3, 2] comes as one sum");
    CHECK_FAILS(hone_backward(hone_sum(hone_square(w))), HONE_E_STATE, "comes as one sum");
    cr_assert(hone_accumulate_end());
    cr_assert_null(hone_grad(w), "what failed adds nothing");
    CHECK_OK(hone_accumulate_begin(6));
    CHECK_OK(hone_accumulate_part(3));
    CHECK_FAILS(normed(hone_matmul(hone_slice(x, 0, 0, 3, 1), w), HONE_NONE, HONE_NONE, HONE_NONE,
                       HONE_NONE),
                HONE_E_STATE, "with shards a batch comes at once");
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "3 samples came of the 6");
    hone_module_free(any);
}

/* ---- one rank */

Test(shards, alone)
{
    int64_t first, n;
    hone_tensor *t = hone_ones(HONE_F32, 2);
    CHECK_OK(hone_dist_init());
    cr_assert_eq(hone_dist_size(), 1);
    cr_assert_eq(hone_dist_rank(), 0);
    cr_assert(hone_dist_share(7, &first, &n));
    cr_assert(first == 0 && n == 7);
    CHECK_OK(hone_dist_all_reduce(t));
    CHECK_OK(hone_dist_broadcast(t, 0));
    CHECK_OK(hone_dist_barrier());
    CHECK_VALUES(hone_dist_gather(t), HONE_F32, (1, 2), 1, 1);
    CHECK_FAILS(hone_dist_broadcast(t, 1), HONE_E_VALUE, "dist_broadcast: rank 1 of 1");
    CHECK_OK(hone_dist_same("it", "a", 1));
    CHECK_OK(hone_dist_finish());
}
