/* Unary, binary, comparing and selecting kernels: every ISA, dtype, size 0..130 and stride against
 * the scalar ISA's answer for each element alone, bit by bit; and that answer against C's
 * arithmetic where it is exact. What the transcendental ones are worth is test_kernels_math.c's. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 131 };

typedef struct {
    int64_t out, a, b;
} strides;
static const strides all_strides[] = { { 1, 1, 1 }, { 1, 1, 0 },   { 1, 0, 1 }, { 2, 1, 1 },
                                       { 1, 3, 2 }, { -1, -1, 1 }, { 3, -2, 0 } };

static size_t span_bytes(int dtype, int64_t n, int64_t stride)
{
    return (size_t)(n > 0 ? (n - 1) * llabs(stride) + 1 : 0) * test_size(dtype);
}

/* Where element i lies: a negative stride starts at the far end. */
static unsigned char *at(const guard *g, int dtype, int64_t n, int64_t stride, int64_t i)
{
    const int64_t start = stride < 0 ? (n - 1) * -stride : 0;
    return g->data + (start + i * stride) * (int64_t)test_size(dtype);
}

static guard filled(int dtype, int64_t n, int64_t stride, uint64_t seed)
{
    guard g = guard_new(span_bytes(dtype, n, stride));
    for (size_t i = 0; i < g.bytes / test_size(dtype); i++)
        test_value(dtype, seed + i, g.data + i * test_size(dtype));
    return g;
}

/* Gaps between the output's elements hold this and keep it. */
static guard blank(int dtype, int64_t n, int64_t stride)
{
    guard g = guard_new(span_bytes(dtype, n, stride));
    memset(g.data, 0x5a, g.bytes);
    return g;
}

static void check_gaps(const guard *g, int dtype, int64_t stride)
{
    const size_t size = test_size(dtype), step = (size_t)llabs(stride) * size;
    cr_assert(guard_intact(g));
    for (size_t i = 0; i < g->bytes; i++)
        if (i % step >= size)
            cr_assert_eq(g->data[i], 0x5a, "a byte between the elements changed");
}

static int64_t next_n(int64_t n)
{
    return n < 40 ? n + 1 : n + 9; /* all tails of all vector lengths, then fewer */
}

#define UNARY_KERNEL(NAME, name, ...) #name,
static const char *const unary_names[] = {
#include "kernels/kernels.def"
};
#define BINARY_KERNEL(NAME, name, ...) #name,
static const char *const binary_names[] = {
#include "kernels/kernels.def"
};

#define FORMULA_KERNEL(NAME, name, dtypes, inputs, cost) { #name, inputs },
static const struct {
    const char *name;
    int inputs;
} formulas[] = {
#include "kernels/kernels.def"
};

static void check_unary(const hone__isa *isa, int kind, int dtype)
{
    const hone__unary_fn fn = isa->unary[kind][dtype];
    const hone__unary_fn reference = hone__isa_find("scalar")->unary[kind][dtype];
    cr_assert_eq(!fn, !reference);
    for (int64_t n = 0; fn && n < MAX_N; n = next_n(n)) {
        for (size_t s = 0; s < sizeof all_strides / sizeof *all_strides; s++) {
            const int64_t sy = all_strides[s].out, sx = all_strides[s].a;
            guard x = filled(dtype, n, sx, 1000 * (uint64_t)n + s), y = blank(dtype, n, sy);
            fn(n, at(&y, dtype, n, sy, 0), sy, at(&x, dtype, n, sx, 0), sx);
            for (int64_t i = 0; i < n; i++) {
                unsigned char want[8];
                reference(1, want, 1, at(&x, dtype, n, sx, i), 1);
                cr_assert(test_same(dtype, at(&y, dtype, n, sy, i), want),
                          "%s %s dtype %d n %d strides %d %d: f(%a) is %a, not %a", isa->name,
                          unary_names[kind], dtype, (int)n, (int)sy, (int)sx,
                          test_number(dtype, at(&x, dtype, n, sx, i)),
                          test_number(dtype, at(&y, dtype, n, sy, i)), test_number(dtype, want));
            }
            check_gaps(&y, dtype, sy);
            guard_free(&x);
            guard_free(&y);
        }
    }
}

