/* gemm_cases.h: matrix products run on every ISA of this machine and compared, bit by bit, with the
 * contract written down naively. For the tests of the matrix product. */
#ifndef TESTS_GEMM_CASES_H
#define TESTS_GEMM_CASES_H

#include "core/core.h"
#include "gemm/gemm.h"
#include "guard.h"
#include "isa/isa.h"
#include "step.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chooses the team; the first call in a process counts, and each test is a process. */
static inline void start(int threads)
{
    char text[16];
    snprintf(text, sizeof text, "%d", threads);
    setenv("HONE_FORCE_THREADS", text, 1);
    cr_assert(hone__ready());
}

/* ---- random numbers of mixed size, some of them zero ---- */

static uint64_t state = 88172645463325252u;

static inline uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static inline int64_t below(int64_t n)
{
    return (int64_t)(next() % (uint32_t)n);
}

static inline double number(void)
{
    const uint32_t kind = next() % 16;
    const double x = (double)next() / 4294967296.0 - 0.5;
    return kind == 0 ? 0.0 : kind == 1 ? -0.0 : kind == 2 ? x * 1024 : x;
}

/* ---- a case ---- */

static inline void check_free(guard *g)
{
    cr_assert(guard_intact(g), "wrote before an operand");
    guard_free(g);
}

typedef struct {
    hone__gemm_args args; /* pointers filled in by run() */
    int64_t a_low, a_high, b_low, b_high, c_high, bias_low,
        bias_high; /* element offsets that are used */
} operands;

static inline size_t size_of(const hone__gemm_args *x)
{
    return x->dtype == HONE__GEMM_F32 ? sizeof(float) : sizeof(double);
}

static inline void reach(int64_t extent, int64_t stride, int64_t *low, int64_t *high)
{
    if (extent > 0) {
        *(stride < 0 ? low : high) += (extent - 1) * stride;
    }
}

static inline operands measure(const hone__gemm_args *x)
{
    operands o = { .args = *x };
    reach(x->m, x->a_rs, &o.a_low, &o.a_high);
    reach(x->k, x->a_cs, &o.a_low, &o.a_high);
    reach(x->k, x->b_rs, &o.b_low, &o.b_high);
    reach(x->n, x->b_cs, &o.b_low, &o.b_high);
    reach(x->m, x->c_rs, &o.c_high, &o.c_high);
    reach(x->n, x->c_cs, &o.c_high, &o.c_high);
    reach(x->m, x->bias_rs, &o.bias_low, &o.bias_high);
    reach(x->n, x->bias_cs, &o.bias_low, &o.bias_high);
    for (int d = 0; d < x->n_batch_dims; d++) {
        reach(x->batch[d], x->a_batch[d], &o.a_low, &o.a_high);
        reach(x->batch[d], x->b_batch[d], &o.b_low, &o.b_high);
        reach(x->batch[d], x->c_batch[d], &o.c_high, &o.c_high);
    }
    return o;
}

static inline guard random_guard(const hone__gemm_args *x, int64_t low, int64_t high)
{
    const int64_t n = high - low + 1;
    guard b = guard_new((size_t)n * size_of(x));
    for (int64_t i = 0; i < n; i++) {
        if (x->dtype == HONE__GEMM_F32) {
            ((float *)(void *)b.data)[i] = (float)number();
        } else {
            ((double *)(void *)b.data)[i] = number();
        }
    }
    return b;
}

/* ---- the contract, naively; once for each type ---- */

typedef enum { CHAIN, SPLIT, DOT } order;

/* Neither m, nor the batch, nor a stride of A enters. */
static inline order order_of(const hone__gemm_args *x)
{
    if (x->chain || x->accumulate == HONE__GEMM_BEGIN) {
        return CHAIN;
    }
    if (x->k > 1 && (x->b_rs == 1 || x->n == 1) && x->n <= 8) {
        return DOT;
    }
    return x->n <= 64 && x->k >= 4096 ? SPLIT : CHAIN;
}

#define T       float
#define FMA     fmaf
#define NAME(x) x##_f32
#define LANES   64
#define BLOCK   4096
#define DTYPE   HONE__F32
#include "gemm_reference.h"
#undef T
#undef FMA
#undef NAME
#undef LANES
#undef BLOCK
#undef DTYPE

