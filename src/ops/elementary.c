/* elementary.c: arcs, hyperbolic functions and their inverses, logarithms and powers of 2 and 10, the
 * inverse error function: kernels and their slopes. */
#include "ops/unary.h"

#define LN_2         0.69314718055994530942
#define LN_10        2.30258509299404568402
#define HALF_SQRT_PI 0.88622692545275801365

/* 1 - x^2, x^2 + 1, x^2 - 1 */
static hone_tensor *below_one(hone_tensor *x)
{
    return hone_add_scalar(hone_neg(hone_square(x)), 1);
}

static hone_tensor *above_one(hone_tensor *x)
{
    return hone_add_scalar(hone_square(x), 1);
}

/* <op>: its kernel keeps x or y, and the gradient is dy times the slope, of `t`, which was kept. */
#define ELEMENTARY(op, NAME, keep, slope)                                                          \
    static void op##_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)         \
    {                                                                                              \
        hone_tensor *t = hone_saved(ctx, 0);                                                       \
        dx[0] = slope;                                                                             \
    }                                                                                              \
    HONE__REAL_OP(op, HONE__K_##NAME, HONE__KEEP_##keep)
#define TIMES(slope) hone_mul(dy[0], slope)

ELEMENTARY(asin, ASIN, INPUT, TIMES(hone_rsqrt(below_one(t))))
ELEMENTARY(acos, ACOS, INPUT, hone_neg(TIMES(hone_rsqrt(below_one(t)))))
ELEMENTARY(atan, ATAN, INPUT, hone_div(dy[0], above_one(t)))
ELEMENTARY(sinh, SINH, INPUT, TIMES(hone_cosh(t)))
ELEMENTARY(cosh, COSH, INPUT, TIMES(hone_sinh(t)))
ELEMENTARY(asinh, ASINH, INPUT, TIMES(hone_rsqrt(above_one(t))))
ELEMENTARY(acosh, ACOSH, INPUT, TIMES(hone_rsqrt(hone_neg(below_one(t)))))
ELEMENTARY(atanh, ATANH, INPUT, hone_div(dy[0], below_one(t)))
ELEMENTARY(log2, LOG2, INPUT, hone_div(dy[0], hone_mul_scalar(t, LN_2)))
ELEMENTARY(log10, LOG10, INPUT, hone_div(dy[0], hone_mul_scalar(t, LN_10)))
ELEMENTARY(exp2, EXP2, OUTPUT, TIMES(hone_mul_scalar(t, LN_2)))
ELEMENTARY(erfinv, ERFINV, OUTPUT, TIMES(hone_mul_scalar(hone_exp(hone_square(t)), HALF_SQRT_PI)))