static void check_binary(const hone__isa *isa, int kind, int dtype)
{
    const hone__binary_fn fn = isa->binary[kind][dtype];
    const hone__binary_fn reference = hone__isa_find("scalar")->binary[kind][dtype];
    cr_assert_eq(!fn, !reference);
    for (int64_t n = 0; fn && n < MAX_N; n = next_n(n)) {
        for (size_t s = 0; s < sizeof all_strides / sizeof *all_strides; s++) {
            const strides t = all_strides[s];
            guard a = filled(dtype, n, t.a, 1000 * (uint64_t)n + s);
            guard b = filled(dtype, n, t.b, 5000 + 2000 * (uint64_t)n + s),
                  out = blank(dtype, n, t.out);
            fn(n, at(&out, dtype, n, t.out, 0), t.out, at(&a, dtype, n, t.a, 0), t.a,
               at(&b, dtype, n, t.b, 0), t.b);
            for (int64_t i = 0; i < n; i++) {
                unsigned char want[8];
                const unsigned char *p = at(&a, dtype, n, t.a, i), *q = at(&b, dtype, n, t.b, i);
                reference(1, want, 1, p, 1, q, 1);
                cr_assert(test_same(dtype, at(&out, dtype, n, t.out, i), want),
                          "%s %s dtype %d n %d case %d: f(%a, %a) is %a, not %a", isa->name,
                          binary_names[kind], dtype, (int)n, (int)s, test_number(dtype, p),
                          test_number(dtype, q), test_number(dtype, at(&out, dtype, n, t.out, i)),
                          test_number(dtype, want));
            }
            check_gaps(&out, dtype, t.out);
            guard_free(&a);
            guard_free(&b);
            guard_free(&out);
        }
    }
}

static void check_formula(const hone__isa *isa, int kind, int dtype)
{
    static const double numbers[HONE__FORMULA_NUMBERS] = { -0.75, 1.25, 0.3 };
    const hone__formula_fn fn = isa->formula[kind][dtype];
    const hone__formula_fn reference = hone__isa_find("scalar")->formula[kind][dtype];
    const int inputs = formulas[kind].inputs;
    cr_assert_eq(!fn, !reference);
    for (int64_t n = 0; fn && n < MAX_N; n = next_n(n)) {
        for (size_t s = 0; s < sizeof all_strides / sizeof *all_strides; s++) {
            const strides t = all_strides[s];
            const int64_t stride[] = { t.out, t.a, t.b, t.a }, ones[] = { 1, 1, 1, 1 };
            guard out = blank(dtype, n, t.out), in[3];
            char *p[4] = { (char *)at(&out, dtype, n, t.out, 0) };
            for (int k = 0; k < inputs; k++) {
                in[k] = filled(dtype, n, stride[k + 1], 1000 * (uint64_t)(n + 7 * k) + s);
                p[k + 1] = (char *)at(&in[k], dtype, n, stride[k + 1], 0);
            }
            fn(numbers, n, p, stride);
            for (int64_t i = 0; i < n; i++) {
                unsigned char want[8];
                char *one[4] = { (char *)want };
                for (int k = 0; k < inputs; k++)
                    one[k + 1] = (char *)at(&in[k], dtype, n, stride[k + 1], i);
                reference(numbers, 1, one, ones);
                const unsigned char *got = at(&out, dtype, n, t.out, i);
                cr_assert(test_same(dtype, got, want),
                          "%s %s dtype %d n %d case %d: f(%a ..) is %a, not %a", isa->name,
                          formulas[kind].name, dtype, (int)n, (int)s, test_number(dtype, one[1]),
                          test_number(dtype, got), test_number(dtype, want));
            }
            check_gaps(&out, dtype, t.out);
            for (int k = 0; k < inputs; k++)
                guard_free(&in[k]);
            guard_free(&out);
        }
    }
}

Test(kernels_elementwise, formulas_are_the_same_on_every_isa_size_and_stride)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = 0; kind < HONE__K_N_FORMULA; kind++)
            for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++)
                check_formula(isa, kind, dtype);
}

