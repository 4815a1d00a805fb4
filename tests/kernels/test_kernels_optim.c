/* The optimizer steps against their formulas in plain C: on every instruction set, for every
 * combination of options, with every tail, and not a byte further. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define REAL    double
#define F(name) name##_f64
#define FMA     fma
#define SQRT    sqrt
#define ABS     fabs
#include "optim_formulas.h"
#undef REAL
#undef F
#undef FMA
#undef SQRT
#undef ABS

#define REAL    float
#define F(name) name##_f32
#define FMA     fmaf
#define SQRT    sqrtf
#define ABS     fabsf
#include "optim_formulas.h"
#undef REAL
#undef F
#undef FMA
#undef SQRT
#undef ABS

enum { N = 41, OPERANDS = 4 }; /* parameter and state */

typedef struct {
    const char *name;
    int kernel, states;
    void (*f64)(double *p, double g, double **s, const void *args);
    void (*f32)(float *p, float g, float **s, const void *args);
    const void *args;
} step;

/* Values that a gradient, or what was gathered of them, may have; special ones among the last. */
static double value(int operand, int i, bool special)
{
    static const double specials[] = { 0, -0.0, INFINITY, -INFINITY, NAN, 1e-300, 1e30 };
    const double x = test_uniform((uint64_t)(i + 50 * operand));
    if (special && (i + operand) % 5 == 0)
        return specials[(i / 5 + operand) % 7];
    return operand < 2 ? x : x - 0.5; /* squares aren't negative */
}

/* Equal bits, but that a NaN is as good as another. */
static bool same(const void *a, const void *b, int64_t n, bool is_f64)
{
    for (int64_t i = 0; i < n; i++) {
        const double x = is_f64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
        const double y = is_f64 ? ((const double *)b)[i] : (double)((const float *)b)[i];
        if (isnan(x) != isnan(y) || (!isnan(x) && memcmp(&x, &y, sizeof x) != 0))
            return false;
    }
    return true;
}

static void check_dtype(const hone__isa *isa, const step *s, int64_t n, bool special, bool is_f64)
{
    const size_t size = is_f64 ? 8 : 4;
    double wanted64[OPERANDS][N], g64[N];
    float wanted32[OPERANDS][N], g32[N];
    guard got[OPERANDS];
    for (int o = 0; o < OPERANDS; o++) {
        got[o] = guard_new((size_t)n * size);
        for (int i = 0; i < n; i++) {
            wanted64[o][i] = value(o, i, special);
            wanted32[o][i] = (float)wanted64[o][i];
        }
        memcpy(got[o].data, is_f64 ? (void *)wanted64[o] : (void *)wanted32[o], got[o].bytes);
    }
    for (int i = 0; i < n; i++)
        g32[i] = (float)(g64[i] = value(7, i, special));
    for (int i = 0; i < n; i++) {
        double *s64[] = { wanted64[1] + i, wanted64[2] + i, wanted64[3] + i };
        float *s32[] = { wanted32[1] + i, wanted32[2] + i, wanted32[3] + i };
        if (is_f64)
            s->f64(wanted64[0] + i, g64[i], s64, s->args);
        else
            s->f32(wanted32[0] + i, g32[i], s32, s->args);
    }
    void *state[3] = { NULL };
    for (int k = 0; k < s->states; k++)
        state[k] = got[k + 1].data;
    isa->step[s->kernel][is_f64 ? HONE__F64 : HONE__F32](
        n, got[0].data, is_f64 ? (void *)g64 : (void *)g32, state, s->args);
    for (int o = 0; o < OPERANDS; o++) {
        cr_assert(same(got[o].data, is_f64 ? (void *)wanted64[o] : (void *)wanted32[o], n, is_f64),
                  "%s %s %s: operand %d of %d elements", s->name, isa->name, is_f64 ? "f64" : "f32",
                  o, (int)n);
        cr_assert(guard_intact(&got[o]), "%s %s writes past its end", s->name, isa->name);
        guard_free(&got[o]);
    }
}