#define T       double
#define FMA     fma
#define NAME(x) x##_f64
#define LANES   32
#define BLOCK   2048
#define DTYPE   HONE__F64
#include "gemm_reference.h"

static inline void reference(const hone__gemm_args *x)
{
    if (x->dtype == HONE__GEMM_F32) {
        product_f32(x);
    } else {
        product_f64(x);
    }
}

static inline void explain(const hone__gemm_args *x, const char *isa)
{
    fprintf(stderr,
            "%s: %s m %ld n %ld k %ld, A (%ld, %ld), B (%ld, %ld), C (%ld, %ld), accumulate %d, "
            "activation %d%s, alpha %g, "
            "bias %s (%ld, %ld), batch dims %d\n",
            isa, x->dtype == HONE__GEMM_F32 ? "f32" : "f64", (long)x->m, (long)x->n, (long)x->k,
            (long)x->a_rs, (long)x->a_cs, (long)x->b_rs, (long)x->b_cs, (long)x->c_rs,
            (long)x->c_cs, x->accumulate, (int)x->act, x->activated ? " elsewhere" : "", x->alpha,
            x->bias ? "yes" : "no", (long)x->bias_rs, (long)x->bias_cs, x->n_batch_dims);
}

/* Every ISA on these arguments, some as one chain and some begun with C where they accumulate; bias != NULL asks for a bias, activated != NULL for the
 * activation's values in a place of their own. */
static inline void run(const hone__gemm_args *args)
{
    static bool ran; /* in this test: its first product always does */
    if (ran && test_step() > 1 && below(test_step()) != 0) {
        return;
    }
    ran = true;
    operands o = measure(args);
    hone__gemm_args *x = &o.args;
    x->chain = below(4) == 0;
    if (x->accumulate && x->alpha == 1.0 && below(2)) {
        x->accumulate = HONE__GEMM_BEGIN;
    }
    guard a = random_guard(x, o.a_low, o.a_high), b = random_guard(x, o.b_low, o.b_high);
    guard old = random_guard(x, 0, o.c_high), want = guard_new(old.bytes),
          got = guard_new(old.bytes);
    guard want_activated = guard_new(old.bytes), got_activated = guard_new(old.bytes);
    guard bias = random_guard(x, o.bias_low, o.bias_high);
    const int64_t size = (int64_t)size_of(x);
    x->a = a.data - o.a_low * size;
    x->b = b.data - o.b_low * size;
    x->bias = args->bias ? bias.data - o.bias_low * size : NULL;
    memcpy(want.data, old.data, old.bytes);
    memcpy(want_activated.data, old.data, old.bytes);
    x->c = want.data;
    x->activated = args->activated ? want_activated.data : NULL;
    reference(x);
    for (int i = 0; hone__isa_available(i); i++) {
        const hone__isa *isa = hone__isa_available(i);
        hone__isa_use(isa);
        memcpy(got.data, old.data, old.bytes);
        memcpy(got_activated.data, old.data, old.bytes);
        x->c = got.data;
        x->activated = args->activated ? got_activated.data : NULL;
        cr_assert_eq(hone__gemm(x), 0);
        if (memcmp(got.data, want.data, want.bytes) != 0 ||
            memcmp(got_activated.data, want_activated.data, want.bytes) != 0) {
            explain(x, isa->name);
            cr_assert_fail("bits differ");
        }
    }
    check_free(&a);
    check_free(&b);
    check_free(&old);
    check_free(&want);
    check_free(&got);
    check_free(&want_activated);
    check_free(&got_activated);
    check_free(&bias);
}

/* ---- what is run ---- */

static inline hone__gemm_args shaped(hone__gemm_dtype dtype, int64_t m, int64_t n, int64_t k,
                                     bool ta, bool tb)
{
    hone__gemm_args x = hone__gemm_contiguous(dtype, m, n, k);
    if (ta) {
        x.a_rs = 1;
        x.a_cs = m;
    }
    if (tb) {
        x.b_rs = 1;
        x.b_cs = k;
    }
    return x;
}

static const char some_bias; /* any address: asks run() for one */
static char elsewhere;       /* the same for `activated` */

static inline void with_gelu(hone__gemm_args *x)
{
    x->act = next() & 1 ? HONE__GEMM_GELU : HONE__GEMM_GELU_TANH;
    x->activated = next() & 1 ? &elsewhere : NULL;
}

#endif
