/* Attention of bf16, bit by bit, on every kernel of this machine, against what attention.h says of its
 * sums: products from bf16_model.h, key by key that a query sees, its softmax by the plain kernels. */
#include "core/half.h"
#include "support.h"

#undef T /* gemm_cases.h's is another */
#include "bf16_cases.h"

#include <hone/hone.h>

SUITE(attention_bf16);

enum { UNITS = 2, KEY_BLOCK = 128, MOST = 512 };

typedef struct {
    int64_t heads, groups, queries, keys, width, values;
    bool causal;
    char mask; /* 0; 'b': bool, 'a': what is added */
    double scale;
    bool specials;
    bool cancels; /* what is left of sums are their roundings, which tell of their order */
    bool blind;   /* every other query sees none of a block of keys, or all but one */
} variant;

/* Of all units, as they lie. */
typedef struct {
    uint16_t *q, *k, *v, *dy, *mask, *out, *dq, *dk, *dv;
} arrays;

static float wide(uint16_t x)
{
    return hone__f32_of_bits(hone__bf16_bits(x));
}

static uint32_t sum_of(uint32_t x)
{
    return x == 0x80000000 ? 0 : x; /* -0 */
}

/* A zero is +0. */
static uint16_t rounded(float x, float by)
{
    return hone__bf16_of(hone__bits_of_f32(x * by + 0.0f));
}

static bool sees(const variant *x, const uint16_t *mask, int64_t query, int64_t key)
{
    if (x->causal)
        return key <= query;
    const uint16_t m = x->mask ? mask[query * x->keys + key] : 0;
    return x->mask == 'b' ? m & 0x7FFF : m != 0xFF80;
}

/* ---- the model */

typedef struct {
    bool seen;
    uint16_t a, b;
} term;

/* acc and the products of those that are there, `tiles` counting all places. */
static uint32_t add_terms(int64_t n, const term *t, uint32_t acc)
{
    const bool tiles = hone__bf16_order_now() == HONE__BF16_TILES;
    for (int64_t p = 0; p < n; p += 32) {
        uint32_t sums[2] = { 0, 0 };
        for (int64_t i = p; i < n && i < p + 32; i++) {
            uint32_t *to = tiles ? &sums[i % 2] : &acc;
            *to = t[i].seen ? model_step(t[i].a, t[i].b, *to) : *to;
        }
        acc = tiles ? model_add(acc, model_add(sums[0], sums[1])) : acc;
    }
    return sum_of(acc);
}

/* One head of queries beside its keys. */
typedef struct {
    const variant *x;
    const uint16_t *q, *k, *v, *dy, *mask;
    float scores[MOST], weights[MOST], max, sum;
    uint16_t *out, *dq;
    uint16_t *p, *ds; /* [queries, keys]: rounded */
} head;

static float flushed(uint32_t bits)
{
    return hone__f32_of_bits(bits);
}

static void score(head *h, int64_t i)
{
    const variant *x = h->x;
    for (int64_t s = 0; s < x->keys; s++) {
        const uint32_t sum = model_product(hone__bf16_order_now() == HONE__BF16_TILES, x->width,
                                           h->q + i * x->width, 1, h->k + s * x->width, 1, 0);
        h->scores[s] = flushed(sum) * (float)x->scale;
        if (x->mask == 'a')
            h->scores[s] += wide(h->mask[i * x->keys + s]);
        if (!sees(x, h->mask, i, s))
            h->scores[s] = -INFINITY;
    }
}

static int64_t keys_of(const variant *x, int64_t i, int64_t k0)
{
    const int64_t n = x->keys - k0 < KEY_BLOCK ? x->keys - k0 : KEY_BLOCK;
    return x->causal && i + 1 - k0 < n ? i + 1 - k0 : n;
}

static bool any_seen(const head *h, int64_t i, int64_t k0)
{
    bool any = false;
    for (int64_t s = 0; s < keys_of(h->x, i, k0); s++)
        any = any || sees(h->x, h->mask, i, k0 + s);
    return any;
}

