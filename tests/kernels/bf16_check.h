/* bf16_check.h: products of bf16 in the order that the thread has now: every kernel of this machine,
 * bit by bit, against the model's sums and what follows them, written naively. */
#ifndef TESTS_BF16_CHECK_H
#define TESTS_BF16_CHECK_H

#include "bf16_cases.h"
#include "core/half.h"
#include "step.h"

/* ---- the contract, naively ---- */

static float value(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static bool tiles_now(void)
{
    return hone__bf16_order_now() == HONE__BF16_TILES;
}

static float held(const hone__gemm_args *x, const void *c, int64_t at)
{
    return x->narrow ? value((uint32_t)((const uint16_t *)c)[at] << 16) : ((const float *)c)[at];
}

static void hold(const hone__gemm_args *x, void *c, int64_t at, float v)
{
    if (x->narrow) {
        ((uint16_t *)c)[at] = hone__bf16_of(bits_of(v));
    } else {
        ((float *)c)[at] = v;
    }
}

static float activated(hone__gemm_act act, float v)
{
    const int kernel = act == HONE__GEMM_GELU ? HONE__K_GELU : HONE__K_GELU_TANH;
    float out;
    hone__isa_available(0)->unary[kernel][HONE__F32](1, &out, 1, &v, 1);
    return out;
}

static void element(const hone__gemm_args *x, const uint16_t *a, const uint16_t *b, int64_t at,
                    const float *bias)
{
    uint32_t acc = 0;
    if (x->accumulate == HONE__GEMM_BEGIN) {
        acc = bits_of(held(x, x->c, at));
    }
    acc = model_product(tiles_now(), x->k, a, x->a_cs, b, x->b_rs, acc);
    float v = value(acc);
    if (x->alpha != 1.0) {
        v = (float)x->alpha * v;
    }
    if (x->accumulate == HONE__GEMM_AFTER) {
        v = held(x, x->c, at) + v;
    }
    if (bias) {
        v = v + *bias;
    }
    if (x->act == HONE__GEMM_RELU) {
        v = !(v > 0) && v == v ? 0 : v;
    }
    hold(x, x->c, at, v);
    if (x->act > HONE__GEMM_RELU) {
        hold(x, x->activated ? x->activated : x->c, at, activated(x->act, held(x, x->c, at)));
    }
}

static void naive(const hone__gemm_args *x)
{
    const int64_t batch = x->n_batch_dims ? x->batch[0] : 1;
    for (int64_t l = 0; l < batch; l++) {
        const uint16_t *a = (const uint16_t *)x->a + (x->n_batch_dims ? l * x->a_batch[0] : 0);
        const uint16_t *b = (const uint16_t *)x->b + (x->n_batch_dims ? l * x->b_batch[0] : 0);
        const int64_t c = x->n_batch_dims ? l * x->c_batch[0] : 0;
        for (int64_t i = 0; i < x->m; i++) {
            for (int64_t j = 0; j < x->n; j++) {
                const float *bias = x->bias;
                element(x, a + i * x->a_rs, b + j * x->b_cs, c + i * x->c_rs + j * x->c_cs,
                        bias ? bias + i * x->bias_rs + j * x->bias_cs : NULL);
            }
        }
    }
}

/* ---- a case ---- */

/* Of mixed size, some zeros; now and then a hard one; such that sums are about the least normal
 * number, and what is added to them, too, or denormal. */
typedef enum { USUAL, SPECIALS, LEAST } numbers;

static uint16_t element_of(numbers kind)
{
    if (kind == LEAST && below(8)) {
        const uint32_t r = next();
        return (uint16_t)((r & 0x8000) | (61 + (r >> 16) % 4) << 7 | (r & 0x7F));
    }
    return kind == SPECIALS && below(200) == 0 ? hard() : hone__bf16_of(bits_of((float)number()));
}

static float addend_of(numbers kind)
{
    return kind == LEAST ? value(next() & 0x80FFFFFF) : (float)number();
}

static guard some_bf16(int64_t n, numbers kind)
{
    guard g = guard_new((size_t)n * sizeof(uint16_t));
    for (int64_t i = 0; i < n; i++) {
        ((uint16_t *)(void *)g.data)[i] = element_of(kind);
    }
    return g;
}

static guard some_c(const hone__gemm_args *x, int64_t n, numbers kind)
{
    guard g = guard_new((size_t)n * (x->narrow ? 2 : 4));
    for (int64_t i = 0; i < n; i++) {
        hold(x, g.data, i, addend_of(kind));
    }
    return g;
}

static bool same(const hone__gemm_args *x, const guard *got, const guard *want)
{
    const int64_t n = (int64_t)want->bytes / (x->narrow ? 2 : 4);
    for (int64_t i = 0; i < n; i++) {
        if (no_nan(bits_of(held(x, got->data, i))) != no_nan(bits_of(held(x, want->data, i)))) {
            fprintf(stderr, "element %ld is %a, not %a\n", (long)i, (double)held(x, got->data, i),
                    (double)held(x, want->data, i));
            return false;
        }
    }
    return true;
}

/* The product on this kernel, whose C and values of an activation are `old`. */
static void check_run(hone__gemm_args *x, const char *name, const guard *old, guard *got,
                      guard *got_activated, const guard *want, const guard *want_activated)
{
    memcpy(got->data, old->data, old->bytes);
    memcpy(got_activated->data, old->data, old->bytes);
    x->c = got->data;
    x->activated = x->activated ? got_activated->data : NULL;
    cr_assert_eq(hone__gemm_pairs(x), 0);
    if (!same(x, got, want) || !same(x, got_activated, want_activated)) {
        explain(x, name);
        cr_assert_fail("bits differ");
    }
}

enum { MOST_PACKED = 1 << 17 }; /* multiply-adds */

/* Every kernel on these arguments, pointers filled in here, with B as it is and packed; `bias` asks for
 * one. */
static void check(const hone__gemm_args *args, bool bias, numbers kind)
{
    operands o = measure(args);
    hone__gemm_args *x = &o.args;
    guard a = some_bf16(o.a_high - o.a_low + 1, kind);
    guard b = some_bf16(o.b_high - o.b_low + 1, kind);
    guard old = some_c(x, o.c_high + 1, kind);
    guard want = guard_new(old.bytes), got = guard_new(old.bytes);
    guard want_activated = guard_new(old.bytes), got_activated = guard_new(old.bytes);
    guard biases = guard_new((size_t)(o.bias_high - o.bias_low + 1) * sizeof(float));
    for (int64_t i = 0; i <= o.bias_high - o.bias_low; i++) {
        ((float *)(void *)biases.data)[i] = addend_of(kind);
    }
    x->a = (uint16_t *)(void *)a.data - o.a_low;
    x->b = (uint16_t *)(void *)b.data - o.b_low;
    x->bias = bias ? (float *)(void *)biases.data - o.bias_low : NULL;
    memcpy(want.data, old.data, old.bytes);
    memcpy(want_activated.data, old.data, old.bytes);
    x->c = want.data;
    x->activated = args->activated ? want_activated.data : NULL;
    naive(x);
    const hone__bf16_kernel *kernel;
    for (int i = 0; (kernel = use_kernel(i)); i++) {
        x->b_packed = NULL;
        check_run(x, kernel->name, &old, &got, &got_activated, &want, &want_activated);
        if (x->m * x->n * x->k > MOST_PACKED)
            continue;
        guard packed = guard_new(hone__gemm_pairs_packed_bytes(x));
        hone__gemm_pairs_pack(x, packed.data);
        x->b_packed = packed.data;
        check_run(x, kernel->name, &old, &got, &got_activated, &want, &want_activated);
        check_free(&packed);
    }
    check_free(&a);
    check_free(&b);
    check_free(&old);
    check_free(&want);
    check_free(&got);
    check_free(&want_activated);
    check_free(&got_activated);
    check_free(&biases);
}

/* ---- what is run ---- */

static void add_epilogue(hone__gemm_args *x)
{
    x->narrow = next() & 1;
    x->accumulate = (hone__gemm_accumulate)below(3);
    x->alpha = x->accumulate != HONE__GEMM_BEGIN && below(3) == 0 ? 0.37 : 1.0;
    switch (below(4)) {
    case 0:
        x->act = HONE__GEMM_RELU;
        break;
    case 1:
        with_gelu(x);
        break;
    default:
        break;
    }
    if (next() & 1) {
        x->bias_cs = 1;
    } else {
        x->bias_rs = 1;
    }
}

static void check_layouts(int64_t m, int64_t n, int64_t k, numbers kind)
{
    for (int layout = 0; layout < 4; layout++) {
        hone__gemm_args x = shaped(HONE__GEMM_BF16, m, n, k, layout & 1, layout & 2);
        check(&x, false, kind);
        add_epilogue(&x);
        check(&x, next() & 1, kind);
    }
}

/* Every remainder of k, of a tile's rows and columns, and of a packing's steps. */
static void check_remainders(int threads)
{
    start(threads);
    for (int64_t k = 0; k <= 70; k += test_step()) {
        check_layouts(1 + below(40), 1 + below(100), k, k % 2 ? SPECIALS : USUAL);
    }
    for (int64_t m = 1; m <= 18; m += test_step()) {
        check_layouts(m, 1 + below(70), 1 + below(40), USUAL);
    }
    for (int64_t n = 1; n <= 100; n += test_step() + below(3)) {
        check_layouts(1 + below(20), n, 1 + below(40), USUAL);
    }
}

/* The last k, row or column of a step, a tile or a panel, and those beside it: operands end where
 * pages do. */
static void check_ends(void)
{
    static const int64_t extents[] = { 1, 4, 5, 15, 16, 17, 31, 32, 33 };
    enum { N = sizeof extents / sizeof *extents };
    start(1);
    for (int i = 0; i < N * N * N; i += test_step()) {
        const int64_t m = extents[i % N], n = extents[i / N % N], k = extents[i / (N * N)];
        for (int layout = 0; layout < 4; layout++) {
            hone__gemm_args x = shaped(HONE__GEMM_BF16, m, n, k, layout & 1, layout & 2);
            x.narrow = (i + layout) & 1;
            check(&x, false, USUAL);
        }
    }
}

/* Sums about the least normal number, to which the bias adds what leaves denormals, or is one: they
 * are kept. */
static void check_denormals(void)
{
    start(2);
    for (int i = 0; i < 96; i++) {
        const int64_t m = 1 + below(70), n = 1 + below(140), k = 1 + below(40);
        hone__gemm_args x = shaped(HONE__GEMM_BF16, m, n, k, i & 1, i & 2);
        x.narrow = i % 3;
        x.act = i & 4 ? HONE__GEMM_RELU : HONE__GEMM_NO_ACT;
        x.accumulate = below(4) ? HONE__GEMM_OVERWRITE : HONE__GEMM_BEGIN;
        *(i & 8 ? &x.bias_cs : &x.bias_rs) = 1;
        check(&x, i & 16 || i < 16, LEAST);
    }
}

/* A range of k ends in the middle, an area of sums waits beside C. */
static void check_long_k(void)
{
    start(2);
    check_layouts(9, 35, 4300, USUAL);
    check_layouts(3, 1100, 515, USUAL);
    check_layouts(1, 2050, 129, SPECIALS);
    check_layouts(2100, 3, 77, USUAL);
}

/* Strides of any kind, C's by columns or apart, batches that share an operand. */
static void check_strides_and_batches(void)
{
    start(2);
    for (int i = 0; i < 60; i++) {
        const int64_t m = 1 + below(20), n = 1 + below(60), k = 1 + below(50);
        hone__gemm_args x = shaped(HONE__GEMM_BF16, m, n, k, i & 1, i & 2);
        add_epilogue(&x);
        switch (below(4)) {
        case 0: /* every second, and backwards */
            x.a_rs *= 2;
            x.a_cs *= -2;
            x.b_rs *= 3;
            x.b_cs *= 3;
            break;
        case 1: /* by columns */
            x.c_rs = 1;
            x.c_cs = m + 1;
            break;
        case 2:
            x.c_rs = 2 * n;
            x.c_cs = 2;
            break;
        default: /* one row of A for all, B's columns all the same */
            x.a_rs = 0;
            x.b_cs = 0;
        }
        x.n_batch_dims = (int)below(2);
        x.batch[0] = 1 + below(4);
        x.a_batch[0] = m * k * (next() & 1) * 4;
        x.b_batch[0] = m == 1 ? 0 : k * n * 4;
        x.c_batch[0] = 4 * (m + 1) * (n + 1);
        check(&x, next() & 1, i % 3 == 0 ? SPECIALS : USUAL);
    }
}

#endif