static void check(const step *s)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++)
        for (int64_t n = 0; n < N; n++)
            for (int way = 0; way < 4; way++)
                check_dtype(isa, s, n, way & 1, way & 2);
}

#define STEP(NAME, name_, ...)                                                                     \
    do {                                                                                           \
        const hone__##name_##_args args = { __VA_ARGS__ };                                         \
        check(&(step){ #name_, HONE__K_##NAME, hone__##name_##_states(&args), name_##_f64,         \
                       name_##_f32, &args });                                                      \
    } while (0)

Test(kernels_optim, sgd)
{
    for (int o = 0; o < 32; o++)
        STEP(SGD, sgd, .lr = 0.1, .momentum = o & 1 ? 0.9 : 0, .weight_decay = o & 2 ? 1e-3 : 0,
             .nesterov = o & 4, .dampening = o & 4 ? 0 : 0.25, .maximize = o & 8, .first = o & 16);
}

Test(kernels_optim, adam_and_its_family)
{
    for (int o = 0; o < 64; o++)
        STEP(ADAM, adam, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = o & 1 ? 1e-3 : 0,
             .shrink = o & 2 ? 0.99 : 1, .root = 1.25, .rate = 0.02, .grad_rate = o & 4 ? 0.01 : 0,
             .amsgrad = o & 8, .maximize = o & 16, .plain = o & 32);
}

Test(kernels_optim, adamax)
{
    for (int o = 0; o < 4; o++)
        STEP(ADAMAX, adamax, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8,
             .weight_decay = o & 1 ? 1e-3 : 0, .rate = 0.02, .maximize = o & 2);
}

Test(kernels_optim, rmsprop)
{
    for (int o = 0; o < 16; o++)
        STEP(RMSPROP, rmsprop, .lr = 0.02, .alpha = 0.99, .eps = 1e-8,
             .weight_decay = o & 1 ? 1e-3 : 0, .momentum = o & 2 ? 0.9 : 0, .centered = o & 4,
             .maximize = o & 8);
}

Test(kernels_optim, adagrad_and_adadelta)
{
    for (int o = 0; o < 4; o++) {
        STEP(ADAGRAD, adagrad, .rate = 0.02, .eps = 1e-10, .weight_decay = o & 1 ? 1e-3 : 0,
             .maximize = o & 2);
        STEP(ADADELTA, adadelta, .lr = 0.5, .rho = 0.9, .eps = 1e-6,
             .weight_decay = o & 1 ? 1e-3 : 0, .maximize = o & 2);
    }
}

Test(kernels_optim, lion_and_muon)
{
    for (int o = 0; o < 4; o++) {
        STEP(LION, lion, .lr = 0.02, .beta1 = 0.9, .beta2 = 0.99, .shrink = o & 1 ? 0.99 : 1,
             .maximize = o & 2);
        STEP(MUON, muon, .momentum = o & 1 ? 0.95 : 1.5, .nesterov = o & 2);
    }
}

/* A variance that rounding leaves below 0 is 0, and no NaN. */
Test(kernels_optim, a_centered_variance_is_not_negative)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        float p[9], g[9], v[9], mean[9];
        for (int k = 0; k < 9; k++) {
            g[k] = mean[k] = 0.1f + 0.37f * (float)k;
            v[k] = nextafterf(g[k] * g[k], 0);
            p[k] = 1;
        }
        const hone__rmsprop_args args = { .lr = 0.1, .alpha = 1, .eps = 1, .centered = true };
        isa->step[HONE__K_RMSPROP][HONE__F32](9, p, g, (void *[]){ v, mean }, &args);
        for (int k = 0; k < 9; k++)
            cr_assert(p[k] < 1 && fabsf(p[k] - (1 - 0.1f * g[k])) < 1e-3f, "%s: %g", isa->name,
                      (double)p[k]);
    }
}