static void forward_row(head *h, int64_t i)
{
    const variant *x = h->x;
    const hone__isa *plain = hone__isa_available(0);
    float out[MOST] = { 0 };
    bool any = false;
    h->max = -INFINITY;
    h->sum = 0;
    score(h, i);
    for (int64_t k0 = 0; k0 < x->keys; k0 += KEY_BLOCK) {
        if (!any_seen(h, i, k0))
            continue;
        const int64_t n = keys_of(x, i, k0);
        any = true;
        memcpy(h->weights, h->scores + k0, sizeof(float) * (size_t)n);
        plain->attend[HONE__F32](&(hone__attend){ .rows = 1,
                                                  .cols = n,
                                                  .seen = n,
                                                  .scores = h->weights,
                                                  .ss = MOST,
                                                  .max = &h->max,
                                                  .sum = &h->sum,
                                                  .out = out,
                                                  .so = MOST,
                                                  .width = x->values });
        for (int64_t e = 0; e < x->values; e++) {
            term t[KEY_BLOCK];
            for (int64_t s = 0; s < n; s++)
                t[s] = (term){ sees(x, h->mask, i, k0 + s),
                               hone__bf16_of(hone__bits_of_f32(h->weights[s])),
                               h->v[(k0 + s) * x->values + e] };
            out[e] = flushed(add_terms(n, t, hone__bits_of_f32(out[e])));
        }
    }
    h->sum = any ? h->sum : 1;
    for (int64_t e = 0; e < x->values; e++)
        h->out[i * x->values + e] = rounded(out[e] / h->sum, 1);
}

static void backward_row(head *h, int64_t i)
{
    const variant *x = h->x;
    const hone__isa *plain = hone__isa_available(0);
    float dy[MOST], out[MOST], delta;
    term t[MOST];
    for (int64_t e = 0; e < x->values; e++) {
        dy[e] = wide(h->dy[i * x->values + e]);
        out[e] = wide(h->out[i * x->values + e]);
    }
    plain->attend_dots[HONE__F32](1, x->values, dy, MOST, out, MOST, &delta);
    for (int64_t s = 0; s < x->keys; s++) {
        float score = h->scores[s];
        uint32_t dp = model_product(hone__bf16_order_now() == HONE__BF16_TILES, x->values,
                                    h->dy + i * x->values, 1, h->v + s * x->values, 1, 0);
        plain->attend_back[HONE__F32](&(hone__attend_back){ .rows = 1,
                                                            .cols = 1,
                                                            .seen = 1,
                                                            .scores = &score,
                                                            .dp = &dp,
                                                            .max = &h->max,
                                                            .sum = &h->sum,
                                                            .delta = &delta });
        h->p[i * x->keys + s] = hone__bf16_of(hone__bits_of_f32(score));
        h->ds[i * x->keys + s] = hone__bf16_of(dp);
    }
    for (int64_t e = 0; e < x->width; e++) {
        for (int64_t s = 0; s < x->keys; s++)
            t[s] = (term){ sees(x, h->mask, i, s), h->ds[i * x->keys + s], h->k[s * x->width + e] };
        h->dq[i * x->width + e] = rounded(flushed(add_terms(x->keys, t, 0)), (float)x->scale);
    }
}

/* acc goes on over the queries of a head. */
static void add_queries(const head *h, const uint16_t *a, const uint16_t *b, int64_t cols,
                        float *sums)
{
    const variant *x = h->x;
    term t[MOST];
    for (int64_t s = 0; s < x->keys; s++)
        for (int64_t e = 0; e < cols; e++) {
            for (int64_t i = 0; i < x->queries; i++)
                t[i] = (term){ sees(x, h->mask, i, s), a[i * x->keys + s], b[i * cols + e] };
            sums[s * cols + e] =
                flushed(add_terms(x->queries, t, hone__bits_of_f32(sums[s * cols + e])));
        }
}

