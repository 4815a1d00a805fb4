/* The SGD step against its formulas in plain C, for every combination of options. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 41 };

static void step_f64(double *p, double g, double *buf, const hone__sgd_args *a)
{
    g = a->maximize ? -g : g;
    if (a->weight_decay != 0)
        g = fma(a->weight_decay, *p, g);
    if (a->momentum != 0) {
        *buf = a->first ? g : fma(a->momentum, *buf, (1 - a->dampening) * g);
        g = a->nesterov ? fma(a->momentum, *buf, g) : *buf;
    }
    *p = *p - a->lr * g;
}

static void step_f32(float *p, float g, float *buf, const hone__sgd_args *a)
{
    g = a->maximize ? -g : g;
    if (a->weight_decay != 0)
        g = fmaf((float)a->weight_decay, *p, g);
    if (a->momentum != 0) {
        *buf = a->first ? g : fmaf((float)a->momentum, *buf, (float)(1 - a->dampening) * g);
        g = a->nesterov ? fmaf((float)a->momentum, *buf, g) : *buf;
    }
    *p = *p - (float)a->lr * g;
}

static void check(const hone__isa *isa, const hone__sgd_args *args, int64_t n)
{
    double p[N], g[N], buf[N];
    float sp[N], sg[N], sbuf[N];
    guard gp = guard_new((size_t)n * 8), gbuf = guard_new((size_t)n * 8);
    guard gsp = guard_new((size_t)n * 4), gsbuf = guard_new((size_t)n * 4);
    for (int i = 0; i < n; i++) {
        p[i] = test_uniform((uint64_t)i);
        g[i] = test_uniform((uint64_t)i + 50) - 0.5;
        buf[i] = test_uniform((uint64_t)i + 100) - 0.5;
        sp[i] = (float)p[i];
        sg[i] = (float)g[i];
        sbuf[i] = (float)buf[i];
    }
    memcpy(gp.data, p, gp.bytes);
    memcpy(gbuf.data, buf, gbuf.bytes);
    memcpy(gsp.data, sp, gsp.bytes);
    memcpy(gsbuf.data, sbuf, gsbuf.bytes);
    for (int i = 0; i < n; i++) {
        step_f64(p + i, g[i], buf + i, args);
        step_f32(sp + i, sg[i], sbuf + i, args);
    }
    isa->step[HONE__K_SGD][HONE__F64](n, gp.data, g, (void *[]){ gbuf.data }, args);
    isa->step[HONE__K_SGD][HONE__F32](n, gsp.data, sg, (void *[]){ gsbuf.data }, args);
    cr_assert(memcmp(gp.data, p, gp.bytes) == 0 && memcmp(gbuf.data, buf, gbuf.bytes) == 0,
              "%s f64", isa->name);
    cr_assert(memcmp(gsp.data, sp, gsp.bytes) == 0 && memcmp(gsbuf.data, sbuf, gsbuf.bytes) == 0,
              "%s f32", isa->name);
    cr_assert(guard_intact(&gp) && guard_intact(&gbuf) && guard_intact(&gsp) &&
              guard_intact(&gsbuf));
    guard_free(&gp);
    guard_free(&gbuf);
    guard_free(&gsp);
    guard_free(&gsbuf);
}

Test(kernels_optim, sgd_follows_its_formulas)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int options = 0; options < 32; options++) {
            const hone__sgd_args args = {
                .lr = 0.1,
                .momentum = options & 1 ? 0.9 : 0,
                .weight_decay = options & 2 ? 1e-3 : 0,
                .nesterov = options & 4,
                .dampening = options & 4 ? 0 : 0.25,
                .maximize = options & 8,
                .first = options & 16,
            };
            for (int64_t n = 0; n < N; n++)
                check(isa, &args, n);
        }
    }
}
