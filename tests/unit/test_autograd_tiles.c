/* test_autograd_tiles.c: gradients of views that lie side by side, overlap, leave gaps or are taken
 * twice have the bits of a sum of wholes that are zero elsewhere. */
#include "gradients.h"

#include <math.h>

GRADIENT_SUITE(tiles);

enum { MOST = 6, ROWS = 4, COLS = 5, DEEP = 6, ALL = ROWS * COLS * DEEP };

typedef struct {
    bool select;
    int dim, begin, end, step;
} cut;

typedef struct {
    const char *name;
    int n;
    cut cuts[MOST];
} cutting;

static const cutting cuttings[] = {
    { "rows", 2, { { false, 0, 0, 1, 1 }, { false, 0, 1, 4, 1 } } },
    { "columns", 3, { { false, 1, 0, 2, 1 }, { false, 1, 2, 3, 1 }, { false, 1, 3, 5, 1 } } },
    { "a split", 3, { { false, 2, 0, 2, 1 }, { false, 2, 2, 4, 1 }, { false, 2, 4, 6, 1 } } },
    { "from the middle",
      3,
      { { false, 2, 4, 6, 1 }, { false, 2, 0, 2, 1 }, { false, 2, 2, 4, 1 } } },
    { "gaps", 2, { { false, 2, 1, 2, 1 }, { false, 2, 3, 5, 1 } } },
    { "one", 1, { { false, 1, 1, 3, 1 } } },
    { "overlaps", 3, { { false, 1, 0, 3, 1 }, { false, 1, 2, 4, 1 }, { false, 1, 4, 5, 1 } } },
    { "twice", 3, { { false, 1, 0, 3, 1 }, { false, 1, 0, 3, 1 }, { false, 1, 3, 5, 1 } } },
    { "steps", 2, { { false, 2, 0, 6, 2 }, { false, 2, 1, 6, 2 } } },
    { "other dims", 2, { { false, 2, 0, 3, 1 }, { false, 1, 0, 3, 1 } } },
    { "selected", 4, { { true, 0, 0 }, { true, 0, 1 }, { true, 0, 2 }, { true, 0, 3 } } },
    { "selected last", 3, { { true, 2, 5 }, { true, 2, 4 }, { true, 2, 2 } } },
    { "selected and sliced", 3, { { true, 2, 0 }, { false, 2, 1, 3, 1 }, { false, 2, 3, 6, 1 } } },
    { "empty", 2, { { false, 0, 0, 0, 1 }, { false, 0, 0, 2, 1 } } },
};
enum { CUTTINGS = sizeof cuttings / sizeof *cuttings };

static hone_tensor *taken(hone_tensor *x, const cut *c)
{
    return c->select ? hone_select(x, c->dim, c->begin)
                     : hone_slice(x, c->dim, c->begin, c->end, c->step);
}

/* Both zeros, numbers that round when they are added. */
static hone_tensor *numbers(int64_t n, int seed)
{
    float values[ALL];
    for (int i = 0; i < n; i++) {
        const int k = (i * 7 + seed * 5) % 11;
        values[i] = k == 0 ? -0.0f : k == 1 ? 0.0f : (float)(k - 5) / (float)(3 + (i + seed) % 7);
    }
    return hone_from_data(HONE_F32, values, n);
}

static hone_tensor *flat(hone_tensor *t)
{
    return hone_reshape(t, -1);
}

/* sum += weights where the cut was taken; with `zeros` +0 elsewhere */
static void add_whole(float *sum, const cut *c, hone_tensor *weights, bool zeros)
{
    hone_tensor *places =
        hone_contiguous(taken(hone_reshape(hone_arange(HONE_I64, 0, ALL, 1), ROWS, COLS, DEEP), c));
    const int64_t *at = hone_data(places);
    const float *w = hone_data(weights);
    bool met[ALL] = { false };
    for (int64_t i = 0; i < hone_numel(places); i++) {
        sum[at[i]] += w[i];
        met[at[i]] = true;
    }
    for (int i = 0; zeros && i < ALL; i++)
        if (!met[i])
            sum[i] += 0.0f;
}

static void check(const cutting *c, hone_tensor *grad, const float *expected)
{
    const float *g = hone_data(grad);
    for (int i = 0; i < ALL; i++)
        cr_assert(g[i] == expected[i] && signbit(g[i]) == signbit(expected[i]),
                  "%s: %d is %g, not %g", c->name, i, (double)g[i], (double)expected[i]);
}

static hone_tensor *whole_leaf(void)
{
    return hone_requires_grad_(hone_reshape(numbers(ALL, 3), ROWS, COLS, DEEP), true);
}

/* What the walk sums for an inner tensor: the newest view comes first, as it is, zeros around it. A
 * slice adds to its place alone. */
static void sum_inner(const cutting *c, hone_tensor **weights, float *sum)
{
    for (int i = c->n - 1; i >= 0; i--) {
        if (i < c->n - 1) {
            add_whole(sum, &c->cuts[i], weights[i], c->cuts[i].select);
            continue;
        }
        for (int e = 0; e < ALL; e++)
            sum[e] = -0.0f; /* what -0 is added to stays -0 */
        add_whole(sum, &c->cuts[i], weights[i], true);
    }
}