static void model(const variant *x, const arrays *all)
{
    const int64_t pairs = x->queries * x->keys;
    const size_t keys = (size_t)(x->keys * x->width), values = (size_t)(x->keys * x->values);
    uint16_t *p = calloc((size_t)pairs, 2), *ds = calloc((size_t)pairs, 2);
    float *dk = calloc(keys, sizeof *dk), *dv = calloc(values, sizeof *dv);
    for (int64_t u = 0; u < UNITS * x->heads; u++) {
        const int64_t shared = u / x->groups;
        head h = { .x = x,
                   .q = all->q + u * x->queries * x->width,
                   .k = all->k + shared * x->keys * x->width,
                   .v = all->v + shared * x->keys * x->values,
                   .dy = all->dy + u * x->queries * x->values,
                   .mask = all->mask,
                   .out = all->out + u * x->queries * x->values,
                   .dq = all->dq + u * x->queries * x->width,
                   .p = p,
                   .ds = ds };
        for (int64_t i = 0; i < x->queries; i++) {
            forward_row(&h, i);
            backward_row(&h, i);
        }
        add_queries(&h, ds, h.q, x->width, dk);
        add_queries(&h, p, h.dy, x->values, dv);
        if ((u + 1) % x->groups)
            continue;
        for (size_t i = 0; i < keys; i++)
            all->dk[(size_t)shared * keys + i] = rounded(dk[i], (float)x->scale);
        for (size_t i = 0; i < values; i++)
            all->dv[(size_t)shared * values + i] = rounded(dv[i], 1);
        memset(dk, 0, keys * sizeof *dk);
        memset(dv, 0, values * sizeof *dv);
    }
    free(p);
    free(ds);
    free(dk);
    free(dv);
}

/* ---- hone beside it */

/* Of mixed size; specials: now and then a denormal, an infinity, a NaN. */
static uint16_t *some(int64_t n, bool specials)
{
    static const uint16_t hard[] = { 0x0001, 0x8040, 0x0080, 0x7F80, 0xFF80, 0x7FC0, 0x7F7F };
    uint16_t *x = calloc((size_t)n + 1, sizeof *x);
    for (int64_t i = 0; i < n; i++) {
        const int64_t which = specials ? below(1500) : 1500;
        x[i] = which < 7 ? hard[which] : hone__bf16_of(hone__bits_of_f32((float)number() * 2));
        if (!specials && fabsf(wide(x[i])) > 8)
            x[i] = 0x8000;
    }
    return x;
}

/* [n, cols]: large ones and their opposites three rows on, some small ones. */
static uint16_t *opposites(int64_t n, int64_t cols)
{
    uint16_t *x = some(n * cols, false);
    for (int64_t i = 0; i < n * cols; i++) {
        const int64_t row = i / cols;
        if (row % 7 == 0)
            continue;
        x[i] = hone__bf16_of(hone__bits_of_f32((1 + (float)below(128) / 128) * 0x1p20f));
        if (row % 6 >= 3 && (row - 3) % 7)
            x[i] = x[i - 3 * cols] ^ 0x8000;
    }
    return x;
}

static void check_same(const char *what, const char *kernel, hone_tensor *t, const uint16_t *want)
{
    const int64_t n = hone_numel(t);
    uint16_t *got = malloc((size_t)n * sizeof *got);
    cr_assert_eq(hone_dtype_of(t), HONE_BF16);
    cr_assert_eq(hone_copy_out(t, got, (size_t)n * sizeof *got), HONE_OK);
    for (int64_t i = 0; i < n; i++)
        cr_assert(no_nan(hone__bf16_bits(got[i])) == no_nan(hone__bf16_bits(want[i])),
                  "%s on %s: element %ld is %04x, not %04x", what, kernel, (long)i, got[i],
                  want[i]);
    free(got);
}

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

static hone_tensor *mask_of(const variant *x, const arrays *all)
{
    if (!x->mask)
        return HONE_NONE;
    hone_tensor *t = hone_from_data(HONE_BF16, all->mask, x->queries, x->keys);
    return x->mask == 'a' ? t : hone_ne_scalar(t, 0);
}

static void check_kernel(const variant *x, const arrays *all, const char *kernel)
{
    HONE_SCOPE();
    const int64_t h = x->heads, shared = h / x->groups;
    hone_tensor *q = leaf(hone_from_data(HONE_BF16, all->q, UNITS, h, x->queries, x->width));
    hone_tensor *k = leaf(hone_from_data(HONE_BF16, all->k, UNITS, shared, x->keys, x->width));
    hone_tensor *v = leaf(hone_from_data(HONE_BF16, all->v, UNITS, shared, x->keys, x->values));
    hone_tensor *dy = hone_from_data(HONE_BF16, all->dy, UNITS, h, x->queries, x->values);
    hone_tensor *y =
        hone_scaled_dot_product_attention(q, k, v, mask_of(x, all), x->causal, x->scale, true);
    cr_assert(y, "%s", hone_error_message());
    check_same("out", kernel, hone_detach(y), all->out);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    check_same("dq", kernel, hone_grad(q), all->dq);
    check_same("dk", kernel, hone_grad(k), all->dk);
    check_same("dv", kernel, hone_grad(v), all->dv);
}

