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

/** n floats that lie, as halves, in the upper half of the memory at `values`, in their places. */
static inline void hone__halves_to_f32(void *values, int64_t n, uint32_t (*bits)(uint16_t))
{
    char *out = values;
    const char *in = out + 2 * n;
    for (int64_t i = 0; i < n; i++) { /* what is written ends before what is still to be read */
        uint16_t half;
        memcpy(&half, in + 2 * i, sizeof half);
        const uint32_t wide = bits(half);
        memcpy(out + 4 * i, &wide, sizeof wide);
    }
}

#endif