Test(tiles, of_an_inner_tensor)
{
    for (int n = 0; n < CUTTINGS; n++) {
        HONE_SCOPE();
        const cutting *c = &cuttings[n];
        float expected[ALL];
        hone_tensor *x = whole_leaf(), *y = hone_mul_scalar(x, 1), *weights[MOST], *loss = NULL;
        for (int i = 0; i < c->n; i++) {
            hone_tensor *part = flat(taken(y, &c->cuts[i]));
            weights[i] = numbers(hone_numel(part), i);
            hone_tensor *sum = hone_sum(hone_mul(part, weights[i]));
            loss = loss ? hone_add(loss, sum) : sum;
        }
        OK(hone_backward_with(loss, &(hone_backward_options){ .retain_graph = true }) == HONE_OK);
        sum_inner(c, weights, expected);
        check(c, hone_grad(x), expected);
        hone_tensor *asked[] = { y }; /* is handed out whole */
        hone_tensor_list got = hone_autograd_grad((hone_tensor_list){ &loss, 1 },
                                                  (hone_tensor_list){ asked, 1 }, NULL);
        OK(got.at);
        check(c, got.at[0], expected);
    }
}

/* With the dim that select takes away. */
static hone_tensor *taken_wide(hone_tensor *x, const cut *c)
{
    hone_tensor *part = taken(x, c);
    return c->select ? hone_unsqueeze(part, c->dim) : part;
}

static bool of_one_dim(const cutting *c)
{
    for (int i = 1; i < c->n; i++)
        if (c->cuts[i].dim != c->cuts[0].dim)
            return false;
    return true;
}

static hone_tensor *as_shape(hone_tensor *t, const hone_tensor *like)
{
    const int64_t *e = hone_shape(like);
    return hone_reshape(t, e[0], e[1], e[2]);
}

/* One op gets all views of a leaf, perhaps the leaf, too, as the second: its operands' gradients are
 * added in their order. */
static void check_leaf(const cutting *c, bool begun, bool with_leaf)
{
    HONE_SCOPE();
    float expected[ALL];
    hone_tensor *x = whole_leaf(), *parts[MOST + 1], *weights[MOST + 1];
    hone_tensor *before = hone_reshape(numbers(ALL, 8), ROWS, COLS, DEEP);
    if (begun)
        OK(hone_set_grad(x, before) == HONE_OK);
    for (int i = 0; i < ALL; i++)
        expected[i] = begun ? ((float *)hone_data(before))[i] : -0.0f;
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        if (with_leaf && i == 1) {
            weights[n] = hone_reshape(numbers(ALL, 5), ROWS, COLS, DEEP);
            for (int e = 0; e < ALL; e++)
                expected[e] += ((float *)hone_data(weights[n]))[e];
            parts[n++] = x;
        }
        parts[n] = taken_wide(x, &c->cuts[i]);
        weights[n] = as_shape(numbers(hone_numel(parts[n]), i), parts[n]);
        add_whole(expected, &c->cuts[i], weights[n++], true);
    }
    hone_tensor *all = hone_cat((hone_tensor_list){ parts, n }, c->cuts[0].dim);
    hone_tensor *dy = hone_cat((hone_tensor_list){ weights, n }, c->cuts[0].dim);
    OK(hone_backward_with(all, &(hone_backward_options){ .gradient = dy }) == HONE_OK);
    check(c, hone_grad(x), expected);
}

Test(tiles, of_a_leaf)
{
    HONE_SCOPE();
    for (int n = 0; n < CUTTINGS; n++)
        for (int form = 0; form < 4 && of_one_dim(&cuttings[n]); form++)
            check_leaf(&cuttings[n], form & 1, form & 2);
}

/* Its sum over samples begins with +0, so no -0 is left. */
Test(tiles, of_a_leaf_with_one_sample)
{
    for (int n = 1; n <= 2; n++) {
        HONE_SCOPE();
        hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 1, 5), true);
        hone_tensor *parts[] = { hone_slice(x, 1, 1, 3, 1), hone_slice(x, 1, 3, 5, 1) };
        hone_tensor *dy = hone_from_data(HONE_F32, ((float[]){ -0.0f, 1, -0.0f, 2 }), 1, 4);
        hone_tensor *y = hone_cat((hone_tensor_list){ parts, n }, 1);
        dy = hone_slice(dy, 1, 0, 2 * n, 1);
        OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }) == HONE_OK);
        const float *g = hone_data(hone_grad(x));
        for (int i = 0; i < 5; i++)
            cr_assert(g[i] == (i == 2 ? 1 : i == 4 && n == 2 ? 2 : 0) && !signbit(g[i]), "%d", i);
    }
}

/* Another user between them: what has been put so far is whole when it comes. */
Test(tiles, beside_other_gradients)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_mul_scalar(x, 1);
    hone_tensor *first = hone_slice(y, 0, 0, 1, 1), *square = hone_square(y);
    hone_tensor *last = hone_slice(y, 0, 1, 3, 1), *more = hone_slice(y, 0, 0, 1, 1);
    hone_tensor *loss = hone_add(hone_sum(hone_mul(first, more)), hone_sum(square));
    OK(hone_backward(hone_add(loss, hone_sum(hone_exp(hone_mul_scalar(last, 0))))) == HONE_OK);
    expect(hone_grad(x), 2 * 1 + 2 * 1, 2 * 2, 2 * 3);
}

static hone_tensor *product(hone_tensor *const *x, int n, void *user)
{
    (void)user;
    (void)n;
    hone_tensor_list part = hone_split(hone_mul(x[0], x[0]), 2, 1);
    return hone_sum(hone_mul(hone_exp(part.at[0]), hone_mul(part.at[1], part.at[2])));
}

Test(tiles, differentiated_twice)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_rand(HONE_F64, 3, 6), true);
    OK(hone_gradcheck("tiles", product, NULL, (hone_tensor_list){ &x, 1 }, NULL) == HONE_OK);
    OK(hone_gradgradcheck("tiles", product, NULL, (hone_tensor_list){ &x, 1 }, NULL) == HONE_OK);
}