static void check(variant x)
{
    const int64_t q = UNITS * x.heads * x.queries, k = UNITS * x.heads / x.groups * x.keys;
    arrays all = { .q = some(q * x.width, x.specials),
                   .k = some(k * x.width, x.specials),
                   .v = some(k * x.values, x.specials),
                   .dy = some(q * x.values, x.specials),
                   .mask = some(x.queries * x.keys, false),
                   .out = some(q * x.values, false),
                   .dq = some(q * x.width, false),
                   .dk = some(k * x.width, false),
                   .dv = some(k * x.values, false) };
    if (x.cancels) {
        free(all.v);
        free(all.dy);
        all.v = opposites(k, x.values);
        all.dy = opposites(q, x.values);
        memset(all.k, 0, (size_t)(k * x.width) * sizeof *all.k);
    }
    for (int64_t i = 0; i < x.queries * x.keys; i++) /* the third query sees nothing */
        if (x.mask && (below(3) == 0 || i / x.keys == 2))
            all.mask[i] = x.mask == 'a' ? 0xFF80 : 0;
    for (int64_t i = 0; x.blind && i < x.queries * x.keys; i++) {
        const int64_t query = i / x.keys, key = i % x.keys, block = key / KEY_BLOCK;
        if (query % 2 && block == query / 2 % 3 && (query % 4 < 2 || key % KEY_BLOCK != 77))
            all.mask[i] = x.mask == 'a' ? 0xFF80 : 0;
    }
    model(&x, &all);
    for (int i = 0; use_kernel(i); i++)
        check_kernel(&x, &all, hone__bf16_available(i)->name);
    free(all.q);
    free(all.k);
    free(all.v);
    free(all.dy);
    free(all.mask);
    free(all.out);
    free(all.dq);
    free(all.dk);
    free(all.dv);
}

static const variant variants[] = {
    { 2, 2, 69, 133, 11, 7, .scale = 0.3 },
    { 1, 1, 270, 140, 4, 5, true, .scale = -0.7 },
    { 2, 2, 40, 150, 5, 6, .mask = 'b', .scale = 0.7, .specials = true },
    { 2, 1, 37, 35, 33, 40, true, .scale = 0.3, .specials = true },
    { 1, 1, 35, 44, 6, 3, .mask = 'a', .scale = 0.5 },
    { 1, 1, 3, 300, 3, 50, .scale = 40 },
    { 1, 1, 40, 50, 70, 33, .scale = 60 },
    { 1, 1, 140, 69, 5, 35, .scale = 1, .cancels = true },
    { 1, 1, 150, 70, 6, 20, true, .scale = 1, .cancels = true },
    /* a scale below zero; one that leaves denormals, or is one; blocks of which nothing is seen */
    { 2, 2, 37, 140, 33, 17, .scale = -0.6 },
    { 1, 1, 45, 35, 32, 32, .scale = -0x1p-126 },
    { 2, 1, 34, 133, 40, 7, true, .scale = 0x1.8p-128 },
    { 1, 1, 33, 300, 9, 33, .mask = 'a', .scale = -0.4, .blind = true },
    { 2, 2, 20, 270, 32, 16, .mask = 'b', .scale = -0x1p-125, .blind = true },
};
enum { ALL = sizeof variants / sizeof *variants, SCALES = ALL - 5 };

static void check_some(int threads, int begin, int end)
{
    start(threads);
    for (int tiles = 0; tiles < 2; tiles++) {
        hone__bf16_order_set(tiles ? HONE__BF16_TILES : HONE__BF16_PAIRS);
        for (int i = begin; i < end; i++)
            check(variants[i]);
    }
}

Test(attention_bf16, on_1_thread)
{
    check_some(1, 0, ALL);
}
Test(attention_bf16, on_2_threads)
{
    check_some(2, 0, 1);
    check_some(2, SCALES, ALL);
}
Test(attention_bf16, on_3_threads)
{
    check_some(3, 1, 3);
    check_some(3, SCALES, ALL);
}
Test(attention_bf16, on_5_threads)
{
    check_some(5, 2, 4);
}

