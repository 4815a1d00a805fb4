/* linear_cross_entropy: beside the ops that it stands for, in chunks, in parts of a batch, and what is
 * refused; the layer and the gpt that give it. */
#include "ops/losses.h"
#include "support.h"

#include <hone/accumulate.h>
#include <hone/hone.h>

#include <math.h>

SUITE(linear_loss);

enum { WIDTH = 12, CLASSES = 29 };

typedef struct {
    hone_tensor *x, *w, *b, *y, *loss;
} problem;

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

/* positions 0: rows [n, WIDTH] */
static problem problem_of(int64_t n, int64_t positions)
{
    hone_seed(7);
    problem p = { .w = leaf(hone_randn(HONE_F32, CLASSES, WIDTH)),
                  .b = leaf(hone_randn(HONE_F32, CLASSES)) };
    if (positions) {
        p.x = leaf(hone_randn(HONE_F32, n, positions, WIDTH));
        p.y = hone_randint(HONE_I64, 0, CLASSES, n, positions);
    } else {
        p.x = leaf(hone_randn(HONE_F32, n, WIDTH));
        p.y = hone_randint(HONE_I64, 0, CLASSES, n);
    }
    return p;
}

static hone_tensor *loss_of(const problem *p, hone_tensor *x, hone_tensor *y, int64_t chunk)
{
    return hone_linear_cross_entropy(x, p->w, y, p->b, HONE_NONE, -100, 0, HONE_REDUCE_MEAN, chunk);
}

static problem solved(int64_t n, int64_t positions, int64_t chunk)
{
    problem p = problem_of(n, positions);
    p.loss = loss_of(&p, p.x, p.y, chunk);
    CHECK_OK(hone_backward(p.loss));
    return p;
}

static void same(const problem *a, const problem *b)
{
    cr_expect(hone_equal(hone_detach(a->loss), hone_detach(b->loss)), "the loss");
    cr_expect(hone_equal(hone_grad(a->w), hone_grad(b->w)), "the weight's gradient");
    cr_expect(hone_equal(hone_grad(a->b), hone_grad(b->b)), "the bias's gradient");
}

static double difference(hone_tensor *a, hone_tensor *b)
{
    return hone_item(hone_max(hone_abs(hone_sub(hone_detach(a), hone_detach(b)))));
}

Test(linear_loss, is_the_cross_entropy_of_linear)
{
    problem a = solved(2, 300, 0), b = problem_of(2, 300);
    hone_tensor *z = hone_linear(b.x, hone_transpose(b.w, 0, 1), b.b);
    b.loss = hone_cross_entropy(hone_reshape(z, -1, CLASSES), hone_reshape(b.y, -1));
    CHECK_OK(hone_backward(b.loss));
    cr_expect_lt(difference(a.loss, b.loss), 1e-6);
    cr_expect_lt(difference(hone_grad(a.x), hone_grad(b.x)), 1e-8);
    cr_expect_lt(difference(hone_grad(a.w), hone_grad(b.w)), 1e-6);
    cr_expect_lt(difference(hone_grad(a.b), hone_grad(b.b)), 1e-6);
}

Test(linear_loss, chunks_have_the_same_bits)
{
    const int64_t chunks[] = { 1, 7, 100, 1000 };
    for (int i = 0; i < 4; i++) {
        problem a = solved(41, 0, 0), b = solved(41, 0, chunks[i]);
        same(&a, &b);
        cr_expect(hone_equal(hone_grad(a.x), hone_grad(b.x)));
        problem c = solved(2, 530, 0), d = solved(2, 530, chunks[i]);
        same(&c, &d);
        cr_expect(hone_equal(hone_grad(c.x), hone_grad(d.x)));
    }
}

static problem in_parts(int64_t n, int64_t positions, int64_t part, int64_t chunk)
{
    problem p = problem_of(n, positions);
    CHECK_OK(hone_accumulate_begin(n));
    for (int64_t i = 0; i < n; i += part) {
        const int64_t end = i + part < n ? i + part : n;
        CHECK_OK(hone_accumulate_part(end - i));
        CHECK_OK(hone_backward(loss_of(&p, hone_slice(hone_detach(p.x), 0, i, end, 1),
                                       hone_slice(p.y, 0, i, end, 1), chunk)));
    }
    p.loss = hone_accumulate_end();
    return p;
}

Test(linear_loss, parts_of_a_batch_have_the_same_bits)
{
    const int64_t positions[] = { 0, 3, 260 };
    for (int i = 0; i < 3; i++) {
        problem whole = in_parts(7, positions[i], 7, 0);
        for (int64_t part = 1; part < 7; part += 2) {
            problem cut = in_parts(7, positions[i], part, part == 3 ? 2 : 0);
            same(&whole, &cut);
        }
    }
}

/* Neither their gradient nor zeros for one lie beside the scores. */
Test(linear_loss, scores_are_held_once)
{
    enum { ROWS = 256, MANY = 20000 };
    hone_tensor *x = leaf(hone_randn(HONE_F32, ROWS, 4)), *w = leaf(hone_randn(HONE_F32, MANY, 4));
    hone_tensor *y = hone_randint(HONE_I64, 0, MANY, ROWS);
    hone_memory before, after;
    hone_memory_stats(&before);
    CHECK_OK(hone_backward(
        hone_linear_cross_entropy(x, w, y, HONE_NONE, HONE_NONE, -100, 0, HONE_REDUCE_MEAN, 0)));
    hone_memory_stats(&after);
    const double scores = 4.0 * ROWS * MANY;
    cr_expect_gt((double)(after.peak_bytes - before.in_use_bytes), scores);
    cr_expect_lt((double)(after.peak_bytes - before.in_use_bytes), 1.6 * scores);
}

