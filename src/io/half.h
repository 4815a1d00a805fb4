/* half.h: floats of 16 bits, exact in f32. By integers: whether the CPU flushes denormals doesn't
 * matter. */
#ifndef HONE_IO_HALF_H
#define HONE_IO_HALF_H

#include <stdint.h>
#include <string.h>

/** IEEE binary16 (5 bits of exponent, 10 of fraction) as the bits of a float. */
static inline uint32_t hone__f16_bits(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0x1F) /* infinity, NaN */
        return sign | 0x7F800000u | fraction << 13;
    if (exponent == 0 && fraction == 0)
        return sign;
    if (exponent == 0) { /* subnormal there, normal here: its first 1 becomes the hidden one */
        const unsigned shift = (unsigned)__builtin_clz(fraction) - 21;
        fraction = fraction << shift & 0x3FF;
        exponent = 1 - shift; /* wraps, and back by the sum below */
    }
    return sign | (exponent + 112) << 23 | fraction << 13;
}

/** bfloat16: the upper half of a float. */
static inline uint32_t hone__bf16_bits(uint16_t half)
{
    return (uint32_t)half << 16;
}

/** The bits of a float as bfloat16, rounded to nearest even. */
static inline uint16_t hone__bf16_of(uint32_t bits)
{
    if ((bits & 0x7FFFFFFF) > 0x7F800000) /* NaN: a quiet one */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#endif
