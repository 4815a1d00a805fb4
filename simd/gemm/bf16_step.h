/* bf16_step.h: one step of a product of bf16, in plain C: acc = fma(a, b, acc), rounded once to
 * nearest even, where denormals don't exist: operands that are denormal are a zero of their sign,
 * and so is a result that is tiny. A result is tiny if it is less than 2^-126 when it is rounded to
 * 24 bits whatever its exponent: `after rounding`, as x86 finds it (vdpbf16ps, and FMAs with FTZ and
 * DAZ set), while Arm finds it before.
 *
 * Only results in [2^-126 - 2^-150, 2^-126 - 2^-151) show the difference to a denormal that is
 * rounded at its own, coarser place and flushed then: it comes to 2^-126. */
#ifndef HONE_GEMM_BF16_STEP_H
#define HONE_GEMM_BF16_STEP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/** A denormal is a zero of its sign. */
static inline float hone__bf16_flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static inline float hone__bf16_widen(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* r is a * b + acc, rounded as a denormal is: 2^-126 or less. */
static inline float hone__bf16_settle(float a, float b, float acc, float r)
{
    if (fabsf(r) < 0x1p-126f) {
        return copysignf(0, r);
    }
    /* Doubles hold both addends: acc is a multiple of 2^-149, and so would be the sum if the product
     * were too large for that. */
    const double sign = r < 0 ? -1 : 1, beyond = sign * (double)acc - 0x1p-126;
    return beyond + sign * (double)a * (double)b >= -0x1p-151 ? r : copysignf(0, r);
}

/** a, b: widened bf16; acc: flushed, as a step's result is. */
static inline float hone__bf16_step(float a, float b, float acc)
{
    a = hone__bf16_flush(a);
    b = hone__bf16_flush(b);
    const float r = fmaf(a, b, acc);
    return r != 0 && fabsf(r) <= 0x1p-126f ? hone__bf16_settle(a, b, acc, r) : r;
}

/** The sum of two sums, by the same rule: one that is tiny is exact, so it needs no settling. */
static inline float hone__bf16_add(float x, float y)
{
    return hone__bf16_flush(hone__bf16_flush(x) + hone__bf16_flush(y));
}

#endif