/* What a thread keeps of a head's keys and values isn't taken for another head's. */
Test(attention_bf16, keys_or_values_that_heads_share)
{
    start(1);
    hone_tensor *q = hone_to(hone_randn(HONE_F32, 3, 270, 8), HONE_BF16);
    hone_tensor *one = hone_to(hone_randn(HONE_F32, 1, 140, 8), HONE_BF16);
    hone_tensor *all = hone_to(hone_randn(HONE_F32, 3, 140, 8), HONE_BF16);
    hone_tensor *copies = hone_contiguous(hone_expand(one, 3, 140, 8));
    for (int i = 0; i < 2; i++) {
        hone_tensor *shared = hone_scaled_dot_product_attention(q, i ? one : all, i ? all : one,
                                                                HONE_NONE, false, 0, false);
        hone_tensor *apart = hone_scaled_dot_product_attention(
            q, i ? copies : all, i ? all : copies, HONE_NONE, false, 0, false);
        cr_expect(shared && apart && test_same_bits(shared, apart));
    }
}

/* Beside f64: a few roundings to bf16. */
static void check_near(bool causal, bool cast)
{
    HONE_SCOPE();
    hone_seed(3);
    hone_tensor *halves[3], *doubles[3];
    for (int i = 0; i < 3; i++) {
        hone_tensor *t = hone_to(hone_randn(HONE_F32, 2, 3, 150, 64), HONE_BF16);
        doubles[i] = leaf(hone_to(t, HONE_F64));
        halves[i] = leaf(cast ? hone_to(t, HONE_F32) : hone_clone(t));
    }
    HONE_AUTOCAST(cast ? HONE_BF16 : HONE_F32);
    hone_tensor *y = hone_scaled_dot_product_attention(halves[0], halves[1], halves[2], HONE_NONE,
                                                       causal, 0, false);
    hone_tensor *want = hone_scaled_dot_product_attention(doubles[0], doubles[1], doubles[2],
                                                          HONE_NONE, causal, 0, false);
    cr_assert(y && want, "%s", hone_error_message());
    cr_assert_eq(hone_dtype_of(y), HONE_BF16);
    hone_tensor *dy = hone_to(hone_randn(HONE_F32, 2, 3, 150, 64), HONE_BF16);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    CHECK_OK(
        hone_backward_with(want, &(hone_backward_options){ .gradient = hone_to(dy, HONE_F64) }));
    cr_expect(hone_allclose(hone_to(hone_detach(y), HONE_F64), hone_detach(want), 0.01, 0.01));
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(hone_dtype_of(hone_grad(halves[i])), cast ? HONE_F32 : HONE_BF16);
        cr_expect(hone_allclose(hone_to(hone_grad(halves[i]), HONE_F64), hone_grad(doubles[i]),
                                0.02, 0.02),
                  "%d %d", causal, i);
    }
}

Test(attention_bf16, is_near_f64)
{
    for (int causal = 0; causal < 2; causal++)
        for (int cast = 0; cast < 2; cast++)
            check_near(causal, cast);
}

/* A gradient of gradients, computed in f32, beside f64's. */
Test(attention_bf16, differentiates_twice)
{
    hone_seed(4);
    hone_tensor *halves[3], *doubles[3], *second[2];
    for (int i = 0; i < 3; i++) {
        hone_tensor *t = hone_to(hone_randn(HONE_F32, 2, 5, 8), HONE_BF16);
        doubles[i] = leaf(hone_to(t, HONE_F64));
        halves[i] = leaf(hone_clone(t));
    }
    for (int i = 0; i < 2; i++) {
        hone_tensor **x = i ? doubles : halves;
        hone_tensor *y = hone_sum(
            hone_scaled_dot_product_attention(x[0], x[1], x[2], HONE_NONE, true, 0, false));
        const hone_autograd_options again = { .create_graph = true };
        const hone_tensor_list first =
            hone_autograd_grad((hone_tensor_list){ &y, 1 }, (hone_tensor_list){ x, 1 }, &again);
        cr_assert(first.at, "%s", hone_error_message());
        hone_tensor *of = hone_sum(hone_square(first.at[0]));
        const hone_tensor_list g =
            hone_autograd_grad((hone_tensor_list){ &of, 1 }, (hone_tensor_list){ x, 1 }, NULL);
        cr_assert(g.at, "%s", hone_error_message());
        second[i] = hone_to(g.at[0], HONE_F64);
    }
    cr_expect(hone_allclose(second[0], second[1], 0.05, 0.02));
}