Test(linear_loss, tells_what_is_wrong)
{
    for (int64_t chunk = 0; chunk < 8; chunk += 7) {
        problem p = problem_of(2, 300);
        hone_tensor *wrong = hone_zeros(HONE_BOOL, hone_numel(p.y));
        hone__linear_loss_wrong(wrong);
        hone_tensor *loss = loss_of(&p, p.x, p.y, chunk);
        hone__linear_loss_wrong(NULL);
        CHECK_OK(hone_backward(loss));
        hone_tensor *z = hone_linear(p.x, hone_transpose(p.w, 0, 1), p.b);
        hone_tensor *best = hone_argmax(hone_reshape(z, -1, CLASSES), 1, false);
        cr_expect(hone_equal(wrong, hone_ne(best, hone_reshape(p.y, -1))));
    }
}

Test(linear_loss, a_graph_that_is_kept_is_walked_again)
{
    problem a = solved(9, 0, 0), b = problem_of(9, 0);
    b.loss = loss_of(&b, b.x, b.y, 0);
    for (int i = 0; i < 2; i++) {
        hone_tensor *const leaves[] = { b.x, b.w, b.b };
        for (int k = 0; k < 3; k++)
            CHECK_OK(hone_set_grad(leaves[k], HONE_NONE));
        CHECK_OK(hone_backward_with(b.loss, &(hone_backward_options){ .retain_graph = true }));
        same(&a, &b);
        cr_expect(hone_equal(hone_grad(a.x), hone_grad(b.x)));
    }
}

Test(linear_loss, what_does_not_fit_is_refused)
{
    hone_tensor *x = hone_zeros(HONE_F32, 4, 3), *w = hone_zeros(HONE_F32, 5, 3);
    hone_tensor *y = hone_zeros(HONE_I64, 4);
#define LOSS(x, w, y, b, c, chunk)                                                                 \
    hone_linear_cross_entropy(x, w, y, b, c, -100, 0, HONE_REDUCE_MEAN, chunk)
    CHECK_FAILS(LOSS(x, hone_zeros(HONE_F32, 5, 4), y, HONE_NONE, HONE_NONE, 0), HONE_E_SHAPE,
                "linear_cross_entropy: wants an input [N, .., features] and a weight [classes, "
                "features], or [N, features] and [classes, .., features], got");
    CHECK_FAILS(LOSS(x, hone_zeros(HONE_F64, 5, 3), y, HONE_NONE, HONE_NONE, 0), HONE_E_DTYPE,
                "linear_cross_entropy: input, weight and bias must be of one dtype");
    CHECK_FAILS(LOSS(x, w, y, hone_zeros(HONE_F32, 4), HONE_NONE, 0), HONE_E_SHAPE,
                "linear_cross_entropy: the bias");
    CHECK_FAILS(LOSS(x, w, y, HONE_NONE, hone_zeros(HONE_F32, 4), 0), HONE_E_SHAPE,
                "linear_cross_entropy: the weight");
    CHECK_FAILS(LOSS(x, w, hone_zeros(HONE_I64, 3), HONE_NONE, HONE_NONE, 0), HONE_E_SHAPE,
                "linear_cross_entropy: the target");
    CHECK_FAILS(LOSS(x, w, hone_full(HONE_I64, 5, 4), HONE_NONE, HONE_NONE, 0), HONE_E_INDEX,
                "linear_cross_entropy: target[0] is 5, but there are 5 classes");
    CHECK_FAILS(LOSS(x, w, y, HONE_NONE, HONE_NONE, -1), HONE_E_VALUE, "linear_cross_entropy: ");
    CHECK_FAILS(hone_nn_layer("LinearCrossEntropyLoss", "3, 0"), HONE_E_VALUE,
                "LinearCrossEntropyLoss: ");
}

Test(linear_loss, gpt_gives_its_loss)
{
    const char *const names[] = { "gpt:layers=1,heads=2,width=16,vocab=50,context=8,dropout=0",
                                  "gpt:layers=1,heads=2,width=16,vocab=50,context=8,dropout=0,"
                                  "chunk=3" };
    hone_tensor *x = hone_randint(HONE_I64, 0, 50, 2, 8), *y = hone_randint(HONE_I64, 0, 50, 2, 8);
    for (int i = 0; i < 2; i++) {
        hone_module *m = hone_model(names[i]);
        cr_assert(m, "%s", hone_error_message());
        hone_tensor *z = hone_reshape(hone_forward(m, x), -1, 50);
        hone_tensor *loss = hone_forward(m, x, y);
        cr_assert(loss, "%s", hone_error_message());
        cr_expect_lt(difference(loss, hone_cross_entropy(z, hone_reshape(y, -1))), 1e-6);
        CHECK_OK(hone_backward(loss));
        cr_expect(hone_grad(hone_module_tensor(m, "transformer.wte.weight")));
        CHECK_FAILS(hone_forward(m, x, y, y), HONE_E_VALUE, "GPT");
        hone_module_free(m);
    }
    CHECK_FAILS(hone_model_parse("model M():\n    forward(x, a=None, b=None):\n        return x\n",
                                 "m.hone", NULL),
                HONE_E_VALUE, "only a forward's last input may have a default");
}