/* Small quotients in f64 as C's functions have them: what is large is a NaN. */
Test(kernels_elementwise, small_quotients_are_exact)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int j = 0; j < 20000; j++) {
            double a = (double)(float)((test_uniform((uint64_t)j) - 0.5) * (j % 7 ? 9 : 3e8));
            double b = (double)(float)(test_uniform((uint64_t)j + 70000) - 0.5), got;
            char *const p[] = { (char *)&got, (char *)&a, (char *)&b };
            const int64_t ones[] = { 1, 1, 1 };
            const double rest = fmod(a, b);
            const double want[] = { rest, rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest,
                                    floor((a - rest) / b -
                                          (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0)) };
            for (int f = 0; f < 3; f++) {
                isa->formula[HONE__K_FORMULA_FMOD_SMALL + f][HONE__F64](NULL, 1, p, ones);
                cr_assert(got == want[f] || !(fabs(a) < 0x1p28 * fabs(b)), "%d of %a, %a: %a", f, a,
                          b, got);
                cr_assert(isnan(got) || fabs(a) < 0x1p28 * fabs(b));
            }
        }
}

Test(kernels_elementwise, unary_is_the_same_on_every_isa_size_and_stride)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = 0; kind < HONE__K_N_UNARY; kind++)
            for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++)
                check_unary(isa, kind, dtype);
}

Test(kernels_elementwise, binary_is_the_same_on_every_isa_size_and_stride)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int kind = 0; kind < HONE__K_N_BINARY; kind++)
            for (int dtype = 0; dtype < HONE__N_DTYPES; dtype++)
                check_binary(isa, kind, dtype);
}

Test(kernels_elementwise, output_may_be_an_input)
{
    const hone__isa *isa;
    enum { N = 77 };
    float a[2 * N], b[2 * N], want[N];
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int64_t stride = 1; stride <= 2; stride++) {
            for (int which = 0; which < 2; which++) {
                for (int j = 0; j < 2 * N; j++) {
                    a[j] = (float)test_uniform((uint64_t)j);
                    b[j] = (float)test_uniform((uint64_t)j + 500);
                }
                for (int j = 0; j < N; j++)
                    want[j] = a[j * stride] / b[j * stride];
                float *out = which ? b : a;
                isa->binary[HONE__K_DIV][HONE__F32](N, out, stride, a, stride, b, stride);
                for (int j = 0; j < N; j++)
                    cr_assert_eq(out[j * stride], want[j]);
            }
        }
    }
}

/* ---- what is exact, against C (unary ones: test_kernels_math.c) ---- */

static double exact_binary(int kind, double a, double b)
{
    switch (kind) {
    case HONE__K_ADD:
        return a + b;
    case HONE__K_SUB:
        return a - b;
    case HONE__K_MUL:
        return a * b;
    case HONE__K_DIV:
        return a / b;
    case HONE__K_MAXIMUM:
        return isnan(b) || b > a ? b : a;
    case HONE__K_MINIMUM:
        return isnan(b) || b < a ? b : a;
    default: /* RELU_BACKWARD */
        return b <= 0 ? 0 : a;
    }
}

Test(kernels_elementwise, exact_ones_are_exact)
{
    const hone__isa *scalar = hone__isa_find("scalar");
    for (uint64_t i = 0; i < 20000; i++) {
        double x, y, got;
        float fx, fy, fgot;
        test_value(HONE__F64, i, &x);
        test_value(HONE__F64, i + 90000, &y);
        test_value(HONE__F32, i, &fx);
        test_value(HONE__F32, i + 90000, &fy);
        for (int kind = HONE__K_ADD; kind <= HONE__K_RELU_BACKWARD; kind++) {
            if (kind == HONE__K_POW)
                continue;
            const double want = exact_binary(kind, x, y);
            const float fwant = (float)exact_binary(kind, (double)fx, (double)fy);
            scalar->binary[kind][HONE__F64](1, &got, 1, &x, 1, &y, 1);
            scalar->binary[kind][HONE__F32](1, &fgot, 1, &fx, 1, &fy, 1);
            cr_assert(test_same(HONE__F64, &got, &want), "binary %d of %a %a is %a", kind, x, y,
                      got);
            cr_assert(test_same(HONE__F32, &fgot, &fwant), "binary %d of %a %a is %a", kind,
                      (double)fx, (double)fy, (double)fgot);
        }
    }
}

Test(kernels_elementwise, integers_wrap_and_never_trap)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        const int32_t least = INT32_MIN, minus = -1, seven = 7, zero = 0, three = 3, two = 2;
        int32_t out;
        isa->binary[HONE__K_DIV][HONE__I32](1, &out, 1, &least, 1, &minus, 1);
        cr_assert_eq(out, INT32_MIN);
        isa->binary[HONE__K_DIV][HONE__I32](1, &out, 1, &seven, 1, &zero, 1);
        cr_assert_eq(out, 0);
        isa->binary[HONE__K_ADD][HONE__I32](1, &out, 1, &least, 1, &minus, 1);
        cr_assert_eq(out, INT32_MAX);
        isa->unary[HONE__K_ABS][HONE__I32](1, &out, 1, &least, 1);
        cr_assert_eq(out, INT32_MIN);
        isa->binary[HONE__K_POW][HONE__I32](1, &out, 1, &seven, 1, &three, 1);
        cr_assert_eq(out, 343);
        isa->binary[HONE__K_POW][HONE__I32](1, &out, 1, &two, 1, &minus, 1);
        cr_assert_eq(out, 0);
        isa->binary[HONE__K_POW][HONE__I32](1, &out, 1, &minus, 1, &least, 1);
        cr_assert_eq(out, 1);
        const uint8_t a = 200, b = 100;
        uint8_t byte;
        isa->binary[HONE__K_ADD][HONE__U8](1, &byte, 1, &a, 1, &b, 1);
        cr_assert_eq(byte, 44);
        isa->unary[HONE__K_NEG][HONE__U8](1, &byte, 1, &a, 1);
        cr_assert_eq(byte, 56);
        isa->binary[HONE__K_DIV][HONE__U8](1, &byte, 1, &a, 1, &b, 1);
        cr_assert_eq(byte, 2);
        const int64_t big = INT64_MIN, one = -1;
        int64_t wide;
        isa->binary[HONE__K_DIV][HONE__I64](1, &wide, 1, &big, 1, &one, 1);
        cr_assert_eq(wide, INT64_MIN);
        const uint8_t yes = 1, no = 0;
        isa->binary[HONE__K_ADD][HONE__BOOL](1, &byte, 1, &yes, 1, &yes, 1);
        cr_assert_eq(byte, 1);
        isa->binary[HONE__K_MUL][HONE__BOOL](1, &byte, 1, &yes, 1, &no, 1);
        cr_assert_eq(byte, 0);
    }
}

Test(kernels_elementwise, derivatives_and_add_scaled_are_what_their_formulas_say)
{
    const hone__isa *isa;
    enum { N = 101 };
    double a[N], b[N], out[N];
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int j = 0; j < N; j++) {
            test_value(HONE__F64, (uint64_t)j, a + j);
            test_value(HONE__F64, (uint64_t)j + 300, b + j);
        }
        isa->binary[HONE__K_SIGMOID_BACKWARD][HONE__F64](N, out, 1, a, 1, b, 1);
        for (int j = 0; j < N; j++) {
            const double want = a[j] * (b[j] * (1 - b[j]));
            cr_assert(test_same(HONE__F64, out + j, &want));
        }
        isa->binary[HONE__K_TANH_BACKWARD][HONE__F64](N, out, 1, a, 1, b, 1);
        for (int j = 0; j < N; j++) {
            const double want = a[j] * fma(-b[j], b[j], 1);
            cr_assert(test_same(HONE__F64, out + j, &want));
        }
        isa->add_scaled[HONE__F64](N, out, 1, a, 1, b, 1, 0.3);
        for (int j = 0; j < N; j++) {
            const double want = fma(0.3, b[j], a[j]);
            cr_assert(test_same(HONE__F64, out + j, &want));
        }
        isa->add_scaled[HONE__F64](N / 2, out, 2, a, 1, b, 2, -1.5);
        for (int j = 0; j < N / 2; j++) {
            const double want = fma(-1.5, b[2 * j], a[j]);
            cr_assert(test_same(HONE__F64, out + 2 * j, &want));
        }
        isa->add_scaled[HONE__F64](N, a, 1, a, 1, b, 0, 2);
        for (int j = 0; j < N; j++) {
            double old;
            test_value(HONE__F64, (uint64_t)j, &old);
            const double want = fma(2, b[0], old);
            cr_assert(test_same(HONE__F64, a + j, &want));
        }
    }
}
